"""Everything that is measured of a fitted version to describe it, for the card, ops.model_metrics and MLflow."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from mlflow.tracking import MlflowClient

from ml.cli import CommandError
from ml.store import registry
from ml.training.alternatives import fit_alternatives, sample
from ml.training.evaluation import ALL, Evaluation, evaluate
from ml.training.metrics import Floats, by_tenth
from ml.training.pipeline import Fitted
from ml.training.stability import agreement, coefficient_spread

IN_TIME, OUT_OF_TIME = "in_time", "out_of_time"  # kinds of ops.model_metrics


@dataclass(frozen=True)
class BesideProduction:
    """The version in production, None if there was none; the figures of `agreement`, or why there are none."""

    version: str | None
    figures: dict[str, float] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True)
class Description:
    """Figures in time and out of time (None: no later snapshot is closed), coefficients, and stability.

    `coefficients` has the columns of `coefficient_spread`; it and the other models are of `described_rows` rows.
    """

    in_time: Evaluation
    out_of_time: Evaluation | None
    coefficients: pd.DataFrame
    described_rows: int
    heldout_scores: Floats
    production: BesideProduction
    tenths: dict[str, list[dict[str, float]]]  # by kind, as of `by_tenth`

    def rows(self) -> list[dict[str, Any]]:
        """Every figure as a row of ops.model_metrics, without version and run."""
        rows = self.in_time.rows(IN_TIME)
        group = self.in_time.groups[ALL]
        rows += group.as_rows(IN_TIME, {f"production_{name}": value for name, value in self.production.figures.items()})
        return rows + (self.out_of_time.rows(OUT_OF_TIME) if self.out_of_time else [])

    def for_charts(self) -> dict[str, Any]:
        """What no figure holds and charts show: coefficients with their spread, calibration by tenth of the scores."""
        return {"coefficients": self.coefficients.to_dict("records"), "tenths": self.tenths}

    def metrics(self) -> dict[str, float]:
        """The figures of all rows and by label source, under names for MLflow."""
        found = self.in_time.flat("heldout") | {f"production_{k}": v for k, v in self.production.figures.items()}
        return found | (self.out_of_time.flat(OUT_OF_TIME) if self.out_of_time else {})


def describe(
    client: MlflowClient,
    fitted: Fitted,
    threshold: float,
    fitted_on: pd.DataFrame,
    heldout: pd.DataFrame,
    later: pd.DataFrame,
) -> Description:
    """Measure `fitted`, which flags from `threshold`, on `heldout` rows and on `later` ones, if there are any."""
    sampled = sample(fitted_on)
    alternatives = fit_alternatives(fitted, fitted_on, sampled)
    scores, later_scores = fitted.probabilities(heldout), fitted.probabilities(later) if len(later) else None
    tenths = {IN_TIME: by_tenth(heldout["labeled_churn"].to_numpy(), scores)}
    if later_scores is not None:
        tenths[OUT_OF_TIME] = by_tenth(later["labeled_churn"].to_numpy(), later_scores)
    return Description(
        in_time=evaluate(heldout, scores, alternatives.scores(heldout)),
        out_of_time=None if later_scores is None else evaluate(later, later_scores, alternatives.scores(later)),
        coefficients=coefficient_spread(fitted.pipeline, sampled, len(fitted_on)),
        described_rows=len(sampled),
        heldout_scores=scores,
        production=_beside_production(client, heldout, scores, threshold),
        tenths=tenths,
    )


def _beside_production(
    client: MlflowClient, heldout: pd.DataFrame, scores: Floats, threshold: float
) -> BesideProduction:
    number = registry.production_version(client)
    if number is None:
        return BesideProduction(None)
    try:
        version = registry.get(client, number)
        lacking = set(version.features) - set(heldout.columns)
        if lacking:
            return BesideProduction(number, problem=f"it takes {', '.join(sorted(lacking))}, which is no feature now")
        theirs = registry.load(version).predict_proba(heldout[list(version.features)])[:, 1]
    except CommandError as error:
        return BesideProduction(number, problem=str(error))
    return BesideProduction(number, agreement(scores, threshold, theirs, version.threshold))
