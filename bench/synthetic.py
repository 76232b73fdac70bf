"""Feature rows without payments, recorded as builds; for benchmarks and for tests of their readers."""

from datetime import date
from pathlib import Path

import psycopg

from ml.features import feature_sql_digest

SYNTHETIC_FEATURES = Path(__file__).with_name("synthetic_features.sql")
# So that ops.current_data has dates: payments from 2019-01-01 to 2019-07-31, which close snapshots up to 2019-06-02.
RECORD_LOAD = """
insert into ops.raw_loads (
    table_name, file_name, file_digest, status,
    first_payment_date, extraction_month, payments_known_through, evaluate_cutoff
)
select table_name, table_name, 'synthetic', 'loaded', '2019-01-01', '2019-05-01', '2019-07-31', '2019-08-01'
from (values ('raw.payments'), ('raw.evaluate')) as file (table_name)
where not exists (select from ops.raw_loads)
"""
RECORD_BUILD = """
insert into ops.feature_builds (
    snapshot_date, sources, feature_sql_digest, rows_built, rows_inactive_60d,
    label_sources, labels_known_through, labels_rule, run_id
)
select
    snapshot_date, sources - 'evaluate', %(digest)s, count(*), count(*) filter (where days_since_activity >= 60),
    sources, payments_known_through, '', 'synthetic'
from features.churn_weekly_features
cross join ops.current_data
where snapshot_date = %(snapshot_date)s
group by snapshot_date, sources, payments_known_through
on conflict (snapshot_date) where replaced_at is null do update set
    sources = excluded.sources,
    rows_built = excluded.rows_built,
    rows_inactive_60d = excluded.rows_inactive_60d
"""


def fill(conn: psycopg.Connection, snapshot_date: date, customers: int) -> None:
    """Replace the rows of a snapshot by synthetic ones, the same for the same date and number of customers.

    `conn` is the owner's, in autocommit. These rows are not rebuilt, because they are recorded as a fresh build.
    """
    conn.execute(RECORD_LOAD)
    conn.execute("select ops.ensure_snapshot_partition('features.churn_weekly_features', %s)", (snapshot_date,))
    conn.execute("delete from features.churn_weekly_features where snapshot_date = %s", (snapshot_date,))
    conn.execute("select setseed(%s)", (snapshot_date.timetuple().tm_yday / 366,))
    parameters = {"snapshot_date": snapshot_date, "customers": customers}
    conn.execute(SYNTHETIC_FEATURES.read_text(encoding="utf-8"), parameters, prepare=False)
    record(conn, snapshot_date)


def record(conn: psycopg.Connection, snapshot_date: date) -> None:
    """Record the existing rows of a snapshot as a fresh build."""
    conn.execute(RECORD_BUILD, {"snapshot_date": snapshot_date, "digest": feature_sql_digest()})
    conn.execute("analyze features.churn_weekly_features")
