"""Quality figures of scores against labels, with bootstrap intervals by customer."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ml.model_config import BOOTSTRAP_REPLICATES, BOOTSTRAP_SEED, INTERVAL, MIN_MEASURED_EVENTS

Floats = NDArray[np.float64]
Labels = NDArray[np.int8]
Customers = NDArray[np.int64]
CALIBRATION_BINS = 10
SMALLEST_SCORE = 1e-15  # keeps the log loss finite of a score that was certain and wrong


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
    return _figures_of(churned, scores)(np.ones(len(scores)) if weights is None else weights)


def is_measurable(churned: Labels) -> bool:
    """Whether each class has MIN_MEASURED_EVENTS rows."""
    events = int(churned.sum())
    return min(events, len(churned) - events) >= MIN_MEASURED_EVENTS


def measure(churned: Labels, scores: Floats, customer_id: Customers) -> dict[str, Figure]:
    """`figures` with intervals; empty if not `is_measurable`."""
    return bootstrap(_figures_of(churned, scores), churned, customer_id)


def gain_over(churned: Labels, scores: Floats, other: Floats, customer_id: Customers) -> dict[str, Figure]:
    """ROC AUC of `other`, and how much higher that of `scores` is, both with intervals from the same draws."""
    ours, theirs = at_each_score(churned, scores), at_each_score(churned, other)

    def both(weights: Floats) -> dict[str, float]:
        reference = roc_auc(*theirs(weights))
        return {"roc_auc": reference, "roc_auc_gain": roc_auc(*ours(weights)) - reference}

    return bootstrap(both, churned, customer_id)


def gain(churned: Labels, scores: Floats, other: Floats, customer_id: Customers) -> dict[str, Figure]:
    """ROC AUC and log loss of `other`, and by how much it is better than `scores`: ROC AUC higher, log loss lower.

    Those of `scores` are called reference_roc_auc and reference_log_loss. All have intervals from the same draws.
    """
    ours, theirs = basic_figures(churned, scores), basic_figures(churned, other)

    def difference(weights: Floats) -> dict[str, float]:
        reference, figures = ours(weights), theirs(weights)
        return {
            "roc_auc": figures["roc_auc"],
            "log_loss": figures["log_loss"],
            "reference_roc_auc": reference["roc_auc"],
            "reference_log_loss": reference["log_loss"],
            "roc_auc_gain": figures["roc_auc"] - reference["roc_auc"],
            "log_loss_gain": reference["log_loss"] - figures["log_loss"],
        }

    return bootstrap(difference, churned, customer_id)


def by_tenth(churned: Labels, scores: Floats) -> list[dict[str, float]]:
    """Mean score, share of churners and rows of each group of `calibration_error`; empty if not measurable."""
    if not is_measurable(churned):
        return []
    order = np.argsort(scores, kind="stable")
    tenth = ((np.arange(len(order)) + 0.5) / len(order) * CALIBRATION_BINS).astype(np.intp)
    groups = [order[tenth == number] for number in range(CALIBRATION_BINS)]
    return [
        {"mean_score": float(scores[of].mean()), "churned": float(churned[of].mean()), "rows": len(of)} for of in groups
    ]


def log_losses(churned: Labels, scores: Floats) -> Floats:
    """Log loss of each row, in nats."""
    losses: Floats = -np.log(np.maximum(np.where(churned == 1, scores, 1 - scores), SMALLEST_SCORE))
    return losses


def at_each_score(churned: Labels, scores: Floats) -> Callable[[Floats], tuple[Floats, Floats]]:
    """For given weights of the rows: the weight of churners and of stayers at each distinct score, the lowest first.

    Sorts once, where scikit-learn would sort for each draw.
    """
    order = np.argsort(scores)
    first_of_equals = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))
    positive = churned[order] == 1

    def sums(weights: Floats) -> tuple[Floats, Floats]:
        weights = weights[order]
        churners = np.add.reduceat(np.where(positive, weights, 0.0), first_of_equals)
        return churners, np.add.reduceat(weights, first_of_equals) - churners

    return sums


def roc_auc(churners: Floats, stayers: Floats) -> float:
    """Share of (churner, stayer) pairs in which the churner has the higher score; an equal one counts half."""
    below = np.cumsum(stayers) - stayers / 2
    return float(churners @ below / (churners.sum() * stayers.sum()))


def average_precision(churners: Floats, stayers: Floats) -> float:
    """Precision of those at or above each distinct score, weighted by the churners at it."""
    caught, flagged = (np.cumsum(each[::-1])[::-1] for each in (churners, churners + stayers))
    return float(churners @ (caught / np.maximum(flagged, np.finfo(float).tiny)) / churners.sum())


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
    with threadpool_limits(limits=1, user_api="blas"):  # many short products, which threads only slow down
        for _ in range(replicates):
            drawn = np.bincount(random.integers(0, len(customers), len(customers)), minlength=len(customers))
            weights = drawn[customer].astype(np.float64)
            if 0 < weights @ churned < weights.sum():  # both classes
                draws.append(statistic(weights))
    return {
        name: Figure(value, *map(float, np.quantile([draw[name] for draw in draws], interval)))
        for name, value in statistic(np.ones(len(churned))).items()
    }


def basic_figures(churned: Labels, scores: Floats, **columns: Floats) -> Callable[[Floats], dict[str, float]]:
    """For given weights of the rows: log loss, calibration, ROC AUC, and the mean of each of `columns`.

    What the weights do not change is computed once.
    """
    by_score = at_each_score(churned, scores)
    columns = {"log_loss": log_losses(churned, scores), "calibration": scores - churned, **columns}
    stacked = np.column_stack(list(columns.values()))

    def weighted(weights: Floats) -> dict[str, float]:
        means = map(float, weights @ stacked / weights.sum())
        return {"roc_auc": roc_auc(*by_score(weights)), **dict(zip(columns, means, strict=True))}

    return weighted


def _figures_of(churned: Labels, scores: Floats) -> Callable[[Floats], dict[str, float]]:
    """`figures` for given weights of the rows; what the weights do not change is computed once."""
    basic = basic_figures(churned, scores, brier=(scores - churned) ** 2)
    by_score, order = at_each_score(churned, scores), np.argsort(scores, kind="stable")
    by_rank = np.column_stack([np.ones(len(scores)), scores, churned])[order]

    def weighted(weights: Floats) -> dict[str, float]:
        total, ranked = weights.sum(), weights[order]
        tenth = (np.cumsum(ranked) - ranked / 2) / total * CALIBRATION_BINS  # equal shares of the weight
        tenth = np.minimum(tenth.astype(np.intp), CALIBRATION_BINS - 1)
        size, scored, happened = (np.bincount(tenth, ranked * column, CALIBRATION_BINS) for column in by_rank.T)
        top = happened[-1] / size[-1] if size[-1] else np.nan
        return basic(weights) | {
            "average_precision": average_precision(*by_score(weights)),
            "calibration_error": float(np.abs(scored - happened).sum() / total),
            "lift_top_decile": float(top / (happened.sum() / total)),
        }

    return weighted
