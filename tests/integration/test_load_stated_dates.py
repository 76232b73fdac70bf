"""Dates that .env states in place of those found in the files, and the word on EVALUATE's flag."""

import shutil
from pathlib import Path

import pytest

from tests.integration.conftest import ROOT, Database
from tests.integration.load_files import CUSTOMERS, INIT_DIR, Folder

DATES = "select extraction_month::text, payments_known_through::text, evaluate_cutoff::text from ops.current_data"
FOUND = ("2019-05-01", "2019-05-30", "2019-05-31")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "csv")


def test_nothing_is_known_before_the_first_load(database: Database) -> None:
    assert database.rows("select * from ops.current_data") == [(None,) * 6]


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({}, FOUND),
        ({"EXTRACTION_MONTH": "", "PAYMENTS_KNOWN_THROUGH": "", "EVALUATE_CUTOFF": ""}, FOUND),
        ({"EXTRACTION_MONTH": "2019-06"}, ("2019-06-01", *FOUND[1:])),
        ({"EXTRACTION_MONTH": "2019-06-17"}, ("2019-06-01", *FOUND[1:])),
        ({"PAYMENTS_KNOWN_THROUGH": "2019-05-26"}, (FOUND[0], "2019-05-26", "2019-05-27")),
        ({"EVALUATE_CUTOFF": "2019-05-20"}, (*FOUND[:2], "2019-05-20")),
        (
            {"PAYMENTS_KNOWN_THROUGH": "2019-06-30", "EVALUATE_CUTOFF": "2019-06-15"},
            (FOUND[0], "2019-06-30", "2019-06-15"),
        ),
    ],
)
def test_stated_dates_replace_those_found(
    database: Database, folder: Folder, env: dict[str, str], expected: tuple[str, str, str]
) -> None:
    done = folder.seed(database, **env)
    assert done.returncode == 0, done.stderr
    assert database.rows(DATES) == [expected]


def test_stated_dates_take_effect_without_a_reload_and_change_the_fingerprint(
    database: Database, folder: Folder
) -> None:
    folder.seed(database)
    [(fingerprint,)] = database.rows("select raw_fingerprint from ops.current_data")
    assert ": loaded" not in folder.seed(database, EVALUATE_CUTOFF="2019-05-20").stdout
    [(cutoff, changed)] = database.rows("select evaluate_cutoff::text, raw_fingerprint from ops.current_data")
    assert cutoff == "2019-05-20"
    assert changed != fingerprint
    folder.seed(database)
    assert database.rows("select raw_fingerprint from ops.current_data") == [(fingerprint,)]


def test_the_cutoff_stays_with_the_content_of_evaluate(database: Database, folder: Folder) -> None:
    assumed = "EVALUATE.csv: its flag is assumed to speak of the two months from 2019-05-31"
    assert assumed in folder.seed(database).stdout
    folder.write("raw.payments", [*folder.lines("raw.payments"), "2019-06-20,1,1,1.0,Instore,0"])
    again = folder.seed(database).stdout
    assert "assumed" not in again
    assert "Payments known through 2019-06-20; EVALUATE.csv speaks of 2019-05-31 to 2019-07-30" in again
    other = [*folder.lines("raw.evaluate")[:-1], "300,0.0"]
    folder.write("raw.evaluate", other)
    assert "two months from 2019-06-21, the day after the last payment" in folder.seed(database).stdout
    folder.write("raw.evaluate", folder.lines("raw.evaluate"))
    assert "assumed" not in folder.seed(database).stdout
    assert database.rows(DATES) == [("2019-05-01", "2019-06-20", "2019-05-31")]


def test_a_stated_cutoff_is_not_called_an_assumption(database: Database, folder: Folder) -> None:
    done = folder.seed(database, EVALUATE_CUTOFF="2019-05-20")
    assert "assumed" not in done.stdout
    assert "EVALUATE.csv speaks of 2019-05-20 to 2019-07-19" in done.stdout


def test_no_cutoff_is_assumed_from_payments_that_evaluate_did_not_come_with(database: Database, folder: Folder) -> None:
    folder.write("raw.payments", ["a,wrong,header"])
    assert "assumed" not in folder.seed(database).stdout
    folder.write("raw.payments", folder.lines("raw.payments"))
    assert "two months from 2019-05-31" in folder.seed(database).stdout


