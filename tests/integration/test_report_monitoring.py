"""What the page Monitoring reads, compared with the rows put in."""

from datetime import UTC, date, datetime

import pytest

from ml.reports import monitoring
from tests.integration.conftest import PASSWORDS
from tests.integration.monitored_rows import BEFORE, CLOSED, LAST, fill

APRIL_21 = date(2019, 4, 21)


@pytest.fixture(scope="module")
def filled(new_database, empty_template):
    """Rows, and no right to read scores or features: their counts are elsewhere."""
    database = new_database(empty_template)
    fill(database)
    with database.connect() as conn:
        conn.execute("revoke select on ops.churn_scoring, features.churn_weekly_features from meli_reader")
    return database


@pytest.fixture
def conn(filled):
    with filled.connect("meli_reader", PASSWORDS["READER_DB_PASSWORD"]) as reader:
        yield reader


def test_without_rows_everything_is_empty(database):
    with database.connect("meli_reader", PASSWORDS["READER_DB_PASSWORD"]) as reader:
        assert monitoring.snapshots(reader) == monitoring.loads(reader) == monitoring.rejects(reader, []) == []
        assert monitoring.weeks(reader, LAST, 5) == monitoring.realized(reader, LAST, 5) == []
        assert monitoring.drift(reader, LAST, 5) == monitoring.findings(reader, LAST) == []
        assert set(vars(monitoring.freshness(reader)).values()) == {None}


def test_monitored_snapshots_are_counted_by_state(conn):
    found = [(each.snapshot_date, each.alerts, each.warnings, each.checks) for each in monitoring.snapshots(conn)]
    assert found == [(LAST, 1, 1, 5), (BEFORE, 1, 0, 2)]


def test_findings_of_a_snapshot_begin_with_the_worst(conn):
    found = monitoring.findings(conn, LAST)
    assert [each.subject for each in found][:3] == ["payments_90d", "active_days_30d", "customers"]
    assert found[0].of_limit == pytest.approx(2.4)
    assert [each.of_limit for each in found] == sorted((each.of_limit for each in found), reverse=True)


def test_a_snapshot_that_two_versions_scored_is_shown_as_measured_last(conn):
    first, last = monitoring.realized(conn, LAST, 10)
    assert (first.snapshot_date, first.calibration, first.mean_score, first.roc_auc_in_time) == (
        APRIL_21, None, None, None,
    )  # fmt: skip
    assert (last.model_version, last.churned, last.roc_auc, last.roc_auc_in_time) == ("2", 0.2, 0.81, 0.84)
    assert last.mean_score == pytest.approx(0.19)
    assert [each.snapshot_date for each in monitoring.realized(conn, LAST, 1)] == [CLOSED]
    assert [each.snapshot_date for each in monitoring.realized(conn, APRIL_21, 10)] == [APRIL_21]


def test_drift_is_of_the_newest_weeks_up_to_the_one_chosen(conn):
    found = monitoring.drift(conn, LAST, 10)
    assert [(each.snapshot_date, each.check_name, each.subject) for each in found] == [
        (BEFORE, "drift", "payments_90d"),
        (LAST, "drift", "active_days_30d"),
        (LAST, "drift", "payments_90d"),
        (LAST, "drift", "tenure_days"),
        (LAST, "share unknown", "payments_90d"),
    ]
    assert [each.subject for each in found if not each.is_compared] == ["tenure_days"]
    assert {each.snapshot_date for each in monitoring.drift(conn, LAST, 1)} == {LAST}
    assert {each.snapshot_date for each in monitoring.drift(conn, BEFORE, 10)} == {BEFORE}


def test_rejects_are_the_open_ones_of_the_last_loads_by_reason(conn, monkeypatch):
    """Not those of the first load of PAYMENTS.csv, nor the one that was replayed."""
    loads = monitoring.loads(conn)
    assert [(each.file_name, each.status, each.rows_rejected) for each in loads] == [
        ("DEMOGRAFICOS.csv", "refused", 2), ("EVALUATE.csv", "loaded", 0), ("PAYMENTS.csv", "loaded", 4),
    ]  # fmt: skip
    found = monitoring.rejects(conn, loads)
    assert [(each.file_name, each.reason, each.rows, each.first_line) for each in found] == [
        ("PAYMENTS.csv", "FECHA '…' is not a date", 2, 3),
        ("DEMOGRAFICOS.csv", "FECHA '…' is not a date", 1, 3),
        ("DEMOGRAFICOS.csv", "has … fields, expected …", 1, 2),
        ("PAYMENTS.csv", "has … fields, expected …", 1, 2),
    ]
    monkeypatch.setattr(monitoring, "REASONS_SHOWN", 1)
    assert len(monitoring.rejects(conn, loads)) == 1
    monkeypatch.setattr(monitoring, "REJECTS_READ", 1)
    assert monitoring.rejects(conn, loads)[0].rows == 1


def test_freshness_is_the_newest_of_each(conn):
    fresh = monitoring.freshness(conn)
    assert (fresh.payments_known_through, fresh.built_snapshot, fresh.monitored_snapshot) == (LAST, LAST, LAST)
    assert (fresh.scored_snapshot, fresh.scored_by) == (LAST, "2")
    assert fresh.scored_at == datetime(2026, 11, 1, 10, tzinfo=UTC)
    assert (fresh.trained_version, fresh.trained_until) == ("2", CLOSED)


def test_weeks_say_what_was_done_and_what_was_not(conn):
    last, before, closed = monitoring.weeks(conn, LAST, 5)
    assert (last.snapshot_date, last.rows_built, last.rows_scored, last.model_version) == (LAST, 4000, 3000, "2")
    assert (before.scoring_state, before.alerts) == ("missing_features", 1)
    assert (closed.snapshot_date, closed.rows_built, closed.rows_scored, closed.alerts) == (CLOSED, 3000, None, None)
    assert [each.snapshot_date for each in monitoring.weeks(conn, BEFORE, 1)] == [BEFORE]
