"""Rows as monitoring, scoring, building and loading leave them, without any of these."""

from datetime import date, timedelta

import psycopg

from tests.integration.conftest import Database

LAST = date(2019, 6, 30)
BEFORE = LAST - timedelta(weeks=1)
CLOSED = date(2019, 4, 28)
FINDING = """
insert into ops.monitoring (
    snapshot_date, check_name, subject, value, warn_above, alert_above, state, detail, what_to_do, model_version, run_id
)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, '2', 'test')
"""
FIGURE = """
insert into ops.model_metrics (
    kind, model_version, snapshot_dates, slice, metric, value, low, high, rows_measured, churners, run_id, measured_at
)
values (%s, %s, %s, 'all', %s, %s, %s, %s, %s, %s, 'test', %s)
"""
LOAD = """
insert into ops.raw_loads (
    table_name, file_name, status, rows_in_file, rows_loaded, rows_rejected, message, file_digest,
    first_payment_date, extraction_month, payments_known_through, evaluate_cutoff
)
values (%s, %s, %s, %s, %s, %s, %s, 'x', '2019-01-01', '2019-05-01', %s, '2019-07-01')
returning load_id
"""
BUILD = """
insert into ops.feature_builds (
    snapshot_date, feature_sql_digest, rows_built, rows_inactive_60d, labels_rule, run_id, replaced_at
)
values (%s, 'x', %s, %s, '', 'test', %s)
"""
RUN = """
insert into ops.scoring_runs (
    snapshot_date, model_version, state, rows_scored, predicted_churn, mean_score, run_id, scored_at, replaced_at
)
values (%s, %s, %s, %s, 10, 0.25, 'test', %s, %s)
"""


def fill(database: Database) -> None:
    """Two monitored snapshots with an alert each, a closed one that two versions scored, loads with rejects, runs."""
    with database.connect() as conn:
        _monitoring(conn)
        _figures(conn)
        _loads(conn)
        for day, rows, gone in ((LAST, 4000, 1000), (BEFORE, 3900, 950), (CLOSED, 3000, 600)):
            conn.execute(BUILD, (day, rows, gone, None))
        conn.execute(BUILD, (LAST, 1, 0, "2026-01-01"))  # which another build replaced
        conn.execute(RUN, (LAST, "2", "complete", 3000, "2026-11-01 10:00+00", None))
        conn.execute(RUN, (LAST, "1", "complete", 7, "2026-10-31 10:00+00", "2026-11-01 10:00+00"))
        conn.execute(RUN, (BEFORE, "2", "missing_features", 2950, "2026-10-25 10:00+00", None))


def _monitoring(conn: psycopg.Connection) -> None:
    train = 'train again: make airflow ARGS="dags test churn_train_register_m 2019-06-30"'
    rows = (
        (LAST, "drift", "payments_90d", 0.12, 0.04, 0.05, "alert", "population stability index 0.120", train),
        (LAST, "drift", "active_days_30d", 0.045, 0.04, 0.05, "warn", "population stability index 0.045", train),
        (LAST, "drift", "tenure_days", 0.0, 0.04, 0.05, "ok", "not compared: the training is too young", train),
        (LAST, "share unknown", "payments_90d", 0.0, 0.05, 0.1, "ok", "payments_90d is unknown for 0.0%", "load"),
        (LAST, "volume", "customers", 0.03, 0.1, 0.2, "ok", "4,000 customers, 3,900 a week before", "load"),
        (BEFORE, "drift", "payments_90d", 0.02, 0.04, 0.05, "ok", "population stability index 0.020", train),
        (BEFORE, "load", "PAYMENTS.csv", 0.5, 0.001, 0.01, "alert", "half of the rows rejected", "load: make seed"),
    )
    conn.cursor().executemany(FINDING, rows)


def _figures(conn: psycopg.Connection) -> None:
    measured = (
        ("realized", "1", [CLOSED], "calibration", 0.03, 0.01, 0.05, 2000, 400, "2026-10-01"),
        ("realized", "1", [CLOSED], "roc_auc", 0.70, 0.68, 0.72, 2000, 400, "2026-10-01"),
        ("realized", "2", [CLOSED], "calibration", -0.01, -0.03, 0.01, 2000, 400, "2026-11-01"),
        ("realized", "2", [CLOSED], "roc_auc", 0.81, 0.79, 0.83, 2000, 400, "2026-11-01"),
        ("realized", "1", [date(2019, 4, 21)], "roc_auc", 0.75, 0.73, 0.77, 1500, 300, "2026-10-01"),
        ("in_time", "2", [date(2019, 4, 14), CLOSED], "roc_auc", 0.84, 0.82, 0.86, 500, 100, "2026-10-30"),
    )
    conn.cursor().executemany(FIGURE, measured)


def _loads(conn: psycopg.Connection) -> None:
    for table, file_name, status, in_file, loaded, rejected, message in (
        ("raw.payments", "PAYMENTS.csv", "loaded", 100, 90, 10, None),
        ("raw.evaluate", "EVALUATE.csv", "loaded", 50, 50, 0, None),
        ("raw.demograficos", "DEMOGRAFICOS.csv", "refused", 8, 0, 2, "has 5 of 6 columns"),
        ("raw.payments", "PAYMENTS.csv", "loaded", 1000, 996, 4, None),
        ("raw.payments", "PAYMENTS.csv", "unchanged", 1000, 996, 4, None),
    ):
        values = (table, file_name, status, in_file, loaded, rejected, message, LAST)
        ((load_id,),) = conn.execute(LOAD, values).fetchall()
        for number in range(rejected if status != "unchanged" else 0):
            reason = f"FECHA '3{number}/02/2019' is not a date" if number else "has 7 fields, expected 8"
            conn.execute(
                "insert into ops.raw_rejects (load_id, file_name, line_number, line_text, reason, replayed_load_id)"
                " values (%s, %s, %s, 'x', %s, %s)",
                (load_id, file_name, number + 2, reason, load_id if number == 3 else None),
            )
