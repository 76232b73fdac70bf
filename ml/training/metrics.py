"""Quality figures of scores against labels, with bootstrap intervals by customer."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from ml.model_config import BOOTSTRAP_REPLICATES, BOOTSTRAP_SEED, INTERVAL, MIN_MEASURED_EVENTS

Floats = NDArray[np.float64]
Labels = NDArray[np.int8]
Customers = NDArray[np.int64]
CALIBRATION_BINS = 10


@dataclass(frozen=True)
class Figure:
    """A value with the interval that holds 95 % of its bootstrap replicates."""

    value: float
    low: float
    high: float


def figures(churned: Labels, scores: Floats, weights: Floats | None = None) -> dict[str, float]:
    """The figures of docs/model.md, weighted by `weights`.

    Brier, calibration (mean score - share of churners) and its error are probabilities, log loss is in nats per row.
    """
    weights = np.ones(len(scores)) if weights is None else weights
    order = np.argsort(scores, kind="stable")
    by_rank = (np.cumsum(weights[order]) - weights[order] / 2) / weights.sum()
    tenth = np.empty(len(scores), dtype=np.intp)  # equal shares of the weight
    tenth[order] = np.minimum(by_rank * CALIBRATION_BINS, CALIBRATION_BINS - 1)
    size, scored, happened = (
        np.bincount(tenth, weights * column, CALIBRATION_BINS) for column in (np.ones(len(scores)), scores, churned)
    )
    top = happened[-1] / size[-1] if size[-1] else np.nan
    return {
        "roc_auc": float(roc_auc_score(churned, scores, sample_weight=weights)),
        "average_precision": float(average_precision_score(churned, scores, sample_weight=weights)),
        "brier": float(brier_score_loss(churned, scores, sample_weight=weights)),
        "log_loss": float(log_loss(churned, scores, sample_weight=weights)),
        "calibration": float((scored - happened).sum() / weights.sum()),
        "calibration_error": float(np.abs(scored - happened).sum() / weights.sum()),
        "lift_top_decile": float(top / (happened.sum() / weights.sum())),
    }


def is_measurable(churned: Labels) -> bool:
    """Whether each class has MIN_MEASURED_EVENTS rows."""
    events = int(churned.sum())
    return min(events, len(churned) - events) >= MIN_MEASURED_EVENTS


def measure(churned: Labels, scores: Floats, customer_id: Customers) -> dict[str, Figure]:
    """`figures` with intervals; empty if not `is_measurable`."""
    order = np.argsort(scores)  # once: scikit-learn sorts sorted rows in half the time
    churned, scores = churned[order], scores[order]
    return bootstrap(lambda weights: figures(churned, scores, weights), churned, customer_id[order])


def gain_over(churned: Labels, scores: Floats, other: Floats, customer_id: Customers) -> dict[str, Figure]:
    """ROC AUC of `other`, and how much higher that of `scores` is, both with intervals from the same draws."""

    def both(weights: Floats) -> dict[str, float]:
        reference, own = (float(roc_auc_score(churned, by, sample_weight=weights)) for by in (other, scores))
        return {"roc_auc": reference, "roc_auc_gain": own - reference}

    return bootstrap(both, churned, customer_id)


def bootstrap(
    statistic: Callable[[Floats], dict[str, float]],
    churned: Labels,
    customer_id: Customers,
    replicates: int = BOOTSTRAP_REPLICATES,
    interval: tuple[float, float] = INTERVAL,
) -> dict[str, Figure]:
    """`statistic` with unit weights, and its interval over draws of customers with replacement, if measurable.

    A replicate weights each row by how often its customer was drawn. The rows of a customer are drawn together, because
    eight snapshots of one person are not independent.
    """
    if not is_measurable(churned):
        return {}
    customers, customer = np.unique(customer_id, return_inverse=True)
    random = np.random.default_rng(BOOTSTRAP_SEED)
    draws = []
    for _ in range(replicates):
        drawn = np.bincount(random.integers(0, len(customers), len(customers)), minlength=len(customers))
        weights = drawn[customer].astype(np.float64)
        if 0 < weights @ churned < weights.sum():  # both classes
            draws.append(statistic(weights))
    return {
        name: Figure(value, *map(float, np.quantile([draw[name] for draw in draws], interval)))
        for name, value in statistic(np.ones(len(churned))).items()
    }
