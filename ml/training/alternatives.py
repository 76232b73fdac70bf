"""Models fitted beside a version and never registered: a ceiling, and the paired gain of another model on a version."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from ml.training.metrics import Customers, Figure, Floats, Labels, bootstrap

CEILING_ROWS = 300_000  # with more, the trees hardly change
MAX_CATEGORIES = 200  # of one text; the trees take 255


def ceiling(rows: pd.DataFrame, features: Sequence[str]) -> Pipeline:
    """A shallow gradient-boosted model of `features`, which finds bends and interactions by itself."""
    fitted_on = rows if len(rows) <= CEILING_ROWS else rows.sample(CEILING_ROWS, random_state=0)
    texts = [name for name in features if isinstance(rows[name].dtype, pd.CategoricalDtype)]
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
        max_categories=MAX_CATEGORIES,
    )
    trees = HistGradientBoostingClassifier(
        max_depth=3,
        max_iter=200,
        learning_rate=0.05,
        early_stopping=False,
        categorical_features=list(range(len(texts))),
        random_state=0,
    )
    model = make_pipeline(make_column_transformer((codes, texts), remainder="passthrough"), trees)
    fitted: Pipeline = model.fit(fitted_on[list(features)], fitted_on["labeled_churn"])
    return fitted


def gain(churned: Labels, scores: Floats, other: Floats, customer_id: Customers) -> dict[str, Figure]:
    """By how much `other` is better than `scores`: ROC AUC higher, log loss lower, with paired intervals."""

    def difference(weights: Floats) -> dict[str, float]:
        auc, other_auc = (float(roc_auc_score(churned, each, sample_weight=weights)) for each in (scores, other))
        loss, other_loss = (float(log_loss(churned, each, sample_weight=weights)) for each in (scores, other))
        return {"roc_auc_gain": other_auc - auc, "log_loss_gain": loss - other_loss}

    return bootstrap(difference, churned, customer_id)
