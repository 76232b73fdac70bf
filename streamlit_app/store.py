"""What the page reads from PostgreSQL: snapshots, a customer's features and stored score, alerts. It never writes."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import psycopg
from psycopg.rows import dict_row

from ml.utils_io import connect

STATEMENT_TIMEOUT_MS = 10_000
FEATURES = """
select *
from features.churn_weekly_features
where customer_id = %(customer_id)s and snapshot_date = %(snapshot_date)s
"""
SCORE = """
select score, model_version, scored_at
from ops.churn_scoring
where customer_id = %(customer_id)s and snapshot_date = %(snapshot_date)s
"""
SNAPSHOTS = "select snapshot_date from ops.current_feature_builds order by snapshot_date desc"
CUSTOMER_SNAPSHOTS = """
select snapshot_date
from features.churn_weekly_features
where customer_id = %s
order by snapshot_date desc
"""

OPEN_ALERTS = """
select snapshot_date, check_name, subject, detail
from ops.monitoring
where state = 'alert' and snapshot_date = (select max(snapshot_date) from ops.monitoring)
order by value / alert_above desc
"""


@dataclass(frozen=True)
class Customer:
    """One row of `features.churn_weekly_features`, and that of `ops.churn_scoring` if the batch has scored it."""

    customer_id: int
    snapshot_date: date
    row: dict[str, Any] = field(repr=False)
    stored: dict[str, Any] | None

    @property
    def already_churned(self) -> bool:
        """Whether the row is outside the active cohort, the only rows trained on and scored."""
        return bool(self.row["label_source"] == "inactive_60d")


def _connect() -> psycopg.Connection:
    conn = connect(application_name="streamlit")
    conn.read_only = True
    conn.execute("select set_config('statement_timeout', %s, true)", (str(STATEMENT_TIMEOUT_MS),))
    return conn


def snapshots() -> list[date]:
    """Snapshot dates that have features, newest first.

    Raises:
        psycopg.Error: the database cannot be reached, or its tables are not there.
    """
    with _connect() as conn:
        return [found for (found,) in conn.execute(SNAPSHOTS)]


def customer(customer_id: int, snapshot_date: date) -> Customer | None:
    """The customer as of `snapshot_date`, or None when they have no features there."""
    where = {"customer_id": customer_id, "snapshot_date": snapshot_date}
    with _connect() as conn, conn.cursor(row_factory=dict_row) as rows:
        features = rows.execute(FEATURES, where).fetchone()
        if features is None:
            return None
        return Customer(customer_id, snapshot_date, features, rows.execute(SCORE, where).fetchone())


def customer_snapshots(customer_id: int) -> list[date]:
    """Snapshot dates at which the customer has features, newest first."""
    with _connect() as conn:
        return [found for (found,) in conn.execute(CUSTOMER_SNAPSHOTS, (customer_id,))]


def open_alerts() -> list[dict[str, Any]]:
    """The alerts of the newest monitored snapshot, the worst first: snapshot_date, check_name, subject, detail."""
    with _connect() as conn, conn.cursor(row_factory=dict_row) as rows:
        return rows.execute(OPEN_ALERTS).fetchall()
