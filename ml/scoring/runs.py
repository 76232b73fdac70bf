"""The record of scoring runs, and the history of scores that were replaced."""

from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import psycopg

KEEP_REPLACED = """
insert into ops.churn_scoring_history (scoring_run_id, snapshot_date, customer_id, score, prediction)
select scoring_run_id, snapshot_date, customer_id, score, prediction
from ops.churn_scoring
join ops.scoring_runs using (snapshot_date)
where snapshot_date = %(snapshot_date)s and replaced_at is null
"""
END_RUN = """
update ops.scoring_runs set replaced_at = now() where snapshot_date = %(snapshot_date)s and replaced_at is null
"""
RECORD_RUN = """
insert into ops.scoring_runs (
    snapshot_date, model_version, build_id, state, missing_features, threshold, rows_scored, rows_excluded,
    predicted_churn, mean_score, run_id, scored_at
)
values (
    %(snapshot_date)s, %(model_version)s, %(build_id)s, %(state)s, %(missing_features)s, %(threshold)s, %(rows_scored)s,
    %(rows_excluded)s, %(predicted_churn)s, %(mean_score)s, %(run_id)s, %(scored_at)s
)
returning scoring_run_id
"""
CURRENT_RUN = """
select model_version, build_id, state from ops.scoring_runs
where snapshot_date = %(snapshot_date)s and replaced_at is null
"""
# A sum of hashes does not depend on the order of the rows.
STORED = """
select count(*), coalesce(sum(prediction), 0), avg(score),
    sum(hash_record_extended(row(customer_id, score, prediction, model_version), 0))
from ops.churn_scoring where snapshot_date = %(snapshot_date)s
"""


class Stored(NamedTuple):
    """The scores of a snapshot as they are stored: rows, predicted churners, mean score, and a digest of the rows."""

    rows: int
    predicted_churn: int
    mean_score: float | None
    digest: Decimal | None


def stored(conn: psycopg.Connection, snapshot_date: date) -> Stored:
    """What `ops.churn_scoring` holds of the snapshot."""
    (row,) = conn.execute(STORED, {"snapshot_date": snapshot_date}).fetchall()
    return Stored(*row)


def is_same_run(conn: psycopg.Connection, run: dict[str, Any]) -> bool:
    """Whether the current run of the snapshot has the same version, feature build and state."""
    return conn.execute(CURRENT_RUN, run).fetchone() == (run["model_version"], run["build_id"], run["state"])


def keep_replaced(conn: psycopg.Connection, snapshot_date: date) -> None:
    """Copy the scores of the snapshot into the history, before the caller deletes them."""
    for table in ("ops.churn_scoring", "ops.churn_scoring_history"):
        conn.execute("select ops.ensure_snapshot_partition(%s::regclass, %s)", (table, snapshot_date))
    conn.execute(KEEP_REPLACED, {"snapshot_date": snapshot_date})


def record_run(conn: psycopg.Connection, run: dict[str, Any]) -> int:
    """End the current run of the snapshot and record this one; return its number."""
    conn.execute(END_RUN, run)
    ((scoring_run_id,),) = conn.execute(RECORD_RUN, run).fetchall()
    return int(scoring_run_id)
