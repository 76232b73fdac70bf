"""What scores came to: predicted against realized churn of each closed snapshot that was scored."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from math import isclose

import numpy as np
import pandas as pd
import psycopg
from scipy.stats import norm, rankdata

from ml.monitoring.finding import Finding
from ml.snapshots.catalogue import CHURN_DAYS
from ml.snapshots.closed import open_by_labels
from ml.store import feature_rows, metric_rows
from ml.training.metrics import Figure, Floats, Labels, is_measurable, log_losses
from ml.training.slices import SLICE_COLUMNS, slices

ALL = "all"
POOLED = 13  # newest closed snapshots whose calibration is judged together: a quarter of a year
NEWEST, NEWEST_POOLED = "newest closed snapshot", f"newest {POOLED} closed snapshots"
# By how much the whole interval must be beyond zero. The newest snapshot alone finds large changes at once, all of them
# small ones in time; docs/monitoring.md has the power and the false alerts.
CALIBRATION_WARN, CALIBRATION_ALERT = 0.005, 0.01
CONFIDENCE = {NEWEST: 0.99, NEWEST_POOLED: 0.90}
ROC_AUC_WARN, ROC_AUC_ALERT = 0.01, 0.03  # by which the whole interval lies below the figure in time of the version
TRAIN = (
    'train on newer snapshots: make airflow ARGS="dags test churn_train_register_m {today}";'
    " if the version is turned down (ops.model_promotions says why), decide by hand: make promote"
)

SCORED = """
select run.snapshot_date, run.model_version
from ops.scoring_runs as run
join ops.current_feature_builds using (snapshot_date)
where run.replaced_at is null and run.snapshot_date <= %s
order by run.snapshot_date
"""
OF_SNAPSHOTS = """
from ops.churn_scoring
join features.usable_rows(%(snapshot_dates)s, %(churn_days)s, null) using (snapshot_date, customer_id)
where snapshot_date = any(%(snapshot_dates)s)
"""
ROWS = f"select {{columns}} {OF_SNAPSHOTS}"
# The Brier score depends on every score and label: if it, rows and churners are as measured before, all is.
IS_MEASURED = f"""
with now as (
    select count(*) as rows, sum(labeled_churn) as churners, avg((score - labeled_churn)^2) as brier {OF_SNAPSHOTS}
)
select now.rows = stored.rows_measured and now.churners = stored.churners, now.brier, stored.value
from now
join ops.model_metrics as stored on kind = 'realized' and model_version = %(model_version)s
    and snapshot_dates = %(snapshot_dates)s and slice = 'all' and metric = 'brier'
