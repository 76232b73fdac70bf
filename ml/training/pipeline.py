"""The scikit-learn pipeline: its steps, and its fit with out-of-fold scores by customer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import precision_recall_curve
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from ml.model_config import (
    CATEGORICAL_FEATURES,
    HEAVY_TAILED_FEATURES,
    MAX_ITERATIONS,
    MIN_CATEGORY_SHARE,
    PLAIN_FEATURES,
    REGULARISATION_C,
    SOLVER,
)

MISSING = "(missing)"


@dataclass(frozen=True)
class Fitted:
    """A fitted pipeline, and for each training row the score of a model that was not trained on its customer."""

    pipeline: Pipeline
    out_of_fold: NDArray[np.float64]


def preprocessing(features: Sequence[str]) -> ColumnTransformer:
    """Impute, scale and one-hot encode `features`; each categorical feature has a step with its name.

    There are no indicators of missing values: the calendar decides whether a monthly counter is known.
    """
    # arcsinh: the logarithm for large values, linear near zero, and defined below it.
    logarithm = FunctionTransformer(np.arcsinh, feature_names_out="one-to-one")
    compressed = make_pipeline(SimpleImputer(strategy="median"), logarithm, StandardScaler())
    plain = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    text = make_pipeline(
        SimpleImputer(missing_values=pd.NA, strategy="constant", fill_value=MISSING),  # NaN and None as well
        OneHotEncoder(min_frequency=MIN_CATEGORY_SHARE, handle_unknown="infrequent_if_exist", sparse_output=False),
    )
    steps = [
        ("heavy_tailed", compressed, [name for name in HEAVY_TAILED_FEATURES if name in features]),
        ("plain", plain, [name for name in PLAIN_FEATURES if name in features]),
        *((name, text, [name]) for name in CATEGORICAL_FEATURES if name in features),
    ]
    return ColumnTransformer([step for step in steps if step[2]], sparse_threshold=0)


def fit(frame: pd.DataFrame, churned: NDArray[np.int8], folds: NDArray[np.int64]) -> Fitted:
    """Fit on all rows, and once without each fold. The preprocessing is fitted once on all rows; it uses no labels."""
    before = preprocessing(list(frame.columns))
    with threadpool_limits(limits=1, user_api="blas"):  # the same sums for any number of cores
        matrix = before.fit_transform(frame)
        split = PredefinedSplit(folds)
        out_of_fold = cross_val_predict(_classifier(), matrix, churned, cv=split, method="predict_proba")[:, 1]
        model = _classifier().fit(matrix, churned)
    return Fitted(Pipeline([("preprocessing", before), ("classifier", model)]), out_of_fold)


def best_f1_threshold(churned: NDArray[np.int8], scores: NDArray[np.float64]) -> tuple[float, float]:
    """Threshold whose `score >= threshold` has the highest F1 for churn, and that F1; `churned` has both classes."""
    precision, recall, thresholds = precision_recall_curve(churned, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, np.finfo(float).tiny)  # none caught: 0
    best = int(np.argmax(f1[:-1]))  # the last point has no threshold
    return float(thresholds[best]), float(f1[best])


def _classifier() -> LogisticRegression:
    # Second-order: with collinear features it takes a few steps, where lbfgs takes hundreds, and is exact to 1e-10.
    return LogisticRegression(C=REGULARISATION_C, max_iter=MAX_ITERATIONS, solver=SOLVER)
