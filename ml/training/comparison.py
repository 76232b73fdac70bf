"""Judges a challenger by the held-out rows: is it shown to be no worse than the best version so far?"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pandas as pd
import psycopg
from numpy.typing import NDArray

from ml.cli import CommandError
from ml.promotion_policy import INTERVAL, LIMITS, REPLICATES
from ml.snapshots import catalogue
from ml.store import registry
from ml.training.dataset import load
from ml.training.metrics import Figure, Floats, Labels, basic_figures, bootstrap, log_losses

LOSSES: dict[str, Callable[[float, float], float]] = {  # of the challenger against the reference; below 0: it is better
    "log_loss": lambda challenger, reference: challenger - reference,
    "roc_auc": lambda challenger, reference: reference - challenger,
    "calibration": lambda challenger, reference: abs(challenger) - abs(reference),
    "share_flagged": lambda challenger, reference: abs(challenger - reference),
}


@dataclass(frozen=True)
class Scored:
    """A version's scores of the held-out rows, and the score from which it flags a customer."""

    version: str
    scores: Floats
    threshold: float


@dataclass(frozen=True)
class Compared:
    """One figure of both versions, and the challenger's loss with its interval and its limit."""

    challenger: float
    reference: float
    loss: Figure
    limit: float

    @property
    def row(self) -> dict[str, float]:
        """As it stands in ops.model_promotions.figures."""
        return {
            "challenger": self.challenger,
            "reference": self.reference,
            "loss": self.loss.value,
            "low": self.loss.low,
            "high": self.loss.high,
            "limit": self.limit,
        }

    @property
    def is_within(self) -> bool:
        """Whether the loss is shown to be within the limit."""
        return self.loss.high <= self.limit

    @property
    def is_worse(self) -> bool:
        """Whether it is not, and the challenger is shown to be worse."""
        return not self.is_within and self.loss.low > 0


@dataclass(frozen=True)
class Judgement:
    """`promote`, `keep` or `inconclusive`, why in one line, and the figures against the version `reference`."""

    action: str
    reason: str
    reference: str
    figures: dict[str, Compared]


def score_heldout(
    conn: psycopg.Connection, challenger: registry.ChurnVersion, others: list[registry.ChurnVersion]
) -> tuple[pd.DataFrame, Scored, list[Scored]]:
    """The held-out customers of the challenger's snapshots, and the scores of the challenger and of `others`.

    No version was trained on these customers. Of the others those are left out whose files are lost, or that take
    features which there are no more.

    Raises:
        CommandError: the challenger's files are not in the artifact store.
    """
    columns = {name for name, _, _ in catalogue.columns()}
    pipelines = [(challenger, registry.load(challenger))]
    for version in others:
        if columns.issuperset(version.features):
            with suppress(CommandError):
                pipelines.append((version, registry.load(version)))
    features = tuple(dict.fromkeys(name for version, _ in pipelines for name in version.features))
    rows = load(conn, challenger.training_snapshots, challenger.tag("heldout_buckets"), features=features)
    ours, *theirs = (
        Scored(
            version.version,
            pipeline.predict_proba(rows[list(version.features)])[:, 1] if len(rows) else np.empty(0),
            version.threshold,
        )
        for version, pipeline in pipelines
    )
    return rows, ours, theirs


def judge(rows: pd.DataFrame, challenger: Scored, candidates: list[Scored]) -> Judgement:
    """Compare the challenger on labelled `rows` with the best of `candidates`: that with the lowest log loss there.

    It is promoted if it is shown to be within every limit, kept out if it is shown to be worse, else inconclusive.
    """
    churned = rows["labeled_churn"].to_numpy()
    reference = min(candidates, key=lambda candidate: log_losses(churned, candidate.scores).mean())
    figures = compare(churned, rows["customer_id"].to_numpy(), challenger, reference)
    if not figures:
        reason = f"not measurable on {len(rows)} held-out rows with {int(churned.sum())} churners"
        return Judgement("inconclusive", reason, reference.version, figures)
    worse = [name for name, figure in figures.items() if figure.is_worse]
    unproven = [name for name, figure in figures.items() if not figure.is_within]
    if worse:
        action, verdict = "keep", f"worse than version {reference.version} in {' and '.join(worse)}"
    elif unproven:
        action, verdict = (
            "inconclusive",
            f"not shown to be as good as version {reference.version} in {' and '.join(unproven)}",
        )
    else:
        action, verdict = "promote", f"not worse than version {reference.version}"
    losses = ", ".join(
        f"{name} {each.loss.value:+.4f} ({each.loss.low:+.4f} to {each.loss.high:+.4f}, limit {each.limit})"
        for name, each in figures.items()
    )
    return Judgement(action, f"{verdict}; losses: {losses}", reference.version, figures)


def compare(
    churned: Labels, customer_id: NDArray[np.int64], challenger: Scored, reference: Scored
) -> dict[str, Compared]:
    """Each figure of LIMITS, both versions weighted by the same draws of customers; empty if not measurable."""
    ours, theirs = _figures(churned, challenger), _figures(churned, reference)

    def losses(weights: Floats) -> dict[str, float]:
        a, b = ours(weights), theirs(weights)
        return {name: loss(a[name], b[name]) for name, loss in LOSSES.items()}

    found = bootstrap(losses, churned, customer_id, REPLICATES, INTERVAL)
    a, b = plain_figures(churned, challenger), plain_figures(churned, reference)
    return {name: Compared(a[name], b[name], loss, LIMITS[name]) for name, loss in found.items()}


def plain_figures(churned: Labels, version: Scored) -> dict[str, float]:
    """The figures of a version on the rows as they are; both classes must be among them."""
    return _figures(churned, version)(np.ones(len(churned)))


def _figures(churned: Labels, version: Scored) -> Callable[[Floats], dict[str, float]]:
    """The figures of LIMITS of a version for given weights of the rows."""
    return basic_figures(churned, version.scores, share_flagged=(version.scores >= version.threshold).astype(float))
