"""Build the churn features of one snapshot date, and say which snapshots a training may use."""

import argparse
import hashlib
from datetime import date
from itertools import islice
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb

from ml import cli
from ml.contracts.check import check as check_contract
from ml.contracts.contract import Rule
from ml.settings import settings
from ml.snapshots import catalogue, labels, polarity
from ml.snapshots.closed import open_by_dates, open_by_labels
from ml.snapshots.coverage import SUNDAY, CurrentData, covered_range, current_data, require_covered, sundays_before
from ml.snapshots.rows import DELETE, Written, columns_of, require_same_columns
from ml.utils_io import connect, lock_writer, sql, with_lock_retries

TABLE = catalogue.TABLE
WORK_MEM = "128MB"  # a hash table may take twice as much (hash_mem_multiplier) before it spills to disk

FRESH_BUILDS = "select snapshot_date from ops.current_feature_builds where sources = %s and feature_sql_digest = %s"
LABEL_COUNTS = """
    select coalesce(label_source, 'unknown'), count(*)
    from features.churn_weekly_features
    where snapshot_date = %s
    group by 1
"""
# A rerun from the same data and SQL gives the same rows, and stays the same build.
SAME_BUILD = """
    select 1 from ops.current_feature_builds
    where (snapshot_date, sources, feature_sql_digest, rows_built, rows_inactive_60d)
        = (%(snapshot_date)s, %(sources)s, %(feature_sql_digest)s, %(rows_built)s, %(rows_inactive_60d)s)
"""
END_BUILD = "update ops.current_feature_builds set replaced_at = now() where snapshot_date = %(snapshot_date)s"
MOVE_BUILD = """
    update ops.current_feature_builds set location = %(location)s where snapshot_date = %(snapshot_date)s
"""
RECORD_BUILD = """
    insert into ops.feature_builds (
        snapshot_date, sources, feature_sql_digest, rows_built, rows_inactive_60d,
        label_sources, labels_known_through, labels_rule, run_id, location
    )
    values (
        %(snapshot_date)s, %(sources)s, %(feature_sql_digest)s, %(rows_built)s, %(rows_inactive_60d)s,
        %(label_sources)s, %(labels_known_through)s, %(labels_rule)s, %(run_id)s, %(location)s
    )
"""


def build(snapshot_date: date) -> dict[str, Any]:
    """Build the snapshot in one transaction, and fill in the labels that are known by now; return the counts.

    Raises:
        CommandError: outside the covered range, a contract broken, or the churn flag's polarity contradicted.
        Skip: outside the covered range in a scheduled run.
        TryLater: files were loaded meanwhile.
    """
    return with_lock_retries(lambda: _build(snapshot_date))


def build_missing(snapshot_dates: list[date]) -> list[date]:
    """Build those of `snapshot_dates` that are missing or come from other data or SQL; return them, oldest first.

    Each is built in its own transaction and connection. Raises what `build` does.
    """
    with connect(application_name="ml.features") as conn:
        missing = sorted(set(snapshot_dates) - fresh_snapshots(conn))
    for snapshot_date in missing:
        build(snapshot_date)
    return missing


def fresh_snapshots(conn: psycopg.Connection) -> set[date]:
    """Snapshots that are built from the present data and SQL."""
    parameters = (Jsonb(current_data(conn).feature_sources), feature_sql_digest())
    return {found for (found,) in conn.execute(FRESH_BUILDS, parameters)}


def built_closed_sundays(conn: psycopg.Connection, after: date, count: int) -> list[date]:
    """Up to `count` closed Sundays after a date, the newest, oldest first, of those that are built already."""
    built = (day for day in sorted(fresh_snapshots(conn), reverse=True) if day > after and day.weekday() == SUNDAY)
    return sorted(islice((day for day in built if open_by_labels(conn, day, None) is None), count))


def snapshots_for_training(
    conn: psycopg.Connection, until: date, lookback_weeks: int, as_of: date | None = None
) -> tuple[list[date], dict[date, str]]:
    """The newest `lookback_weeks` closed Sundays on or before `until`, oldest first, and why others were passed over.

    Looks back as far as the data go. What is missing is built on other connections, whose commits `conn` must be able
    to see (READ COMMITTED, or no transaction begun). `as_of`: only labels known on that date count. If no Sunday
    is closed, the list is empty. Raises what `build` does.
    """
    first, last = covered_range(conn)
    data, fresh = current_data(conn), fresh_snapshots(conn)
    closed: list[date] = []
    passed_over: dict[date, str] = {}
    for sunday in sundays_before(until):
        if len(closed) == lookback_weeks:
            break
        if sunday < first:
            passed_over[sunday] = f"outside the covered range {first} to {last}, as are all before it"
            break
        reason = f"outside the covered range {first} to {last}" if sunday > last else None
        reason = reason or open_by_dates(conn, data, sunday, as_of)
        if reason is None:
            if sunday not in fresh:
                build(sunday)
            reason = open_by_labels(conn, sunday, as_of)
        if reason is None:
            closed.append(sunday)
        else:
            passed_over[sunday] = reason
    return sorted(closed), passed_over


