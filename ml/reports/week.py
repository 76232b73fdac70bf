"""The newest scores at a glance: customers at risk, payments at stake, who has most of them, and the week before."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row

CURRENT_RUNS = """
select
    run.snapshot_date, run.scoring_run_id, run.build_id, run.model_version, run.scored_at, run.threshold,
    run.rows_scored, run.predicted_churn, run.mean_score
from ops.scoring_runs as run
where run.replaced_at is null
order by run.snapshot_date desc
limit %(most)s
"""
# Customers by the payments that they would take along: what they spent in 90 days, times the probability of churning.
AT_STAKE = """
select
    score.customer_id, score.score, feature.spent_90d, score.score * feature.spent_90d as at_stake,
    sum(score.score * feature.spent_90d) over () as total
from ops.churn_scoring as score
join features.churn_weekly_features as feature using (customer_id, snapshot_date)
where snapshot_date = %(snapshot_date)s
order by at_stake desc, customer_id
limit %(most)s
"""
ROWS = """
select feature.*
from features.churn_weekly_features as feature
where snapshot_date = %(snapshot_date)s and customer_id = any(%(customers)s)
"""
OPEN_ALERTS = """
select snapshot_date, check_name, subject, detail
from ops.monitoring
where state = 'alert' and snapshot_date = (select max(snapshot_date) from ops.monitoring)
order by value / alert_above desc
"""


@dataclass(frozen=True)
class ScoringRun:
    """The run whose scores of a snapshot are in ops.churn_scoring; `mean_score` and `threshold` are probabilities."""

    snapshot_date: date
    scoring_run_id: int
    build_id: int | None
    model_version: str
    scored_at: datetime
    threshold: float | None
    rows_scored: int
    predicted_churn: int
    mean_score: float


@dataclass(frozen=True)
class AtStake:
    """Pesos of 90 days times the probability of churning: of all scored customers, and of those with most."""

    total: float
    customers: tuple["CustomerAtStake", ...]


@dataclass(frozen=True)
class CustomerAtStake:
    """One of the customers with most at stake; amounts in pesos, `row` is that of features.churn_weekly_features."""

    customer_id: int
    score: float
    spent_90d: float
    at_stake: float
    row: dict[str, Any]


def current_runs(conn: psycopg.Connection, most: int | None = None) -> list[ScoringRun]:
    """The runs of the newest `most` scored snapshots (None: of all), newest first."""
    with conn.cursor(row_factory=class_row(ScoringRun)) as rows:
        return rows.execute(CURRENT_RUNS, {"most": most}).fetchall()


def at_stake(conn: psycopg.Connection, snapshot_date: date, most: int) -> AtStake:
    """What is at stake at a scored snapshot, with the `most` customers who have most of it."""
    with conn.cursor(row_factory=dict_row) as rows:
        found = rows.execute(AT_STAKE, {"snapshot_date": snapshot_date, "most": most}).fetchall()
        customers = [one["customer_id"] for one in found]
        rows.execute(ROWS, {"snapshot_date": snapshot_date, "customers": customers})
        features = {row["customer_id"]: row for row in rows}
    listed = (
        CustomerAtStake(
            one["customer_id"], one["score"], one["spent_90d"], one["at_stake"], features[one["customer_id"]]
        )
        for one in found
    )
    return AtStake(found[0]["total"] if found else 0.0, tuple(listed))


def open_alerts(conn: psycopg.Connection) -> list[dict[str, Any]]:
    """The alerts of the newest monitored snapshot, the worst first: snapshot_date, check_name, subject, detail."""
    with conn.cursor(row_factory=dict_row) as rows:
        return rows.execute(OPEN_ALERTS).fetchall()
