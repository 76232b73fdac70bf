"""Rejected rows that somebody has corrected are loaded."""

from pathlib import Path

import pytest

from tests.integration.conftest import Database
from tests.integration.load_files import CUSTOMERS, Folder, content

PAYMENTS, EVALUATE, ACTIVE = "raw.payments", "raw.evaluate", "raw.active_user"
GOOD = '2019-02-03,9,17,5.5,"Instore, home",0'


@pytest.fixture
def folder(database: Database, tmp_path: Path) -> Folder:
    folder = Folder(tmp_path / "csv")
    folder.spoil(PAYMENTS, 17, "03/02/2019,9,17,5.5,Instore,0", "nonsense")
    folder.spoil(EVALUATE, 17, "16,2")
    assert folder.seed(database).returncode == 0
    return folder


def mend(database: Database, line_number: int, text: str, file: str = "PAYMENTS.csv") -> None:
    with database.connect() as conn:
        changed = conn.execute(
            "update ops.raw_rejects set mended_text = %s where line_number = %s and file_name = %s",
            (text, line_number, file),
        )
        assert changed.rowcount == 1


def replay(database: Database, folder: Folder) -> list[tuple]:
    """Replay; the loads that this made."""
    [(before,)] = database.rows("select max(load_id) from ops.raw_loads")
    done = folder.run(database, "--replay-rejects")
    assert done.returncode == 0, done.stderr
    return database.rows(
        f"select table_name, status, rows_loaded from ops.raw_loads where load_id > {before} order by 1"
    )


def test_mended_rows_are_loaded_once(database: Database, folder: Folder) -> None:
    [(fingerprint,)] = database.rows("select raw_fingerprint from ops.current_data")
    mend(database, 17, GOOD)
    mend(database, 17, "16,1", "EVALUATE.csv")
    assert replay(database, folder) == [(EVALUATE, "replayed", 1), (PAYMENTS, "replayed", 1)]
    assert replay(database, folder) == []
    assert len(content(database, PAYMENTS)) == CUSTOMERS
    assert database.rows("select tpv_segment_detail from raw.payments where spent = 5.5") == [("Instore, home",)]
    assert database.rows("select first_payment_date::text from staging.customers where customer_id = 17") == [
        ("2019-01-09",)
    ]
    [(through, changed)] = database.rows("select payments_known_through, raw_fingerprint from ops.current_data")
    assert changed != fingerprint
    assert str(through) == "2019-05-30"
    assert database.rows("select count(*) from ops.raw_rejects where replayed_load_id is null") == [(1,)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2019-02-31,9,17,5,Instore,0", "corrected, but FECHA '2019-02-31' is not a date"),
        ("2019-02-03,9,17,5,Instore", "corrected, but has 5 fields, expected 6"),
        ('2019-02-03,9,17,5,"Instore,0', "corrected, but has a quote that is not closed"),
        (
            "2019-11-03,9,17,5,Instore,0",
            "corrected, but FECHA '2019-11-03' lies outside the loaded payments, 2019",
        ),
        ("2018-11-03,9,17,5,Instore,0", "corrected, but FECHA '2018-11-03' lies outside the loaded payments"),
    ],
)
def test_badly_mended_row_stays_rejected_with_the_new_reason(
    database: Database, folder: Folder, text: str, reason: str
) -> None:
    mend(database, 17, text)
    assert replay(database, folder) == [(PAYMENTS, "replayed", 0)]
    [found] = database.rows("select reason from ops.raw_rejects where mended_text is not null")
    assert found[0].startswith(reason)
    assert len(content(database, PAYMENTS)) == CUSTOMERS - 1


def test_mended_row_with_a_key_that_is_there(database: Database, folder: Folder) -> None:
    mend(database, 17, "15.0,1", "EVALUATE.csv")
    replay(database, folder)
    assert (17, "16,2", "corrected, but CUS_CUST_ID_BUY 15.0 is loaded already") in database.rows(
        "select line_number, line_text, reason from ops.raw_rejects"
    )


def test_reload_remembers_what_was_mended(database: Database, folder: Folder) -> None:
    mend(database, 17, GOOD)
    replay(database, folder)
    done = folder.seed(database, SEED_RELOAD="1")
    assert "2 rejected (select * from ops.raw_rejects where load_id = " in done.stdout
    assert "1 of them corrected (make replay-rejects)" in done.stdout
    assert replay(database, folder) == [(PAYMENTS, "replayed", 1)]
    assert len(content(database, PAYMENTS)) == CUSTOMERS


def test_replay_survives_an_unchanged_start(database: Database, folder: Folder) -> None:
    mend(database, 17, GOOD)
    replay(database, folder)
    before = database.rows("select * from ops.current_data")
    folder.seed(database)
    assert len(content(database, PAYMENTS)) == CUSTOMERS
    assert database.rows("select * from ops.current_data") == before