def feature_sql_digest() -> str:
    """Digest of the SQL that computes the features; a snapshot built with other SQL is stale."""
    return hashlib.sha256(sql("features_churn").encode()).hexdigest()


def _build(snapshot_date: date) -> dict[str, Any]:
    with connect(application_name=f"ml.features {snapshot_date}") as conn:
        lock_writer(conn, TABLE)
        conn.execute("select set_config('work_mem', %s, true)", (WORK_MEM,))
        require_covered(conn, snapshot_date)
        data = current_data(conn)
        verdict = polarity.check(conn, data)
        rows, location = write_rows(conn, data, snapshot_date)
        if rows == 0:
            raise cli.CommandError(
                f"no customer has a payment before {snapshot_date} in staging.customers;"
                " load the files again: make seed"
            )
        checked = check_contract(
            conn,
            "churn_weekly_features",
            bindings={"snapshot_date": snapshot_date, "churn_days": catalogue.CHURN_DAYS},
            rules=[Rule(expect=condition) for condition in catalogue.limit_conditions()],
        )
        counts: dict[str, int] = dict(conn.execute(LABEL_COUNTS, (snapshot_date,)).fetchall())
        inactive_60d = counts.get("inactive_60d", 0)
        record = {
            "snapshot_date": snapshot_date,
            "sources": Jsonb(data.feature_sources),
            "feature_sql_digest": feature_sql_digest(),
            "rows_built": rows,
            "rows_inactive_60d": inactive_60d,
            "run_id": settings().pipeline_run_id,
            "location": location,
            **labels.basis(conn, data),
        }
        if conn.execute(SAME_BUILD, record).fetchone():
            conn.execute(labels.RECORD_LABELS, record)
            conn.execute(MOVE_BUILD, record)
        else:
            conn.execute(END_BUILD, record)
            conn.execute(RECORD_BUILD, record)
        matured = labels.mature(conn, data)
        if current_data(conn) != data:
            raise cli.TryLater(f"files were loaded while snapshot {snapshot_date} was being built; run it again")
    if location:
        from ml.spark import features as on_spark

        on_spark.delete_replaced(snapshot_date)
    return {
        "snapshot_date": snapshot_date,
        "rows": rows,
        "active": rows - inactive_60d,
        "inactive_60d": inactive_60d,
        "labelled": counts,
        "labels_known_through": data.payments_known_through,
        "matured": {str(changed): number for changed, number in matured.items()},
        "polarity": verdict,
        "contract_warnings": checked.warnings,
    }


def write_rows(conn: psycopg.Connection, data: CurrentData, snapshot_date: date) -> Written:
    """Replace the rows of the snapshot in the caller's transaction, computed by the engine that ENGINE names.

    Raises:
        CommandError: features_churn.sql, the catalogue and the table do not have the same columns.
        TryLater: the Spark cluster or the object store failed.
    """
    parameters = {
        "snapshot_date": snapshot_date,
        "churn_days": catalogue.CHURN_DAYS,
        "extraction_end": data.extraction_end,
        "months_ahead": data.months_ahead(snapshot_date),
        "payments_known_through": data.payments_known_through,
        "evaluate_cutoff": data.evaluate_cutoff,
        "flag_means": settings().evaluate_churn_means,
    }
    conn.execute("select ops.ensure_snapshot_partition(%s::regclass, %s)", (TABLE, snapshot_date))
    if settings().engine == "spark":
        from ml.spark import features as on_spark

        return on_spark.write_rows(conn, parameters)
    # CREATE TABLE AS can use parallel workers, INSERT cannot. It accepts no parameters, so the client inserts them.
    statement = f"create temporary table snapshot_rows on commit drop as {sql('features_churn')}"
    psycopg.ClientCursor(conn).execute(statement, parameters)
    names = columns_of(conn, "snapshot_rows")
    require_same_columns(conn, names)
    conn.execute(DELETE, parameters)
    columns = SQL(", ").join(map(Identifier, names))  # by name: the order in features_churn.sql does not matter
    insert = SQL("insert into features.churn_weekly_features ({0}) select {0} from snapshot_rows").format(columns)
    return Written(conn.execute(insert).rowcount)


def main() -> None:
    """Command line: `python -m ml.features --snapshot-date 2019-05-26`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--snapshot-date", type=cli.iso_date, required=True, help="YYYY-MM-DD")
    arguments = parser.parse_args()
    cli.run(lambda: build(arguments.snapshot_date))


if __name__ == "__main__":
    main()
