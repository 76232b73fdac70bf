"""The state of data and runs at a snapshot: volumes, rejects, the age of the files, and runs that did not happen."""

from collections.abc import Iterator
from datetime import date, timedelta

import psycopg

from ml.monitoring.finding import Finding
from ml.snapshots.coverage import CurrentData, covered_range, sundays_before

WEEK = timedelta(weeks=1)
WEEKS_LOOKED_BACK = 4  # for runs that did not happen
MONTHLY_FILES = "ACTIVE_USER.csv, DINERO_CUENTA.csv"

ROWS = """
select snapshot_date, rows_built, rows_inactive_60d from ops.current_feature_builds where snapshot_date = any(%s)
"""
# Before the first Sunday that was scored, nobody ran the pipeline: a training has built some of those on its own.
FIRST_SCORED = "select min(snapshot_date) from ops.scoring_runs where snapshot_date <= %s"
BUILT = "select snapshot_date from ops.current_feature_builds where snapshot_date <= %s"
SCORED = "select snapshot_date from ops.scoring_runs where replaced_at is null and snapshot_date <= %s"
LOADS = """
select distinct on (table_name) file_name, status, message, coalesce(rows_in_file, 0), coalesce(rows_rejected, 0)
from ops.raw_loads
where status in ('loaded', 'refused')
order by table_name, load_id desc
"""


def operations(
    conn: psycopg.Connection, data: CurrentData, snapshot_date: date, trained_until: date | None
) -> Iterator[Finding]:
    """Findings about volumes, loads, ages, runs; `trained_until`: newest training snapshot of the scores' version."""
    yield from _volumes(conn, snapshot_date)
    yield from _loads(conn)
    yield from _ages(data, snapshot_date, trained_until)
    for dag_id, statement in (("churn_feature_build_w", BUILT), ("churn_batch_score_w", SCORED)):
        yield _runs(conn, snapshot_date, dag_id, statement)


def _volumes(conn: psycopg.Connection, snapshot_date: date) -> Iterator[Finding]:
    found = {day: counts for day, *counts in conn.execute(ROWS, ([snapshot_date, snapshot_date - WEEK],))}
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
            warn_above=0.1,
            alert_above=0.2,
            detail=f"{this:,} {subject}, {last:,} a week before",
            what_to_do="compare the loads of PAYMENTS.csv in ops.raw_loads; load a complete file and build again",
        )


def _loads(conn: psycopg.Connection) -> Iterator[Finding]:
    for file_name, status, message, rows, rejected in conn.execute(LOADS).fetchall():
        refused = status == "refused"
        yield Finding(
            check="load",
            subject=file_name,
            value=1.0 if refused else rejected / max(rows, 1),
            # More than 1 % rejected refuses a file, but not the crypto history, which is loaded as it is.
            warn_above=0.001,
            alert_above=0.01,
            detail=f"the last load was refused: {message}" if refused else f"{rejected:,} of {rows:,} rows rejected",
            what_to_do="see ops.raw_rejects; load a corrected file (make seed), or correct the rows there and run"
            " make replay-rejects",
        )


def _ages(data: CurrentData, snapshot_date: date, trained_until: date | None) -> Iterator[Finding]:
    yield Finding(
        check="months behind",
        subject=MONTHLY_FILES,
        value=float(max(-data.months_ahead(snapshot_date), 0)),
        warn_above=0,
        alert_above=1,
        detail=f"the files reach {data.extraction_month:%Y-%m}; the month before {snapshot_date} is month -1",
        what_to_do="load the monthly files of a newer extraction (make seed), then build and score again",
    )
    if trained_until is not None:
        yield Finding(
            check="age in days",
            subject="model",
            value=float(max((snapshot_date - trained_until).days, 0)),
            warn_above=150,
            alert_above=210,
            detail=f"the version that scored {snapshot_date} was trained on snapshots up to {trained_until}",
            what_to_do="see ops.model_promotions for why no newer version is in production;"
            f' train: make airflow ARGS="dags test churn_train_register_m {snapshot_date}"',
        )


def _runs(conn: psycopg.Connection, snapshot_date: date, dag_id: str, statement: str) -> Finding:
    """1 if the snapshot has no result, 0.5 if a Sunday of the last weeks, since the first scored one, has none."""
    done = {day for (day,) in conn.execute(statement, (snapshot_date,))}
    ((begun,),) = conn.execute(FIRST_SCORED, (snapshot_date,)).fetchall()
    oldest = snapshot_date - WEEKS_LOOKED_BACK * WEEK + timedelta(days=1)
    first = max(covered_range(conn)[0], begun or snapshot_date, oldest)
    due = {snapshot_date}
    for sunday in sundays_before(snapshot_date):
        if sunday < first:
            break
        due.add(sunday)
    missing = ", ".join(map(str, sorted(due - done)))
    return Finding(
        check="run that did not happen",
        subject=dag_id,
        value=1.0 if snapshot_date not in done else 0.5 if missing else 0.0,  # who missed a week was told in that week
        warn_above=0.0,
        alert_above=0.5,
        detail=f"no result for {missing}" if missing else f"ran for all {len(due)} snapshots looked at",
        what_to_do=f'run it: make airflow ARGS="dags test {dag_id} {missing.split(",")[0] or snapshot_date}"',
    )
