"""What travels with a model version: the tags that consumers read, and the profile of the training rows."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from ml.model_config import (
    CATEGORICAL_FEATURES,
    HELDOUT_BUCKETS,
    NUMERIC_FEATURES,
    TRAINED_LABEL_SOURCES,
)
from ml.training.dataset import Rows
from ml.training.evaluation import ALL, Evaluation

TAG_QUANTILES = (0.01, 0.25, 0.5, 0.75, 0.99)  # a tag holds 5,000 characters on MLflow 2.10
DECILES = tuple(np.linspace(0, 1, 11).round(1).tolist())
SIGNIFICANT_DIGITS = 5


@dataclass(frozen=True)
class Training:
    """What one training used and decided, before anything is logged."""

    snapshot_date: date
    lookback_weeks: int
    snapshots: list[date]
    left_out_snapshots: dict[date, str]
    features: tuple[str, ...]
    left_out_features: dict[str, str]
    buckets: tuple[int, int]
    labels_known_through: date
    data_digest: str
    code_digest: str
    git_commit: str
    fingerprint: str


def quantiles(rows: Rows, features: Sequence[str], at: Sequence[float]) -> dict[str, list[float]]:
    """Quantiles of each numeric feature over its known values, rounded to five significant digits."""
    return {
        name: [float(f"{q:.{SIGNIFICANT_DIGITS}g}") for q in np.nanquantile(rows.numeric[name], at)]
        for name in features
        if name in NUMERIC_FEATURES
    }


def profile(rows: Rows, features: Sequence[str]) -> dict[str, Any]:
    """Deciles, missing shares and category shares of the training rows, for later comparison."""
    shares = {}
    for name in (n for n in features if n in CATEGORICAL_FEATURES):
        counts = np.bincount(rows.codes[name] + 1, minlength=len(rows.categories[name].values) + 1) / len(rows)
        shares[name] = dict(zip([None, *rows.categories[name].values], counts.tolist(), strict=True))
    missing = {name: float(np.isnan(rows.numeric[name]).mean()) for name in features if name in NUMERIC_FEATURES}
    return {
        "rows": len(rows),
        "deciles": quantiles(rows, features, DECILES),
        "missing_share": missing,
        "category_shares": {name: {str(k or "(missing)"): v for k, v in s.items()} for name, s in shares.items()},
    }


def categories_seen(rows: Rows, name: str) -> list[str]:
    """Values of a categorical feature among `rows`, in order of the alphabet."""
    present = np.unique(rows.codes[name])
    return sorted(rows.categories[name].values[code] for code in present if code >= 0)


def label_counts(rows: Rows) -> dict[str, dict[str, int]]:
    """Rows by label source and label."""
    counts: dict[str, dict[str, int]] = {}
    for code, source in enumerate(TRAINED_LABEL_SOURCES):
        of_source = rows.churned[rows.label_source == code]
        counts[source] = {"0": int((of_source == 0).sum()), "1": int((of_source == 1).sum())}
    return counts


def version_tags(
    training: Training, fitted_on: Rows, heldout: Rows, evaluation: Evaluation, threshold: float, rule: str
) -> dict[str, str]:
    """Tags of the model version; each value is JSON. docs/model.md lists them."""
    figures = {name: figure.value for name, figure in evaluation.groups[ALL].figures.items()}
    values: dict[str, Any] = {
        "training_fingerprint": training.fingerprint,
        "data_digest": training.data_digest,
        "code_digest": training.code_digest,
        "git_commit": training.git_commit,
        "snapshot_date": training.snapshot_date,
        "lookback_weeks": training.lookback_weeks,
        "training_snapshots": training.snapshots,
        "left_out_snapshots": {str(day): reason for day, reason in training.left_out_snapshots.items()},
        "labels_known_through": training.labels_known_through,
        "numeric_features": [n for n in training.features if n in NUMERIC_FEATURES],
        "categorical_features": [n for n in training.features if n in CATEGORICAL_FEATURES],
        "left_out_features": training.left_out_features,
        "categories": {
            name: sorted(
                v for i, v in enumerate(fitted_on.categories[name].values) if (fitted_on.codes[name] == i).any()
            )
            for name in training.features
            if name in CATEGORICAL_FEATURES
        },
        "training_quantiles": quantiles(fitted_on, training.features, TAG_QUANTILES),
        "training_quantiles_at": TAG_QUANTILES,
        "threshold": threshold,
        "threshold_rule": rule,
        "training_label_counts": label_counts(fitted_on),
        "heldout_label_counts": label_counts(heldout),
        "training_buckets": [HELDOUT_BUCKETS, training.buckets[1]],
        "heldout_buckets": [training.buckets[0], HELDOUT_BUCKETS],
        "heldout_metrics": figures or evaluation.groups[ALL].not_measurable,
        "prediction_shape": "n x 2: column 0 is P(stays), column 1 is P(churns)",
    }
    tags = {name: json.dumps(value, default=str, ensure_ascii=False) for name, value in values.items()}
    # Compared and shown as they are.
    return tags | {n: str(values[n]) for n in ("training_fingerprint", "data_digest", "code_digest", "git_commit")}
