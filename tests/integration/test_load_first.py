"""The first load of PAYMENTS.csv, which is copied while its rows are being checked."""

from pathlib import Path

import pytest

from tests.integration.conftest import Database
from tests.integration.load_files import CUSTOMERS, Folder, content, rejects

PAYMENTS = "raw.payments"
INDEXES = "select count(*) from pg_indexes where tablename = 'payments'"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "csv")


def test_a_day_that_postgresql_alone_would_accept_is_rejected(database: Database, folder: Folder) -> None:
    folder.spoil(PAYMENTS, 300, "2019/05/30,9000,299,1.25,Instore,0.5")
    done = folder.seed(database)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(content(database, PAYMENTS)) == CUSTOMERS - 1
    assert database.rows("select count(*) from staging.customers") == [(CUSTOMERS - 1,)]
    [(line_number, _, reason)] = rejects(database)
    assert (line_number, reason) == (300, "FECHA '2019/05/30' is not a date (expected YYYY-MM-DD)")


def test_whole_numbers_with_a_decimal_point_are_loaded_without_a_word(database: Database, folder: Folder) -> None:
    header, *lines = folder.lines(PAYMENTS)
    day, seller, customer, rest = lines[0].split(",", 3)
    folder.write(PAYMENTS, [header, f"{day},{seller}.0,{customer}.0,{rest}", *lines[1:]])
    done = folder.seed(database)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(content(database, PAYMENTS)) == CUSTOMERS


def test_a_refused_file_leaves_an_empty_table_with_its_indexes(database: Database, folder: Folder) -> None:
    header, *lines = folder.lines(PAYMENTS)
    folder.write(
        PAYMENTS, [header, *(line.replace("-", "/", 2) if n % 20 == 0 else line for n, line in enumerate(lines))]
    )
    done = folder.seed(database)
    assert done.returncode != 0
    assert "PAYMENTS.csv has 15 bad rows of 300, more than 1 %; the first is line 2" in done.stderr
    assert database.rows("select count(*) from raw.payments union all select count(*) from staging.customers") == [
        (0,),
        (0,),
    ]
    assert database.rows(INDEXES) == [(2,)]
    folder.write(PAYMENTS, folder.lines(PAYMENTS))
    assert "PAYMENTS.csv: loaded, 300 rows" in folder.seed(database).stdout
