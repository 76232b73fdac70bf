"""Feature rows without payments behind them, recorded as builds; for benchmarks and for tests of what reads them."""

from datetime import date
from pathlib import Path

import psycopg

from ml.features import feature_sql_digest

HERE = Path(__file__).parent


def fill(conn: psycopg.Connection, snapshot_date: date, customers: int) -> None:
    """Replace the rows of a snapshot by synthetic ones, the same for the same date and number of customers.

    `conn` is the owner's, in autocommit. Nothing builds these rows anew: they are on record as fresh.
    """
    conn.execute(_sql("record_synthetic_load"))
    conn.execute("select ops.ensure_snapshot_partition('features.churn_weekly_features', %s)", (snapshot_date,))
    conn.execute("delete from features.churn_weekly_features where snapshot_date = %s", (snapshot_date,))
    conn.execute("select setseed(%s)", (snapshot_date.timetuple().tm_yday / 366,))
    parameters = {"snapshot_date": snapshot_date, "customers": customers}
    conn.execute(_sql("synthetic_features"), parameters, prepare=False)
    record(conn, snapshot_date)


def record(conn: psycopg.Connection, snapshot_date: date) -> None:
    """Record the rows of a snapshot that are there as a fresh build."""
    parameters = {"snapshot_date": snapshot_date, "digest": feature_sql_digest()}
    conn.execute(_sql("record_synthetic_build"), parameters)
    conn.execute("analyze features.churn_weekly_features")


def _sql(name: str) -> str:
    return (HERE / f"{name}.sql").read_text(encoding="utf-8")
