"""Kills inside each step, readers meanwhile, and runs that meet."""

import subprocess

import pytest

from tests.integration.crypto_history import EVENTS, etl, etl_error, events, forget, plant, rejects
from tests.integration.faults import Running, idle_reader, kill_inside, stopped_inside, wait_until

EVENTS_TABLE, REJECTS, STAGED = "ops.bt_crypto_events", "ops.crypto_rejects", "staging.crypto_events"
NEXT_DAY = ("--snapshot-date", "2019-05-21")
# step: where the kill hits it; stage is hit at a random moment of reading a history that is long enough
KILLS = {
    "stage": {"writes": STAGED},
    "check": {"hold": STAGED, "mode": "access exclusive"},
    "publish": {"writes": EVENTS_TABLE, "hold": REJECTS},
}


FEW, MANY = 20, 15000


def a_day_later(database, users: int = FEW) -> None:
    """Events of one day, then a second day on which rows came, changed, broke and went."""
    with database.connect() as conn:
        conn.execute(
            "insert into raw.bt_crypto_transaction_history"
            " (site_id, user_id, purchase_date, crypto_type, purchase_price, purchase_units)"
            " select 'MEXICO', n, '20/5/2019', 'BTC', 1, 1 from generate_series(1, %s) as n",
            (users,),
        )
    etl(database, "2019-05-20")
    plant(
        database,
        {"site_id": "MEXICO", "user_id": 2, "purchase_price": 7, "purchase_units": 1},
        {"purchase_date": "21/5/2019"},
        {"purchase_date": "31/2/2019"},
    )
    forget(database, 3)


@pytest.fixture
def uninterrupted(new_database, empty_template):
    """Events and rejects of a run that nothing disturbed, for so many users."""

    def run(users: int = FEW) -> tuple[list[tuple], dict[int, str]]:
        database = new_database(empty_template)
        a_day_later(database, users)
        etl(database, "2019-05-21")
        return events(database), rejects(database)

    return run


@pytest.mark.parametrize("killed", KILLS)
def test_killed_inside_a_step_and_run_again(database, uninterrupted, killed):
    users = MANY if killed == "stage" else FEW
    a_day_later(database, users)
    before = events(database)
    for step in KILLS:
        if step == killed:
            break
        etl(database, "2019-05-21", step=step)
    kill_inside(database, "ml.crypto_events", killed, *NEXT_DAY, **KILLS[killed])
    assert events(database) == before
    for step in list(KILLS)[list(KILLS).index(killed) :]:
        etl(database, "2019-05-21", step=step)
    assert (events(database), rejects(database)) == uninterrupted(users)
    assert database.rows("select * from staging.crypto_events") == []


def test_killed_inside_a_replay_and_run_again(database):
    plant(database, {}, {"site_id": "X"})
    etl(database, "2019-05-20")
    with database.connect() as conn:
        conn.execute("update raw.bt_crypto_transaction_history set site_id = 'MEXICO' where raw_id = 2")
    kill_inside(database, "ml.crypto_events", "replay", *NEXT_DAY, writes=STAGED, hold=REJECTS)
    assert (len(events(database)), list(rejects(database))) == (1, [2])
    assert etl(database, "2019-05-21", step="replay")["rows_inserted"] == 1


def test_a_result_lost_after_the_commit_is_told_again(database):
    a_day_later(database)
    first = etl(database, "2019-05-21")
    again = etl(database, "2019-05-21", step="publish")  # as Airflow does when it never heard of the end
    assert {name: first[name] for name in again} == again
    assert etl(database, "2019-05-21", step="check")["status"] == "published before"


def test_readers_see_whole_states_only(database, uninterrupted):
    a_day_later(database)
    etl(database, "2019-05-21", step="stage")
    etl(database, "2019-05-21", step="check")
    before = events(database)
    with idle_reader(database, EVENTS) as repeatable, idle_reader(database, EVENTS, "read committed") as committed:
        with stopped_inside(
            database, "ml.crypto_events", "publish", *NEXT_DAY, writes=EVENTS_TABLE, hold=REJECTS
        ) as running:
            assert committed.execute(EVENTS).fetchall() == before
            assert repeatable.execute(EVENTS).fetchall() == before
        assert running.finish().returncode == 0  # the idle readers hold it up as little as they are held up
        assert committed.execute(EVENTS).fetchall() == uninterrupted()[0] != before
        assert repeatable.execute(EVENTS).fetchall() == before


def test_publishers_wait_in_line(database):
    plant(database, {})
    for run_id in ("a", "b"):
        etl(database, "2019-05-20", step="stage", PIPELINE_RUN_ID=run_id)
        etl(database, "2019-05-20", step="check", PIPELINE_RUN_ID=run_id)
    publish = ("ml.crypto_events", "publish", "--snapshot-date", "2019-05-20")
    with stopped_inside(database, *publish, writes=EVENTS_TABLE, hold=REJECTS, PIPELINE_RUN_ID="a") as first:
        second = Running(database, *publish, PIPELINE_RUN_ID="b")
        waiting = "select from pg_locks where locktype = 'advisory' and not granted"
        second.wait_for(lambda: database.rows(waiting), "the second publisher waits for the first")
    done: list[subprocess.CompletedProcess[str]] = [first.finish(), second.finish()]
    assert [process.returncode for process in done] == [0, 0], done
    assert database.rows("select run_id, rows_inserted, rows_unchanged from ops.crypto_runs order by attempt_id") == [
        ("a", 1, 0),
        ("b", 0, 1),
    ]


def test_runs_do_not_mix(database):
    plant(database, {})
    etl(database, "2019-05-20", step="stage", PIPELINE_RUN_ID="old")
    etl(database, "2019-05-20", step="check", PIPELINE_RUN_ID="old")
    plant(database, {"purchase_price": 9})
    etl(database, "2019-05-20", PIPELINE_RUN_ID="new")
    message = etl_error(database, "publish", "--snapshot-date", "2019-05-20", PIPELINE_RUN_ID="old")
    assert "(run 'new' for 2019-05-20) read the history later than attempt 1 and has published the same days" in message
    assert [row[5] for row in events(database)] == [9]
    assert etl(database, "2019-05-20", PIPELINE_RUN_ID="old")["rows_unchanged"] == 1


def test_a_step_waits_for_a_lock_that_is_released(database):
    plant(database, {})
    with database.connect() as other:
        other.execute("begin; select pg_advisory_xact_lock(hashtextextended('staging.crypto_events', 0))")
        running = Running(database, "ml.crypto_events", "stage", "--snapshot-date", "2019-05-20")
        wait_until(lambda: database.rows("select from pg_locks where locktype = 'advisory' and not granted"), "a wait")
        other.execute("rollback")
    assert running.finish().returncode == 0
