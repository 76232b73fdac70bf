"""Monitors one snapshot: gathers the findings, replaces the rows, logs the report."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd
import psycopg
from mlflow.tracking import MlflowClient

from ml.model_config import MODEL_NAME
from ml.monitoring import realized, report
from ml.monitoring.drift import drift
from ml.monitoring.finding import Finding
from ml.monitoring.operations import operations
from ml.snapshots.catalogue import BY_NAME
from ml.snapshots.coverage import CurrentData, current_data
from ml.store import feature_rows, monitoring_rows, registry
from ml.store.registry import ChurnVersion
from ml.training.holdout import measured_buckets
from ml.utils_io import lock_writer, with_lock_retries

TABLE = "ops.monitoring"
SCORED_ROWS = """
select {columns} from ops.churn_scoring join features.churn_weekly_features using (snapshot_date, customer_id)
where snapshot_date = %(snapshot_date)s and ops.customer_bucket(customer_id) < %(end_bucket)s
"""
COUNT_SCORED = "select count(*) from ops.churn_scoring where snapshot_date = %s"
# A sample of customers, if there are more: an index of ten parts then varies by 0.00004, a thousandth of its limit.
MAX_DRIFT_ROWS = 1_000_000


def monitor(conn: psycopg.Connection, client: MlflowClient, snapshot_date: date, number: str | None) -> dict[str, Any]:
    """What the command prints; `number`: the version that scored the snapshot, None without scores.

    `conn` is in autocommit: no transaction is open while MLflow is asked.
    """
    versions = registry.by_number(client)
    version, data = versions.get(number or ""), current_data(conn)
    trained_until = version.training_snapshots[-1] if version else None
    findings = [
        *_drift(conn, data, snapshot_date, number, version),
        *operations(conn, data, snapshot_date, trained_until),
    ]
    closed = realized.scored_and_closed(conn, snapshot_date)
    measured = realized.measure_changed(conn, closed)
    in_time = _in_time_roc_auc(versions)

    def write() -> list[Finding]:
        with conn.transaction():
            lock_writer(conn, TABLE)
            realized.write(conn, measured)
            found = [*realized.judge(conn, snapshot_date, closed, in_time), *findings]
            monitoring_rows.replace(conn, snapshot_date, number, found)
        return found

    findings = sorted(with_lock_retries(write), key=lambda each: each.severity, reverse=True)
    page = report.page(conn, snapshot_date, number, findings, closed, in_time)
    states = Counter(each.state for each in findings)
    counts = {state: states[state] for state in ("ok", "warn", "alert")}
    return {
        "snapshot_date": snapshot_date,
        "model_version": number,
        "findings": counts,
        "worst": f"{findings[0].check} of {findings[0].subject}",
        "alerts": [_told(each) for each in findings if each.state == "alert"],
        "warnings": [_told(each) for each in findings if each.state == "warn"],
        "lasting_alerts": monitoring_rows.lasting_alerts(conn, snapshot_date),
        "measured": [one.snapshot_date for one in measured],
        "run_id": report.log(client, snapshot_date, number, page, counts),
        "report": report.path(snapshot_date),
    }


def _drift(
    conn: psycopg.Connection,
    data: CurrentData,
    snapshot_date: date,
    number: str | None,
    version: ChurnVersion | None,
) -> Iterator[Finding]:
    """Nothing without scores, which is a finding of its own, and one finding without a training reference."""
    if number is None:
        return
    reference = registry.training_reference(version) if version else None
    if version is None or reference is None:
        yield Finding(
            check="training reference",
            subject=f"version {number}",
            value=1.0,
            warn_above=0.0,
            alert_above=1.0,
            detail=f"{MODEL_NAME} version {number} has no {registry.TRAINING_REFERENCE}: drift is not known",
            what_to_do="train again, or put a version that has one into production: make promote",
        )
        return
    reference["features"] = {name: found for name, found in reference["features"].items() if name in BY_NAME}
    rows = scored_rows(conn, snapshot_date, ("score", *reference["features"]))
    yield from drift(rows, rows["score"], reference, (version.training_snapshots[0] - data.first_payment_date).days)


def scored_rows(
    conn: psycopg.Connection, snapshot_date: date, columns: Sequence[str], max_rows: int = MAX_DRIFT_ROWS
) -> pd.DataFrame:
    """Scores and features of the scored customers, or of a fixed sample of them with about `max_rows` rows."""
    ((count,),) = conn.execute(COUNT_SCORED, (snapshot_date,)).fetchall()
    _, end = measured_buckets(count, max_rows)
    of = {"snapshot_date": snapshot_date, "end_bucket": end}
    with feature_rows.reading(conn, SCORED_ROWS, columns, of) as batches:
        rows: pd.DataFrame = feature_rows.to_frame(batches.read_all())
    return rows


def _in_time_roc_auc(versions: Mapping[str, ChurnVersion]) -> dict[str, float]:
    figures = {number: json.loads(version.tags.get("heldout_metrics", "{}")) for number, version in versions.items()}
    return {number: found["roc_auc"] for number, found in figures.items() if "roc_auc" in found}  # else: why not


def _told(found: Finding) -> dict[str, Any]:
    return {
        "check": found.check,
        "subject": found.subject,
        "value": round(found.value, 4),
        "alert_above": round(found.alert_above, 4),
        "detail": found.detail,
        "what_to_do": found.what_to_do,
    }
