"""The state of data and runs at a snapshot: volumes, rejects, the age of each file, and runs that did not happen."""

from collections.abc import Iterator
from datetime import date, timedelta

import psycopg

from ml.monitoring.finding import Finding
from ml.snapshots.coverage import CurrentData

ROWS = """
select snapshot_date, rows_built, rows_inactive_60d from ops.current_feature_builds
where snapshot_date in (%(snapshot_date)s, %(week_before)s)
"""
SCORED = "select 1 from ops.scoring_runs where snapshot_date = %s limit 1"
REJECTS = """
select distinct on (table_name) file_name, rows_in_file, rows_rejected
from ops.raw_loads
where status in ('loaded', 'refused')
order by table_name, load_id desc
"""
WEEK = timedelta(weeks=1)


def operations(
    conn: psycopg.Connection, data: CurrentData, snapshot_date: date, trained_until: date | None
) -> Iterator[Finding]:
    """Findings about volumes, rejects, ages and runs; `trained_until`: newest snapshot of the version in production."""
    yield from _volumes(conn, snapshot_date)
    yield from _rejects(conn)
    yield from _ages(data, snapshot_date, trained_until)
    yield from _runs(conn, snapshot_date)


def _volumes(conn: psycopg.Connection, snapshot_date: date) -> Iterator[Finding]:
    parameters = {"snapshot_date": snapshot_date, "week_before": snapshot_date - WEEK}
    found = {day: (rows, inactive) for day, rows, inactive in conn.execute(ROWS, parameters)}
    if len(found) < 2:
        return
    (now, inactive_now), (before, inactive_before) = found[snapshot_date], found[snapshot_date - WEEK]
    for subject, this, last in (
        ("customers", now, before),
        ("active customers", now - inactive_now, before - inactive_before),
    ):
        yield Finding(
            check="volume",
            subject=subject,
            value=abs(this / max(last, 1) - 1),
            warn_above=0.15,
            alert_above=0.3,
            detail=f"{this:,} {subject}, {last:,} a week before",
            what_to_do="compare the loads of PAYMENTS.csv in ops.raw_loads; load a complete file and build again",
        )


def _rejects(conn: psycopg.Connection) -> Iterator[Finding]:
    for file_name, rows, rejected in conn.execute(REJECTS).fetchall():
        yield Finding(
            check="rejected rows",
            subject=file_name,
            value=rejected / rows if rows else float(rejected > 0),
            # The crypto history is loaded as it is; in the others more than 1 % refuses the file.
            warn_above=0.001,
            alert_above=0.01,
            detail=f"{rejected:,} of {rows or 0:,} rows rejected",
            what_to_do="see ops.raw_rejects; correct the file, or write mended_text and run make replay-rejects",
        )


def _ages(data: CurrentData, snapshot_date: date, trained_until: date | None) -> Iterator[Finding]:
    ages = [
        (
            "PAYMENTS.csv",
            (snapshot_date - data.payments_known_through).days - 1,
            7,
            14,
            "load newer payments: make seed",
        ),
        (
            "ACTIVE_USER.csv, DINERO_CUENTA.csv",
            -data.months_ahead(snapshot_date) * 30.4,
            31,
            62,
            "load the monthly files of a newer extraction: make seed",
        ),
    ]
    if trained_until is not None:
        retrain = 'train: make airflow ARGS="dags test churn_train_register_m YYYY-MM-DD"'
        ages.append(("model", (snapshot_date - trained_until).days, 150, 210, retrain))
    for subject, days, warn, alert, what_to_do in ages:
        yield Finding(
            check="age in days",
            subject=subject,
            value=max(float(days), 0.0),
            warn_above=warn,
            alert_above=alert,
            detail=f"{subject} is {max(days, 0):.0f} days behind {snapshot_date}",
            what_to_do=what_to_do,
        )


def _runs(conn: psycopg.Connection, snapshot_date: date) -> Iterator[Finding]:
    parameters = {"snapshot_date": snapshot_date, "week_before": snapshot_date - WEEK}
    built = {day for day, *_ in conn.execute(ROWS, parameters)}
    scored = conn.execute(SCORED, (snapshot_date,)).fetchone() is not None
    for dag_id, happened in (("churn_feature_build_w", snapshot_date in built), ("churn_batch_score_w", scored)):
        yield Finding(
            check="run that did not happen",
            subject=dag_id,
            value=float(not happened),
            warn_above=0.0,
            alert_above=0.5,
            detail=f"{dag_id} {'ran' if happened else 'has not run'} for {snapshot_date}",
            what_to_do=f'run it: make airflow ARGS="dags test {dag_id} {snapshot_date}"',
        )
