"""What refuses a file: the table keeps its rows, the refusal is on record, the other files load, psql fails."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import Database
from tests.integration.load_files import CUSTOMERS, FILES, INIT_DIR, Folder, content

DEMOGRAFICOS = "raw.demograficos"
PAYMENTS = "raw.payments"
CURRENT_DATES = "select first_payment_date, extraction_month, payments_known_through from ops.current_data"


def replace_header(header: str) -> Callable[[Folder, str], None]:
    def spoil(folder: Folder, table: str) -> None:
        folder.write(table, [header, *folder.lines(table)[1:]])

    return spoil


def rewrite(encoding: str) -> Callable[[Folder, str], None]:
    return lambda folder, table: folder.write(table, folder.lines(table), encoding=encoding)


def make_folder(folder: Folder, table: str) -> None:
    folder.file(table).unlink()
    folder.file(table).mkdir()


def make_loop(folder: Folder, table: str) -> None:
    """A file that nobody can open, not even root, who runs tests in some places."""
    folder.file(table).unlink()
    folder.file(table).symlink_to(folder.file(table))


REFUSED: dict[str, tuple[str, Callable[[Folder, str], object], list[str]]] = {
    "missing": (PAYMENTS, lambda f, t: f.file(t).unlink(), ["PAYMENTS.csv is missing (looked for ", "set CSV_DIR"]),
    "a folder": (PAYMENTS, make_folder, ["PAYMENTS.csv is missing"]),
    "unreadable": (PAYMENTS, make_loop, ["PAYMENTS.csv cannot be read", "chmod a+r"]),
    "empty": (PAYMENTS, lambda f, t: f.file(t).write_bytes(b""), ["PAYMENTS.csv is empty, expected a header"]),
    "header alone": (PAYMENTS, lambda f, t: f.write(t, f.lines(t)[:1]), ["PAYMENTS.csv has no rows below its header"]),
    "header without its line end": (
        PAYMENTS,
        lambda f, t: f.file(t).write_text(FILES[t][1]),
        ["PAYMENTS.csv has no rows below its header"],
    ),
    "other column": (
        PAYMENTS,
        replace_header("FECHA,CUS_CUST_ID_SEL,BUYER,SPENT,TPV_SEGMENT_DETAIL,DESCUENTO"),
        ["wrong header: column 3 is 'BUYER' (expected CUS_CUST_ID_BUY)"],
    ),
    "column missing": (
        PAYMENTS,
        replace_header("FECHA,CUS_CUST_ID_SEL,CUS_CUST_ID_BUY,SPENT,TPV_SEGMENT_DETAIL"),
        ["wrong header: column 6 is missing (expected DESCUENTO)"],
    ),
    "column too many": (
        "raw.evaluate",
        replace_header("CUS_CUST_ID_BUY,churn,score"),
        ["EVALUATE.csv has a wrong header: column 3 is 'score' (expected no more)"],
    ),
    "columns swapped": (
        "raw.evaluate",
        replace_header("churn,CUS_CUST_ID_BUY"),
        ["column 1 is 'churn' (expected CUS_CUST_ID_BUY), column 2 is 'CUS_CUST_ID_BUY' (expected churn)"],
    ),
    "no header": (
        "raw.evaluate",
        lambda f, t: f.write(t, f.lines(t)[1:]),
        ["column 1 is '1' (expected CUS_CUST_ID_BUY)"],
    ),
    "semicolons": (
        "raw.evaluate",
        lambda f, t: f.write(t, [line.replace(",", ";") for line in f.lines(t)]),
        ["column 1 is 'CUS_CUST_ID_BUY;churn' (expected CUS_CUST_ID_BUY), column 2 is missing"],
    ),
    "Latin-1": (
        DEMOGRAFICOS,
        rewrite("latin-1"),
        [
            "is not UTF-8: 300 lines, the first is line 2, which is not UTF-8 (byte 4 of the line is 0xf3)",
            "iconv -f LATIN1",
        ],
    ),
    "UTF-16 with a mark": (DEMOGRAFICOS, rewrite("utf-16"), ["DEMOGRAFICOS.csv is UTF-16", "iconv -f UTF-16"]),
    "UTF-16 without a mark": (DEMOGRAFICOS, rewrite("utf-16-le"), ["DEMOGRAFICOS.csv is UTF-16"]),
    "an archive": (
        DEMOGRAFICOS,
        lambda f, t: f.file(t).write_bytes(b"PK\x03\x04\x14\xff\xd0" + bytes(range(1, 255)) * 50),
        ["DEMOGRAFICOS.csv has a first line that is not UTF-8 text"],
    ),
    "shrunk": (
        PAYMENTS,
        lambda f, t: f.write(t, f.lines(t, 149)),
        ["has 149 rows, less than half of the 300", "make seed FORCE=1"],
    ),
    "more than 1 % rejects": (
        PAYMENTS,
        lambda f, t: f.spoil(t, 5, *["bad line"] * 4),
        ["has 4 bad rows of 303, more than 1 %; the first is line 5: has 1 fields, expected 6; correct the file"],
    ),
    "no last login": (
        "raw.active_user",
        lambda f, t: f.write(t, [f.lines(t)[0], *(f"{1 + n},,,,,,,," for n in range(CUSTOMERS))]),
        ["ACTIVE_USER.csv has no last login", "EXTRACTION_MONTH=YYYY-MM"],
    ),
}


@pytest.fixture(scope="module")
def loaded(
    new_database: Callable[[str], Database], empty_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Database:
    """A database with the clean files loaded, which every refusal leaves as it is."""
    database = new_database(empty_template)
    done = Folder(tmp_path_factory.mktemp("clean") / "csv").seed(database)
    assert done.returncode == 0, done.stderr
    return database


@pytest.mark.parametrize("name", REFUSED)
def test_refused_file_leaves_its_table_alone(loaded: Database, tmp_path: Path, name: str) -> None:
    table, spoil, messages = REFUSED[name]
    folder = Folder(tmp_path / "csv")
    before = content(loaded, table)
    dates = loaded.rows(CURRENT_DATES)
    changed = "raw.marketplace_data"
    rows = CUSTOMERS - 1 - list(REFUSED).index(name)
    folder.write(changed, folder.lines(changed, rows))
    spoil(folder, table)

    done = folder.seed(loaded)

    assert done.returncode != 0
    for message in messages:
        assert message in done.stderr
    assert content(loaded, table) == before
    assert len(content(loaded, changed)) == rows, "the other files load all the same"
    assert loaded.rows(CURRENT_DATES) == dates
    [(status, message)] = loaded.rows(
        "select status, message from ops.raw_loads where table_name = %(table)s order by load_id desc limit 1",
        {"table": table},
    )
    assert status == "refused"
    assert message in done.stderr


def test_rejects_of_a_refused_file_are_kept_once(database: Database, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "csv")
    folder.spoil(PAYMENTS, 5, *["bad line"] * 4)
    assert folder.seed(database).returncode != 0
    assert folder.seed(database).returncode != 0
    assert database.rows("select line_number, line_text from ops.raw_rejects order by line_number") == [
        (number, "bad line") for number in (5, 6, 7, 8)
    ]
    assert content(database, PAYMENTS) == []


def test_every_refusal_is_named_at_once(database: Database, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "csv")
    for table in FILES:
        folder.file(table).unlink()
    stderr = folder.seed(database).stderr
    for file, _, _ in FILES.values():
        assert f"{file} is missing" in stderr


def test_force_takes_a_file_that_shrank(database: Database, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "csv")
    folder.seed(database)
    folder.write(PAYMENTS, folder.lines(PAYMENTS, 10))
    assert folder.seed(database).returncode != 0
    assert folder.seed(database, SEED_FORCE="1").returncode == 0
    assert len(content(database, PAYMENTS)) == 10


@pytest.mark.parametrize("csv_dir", ["", "csv", "./csv"])
def test_csv_dir_must_be_an_absolute_path(database: Database, tmp_path: Path, csv_dir: str) -> None:
    done = Folder(tmp_path / "csv").seed(database, CSV_DIR=csv_dir)
    assert done.returncode != 0
    assert f"CSV_DIR='{csv_dir}': expected the absolute path of the folder" in done.stderr


@pytest.mark.parametrize("variable", ["PIPELINE_DB_PASSWORD", "READER_DB_PASSWORD", "MLFLOW_DB_PASSWORD"])
def test_missing_password_is_named(database: Database, variable: str) -> None:
    with pytest.raises(RuntimeError, match=f"{variable} is not set: give role meli_"):
        database.psql_file(INIT_DIR / "10_roles_and_schemas.sql", **{variable: ""})
