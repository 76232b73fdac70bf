"""The model version in Production as the page uses it: probability, threshold, and the contribution of each group."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from mlflow.environment_variables import MLFLOW_HTTP_REQUEST_MAX_RETRIES, MLFLOW_HTTP_REQUEST_TIMEOUT
from sklearn.pipeline import Pipeline

from ml.cli import CommandError
from ml.model_config import MODEL_NAME
from ml.store import registry
from ml.training import explanation

FOLLOW_ALIAS_SECONDS = 10
MLFLOW_HTTP_REQUEST_MAX_RETRIES.set(2)  # the client's default of seven would take minutes
MLFLOW_HTTP_REQUEST_TIMEOUT.set(30)


class ModelMissing(Exception):
    """No version is in Production."""


class ModelUnusable(Exception):
    """This page cannot use the version in Production; the message gives the reason."""

    def __init__(self, version: str, reason: str) -> None:
        super().__init__(reason)
        self.version = version


@dataclass(frozen=True)
class Scorer:
    """One model version; `categories` are those seen in training, `ranges` where the middle 98 % of its values lay."""

    version: str
    threshold: float
    numeric: tuple[str, ...]
    categories: dict[str, tuple[str, ...]]
    ranges: dict[str, tuple[float, float]]
    pipeline: Pipeline

    @property
    def features(self) -> tuple[str, ...]:
        """The columns that the version takes, numbers first."""
        return (*self.numeric, *self.categories)

    def probability(self, values: dict[str, Any]) -> float:
        """Probability of churning, 0 to 1; `values` has a float, str or None (not known) for each feature."""
        return float(self.pipeline.predict_proba(self._frame([values]))[0, 1])

    def contributions(self, values: dict[str, Any]) -> tuple[float, dict[str, float]]:
        """The log-odds of the average customer, and what each group of features adds to them; the sum is exact."""
        average, groups = self.explain([values])
        return average, {str(group): float(added) for group, added in groups.iloc[0].items()}

    def explain(self, rows: Sequence[dict[str, Any]]) -> tuple[float, pd.DataFrame]:
        """The log-odds of the average customer, and for each of `rows` what each group (column) adds to them."""
        return explanation.contributions(self.pipeline, self._frame(rows))

    def _frame(self, rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
        known = {name: np.array([row.get(name) for row in rows], dtype=np.float64) for name in self.numeric}
        numbers = {name: np.where(np.isfinite(values), values, np.nan) for name, values in known.items()}
        texts = {name: np.array([row.get(name) for row in rows], dtype=object) for name in self.categories}
        return pd.DataFrame({**numbers, **texts})


def production_scorer() -> Scorer:
    """The version that the alias names; a change is noticed within FOLLOW_ALIAS_SECONDS, without a restart.

    Raises:
        ModelMissing, ModelUnusable: see these classes.
        TryLater: MLflow does not answer.
    """
    return scorer(production_version())


@st.cache_data(ttl=FOLLOW_ALIAS_SECONDS, show_spinner=False)
def production_version() -> str:
    """The version that the alias names, as known for FOLLOW_ALIAS_SECONDS. Raises as `production_scorer`."""
    with registry.session() as client:
        version = registry.production_version(client)
    if version is None:
        raise ModelMissing(MODEL_NAME)
    return version


@st.cache_resource(max_entries=3, show_spinner=False)
def scorer(number: str) -> Scorer:
    """The version of that number, also one that is no longer in Production.

    Raises:
        ModelUnusable: this page cannot use it.
        TryLater: MLflow does not answer.
    """
    try:
        with registry.session() as client:
            version = registry.get(client, number)
            pipeline = registry.load(version)
        explanation.inputs(pipeline)
        low, high = (version.tag("training_quantiles_at").index(share) for share in (0.01, 0.99))
        return Scorer(
            number,
            version.threshold,
            tuple(version.tag("numeric_features")),
            {name: tuple(seen) for name, seen in version.tag("categories").items()},
            {name: (at[low], at[high]) for name, at in version.tag("training_quantiles").items()},
            pipeline,
        )
    except (CommandError, ValueError) as error:
        raise ModelUnusable(number, str(error)) from error
