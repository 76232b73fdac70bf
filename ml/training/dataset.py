"""Labelled rows of `features.churn_weekly_features` as a data frame, and a digest of its contents."""

import hashlib
from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd
import psycopg

from ml.model_config import ACTIVE_DAYS, CATEGORICAL_FEATURES, NUMERIC_FEATURES
from ml.settings import settings
from ml.snapshots import catalogue
from ml.store import feature_rows
from ml.training.slices import SLICE_COLUMNS
from ml.utils_io import sql

LABELS = ("labeled_churn", "label_source", "label_horizon_days")
WITH_USABLE_LABEL = """
select count(*) from features.churn_weekly_features
where snapshot_date = any(%(snapshot_dates)s)
    and features.is_usable_label(snapshot_date, label_horizon_days, %(churn_days)s, %(as_of)s)
    and ops.customer_bucket(customer_id) >= %(first_bucket)s and ops.customer_bucket(customer_id) < %(end_bucket)s
"""
COLUMNS = tuple(dict.fromkeys((*NUMERIC_FEATURES, *CATEGORICAL_FEATURES, *SLICE_COLUMNS)))


def load(
    conn: psycopg.Connection,
    snapshot_dates: Sequence[date],
    buckets: tuple[int, int],
    as_of: date | None = None,
    features: Sequence[str] = COLUMNS,
) -> pd.DataFrame:
    """The rows with a usable label at `snapshot_dates`, of customers in `buckets` [first, end).

    Campaigns leave out some of them (`features.usable_rows`).
    Columns: customer_id, snapshot_date, LABELS and `features`; ordered by snapshot and customer, because a table has no
    order and a fit depends on it. `as_of`: only labels that were known on that date.

    Raises:
        TryLater: the server cannot be reached, or went away.
    """
    columns = ("customer_id", "snapshot_date", *LABELS, *features)
    parameters = _selected(snapshot_dates, buckets, as_of)
    with feature_rows.reading(conn, sql("select_labelled_rows"), columns, parameters) as batches:
        rows = feature_rows.to_frame(batches.read_all())
    return rows.sort_values(["snapshot_date", "customer_id"], ignore_index=True)


def with_usable_label(
    conn: psycopg.Connection, snapshot_dates: Sequence[date], buckets: tuple[int, int], as_of: date | None = None
) -> int:
    """How many rows `load` would give if there were no campaigns."""
    ((rows,),) = conn.execute(WITH_USABLE_LABEL, _selected(snapshot_dates, buckets, as_of)).fetchall()
    return int(rows)


def _selected(snapshot_dates: Sequence[date], buckets: tuple[int, int], as_of: date | None) -> dict[str, object]:
    return {
        "snapshot_dates": list(snapshot_dates),
        "churn_days": ACTIVE_DAYS,
        "as_of": as_of,
        "first_bucket": buckets[0],
        "end_bucket": buckets[1],
    }


def digest(rows: pd.DataFrame) -> str:
    """Hex digest of the rows and the names of their columns; the order of rows and of categories does not matter."""
    hashes = pd.util.hash_pandas_object(rows, index=False).to_numpy()
    return hashlib.sha256(",".join(rows.columns).encode() + np.sort(hashes).tobytes()).hexdigest()


def training_digest(rows: pd.DataFrame) -> str:
    """`digest` of what a model may be fitted on: not of columns by which its figures are sliced alone."""
    columns = ("customer_id", "snapshot_date", *LABELS, *model_features())
    return digest(pd.DataFrame({name: rows[name] for name in columns}, copy=False))  # millions of rows, not copied


def labels_known_through(rows: pd.DataFrame) -> date:
    """Last day that a label of `rows` speaks of."""
    ends = rows["snapshot_date"] + pd.to_timedelta(rows["label_horizon_days"] - 1, unit="D")
    known: date = ends.max().date()
    return known


def uses_demographics() -> bool:
    """Whether MODEL_DEMOGRAPHICS lets a version use the features of a person."""
    return settings().model_demographics == "yes"


def model_features(demographics: bool | None = None) -> tuple[str, ...]:
    """Features that a version may use, with those of a person or without; None: as MODEL_DEMOGRAPHICS says."""
    return catalogue.model_features(demographics=uses_demographics() if demographics is None else demographics)


def features_with_values(
    rows: pd.DataFrame, demographics: bool | None = None
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Those of `model_features` with a value in every snapshot of `rows`; for each other, the snapshots without one."""
    features = model_features(demographics)
    known = rows.groupby("snapshot_date")[list(features)].count()
    left_out = {}
    for name in features:
        without = [str(day.date()) for day in known.index[known[name] == 0]]
        if without:
            left_out[name] = "no value in any" if len(without) == len(known) else f"no value in {', '.join(without)}"
    return tuple(name for name in features if name not in left_out), left_out
