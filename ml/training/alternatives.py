"""Models fitted beside a version and never registered: a ceiling, and the same model with and without demographics."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder
from threadpoolctl import threadpool_limits

from ml.cli import CommandError
from ml.training.dataset import features_with_values, uses_demographics
from ml.training.holdout import customer_bucket, fold
from ml.training.metrics import Floats, log_losses
from ml.training.pipeline import Fitted, fit_rows

MAX_ROWS = 100_000  # to fit on: with more, neither the trees nor the differences change much, and memory stays flat
DEPTH, MAX_TREES = 3, 200
MAX_CATEGORIES = 200  # of one text; the trees take 255
# Threads of the trees wait for each other without rest: with one other process at work, two took 12 s, one takes 0.3 s.
one_thread = partial(threadpool_limits, limits=1)


@dataclass(frozen=True)
class Alternatives:
    """Fitted models by name, each with the features that it reads."""

    models: dict[str, tuple[Pipeline, Sequence[str]]]

    def scores(self, rows: pd.DataFrame) -> dict[str, Floats]:
        """Probability of churn of each of `rows` by each model."""
        with one_thread():
            return {
                name: model.predict_proba(rows[list(features)])[:, 1] for name, (model, features) in self.models.items()
            }


def fit_alternatives(version: Fitted, fitted_on: pd.DataFrame, sampled: pd.DataFrame) -> Alternatives:
    """Fit `ceiling`, `without_demographics` and `with_demographics` on `sampled`, rows that `version` is fitted on.

    The version itself is one of the last two unless the rows are a sample: then both are fitted, so that they differ in
    the demographics alone. Without those two if one of them cannot be fitted.
    """
    models: dict[str, tuple[Pipeline, Sequence[str]]] = {
        "ceiling": (ceiling(sampled, version.features), version.features)
    }
    ours = uses_demographics()
    with suppress(CommandError):
        variants = {
            demographics: version
            if demographics == ours and len(sampled) == len(fitted_on)
            else _fit_variant(sampled, demographics)
            for demographics in (False, True)
        }
        for demographics, fitted in variants.items():
            name = "with_demographics" if demographics else "without_demographics"
            models[name] = (fitted.pipeline, fitted.features)
    return Alternatives(models)


def sample(rows: pd.DataFrame, max_rows: int = MAX_ROWS) -> pd.DataFrame:
    """All `rows`, or those of as many customers, chosen by their hash, as make up about `max_rows`."""
    if len(rows) <= max_rows:
        return rows
    buckets = customer_bucket(rows["customer_id"].to_numpy())
    return rows[buckets < np.quantile(buckets, max_rows / len(rows))]


def ceiling(rows: pd.DataFrame, features: Sequence[str]) -> Pipeline:
    """A shallow gradient-boosted model of `features`, which finds bends and interactions by itself.

    The number of trees is that of the lowest log loss on a fifth of the customers, by trees fitted to the others.
    """
    columns, churned = rows[list(features)], rows["labeled_churn"]
    aside = fold(rows["customer_id"].to_numpy()) == 0
    with one_thread():
        trial = _trees(columns, MAX_TREES).fit(columns[~aside], churned[~aside])
        stages = trial[-1].staged_predict_proba(trial[:-1].transform(columns[aside]))
        losses = [log_losses(churned[aside].to_numpy(), scores[:, 1]).mean() for scores in stages]
        fitted: Pipeline = _trees(columns, int(np.argmin(losses)) + 1).fit(columns, churned)
    return fitted


def _trees(columns: pd.DataFrame, number: int) -> Pipeline:
    texts = [name for name in columns if not pd.api.types.is_numeric_dtype(columns[name])]
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
        max_categories=MAX_CATEGORIES,
    )
    trees = HistGradientBoostingClassifier(
        max_depth=DEPTH,
        max_iter=number,
        learning_rate=0.05,
        early_stopping=False,
        categorical_features=list(range(len(texts))),
        random_state=0,
    )
    return make_pipeline(make_column_transformer((codes, texts), remainder="passthrough"), trees)


def _fit_variant(rows: pd.DataFrame, demographics: bool) -> Fitted:
    features, _ = features_with_values(rows, demographics)
    return fit_rows(rows, features)
