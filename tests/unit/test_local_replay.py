"""Which dates the demo replays, from what is known of the loaded files."""

from datetime import date

import pytest

from local import replay
from local.console import Failure
from local.replay import Plan
from ml.snapshots.coverage import CurrentData


def plan(first_payment: date, extraction_month: date, complete_through: date, *, has_crypto: bool) -> Plan:
    data = CurrentData(first_payment, extraction_month, complete_through, date(2019, 7, 1), "fingerprint", {})
    return replay.plan(data, has_crypto=has_crypto)


def test_sample():
    chosen = plan(date(2019, 1, 1), date(2019, 5, 1), date(2019, 6, 30), has_crypto=True)
    assert (chosen.snapshots[0], chosen.snapshots[-1], len(chosen.snapshots)) == (
        date(2019, 4, 7),
        date(2019, 6, 30),
        13,
    )
    assert (chosen.scored[0], chosen.scored[-1], len(chosen.scored)) == (date(2019, 5, 5), date(2019, 6, 30), 9)
    assert chosen.training == chosen.monitored == date(2019, 6, 30)
    assert chosen.crypto == [date(2019, 6, 28), date(2019, 6, 29), date(2019, 6, 30)]


def test_without_crypto_history():
    assert plan(date(2019, 1, 1), date(2019, 5, 1), date(2019, 6, 30), has_crypto=False).crypto == []


def test_short_history_has_fewer_snapshots():
    chosen = plan(date(2019, 3, 10), date(2019, 5, 1), date(2019, 6, 30), has_crypto=False)
    assert (
        chosen.snapshots == chosen.scored == [date(2019, 6, 9), date(2019, 6, 16), date(2019, 6, 23), date(2019, 6, 30)]
    )


def test_data_that_end_on_a_saturday_have_the_next_day_as_snapshot():
    chosen = plan(date(2018, 1, 1), date(2019, 3, 1), date(2019, 3, 30), has_crypto=False)
    assert chosen.training == chosen.monitored == chosen.snapshots[-1] == date(2019, 3, 31)


def test_no_sunday_is_covered():
    with pytest.raises(Failure, match="the payments cover snapshots from 2019-07-01 to 2019-07-01"):
        plan(date(2019, 4, 2), date(2019, 5, 1), date(2019, 6, 30), has_crypto=False)
