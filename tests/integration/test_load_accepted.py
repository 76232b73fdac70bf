"""Spellings that real extractions have and that are no reason to reject a row."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.integration.conftest import ROOT, Database
from tests.integration.load_files import CUSTOMERS, FILES, Folder, content, rejects

DEMOGRAFICOS = "raw.demograficos"


@pytest.fixture(scope="module")
def shared(new_database: Callable[[str], Database], empty_template: str) -> Database:
    """One database for all the files of this module: each load replaces the rows of the one before."""
    return new_database(empty_template)


def test_every_file_of_the_sample_loads_whole(seeded: Database) -> None:
    for table, (file, _, _) in FILES.items():
        lines = (ROOT / file).read_bytes().count(b"\n") - 1
        assert seeded.rows(f"select count(*) from {table}") == [(lines,)], file
    assert rejects(seeded) == []


def test_values_arrive_with_their_types(database: Database, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "csv")
    assert folder.seed(database).returncode == 0
    assert content(database, "raw.payments")[2] == (
        date(2019, 1, 2),
        9002,
        3,
        Decimal("2.25"),
        "Instore",
        Decimal("0.5"),
    )
    assert content(database, "raw.active_user")[0] == (1, None, 0, 2, 3, 4, 5, date(2019, 5, 1), None)
    assert content(database, "raw.dinero_cuenta")[0] == (1, Decimal("0.5"), None, "eligible")
    assert content(database, "raw.evaluate")[:2] == [(1, 0), (2, 1)]
    assert content(database, "raw.marketplace_data")[0] == (1, Decimal("0.75"), date(2019, 3, 1), 1)


def test_ids_beyond_32_bits(shared: Database, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "csv")
    folder.spoil("raw.dinero_cuenta", 2, "9223372036854775807.0,1,1,banned")
    assert folder.load(shared, "raw.dinero_cuenta")["rows_rejected"] == 0
    assert content(shared, "raw.dinero_cuenta")[-1][0] == 2**63 - 1


QUOTED = {
    "comma": ('"Villa Mercedes, San Luis",1,male,,,', "Villa Mercedes, San Luis"),
    "quote": ('"Barrio ""Las Flores""",1,male,,,', 'Barrio "Las Flores"'),
    "line end": ('"San\nMartín",1,male,,,', "San\nMartín"),
    "blank line": ('"San\n\nMartín",1,male,,,', "San\n\nMartín"),
    "whole records inside": ('"a,b,c\nd,e",1,male,,,', "a,b,c\nd,e"),
    "empty": ('"",1,"male",,"",', None),
}


@pytest.mark.parametrize("name", QUOTED)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_quoted_field(shared: Database, tmp_path: Path, name: str, end: str) -> None:
    text, city = QUOTED[name]
    folder = Folder(tmp_path / "csv")
    lines = folder.lines(DEMOGRAFICOS)
    lines[1] = text.replace("\n", end)
    folder.write(DEMOGRAFICOS, lines, end=end)
    this = folder.load(shared, DEMOGRAFICOS)
    assert (this["rows_in_file"], this["rows_rejected"]) == (CUSTOMERS, 0), rejects(shared)
    assert shared.rows("select city, gender from raw.demograficos where cus_cust_id_buy = 1") == [(city, "male")]


@pytest.mark.parametrize("text", ["\x01a\x01", "\\.", "\\N", "\t", "a\\tb", "'"])
def test_text_is_kept_as_it_is(database: Database, tmp_path: Path, text: str) -> None:
    """Texts that have a special meaning for COPY."""
    folder = Folder(tmp_path / "csv")
    folder.spoil("raw.payments", 2, f"2019-01-01,9,1,1,{text},0")
    assert folder.load(database, "raw.payments")["rows_loaded"] == CUSTOMERS
    assert database.rows("select tpv_segment_detail from raw.payments where cus_cust_id_buy = 1") == [(text,)]


def test_every_field_quoted(shared: Database, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "csv")
    assert folder.load(shared, "raw.payments")["status"] == "loaded"
    plain = content(shared, "raw.payments")
    quoted = [",".join(f'"{field}"' for field in line.split(",")) for line in folder.lines("raw.payments")]
    folder.write("raw.payments", quoted)
    this = folder.load(shared, "raw.payments")
    assert (this["status"], this["rows_rejected"]) == ("loaded", 0)
    assert content(shared, "raw.payments") == plain


SPELLINGS = {
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "mixed line ends": lambda text: text.replace("\n", "\r\n", 40),
    "byte order mark": lambda text: "\ufeff" + text,
    "no line end at the end": lambda text: text.rstrip("\n"),
    "one blank line, and no line end at the end": lambda text: text.replace("\n", "\n\n", 1).rstrip("\n"),
    "blank lines": lambda text: text.replace("\n", "\n\n", 5) + "\n\n",
    "header in capitals": lambda text: text.replace("churn", "CHURN").replace("last_login", "LAST_LOGIN"),
}


@pytest.mark.parametrize("name", SPELLINGS)
@pytest.mark.parametrize("table", ["raw.payments", "raw.active_user", "raw.evaluate", DEMOGRAFICOS])
def test_file_spelling(shared: Database, tmp_path: Path, name: str, table: str) -> None:
    folder = Folder(tmp_path / "csv")
    folder.load(shared, table)
    plain = content(shared, table)
    file = folder.file(table)
    file.write_bytes(SPELLINGS[name](file.read_text(encoding="utf-8")).encode())
    this = folder.load(shared, table, reload=True)
    assert (this["status"], this["rows_rejected"]) == ("loaded", 0), this
    assert content(shared, table) == plain


def test_line_number_counts_blank_lines_and_lines_inside_quotes(shared: Database, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "csv")
    folder.spoil(DEMOGRAFICOS, 3, '"two\nlines",2,male,,,', "", "Morón,x,male,,,")
    folder.load(shared, DEMOGRAFICOS)
    assert [(number, text) for number, text, _ in rejects(shared)] == [(6, "Morón,x,male,,,")]


def test_folder_with_spaces_and_quotes_in_its_name(shared: Database, tmp_path: Path) -> None:
    assert Folder(tmp_path / 'it\'s a "folder" ñ').seed(shared).returncode == 0
