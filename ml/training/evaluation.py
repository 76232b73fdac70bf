"""Quality of a version on rows that it was not trained on: of all, by slice, and beside other models."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from ml.model_config import MIN_MEASURED_EVENTS, TRAINED_LABEL_SOURCES
from ml.store import metric_rows
from ml.training.metrics import Figure, Floats, gain, gain_over, measure
from ml.training.slices import slices

ALL, SOURCE, SNAPSHOT = "all", "label_source=", "snapshot="
RECENCY = "days_since_activity"


@dataclass(frozen=True)
class Group:
    """Rows of a slice, or all: their snapshots, how many of each class, and their figures (none: not measurable)."""

    name: str
    snapshots: list[date]
    churners: int
    stayers: int
    figures: dict[str, Figure]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.churners + self.stayers

    def as_rows(self, kind: str, figures: Mapping[str, Figure | float]) -> list[dict[str, Any]]:
        """`figures` of these rows as rows of ops.model_metrics, without version and run."""
        return metric_rows.rows_of(kind, self.snapshots, self.name, figures, self.rows, self.churners)

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
    """Groups by name as in ops.model_metrics, `all` first; `beside`: figures of other models on all rows, and gains."""

    groups: dict[str, Group]
    beside: dict[str, Figure]

    @property
    def of_all(self) -> dict[str, float] | str:
        """The figures of all rows without intervals, or why there are none."""
        group = self.groups[ALL]
        return {name: figure.value for name, figure in group.figures.items()} or str(group.not_measurable)

    def beginning(self, prefix: str) -> list[Group]:
        """The groups whose name begins with `prefix`."""
        return [group for name, group in self.groups.items() if name.startswith(prefix)]

    def flat(self, kind: str) -> dict[str, float]:
        """Figures of all rows and by label source, named for MLflow: heldout_roc_auc_low, heldout_evaluate_brier …"""
        named = dict(self.beside)
        for group in [self.groups[ALL], *self.beginning(SOURCE)]:
            prefix = "" if group.name == ALL else f"{group.name.removeprefix(SOURCE)}_"
            named |= {f"{prefix}{name}": figure for name, figure in group.figures.items()}
        return {
            f"{kind}_{name}{end}": value
            for name, figure in named.items()
            for end, value in (("", figure.value), ("_low", figure.low), ("_high", figure.high))
        }

    def rows(self, kind: str) -> list[dict[str, Any]]:
        """Every figure as a row of ops.model_metrics, without version and run."""
        return [
            row
            for group in self.groups.values()
            for row in group.as_rows(kind, group.figures | (self.beside if group.name == ALL else {}))
        ]


def evaluate(rows: pd.DataFrame, scores: Floats, others: Mapping[str, Floats] | None = None) -> Evaluation:
    """Measure `scores` of `rows`, which have the columns of the slices, and the scores of `others` beside them.

    Of `others` are known: `ceiling`, whose gain is that on `scores`; `without_demographics` and `with_demographics`,
    whose gain is that of the second on the first.
    """
    churned, customer_id = rows["labeled_churn"].to_numpy(), rows["customer_id"].to_numpy()
    days = rows["snapshot_date"].dt.date.to_numpy()
    masks = {ALL: np.ones(len(rows), dtype=bool)}
    masks |= {f"{SOURCE}{source}": (rows["label_source"] == source).to_numpy() for source in TRAINED_LABEL_SOURCES}
    masks |= {f"{SNAPSHOT}{day}": days == day for day in np.unique(days)}
    masks |= dict(slices(rows))
    groups = {}
    for name, mask in masks.items():
        churners = int(churned[mask].sum())
        figures = measure(churned[mask], scores[mask], customer_id[mask])
        groups[name] = Group(name, sorted(set(days[mask])), churners, int(mask.sum()) - churners, figures)
    others = others or {}
    beside = _named("recency", gain_over(churned, scores, rows[RECENCY].to_numpy(), customer_id))
    if "ceiling" in others:
        beside |= _named("ceiling", gain(churned, scores, others["ceiling"], customer_id))
    if "with_demographics" in others:
        without, with_them = others["without_demographics"], others["with_demographics"]
        found = gain(churned, without, with_them, customer_id)
        for name in ("roc_auc", "log_loss") if found else ():
            beside[f"without_demographics_{name}"] = found[f"reference_{name}"]
            beside[f"with_demographics_{name}"] = found[name]
            beside[f"demographics_{name}_gain"] = found[f"{name}_gain"]
    return Evaluation(groups, beside)


def _named(model: str, figures: Mapping[str, Figure]) -> dict[str, Figure]:
    return {f"{model}_{name}": figure for name, figure in figures.items() if not name.startswith("reference_")}
