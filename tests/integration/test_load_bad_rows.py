"""Each bad row goes to ops.raw_rejects with file, line, text and reason; every other row is loaded."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import Database
from tests.integration.load_files import CUSTOMERS, FILES, Folder, content, payment, rejects

LINE = 17
PAYMENTS, ACTIVE, EVALUATE, DINERO, MARKET, CRYPTO = (
    "raw.payments",
    "raw.active_user",
    "raw.evaluate",
    "raw.dinero_cuenta",
    "raw.marketplace_data",
    "raw.bt_crypto_transaction_history",
)


@pytest.fixture(scope="module")
def shared(new_database: Callable[[str], Database], empty_template: str) -> Database:
    """One database for all the files of this module: each load replaces the rows of the one before."""
    return new_database(empty_template)


BAD_ROWS = [
    (PAYMENTS, "31/02/2019,9,17,1,Instore,0", "FECHA '31/02/2019' is not a date (expected YYYY-MM-DD)"),
    (PAYMENTS, "2019-02-30,9,17,1,Instore,0", "FECHA '2019-02-30' is not a date (expected YYYY-MM-DD)"),
    (PAYMENTS, "01/02/2019,9,17,1,Instore,0", "FECHA '01/02/2019' is not a date (expected YYYY-MM-DD)"),
    (PAYMENTS, "today,9,17,1,Instore,0", "FECHA 'today' is not a date (expected YYYY-MM-DD)"),
    (PAYMENTS, "20190203,9,17,1,Instore,0", "FECHA '20190203' is not a date (expected YYYY-MM-DD)"),
    (PAYMENTS, ",9,17,1,Instore,0", "FECHA is empty"),
    (PAYMENTS, "2109-01-01,9,17,1,Instore,0", "FECHA '2109-01-01' lies in the future"),
    (PAYMENTS, "2019-01-02,9,abc,1,Instore,0", "CUS_CUST_ID_BUY 'abc' is not an id (expected a whole number"),
    (PAYMENTS, "2019-01-02,9,17.5,1,Instore,0", "CUS_CUST_ID_BUY '17.5' is not an id"),
    (PAYMENTS, "2019-01-02,9,9223372036854775808,1,Instore,0", "CUS_CUST_ID_BUY '9223372036854775808' is not an id"),
    (PAYMENTS, "2019-01-02,9,0,1,Instore,0", "CUS_CUST_ID_BUY '0' is not an id"),
    (PAYMENTS, "2019-01-02,-9,17,1,Instore,0", "CUS_CUST_ID_SEL '-9' is not an id"),
    (PAYMENTS, "2019-01-02,9,,1,Instore,0", "CUS_CUST_ID_BUY is empty"),
    (PAYMENTS, "2019-01-02,9,17,-0.01,Instore,0", "SPENT '-0.01' is not an amount (expected a number of 0 or more)"),
    (PAYMENTS, "2019-01-02,9,17,NaN,Instore,0", "SPENT 'NaN' is not an amount"),
    (PAYMENTS, "2019-01-02,9,17,1,Instore,Infinity", "DESCUENTO 'Infinity' is not an amount"),
    (PAYMENTS, "2019-01-02,9,17,1.234.567,Instore,0", "SPENT '1.234.567' is not an amount"),
    (PAYMENTS, "2019-01-02,9,17,1,Instore", "has 5 fields, expected 6"),
    (PAYMENTS, "2019-01-02,9,17,1,5,Instore,0", "has 7 fields, expected 6"),
    (PAYMENTS, "   ", "has 1 fields, expected 6"),
    (PAYMENTS, "\\.", "has 1 fields, expected 6"),
    (PAYMENTS, '2019-01-02,9,17,1,"Instore,0', "has a quote that is not closed, or inside a field without quotes"),
    (PAYMENTS, '2019-01-02,9,17,1,Inst"ore,0', "has a quote that is not closed"),
    (PAYMENTS, '2019-01-02,9,17,1,Inst"o"re,0', "has a quote that is not closed, or inside a field without quotes"),
    (PAYMENTS, "2019-01-02,9,17,1,Inst\0ore,0", "holds a NUL byte (byte 23 of the line)"),
    (PAYMENTS, f"2019-01-02,9,17,1,{'x' * 1001},0", f"TPV_SEGMENT_DETAIL '{'x' * 60}'... is longer than 1000 bytes"),
    (PAYMENTS, f"2019-01-02,9,17,1,{'x' * 2_000_000},0", "is 2000020 bytes long (at most 1 MiB)"),
    (PAYMENTS, "nonsense,9,17,-1,Instore,0", "FECHA 'nonsense' is not a date (expected YYYY-MM-DD); SPENT '-1' is not"),
    (ACTIVE, "16,32.0,,,,,,,", "MAU_MP_3 '32.0' is not a number of days in a month (expected 0 to 31)"),
    (ACTIVE, "16,,,,,,-1,,", "MAU_ML_1 '-1' is not a number of days"),
    (ACTIVE, "16,,,,3.5,,,,", "MAU_ML_2 '3.5' is not a number of days"),
    (ACTIVE, "16,,,,,,,2019-05-32,", "last_login_mp_date_1 '2019-05-32' is not a date"),
    (ACTIVE, "3.0,,,,,,,,", "CUS_CUST_ID_BUY 3 is in line 4 already"),
    (EVALUATE, "16,2.0", "churn '2.0' is not a flag (expected 0 or 1)"),
    (EVALUATE, "16,", "churn is empty"),
    (EVALUATE, "16,yes", "churn 'yes' is not a flag"),
    (EVALUATE, "2,1.0", "CUS_CUST_ID_BUY 2 is in line 3 already"),
    (DINERO, "16.5,1,1,eligible", "CUS_CUST_ID_BUY '16.5' is not an id"),
    (DINERO, "16.0,1,-5,eligible", "PLATA_CUENTA_2 '-5' is not an amount"),
    (MARKET, "16,1,2019-13-01,1", "RECENCY_ML '2019-13-01' is not a date"),
    (MARKET, "16,1,2019-03-01,1.5", "FREQUENCY_ML '1.5' is not a count (expected a whole number of 0 or more)"),
    (MARKET, "16,1,2019-03-01,99999999999", "FREQUENCY_ML '99999999999' is not a count"),
    (CRYPTO, "ARGENTINA,x7,1/1/2019,BTC,1,1", "user_id 'x7' is not a whole number of 64 bits"),
    (CRYPTO, "ARGENTINA,7,1/1/2019,BTC,one,1", "purchase_price 'one' is not a number"),
    (CRYPTO, "ARGENTINA,7,1/1/2019,BTC,1,NaN", "purchase_units 'NaN' is not a number"),
]


@pytest.mark.parametrize(("table", "text", "reason"), BAD_ROWS, ids=[f"{row[0]}: {row[2][:40]}" for row in BAD_ROWS])
def test_bad_row_is_rejected_and_the_rest_loads(
    shared: Database, tmp_path: Path, table: str, text: str, reason: str
) -> None:
    folder = Folder(tmp_path / "csv")
    folder.spoil(table, LINE, text)
    this = folder.load(shared, table, force=True)
    assert (this["status"], this["rows_in_file"], this["rows_loaded"]) == ("loaded", CUSTOMERS, CUSTOMERS - 1), this
    [(file_name, line_number, line_text, found)] = shared.rows(
        "select file_name, line_number, line_text, reason from ops.raw_rejects where load_id = %(load_id)s", this
    )
    assert (file_name, line_number) == (FILES[table][0], LINE)
    assert found.startswith(reason)
    assert line_text == (text[:10_000] if "\0" not in text else text.replace("\0", "\\000"))
    assert shared.rows(f"select count(*) from {table}") == [(CUSTOMERS - 1,)]


def test_two_stray_quotes_swallow_nothing_between_them(database: Database, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "csv")
    lines = folder.lines("raw.payments")
    lines[9] = lines[9].replace("Instore", '"Instore')
    lines[19] = lines[19].replace("Instore", 'Instore"')
    folder.write("raw.payments", lines)
    assert folder.load(database, "raw.payments")["rows_loaded"] == CUSTOMERS - 2
    assert [line_number for line_number, _, _ in rejects(database)] == [10, 20]


def test_bad_rows_of_every_kind_in_one_file(database: Database, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "csv")
    bad = [text for table, text, _ in BAD_ROWS if table == PAYMENTS]
    lines = folder.lines(PAYMENTS, 5000)
    for place, text in enumerate(bad):
        lines.insert(100 + 50 * place, text)
    folder.write(PAYMENTS, lines)
    this = folder.load(database, PAYMENTS)
    assert (this["status"], this["rows_loaded"], this["rows_rejected"]) == ("loaded", 5000, len(bad))
    assert [line_number for line_number, _, _ in rejects(database)] == [101 + 50 * n for n in range(len(bad))]


ODD = ["2019-01-02,9.0,17,1e3, Instore ,.5", "2019-01-02,, 18 ,007,,1.50", "2019-01-02,9,3000000000.00,0,ñandú,"]
WAYS = {
    "straight into the table": lambda header, rows: [header, *rows],
    "by way of the landing table": lambda header, rows: [header, *reversed(rows)],
    "line by line": lambda header, rows: [header, *rows, "bad line"],
}


@pytest.mark.parametrize("odd", [[], ODD], ids=["usual spellings", "odd spellings"])
def test_every_way_gives_the_same_rows(database: Database, tmp_path: Path, odd: list[str]) -> None:
    folder = Folder(tmp_path / "csv")
    header, *rows = folder.lines(PAYMENTS)
    found = {}
    for way, arrange in WAYS.items():
        folder.write(PAYMENTS, arrange(header, rows + odd))
        assert folder.load(database, PAYMENTS)["rows_loaded"] == CUSTOMERS + len(odd)
        found[way] = content(database, PAYMENTS)
    assert found["by way of the landing table"] == found["straight into the table"]
    assert found["line by line"] == found["straight into the table"]


@pytest.mark.parametrize(
    ("stray", "rejected"),
    [
        (["2019-12-24,9,1,1,Instore,0"], ["2019-12-24"]),  # after a gap
        (["2017-03-01,9,1,1,Instore,0"], ["2017-03-01"]),  # before one
        (["2019-12-24,9,1,1,Instore,0", "2020-05-01,9,1,1,Instore,0"], ["2019-12-24", "2020-05-01"]),
        (["2019-06-30,9,1,1,Instore,0"], []),  # a quiet month is no reason to doubt
        (["2019-12-24,9,1,1,Instore,0"] * 10, []),  # nor are days with their share of payments
    ],
)
def test_lone_days_are_no_end_of_the_data(
    database: Database, tmp_path: Path, stray: list[str], rejected: list[str]
) -> None:
    folder = Folder(tmp_path / "csv")
    lines = [FILES[PAYMENTS][1], *(payment(n % 300) for n in range(6000))]
    folder.write(PAYMENTS, [*lines, *stray])
    this = folder.load(database, PAYMENTS)
    assert [text[:10] for _, text, _ in rejects(database)] == rejected
    days = [line[:10] for line in [*lines[1:], *stray] if line[:10] not in rejected]
    assert (str(this["first_payment_date"]), str(this["payments_known_through"])) == (min(days), max(days))
    assert all("lies alone" in reason for _, _, reason in rejects(database))


def test_late_login_is_no_extraction_month(database: Database, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "csv")
    folder.write(ACTIVE, [*folder.lines(ACTIVE, 2000), "999999,,,,,,,2019-07-04,"])
    this = folder.load(database, ACTIVE)
    assert (str(this["extraction_month"]), this["rows_rejected"]) == ("2019-05-01", 1)
    assert rejects(database)[0][2] == "last_login_mp_date_1 '2019-07-04' lies after the extraction month, 2019-05"


def test_same_file_again_does_not_double_its_rejects(database: Database, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "csv")
    folder.spoil(PAYMENTS, LINE, "bad line")
    for _ in range(3):
        folder.load(database, PAYMENTS, reload=True)
    assert database.rows("select line_text from ops.raw_rejects") == [("bad line",)]
