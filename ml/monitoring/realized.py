"""What scores came to: predicted against realized churn of each closed snapshot that was scored."""

from collections.abc import Iterator, Sequence
from datetime import date

import pandas as pd
import psycopg

from ml.monitoring.finding import Finding
from ml.snapshots.catalogue import CHURN_DAYS
from ml.store import metric_rows
from ml.training.metrics import Figure, measure
from ml.training.slices import SLICE_COLUMNS, slices

SLICED_ROWS = 50_000  # of a larger snapshot, a sample of customers is sliced
# The mean score may be off by as much without being called wrong; beyond it, the whole interval must lie.
CALIBRATION_WARN, CALIBRATION_ALERT = 0.0, 0.01
ROC_AUC_WARN, ROC_AUC_ALERT = 0.01, 0.03  # by which the whole interval lies below the figure in time of the version
SCORED = """
select scoring.customer_id, scoring.score, scoring.model_version, feature.labeled_churn,
    feature.spent_90d, feature.tenure_days, feature.tarjetas, feature.estado, feature.rango_edad, feature.gender
from ops.churn_scoring as scoring
join features.churn_weekly_features as feature using (snapshot_date, customer_id)
where scoring.snapshot_date = %(snapshot_date)s
    and features.is_usable_label(snapshot_date, feature.label_horizon_days, %(churn_days)s, null)
"""


def realized(conn: psycopg.Connection, closed: Sequence[date], in_time_roc_auc: float | None) -> Iterator[Finding]:
    """Measure those of the `closed` snapshots that were scored; figures go to `ops.model_metrics`.

    `in_time_roc_auc`: of the version in production, on held-out customers; None: not known.
    """
    for day in closed:
        rows = _rows(conn, day)
        if rows.empty:
            continue
        figures = _measure(conn, day, rows)
        if "calibration" in figures:
            yield _calibration(day, figures["calibration"])
        if "roc_auc" in figures and in_time_roc_auc is not None:
            yield _roc_auc(day, figures["roc_auc"], in_time_roc_auc)


def _rows(conn: psycopg.Connection, day: date) -> pd.DataFrame:
    cursor = conn.execute(SCORED, {"snapshot_date": day, "churn_days": CHURN_DAYS})
    return pd.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description or ()])


def _measure(conn: psycopg.Connection, day: date, rows: pd.DataFrame) -> dict[str, Figure]:
    version = str(rows["model_version"].iloc[0])
    of_all = _write(conn, version, day, "all", rows)
    sliced = rows if len(rows) <= SLICED_ROWS else rows.sample(SLICED_ROWS, random_state=0)
    for name, mask in slices(sliced[list(SLICE_COLUMNS)]):
        _write(conn, version, day, name, sliced[mask])
    return of_all


def _write(conn: psycopg.Connection, version: str, day: date, name: str, rows: pd.DataFrame) -> dict[str, Figure]:
    churned = rows["labeled_churn"].to_numpy()
    figures = measure(churned, rows["score"].to_numpy(), rows["customer_id"].to_numpy())
    metric_rows.write(conn, "realized", version, [day], name, figures, len(rows), int(churned.sum()))
    return figures


def _calibration(day: date, found: Figure) -> Finding:
    """The distance of the nearer end of the interval from zero: 0 where the interval contains it."""
    return Finding(
        check="calibration",
        subject=str(day),
        value=max(found.low, -found.high, 0.0),
        warn_above=CALIBRATION_WARN,
        alert_above=CALIBRATION_ALERT,
        detail=f"mean score - share that churned: {found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f})",
        what_to_do='train on newer snapshots: make airflow ARGS="dags test churn_train_register_m YYYY-MM-DD"',
    )


def _roc_auc(day: date, found: Figure, in_time: float) -> Finding:
    return Finding(
        check="roc_auc",
        subject=str(day),
        value=max(in_time - found.high, 0.0),
        warn_above=ROC_AUC_WARN,
        alert_above=ROC_AUC_ALERT,
        detail=f"ROC AUC {found.value:.3f} ({found.low:.3f} to {found.high:.3f}), {in_time:.3f} in time",
        what_to_do="look at the drift of the features; train on newer snapshots",
    )
