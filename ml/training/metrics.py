"""Quality figures of scores against labels, with bootstrap intervals by customer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.model_config import BOOTSTRAP_REPLICATES, BOOTSTRAP_SEED, INTERVAL, MIN_MEASURED_EVENTS

Floats = NDArray[np.float64]
METRICS = ("roc_auc", "average_precision", "brier", "log_loss", "calibration_error", "lift_top_decile")
CALIBRATION_BINS = 10
SMALLEST_PROBABILITY = 1e-15


@dataclass(frozen=True)
class Figure:
    """A value with the interval that holds 95 % of its bootstrap replicates."""

    value: float
    low: float
    high: float


class Ranked:
    """Rows sorted by falling score once, so that each bootstrap replicate only adds up weights.

    A replicate is a weight for each row: how often its customer was drawn.
    """

    def __init__(self, churned: NDArray[np.int8], scores: Floats) -> None:
        self.order = np.argsort(-scores, kind="stable")
        self.scores = scores[self.order].astype(np.float64)
        self.churned = churned[self.order].astype(np.float64)
        changes = np.flatnonzero(np.diff(self.scores)) + 1
        self.starts = np.concatenate([[0], changes]) if len(scores) else changes
        clipped = np.clip(self.scores, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
        self.loss = -np.where(self.churned > 0, np.log(clipped), np.log1p(-clipped))
        self.square = (self.scores - self.churned) ** 2

    def roc_auc(self, weights: Floats) -> float:
        """Share of (churner, stayer) pairs in which the churner has the higher score; equal scores count one half."""
        positive, negative = self._by_score(weights)
        above = np.cumsum(positive) - positive / 2
        return float((negative * above).sum() / (positive.sum() * negative.sum()))

    def average_precision(self, weights: Floats) -> float:
        """Precision at each distinct score, weighted by the recall that it adds."""
        positive, negative = self._by_score(weights)
        caught, flagged = np.cumsum(positive), np.cumsum(positive + negative)
        precision = np.divide(caught, flagged, out=np.zeros_like(caught), where=flagged > 0)
        return float((positive * precision).sum() / positive.sum())

    def all(self, weights: Floats) -> dict[str, float]:
        """Each of METRICS; Brier and calibration error in probability, log loss in nats a row, lift as a ratio."""
        sorted_weights = weights[self.order]
        total = sorted_weights.sum()
        churned = sorted_weights * self.churned
        # Equal shares of the weight, by rank: deciles of the score.
        rank = (np.cumsum(sorted_weights) - sorted_weights / 2) / total
        decile = np.minimum((rank * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
        scored = np.bincount(decile, sorted_weights * self.scores, CALIBRATION_BINS)
        happened = np.bincount(decile, churned, CALIBRATION_BINS)
        size = np.bincount(decile, sorted_weights, CALIBRATION_BINS)
        return {
            "roc_auc": self.roc_auc(weights),
            "average_precision": self.average_precision(weights),
            "brier": float((sorted_weights * self.square).sum() / total),
            "log_loss": float((sorted_weights * self.loss).sum() / total),
            "calibration_error": float(np.abs(scored - happened).sum() / total),
            "lift_top_decile": float(happened[0] / size[0] / (happened.sum() / total)) if size[0] else float("nan"),
        }

    def _by_score(self, weights: Floats) -> tuple[Floats, Floats]:
        sorted_weights = weights[self.order]
        positive = np.add.reduceat(sorted_weights * self.churned, self.starts)
        return positive, np.add.reduceat(sorted_weights, self.starts) - positive


def is_measurable(churned: NDArray[np.int8]) -> bool:
    """Whether each class has MIN_MEASURED_EVENTS rows."""
    events = int(churned.sum())
    return min(events, len(churned) - events) >= MIN_MEASURED_EVENTS


def measure(churned: NDArray[np.int8], scores: Floats, customer_id: NDArray[np.int64]) -> dict[str, Figure]:
    """METRICS with intervals, or nothing where `is_measurable` says no."""
    if not is_measurable(churned):
        return {}
    ranked = Ranked(churned, scores)
    return bootstrap(ranked.all, churned, customer_id)


def gain_over(
    churned: NDArray[np.int8], scores: Floats, other: Floats, customer_id: NDArray[np.int64]
) -> dict[str, Figure]:
    """ROC AUC of `other`, and how much higher that of `scores` is, both with intervals from the same draws."""
    if not is_measurable(churned):
        return {}
    ours, theirs = Ranked(churned, scores), Ranked(churned, other)

    def both(weights: Floats) -> dict[str, float]:
        reference = theirs.roc_auc(weights)
        return {"roc_auc": reference, "roc_auc_gain": ours.roc_auc(weights) - reference}

    return bootstrap(both, churned, customer_id)


def bootstrap(
    statistic: Callable[[Floats], dict[str, float]], churned: NDArray[Any], customer_id: NDArray[np.int64]
) -> dict[str, Figure]:
    """`statistic` of unit weights, and its interval over draws of customers with replacement.

    A customer's rows are drawn together: eight snapshots of one person are not eight witnesses.
    """
    _, customer = np.unique(customer_id, return_inverse=True)
    customers = int(customer.max()) + 1
    random = np.random.default_rng(BOOTSTRAP_SEED)
    values = statistic(np.ones(len(churned)))
    draws: dict[str, list[float]] = {name: [] for name in values}
    for _ in range(BOOTSTRAP_REPLICATES):
        weights = np.bincount(random.integers(0, customers, customers), minlength=customers)[customer].astype(float)
        positives = float((weights * churned).sum())
        if 0 < positives < weights.sum():
            for name, value in statistic(weights).items():
                draws[name].append(value)
    return {name: Figure(value, *map(float, np.quantile(draws[name], INTERVAL))) for name, value in values.items()}
