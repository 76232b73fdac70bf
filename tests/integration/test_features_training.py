"""Which snapshots a training may use: built when missing or stale, left out with the reason otherwise."""

from datetime import date, timedelta

import pytest

from ml.cli import CommandError
from ml.features import build_missing, snapshots_for_training
from ml.settings import settings
from ml.utils_io import connect
from tests.integration.churn_snapshots import build, run_sql

SUNDAYS = [date(2019, 4, 7), date(2019, 4, 14), date(2019, 4, 21), date(2019, 4, 28)]


@pytest.fixture
def here(seeded, monkeypatch):
    """Let this process reach the seeded database as a command does."""
    for name, value in seeded.env.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    yield seeded
    settings.cache_clear()


def for_training(until: str, lookback_weeks: int, as_of: str | None = None):
    with connect(application_name="test") as conn:
        known_on = as_of and date.fromisoformat(as_of)
        return snapshots_for_training(conn, date.fromisoformat(until), lookback_weeks, known_on)


def built(database) -> list[date]:
    return [found for (found,) in database.rows("select snapshot_date from ops.current_feature_builds order by 1")]


def test_the_newest_sundays_are_built_and_used(here):
    assert for_training("2019-05-01", 3) == (SUNDAYS[1:], {})
    assert built(here) == SUNDAYS[1:]


def test_a_sunday_itself_is_the_newest(here):
    assert for_training("2019-04-28", 1) == ([date(2019, 4, 28)], {})


def test_open_sundays_are_passed_over_with_the_reason_and_not_built(here):
    closed, passed_over = for_training("2019-06-30", 5)
    assert closed == [*SUNDAYS, date(2019, 6, 30)] == built(here)
    assert sorted(passed_over) == [date(2019, 5, 5) + timedelta(weeks=week) for week in range(8)]
    assert passed_over[date(2019, 5, 26)] == (
        "open: its 60 days end on 2019-07-24, payments are known through 2019-06-30,"
        " and the churn flag speaks of 98 days"
    )


def test_as_of_uses_what_was_known_on_the_date(here):
    closed, passed_over = for_training("2019-06-30", 5, as_of="2019-06-30")
    assert closed == SUNDAYS == built(here)
    assert passed_over[date(2019, 6, 30)] == "open on 2019-06-30: its 60 days end on 2019-08-28"
    assert passed_over[date(2019, 3, 31)].startswith("outside the covered range 2019-04-01 to 2019-07-01")
    assert for_training("2019-06-30", 4, as_of="2019-06-26")[0] == SUNDAYS[:3]  # 2019-04-28 is over on 06-27
    assert for_training("2019-06-30", 4, as_of="2019-06-27")[0] == SUNDAYS
    assert for_training("2019-06-30", 1, as_of="2019-08-31")[0] == SUNDAYS[-1:]  # the flag's last day is not over
    assert for_training("2019-06-30", 1, as_of="2019-09-01")[0] == [date(2019, 6, 30)]


def test_sundays_before_the_covered_range_end_the_search(here):
    closed, passed_over = for_training("2019-04-20", 4)
    assert closed == SUNDAYS[:2]
    assert passed_over == {
        date(2019, 3, 31): "outside the covered range 2019-04-01 to 2019-07-01, as are all before it"
    }


def test_a_snapshot_with_too_few_labels_is_left_out_whole(here):
    run_sql(here, "delete from raw.evaluate where cus_cust_id_buy % 20 = 0")
    closed, passed_over = for_training("2019-06-30", 1)
    assert closed == SUNDAYS[-1:]
    assert "of the active rows have a usable label, 99% are needed" in passed_over[date(2019, 6, 30)]


@pytest.mark.parametrize(("unlabelled", "is_usable"), [(0.009, True), (0.011, False)])
def test_the_border_is_ninety_nine_in_a_hundred(here, unlabelled, is_usable):
    t = date(2019, 4, 28)
    build(here, t)
    active = "snapshot_date = '2019-04-28' and label_source = 'observed'"
    run_sql(
        here,
        "update features.churn_weekly_features set labeled_churn = null, label_source = null, label_horizon_days = null"
        f" where {active} and customer_id in (select customer_id from features.churn_weekly_features where {active}"
        f" limit (select count(*) * {unlabelled} from features.churn_weekly_features where {active}))",
    )
    usable, _ = for_training("2019-04-28", 1)
    assert (usable == [t]) is is_usable


def test_no_sunday_usable_is_an_empty_answer(here):
    closed, passed_over = for_training("2019-03-01", 2)
    assert closed == []
    assert list(passed_over) == [date(2019, 2, 24)]


def test_missing_and_stale_snapshots_are_built_and_fresh_ones_left_alone(here):
    assert build_missing(SUNDAYS[2:]) == SUNDAYS[2:]
    assert build_missing(SUNDAYS) == SUNDAYS[:2]
    assert build_missing(SUNDAYS) == []
    run_sql(
        here, "update ops.current_feature_builds set feature_sql_digest = 'older' where snapshot_date = '2019-04-14'"
    )
    assert build_missing(SUNDAYS) == [date(2019, 4, 14)]
    run_sql(here, "update ops.stated_dates set payments_known_through = '2019-06-29'")  # of labels
    assert build_missing(SUNDAYS) == []
    run_sql(here, "update ops.stated_dates set extraction_month = '2019-06-01'")
    assert build_missing(SUNDAYS) == SUNDAYS


def test_a_date_outside_the_covered_range_is_an_error(here):
    with pytest.raises(CommandError, match="outside the covered range"):
        build_missing([date(2019, 3, 31)])