def test_a_database_made_with_the_older_names_is_brought_up_to_date(database: Database, folder: Folder) -> None:
    folder.seed(database)
    before = database.rows(DATES)
    with database.connect() as conn:
        for table in ("raw_loads", "stated_dates", "current_data"):
            kind = "view" if table == "current_data" else "table"
            conn.execute(f"alter {kind} ops.{table} rename column payments_known_through to data_complete_through")
        conn.execute("update ops.raw_loads set evaluate_cutoff = null")
        conn.execute("alter table ops.feature_builds add labels_cutoff date not null")
    for name in ("21_load_records", "50_features_tables", "51_features_functions"):
        database.psql_file(INIT_DIR / f"{name}.sql")
    folder.seed(database)
    assert database.rows(DATES) == before


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("EXTRACTION_MONTH", "2019-13", "EXTRACTION_MONTH='2019-13' is not a month (expected YYYY-MM)"),
        ("EXTRACTION_MONTH", "May 2019", "EXTRACTION_MONTH='May 2019' is not a month (expected YYYY-MM)"),
        ("EXTRACTION_MONTH", "2019-04", "EXTRACTION_MONTH=2019-04 lies before the last logins"),
        (
            "PAYMENTS_KNOWN_THROUGH",
            "30/06/2019",
            "PAYMENTS_KNOWN_THROUGH='30/06/2019' is not a date (expected YYYY-MM-DD)",
        ),
        ("PAYMENTS_KNOWN_THROUGH", "2019-06", "PAYMENTS_KNOWN_THROUGH='2019-06' is not a date"),
        (
            "PAYMENTS_KNOWN_THROUGH",
            "2018-12-31",
            "PAYMENTS_KNOWN_THROUGH=2018-12-31 lies before the first payment, 2019-01-01",
        ),
        ("PAYMENTS_KNOWN_THROUGH", "2109-01-01", "PAYMENTS_KNOWN_THROUGH=2109-01-01 lies in the future"),
        ("EVALUATE_CUTOFF", "2019-02-31", "EVALUATE_CUTOFF='2019-02-31' is not a date"),
        (
            "EVALUATE_CUTOFF",
            "2019-06-01",
            "EVALUATE_CUTOFF=2019-06-01 lies more than a day after the last day whose payments are known, 2019-05-30",
        ),
        ("EVALUATE_CUTOFF", "2019-01-01", "EVALUATE_CUTOFF=2019-01-01 does not lie after the first payment"),
    ],
)
def test_stated_date_that_cannot_be(
    database: Database, folder: Folder, variable: str, value: str, message: str
) -> None:
    folder.seed(database)
    done = folder.seed(database, **{variable: value})
    assert done.returncode != 0
    assert message in done.stderr
    assert ".env" in done.stderr


def test_stated_month_lets_a_file_without_logins_load(database: Database, folder: Folder) -> None:
    table = "raw.active_user"
    folder.write(table, [folder.lines(table)[0], *(f"{1 + n},,,,,,,," for n in range(CUSTOMERS))])
    assert folder.seed(database, EXTRACTION_MONTH="2019-05").returncode == 0
    assert database.rows(DATES) == [FOUND]


@pytest.mark.parametrize(
    ("means", "words"),
    [
        ("stayed_away", "churn = 1 for 50.0 % of the customers, taken to mean that they stayed away"),
        ("came_back", "churn = 1 for 50.0 % of the customers, taken to mean that they came back"),
        ("", "set EVALUATE_CHURN_MEANS=came_back in .env"),
    ],
)
def test_a_flag_of_the_users_own_is_talked_about(database: Database, folder: Folder, means: str, words: str) -> None:
    assert words in folder.seed(database, EVALUATE_CHURN_MEANS=means).stdout
    assert words not in folder.seed(database, EVALUATE_CHURN_MEANS=means).stdout


def test_the_flag_of_the_sample_is_not(database: Database, folder: Folder) -> None:
    shutil.copy(ROOT / "EVALUATE.csv", folder.path)
    shutil.copy(ROOT / "sample_data" / "manifest.json", folder.path / "sample_data")
    assert "EVALUATE_CHURN_MEANS" not in folder.seed(database).stdout
