"""The scikit-learn pipeline: scores of the features, a scaler and the classifier; its fit, with scores out of fold."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, precision_recall_curve
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import Binarizer, FunctionTransformer, OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from ml.cli import CommandError
from ml.model_config import MAX_ITERATIONS, MIN_CATEGORY_SHARE, REGULARISATION_CANDIDATES, SOLVER
from ml.snapshots.catalogue import FEATURES
from ml.snapshots.feature import Direction, Feature
from ml.training.holdout import fold

MISSING = "(missing)"
COMPRESSION = {"heavy-tailed": np.arcsinh, "saturating": np.arctan}  # arcsinh: a logarithm, but defined from zero on


@dataclass(frozen=True)
class Fitted:
    """A fitted pipeline, and for each training row the score of a model that was not trained on its customer.

    `log_losses` by C are those of such scores; `left_out` are scores without their direction, with the coefficient.
    """

    pipeline: Pipeline
    out_of_fold: NDArray[np.float64]
    log_losses: dict[float, float]
    left_out: dict[str, str]

    @property
    def features(self) -> tuple[str, ...]:
        """The features that the pipeline reads."""
        return tuple(dict.fromkeys(name for _, _, columns in self.pipeline[0].transformers for name in columns))

    def probabilities(self, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Probability of churn of each of `rows`."""
        churns: NDArray[np.float64] = self.pipeline.predict_proba(rows[list(self.features)])[:, 1]
        return churns


def scores(frame: pd.DataFrame, without: Collection[str] = ()) -> ColumnTransformer:
    """One step for each score of the features in `frame`, for each mark of unknown values, and for each text.

    The classes are all of scikit-learn and the functions of numpy: whoever loads the pipeline needs nothing of ours.
    """
    present = [feature for feature in FEATURES if feature.name in frame]
    steps = []
    for score, members in _members(present).items():
        step = make_pipeline(
            SimpleImputer(strategy="median"),
            _compression(members[0]),
            StandardScaler(),
            FunctionTransformer(np.mean, kw_args={"axis": 1, "keepdims": True}),
        )
        steps.append((score, step, [feature.name for feature in members]))
    for feature in present:
        column = frame[feature.name]
        if feature.marked and column.isna().any():
            steps.append((mark(feature), MissingIndicator(features="all"), [feature.name]))
        if feature.role == "categorical" and (categories := _categories(feature, column)):
            fill = SimpleImputer(missing_values=pd.NA, strategy="constant", fill_value=MISSING)  # NaN and None as well
            encode = OneHotEncoder(categories=[categories], handle_unknown="ignore", sparse_output=False)
            steps.append((feature.name, make_pipeline(fill, encode), [feature.name]))
    return ColumnTransformer([step for step in steps if step[0] not in without], sparse_threshold=0)


def fit(frame: pd.DataFrame, churned: NDArray[np.int8], folds: NDArray[np.int64]) -> Fitted:
    """Fit on all rows and once without each fold, with the C of the lowest log loss on the customers left out.

    A score whose coefficient has the wrong sign is left out, the largest first, and the rest is fitted again. All rows
    decide that, so the scores out of fold are a little too good where most features are noise.

    Raises:
        CommandError: no score keeps its direction, and there are no texts.
    """
    left_out: dict[str, str] = {}
    while (steps := scores(frame, left_out)).transformers:
        fitted = _fit(Pipeline([("scores", steps), ("centre", StandardScaler())]), frame, churned, folds, left_out)
        against = _against_direction(fitted.pipeline)
        if not against:
            return fitted
        name, coefficient = max(against.items(), key=lambda found: abs(found[1]))
        left_out[name] = f"coefficient {coefficient:+.4f}, but more of it should mean {directions()[name]}"
    raise CommandError(f"no score keeps its direction: {left_out}; check the labels and EVALUATE_CHURN_MEANS")


def fit_rows(rows: pd.DataFrame, features: Sequence[str]) -> Fitted:
    """`fit` on labelled rows, whose folds are of customers. Raises what `fit` does."""
    return fit(rows[list(features)], rows["labeled_churn"].to_numpy(), fold(rows["customer_id"].to_numpy()))


def directions() -> dict[str, Direction]:
    """What more of each score, and each mark, means; one-hot texts have no direction."""
    numbers = [feature for feature in FEATURES if feature.direction]
    marks: dict[str, Direction] = {mark(feature): "more churn" for feature in numbers if feature.marked}
    return {feature.score_name: feature.direction for feature in numbers} | marks


def mark(feature: Feature) -> str:
    """Name of the score that is 1 where the feature is not known, else 0."""
    return f"{feature.name}_unknown"


def best_f1_threshold(churned: NDArray[np.int8], scores: NDArray[np.float64]) -> tuple[float, float]:
    """Threshold whose `score >= threshold` has the highest F1 for churn, and that F1; `churned` has both classes."""
    precision, recall, thresholds = precision_recall_curve(churned, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, np.finfo(float).tiny)  # none caught: 0
    best = int(np.argmax(f1[:-1]))  # the last point has no threshold
    return float(thresholds[best]), float(f1[best])


def _members(present: list[Feature]) -> dict[str, list[Feature]]:
    members: dict[str, list[Feature]] = {}
    for feature in present:
        if feature.direction:
            members.setdefault(feature.score_name, []).append(feature)
    return members


def _compression(feature: Feature) -> BaseEstimator:
    if feature.role == "reached" and feature.maximum is not None:  # whole numbers: above the one before the maximum
        return Binarizer(threshold=feature.maximum - 1)
    return FunctionTransformer(COMPRESSION.get(feature.role))


def _categories(feature: Feature, column: pd.Series) -> list[str]:
    """The categories with a coefficient of their own; the others, seen or not, count as not known.

    Who lacks one of the personal details lacks them all and the card, whose column says so. So that no column follows
    from the others, the most frequent category of a personal detail counts as not known too.
    """
    shares = column.value_counts() / len(column)
    frequent = shares.index[shares >= MIN_CATEGORY_SHARE]
    return sorted(frequent[1:] if feature.group == "person" else frequent)


def _fit(
    before: Pipeline, frame: pd.DataFrame, churned: NDArray[np.int8], folds: NDArray[np.int64], left_out: dict[str, str]
) -> Fitted:
    """The scores use no labels, so they are fitted once, on all rows."""
    with threadpool_limits(limits=1, user_api="blas"):  # the same sums for any number of cores
        matrix = before.fit_transform(frame)
        split = PredefinedSplit(folds)
        by_c = {
            c: cross_val_predict(_classifier(c), matrix, churned, cv=split, method="predict_proba")[:, 1]
            for c in REGULARISATION_CANDIDATES
        }
        losses = {c: float(log_loss(churned, predicted)) for c, predicted in by_c.items()}
        best = min(losses, key=losses.__getitem__)
        model = _classifier(best).fit(matrix, churned)
    return Fitted(Pipeline([*before.steps, ("classifier", model)]), by_c[best], losses, dict(left_out))


def _classifier(c: float) -> LogisticRegression:
    # Second-order: a few steps to an exact optimum.
    return LogisticRegression(C=c, max_iter=MAX_ITERATIONS, solver=SOLVER)


def _against_direction(pipeline: Pipeline) -> dict[str, float]:
    signs = {name: 1 if direction == "more churn" else -1 for name, direction in directions().items()}
    coefficients = {
        name: float(pipeline[-1].coef_[0][pipeline[0].output_indices_[name].start])
        for name, _, _ in pipeline[0].transformers
        if name in signs
    }
    return {name: coefficient for name, coefficient in coefficients.items() if coefficient * signs[name] < 0}
