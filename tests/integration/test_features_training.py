"""Which snapshots a training may use: built when missing or stale, left out with the reason otherwise."""

from datetime import date

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


def for_training(until: str, lookback_weeks: int):
    with connect(application_name="test") as conn:
        return snapshots_for_training(conn, date.fromisoformat(until), lookback_weeks)


def test_the_newest_sundays_are_built_and_used(here):
    usable, left_out = for_training("2019-05-04", 4)
    assert (usable, left_out) == (SUNDAYS, {})
    assert [found for (found,) in here.rows("select snapshot_date from ops.feature_builds order by 1")] == SUNDAYS


def test_a_sunday_itself_is_the_newest(here):
    assert for_training("2019-04-28", 1) == ([date(2019, 4, 28)], {})


def test_sundays_outside_the_covered_range_are_left_out_with_the_reason(here):
    usable, left_out = for_training("2019-04-20", 4)
    assert usable == SUNDAYS[:2]
    assert left_out == dict.fromkeys(
        [date(2019, 3, 24), date(2019, 3, 31)], "outside the covered range 2019-04-01 to 2019-07-01"
    )


def test_a_snapshot_with_too_few_labels_is_left_out_whole(here):
    run_sql(here, "delete from raw.evaluate")
    usable, left_out = for_training("2019-05-12", 3)
    assert usable == [date(2019, 4, 28)]
    assert set(left_out) == {date(2019, 5, 5), date(2019, 5, 12)}
    assert all("of the active rows are labelled, 99% are needed" in reason for reason in left_out.values())


@pytest.mark.parametrize(("unlabelled", "is_usable"), [(0.009, True), (0.011, False)])
def test_the_border_is_ninety_nine_in_a_hundred(here, unlabelled, is_usable):
    t = date(2019, 4, 28)
    build(here, t)
    active = "snapshot_date = '2019-04-28' and label_source = 'observed'"
    run_sql(
        here,
        "update features.churn_weekly_features set labeled_churn = null, label_source = null"
        f" where {active} and customer_id in (select customer_id from features.churn_weekly_features where {active}"
        f" limit (select count(*) * {unlabelled} from features.churn_weekly_features where {active}))",
    )
    usable, _ = for_training("2019-04-28", 1)
    assert (usable == [t]) is is_usable


def test_no_sunday_usable_is_an_empty_answer(here):
    usable, left_out = for_training("2019-03-01", 2)
    assert usable == []
    assert len(left_out) == 2


def test_missing_and_stale_snapshots_are_built_and_fresh_ones_left_alone(here):
    assert build_missing(SUNDAYS[2:]) == SUNDAYS[2:]
    assert build_missing(SUNDAYS) == SUNDAYS[:2]
    assert build_missing(SUNDAYS) == []
    run_sql(here, "update ops.feature_builds set feature_sql_digest = 'older' where snapshot_date = '2019-04-14'")
    assert build_missing(SUNDAYS) == [date(2019, 4, 14)]
    run_sql(here, "update ops.stated_dates set data_complete_through = '2019-06-29'")  # another raw_fingerprint
    assert build_missing(SUNDAYS) == SUNDAYS


def test_a_date_outside_the_covered_range_is_an_error(here):
    with pytest.raises(CommandError, match="outside the covered range"):
        build_missing([date(2019, 3, 31)])
