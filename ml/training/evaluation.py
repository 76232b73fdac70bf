"""Quality of a version on rows that it was not trained on: all, by label source, and against recency alone."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.model_config import MIN_MEASURED_EVENTS, TRAINED_LABEL_SOURCES
from ml.training.metrics import Figure, gain_over, measure

ALL = "all"
RECENCY = "days_since_activity"


@dataclass(frozen=True)
class Group:
    """Rows of one label source, or all: how many of each class, and their figures (none: not measurable)."""

    name: str
    churners: int
    stayers: int
    figures: dict[str, Figure]

    @property
    def not_measurable(self) -> str | None:
        """Why there are no figures, or None if there are."""
        if self.figures:
            return None
        return (
            f"not measurable: {self.churners} churners and {self.stayers} stayers,"
            f" {MIN_MEASURED_EVENTS} of each are needed"
        )


@dataclass(frozen=True)
class Evaluation:
    """Groups by name, `all` first; `recency`: ROC AUC of days_since_activity alone, and the model's gain on it."""

    groups: dict[str, Group]
    recency: dict[str, Figure]

    @property
    def of_all(self) -> dict[str, float] | str:
        """The figures of all rows without intervals, or why there are none."""
        group = self.groups[ALL]
        return {name: figure.value for name, figure in group.figures.items()} or str(group.not_measurable)

    def flat(self, kind: str) -> dict[str, float]:
        """Every figure under a name for MLflow: heldout_roc_auc, heldout_roc_auc_low, heldout_evaluate_brier …"""
        named = {f"recency_{name}": figure for name, figure in self.recency.items()}
        for group in self.groups.values():
            prefix = "" if group.name == ALL else f"{group.name}_"
            named |= {f"{prefix}{name}": figure for name, figure in group.figures.items()}
        return {
            f"{kind}_{name}{end}": value
            for name, figure in named.items()
            for end, value in (("", figure.value), ("_low", figure.low), ("_high", figure.high))
        }


def evaluate(rows: pd.DataFrame, scores: NDArray[np.float64]) -> Evaluation:
    """Measure `scores` of `rows`."""
    churned, customer_id = rows["labeled_churn"].to_numpy(), rows["customer_id"].to_numpy()
    masks = {ALL: np.ones(len(rows), dtype=bool)}
    masks |= {source: (rows["label_source"] == source).to_numpy() for source in TRAINED_LABEL_SOURCES}
    groups = {}
    for name, mask in masks.items():
        churners = int(churned[mask].sum())
        figures = measure(churned[mask], scores[mask], customer_id[mask])
        groups[name] = Group(name, churners, int(mask.sum()) - churners, figures)
    return Evaluation(groups, gain_over(churned, scores, rows[RECENCY].to_numpy(), customer_id))