"""
# The mean over rows, and its variance if customers are drawn with all their rows (linearized ratio of two sums).
CALIBRATION = f"""
with customer as (
    select sum(score - labeled_churn) as total, count(*)::float8 as rows {OF_SNAPSHOTS} group by customer_id
),
mean as (select sum(total) / sum(rows) as value, sum(rows) as rows from customer)
select mean.value, sqrt(sum((customer.total - mean.value * customer.rows)^2)) / mean.rows, count(*)
from customer cross join mean
group by mean.value, mean.rows
"""


@dataclass(frozen=True)
class Measured:
    """The figures of a scored snapshot, by slice: (name, rows, churners, figures by name)."""

    snapshot_date: date
    model_version: str
    slices: list[tuple[str, int, int, dict[str, Figure]]]


def scored_and_closed(conn: psycopg.Connection, until: date) -> dict[date, str]:
    """The version that scored each closed snapshot up to `until`, oldest first."""
    scored = conn.execute(SCORED, (until,)).fetchall()
    return {day: version for day, version in scored if open_by_labels(conn, day, None) is None}


def measure_changed(conn: psycopg.Connection, closed: Mapping[date, str]) -> list[Measured]:
    """Measure the snapshots whose scores or labels are not those of the figures in `ops.model_metrics`."""
    return [_measure(conn, day, version) for day, version in closed.items() if not _is_measured(conn, day, version)]


def write(conn: psycopg.Connection, measured: Sequence[Measured]) -> None:
    """Replace the figures of these snapshots in `ops.model_metrics`."""
    for one in measured:
        metric_rows.delete(conn, "realized", one.model_version, [one.snapshot_date])
        for name, rows, churners, figures in one.slices:
            metric_rows.write(conn, "realized", one.model_version, [one.snapshot_date], name, figures, rows, churners)


def judge(
    conn: psycopg.Connection, today: date, closed: Mapping[date, str], in_time_roc_auc: Mapping[str, float]
) -> Iterator[Finding]:
    """Findings about calibration and ROC AUC, from the figures written; none without a closed snapshot.

    `today`: the monitored snapshot; `in_time_roc_auc`: by version, on its held-out customers.
    """
    if not closed:
        return
    newest = max(closed)
    yield _calibration(conn, today, NEWEST, [newest])
    if len(closed) > 1:
        yield _calibration(conn, today, NEWEST_POOLED, sorted(closed)[-POOLED:])
    found = metric_rows.read(conn, "realized", closed[newest], [newest], ALL).get("roc_auc")
    expected = in_time_roc_auc.get(closed[newest])
    if found is not None and expected is not None:
        yield roc_auc_finding(today, newest, found, expected)


def calibration_finding(
    today: date, subject: str, days: Sequence[date], value: float, error: float, customers: int
) -> Finding:
    """Distance of the nearer end of the interval from zero, 0 if it contains zero; `error` is the standard error."""
    reach = norm.ppf((1 + CONFIDENCE[subject]) / 2) * error
    low, high = value - reach, value + reach
    named = str(days[0]) if len(days) == 1 else f"{len(days)} snapshots from {days[0]} to {days[-1]}"
    return Finding(
        check="calibration",
        subject=subject,
        value=round(float(max(low, -high, 0.0)), 9),  # without what depends on the order of a sum
        warn_above=CALIBRATION_WARN,
        alert_above=CALIBRATION_ALERT,
        detail=f"{named}: mean score - share that churned {value:+.3f} ({low:+.3f} to {high:+.3f},"
        f" {CONFIDENCE[subject]:.0%} interval), {customers:,} customers",
        what_to_do=TRAIN.format(today=today),
    )


def roc_auc_finding(today: date, day: date, found: Figure, in_time: float) -> Finding:
    """Distance of the upper end of the interval below the figure of the version in time; 0 if it is not below."""
    return Finding(
        check="roc_auc",
        subject=NEWEST,
        value=max(in_time - found.high, 0.0),
        warn_above=ROC_AUC_WARN,
        alert_above=ROC_AUC_ALERT,
        detail=f"{day}: ROC AUC {found.value:.3f} ({found.low:.3f} to {found.high:.3f}), {in_time:.3f} in time",
        what_to_do=f"look at the drift of the features; {TRAIN.format(today=today)}",
    )


def figures(churned: Labels, scores: Floats) -> dict[str, Figure]:
    """ROC AUC, log loss (nats), Brier score and calibration (mean score - share of churners) with 95 % intervals.

    One row a customer. The intervals are normal: of means by the variance of their terms, of the ROC AUC by that of the
    shares of the other class that each row beats (DeLong, DeLong and Clarke-Pearson 1988). Empty if not measurable.
    """
    if not is_measurable(churned):
        return {}
    happened, below = churned == 1, rankdata(scores)
    beaten = [
        (below[of] - rankdata(scores[of])) / np.sum(~of) for of in (happened, ~happened)
    ]  # by a churner: stayers below; by a stayer: churners below
    means = {"log_loss": log_losses(churned, scores), "brier": (scores - churned) ** 2, "calibration": scores - churned}
    found = {name: _with_interval(terms.mean(), terms.var(ddof=1) / len(terms)) for name, terms in means.items()}
    found["roc_auc"] = _with_interval(beaten[0].mean(), sum(one.var(ddof=1) / len(one) for one in beaten))
    return found


def _with_interval(value: float, variance: float) -> Figure:
    reach = norm.ppf(0.975) * np.sqrt(variance)
    return Figure(float(value), float(value - reach), float(value + reach))


def _is_measured(conn: psycopg.Connection, day: date, version: str) -> bool:
    row = conn.execute(IS_MEASURED, {**_of([day]), "model_version": version}).fetchone()
    return row is not None and row[0] and isclose(row[1], row[2], rel_tol=1e-9)


def _measure(conn: psycopg.Connection, day: date, version: str) -> Measured:
    columns = ("customer_id", "score", "labeled_churn", *SLICE_COLUMNS)
    with feature_rows.reading(conn, ROWS, columns, _of([day])) as batches:
        rows = feature_rows.to_frame(batches.read_all()).sort_values("customer_id", ignore_index=True)
    churned, scores = rows["labeled_churn"].to_numpy(), rows["score"].to_numpy()
    every = (ALL, np.ones(len(rows), dtype=bool))
    found = [
        (name, int(of.sum()), int(churned[of].sum()), figures(churned[of], scores[of]))
        for name, of in chain([every], slices(pd.DataFrame(rows[list(SLICE_COLUMNS)])))
    ]
    return Measured(day, version, found)


def _calibration(conn: psycopg.Connection, today: date, subject: str, days: Sequence[date]) -> Finding:
    ((value, error, customers),) = conn.execute(CALIBRATION, _of(days)).fetchall()
    return calibration_finding(today, subject, days, value, error, customers)


def _of(days: Sequence[date]) -> dict[str, object]:
    return {"snapshot_dates": list(days), "churn_days": CHURN_DAYS}
