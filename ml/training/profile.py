"""Metadata of a model version: the tags that consumers read."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date

import pandas as pd

from ml.model_config import CATEGORICAL_FEATURES, HELDOUT_BUCKETS, NUMERIC_FEATURES, TRAINED_LABEL_SOURCES
from ml.training.evaluation import Evaluation

TAG_QUANTILES = (0.01, 0.25, 0.5, 0.75, 0.99)  # a tag holds 5,000 characters on MLflow 2.10
SIGNIFICANT_DIGITS = 5


@dataclass(frozen=True)
class Training:
    """The inputs and decisions of one training, before anything is logged; `features` and `buckets` are no tags."""

    snapshot_date: date
    lookback_weeks: int
    training_snapshots: list[date]
    left_out_snapshots: dict[str, str]
    features: tuple[str, ...]
    left_out_features: dict[str, str]
    buckets: tuple[int, int]
    left_out_by_campaigns: int
    as_of: date | None
    labels_known_through: date
    data_digest: str
    code_digest: str
    git_commit: str
    training_fingerprint: str


def quantiles(rows: pd.DataFrame, features: Sequence[str], at: Sequence[float]) -> dict[str, list[float]]:
    """Quantiles of each numeric feature over its known values, rounded to five significant digits."""
    return {
        name: [float(f"{q:.{SIGNIFICANT_DIGITS}g}") for q in rows[name].quantile(list(at))]
        for name in features
        if name in NUMERIC_FEATURES
    }


def label_counts(rows: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Rows by label source and label."""
    counts = rows.groupby(["label_source", "labeled_churn"], observed=True).size()
    return {
        source: {str(label): int(counts.get((source, label), 0)) for label in (0, 1)}
        for source in TRAINED_LABEL_SOURCES
    }


def version_tags(
    training: Training,
    fitted_on: pd.DataFrame,
    heldout: pd.DataFrame,
    threshold: float,
    rule: str,
) -> dict[str, str]:
    """Tags of the model version; each value is JSON. docs/model.md lists them."""
    values = asdict(training)
    features, (first, end) = values.pop("features"), values.pop("buckets")
    categorical = [name for name in features if name in CATEGORICAL_FEATURES]
    values |= {
        "numeric_features": [name for name in features if name in NUMERIC_FEATURES],
        "categorical_features": categorical,
        "categories": {name: sorted(fitted_on[name].dropna().unique()) for name in categorical},
        "training_quantiles": quantiles(fitted_on, features, TAG_QUANTILES),
        "training_quantiles_at": TAG_QUANTILES,
        "training_missing_shares": {name: round(float(fitted_on[name].isna().mean()), 4) for name in features},
        "threshold": threshold,
        "threshold_rule": rule,
        "training_label_counts": label_counts(fitted_on),
        "heldout_label_counts": label_counts(heldout),
        "training_buckets": [HELDOUT_BUCKETS, end],
        "heldout_buckets": [first, HELDOUT_BUCKETS],
        "prediction_shape": "n x 2: column 0 is P(stays), column 1 is P(churns)",
    }
    tags = {name: json.dumps(value, default=str, ensure_ascii=False) for name, value in values.items()}
    # Not JSON: compared and shown as they are.
    return tags | {n: str(values[n]) for n in ("training_fingerprint", "data_digest", "code_digest", "git_commit")}


def evaluation_tags(in_time: Evaluation, out_of_time: Evaluation | None, later: pd.DataFrame) -> dict[str, str]:
    """Tags with the figures of a version; `out_of_time` is None if no snapshot after its training is closed."""
    values = {
        "out_of_time_snapshots": sorted({str(day.date()) for day in later["snapshot_date"].unique()}),
        "out_of_time_metrics": "no later snapshot is closed yet" if out_of_time is None else out_of_time.of_all,
        "heldout_metrics": in_time.of_all,
    }
    return {name: json.dumps(value) for name, value in values.items()}
