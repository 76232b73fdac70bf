"""Labelled rows of `features.churn_weekly_features` as columns in memory, with a digest of what they hold."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import psycopg
from numpy.typing import NDArray

from ml.arrow_io import Coded, compose, floats, prefetch, stream
from ml.model_config import ACTIVE_DAYS, CATEGORICAL_FEATURES, NUMERIC_FEATURES, TRAINED_LABEL_SOURCES

MIX = 0x9E3779B97F4A7C15  # splitmix64's constants
MIX_A = np.uint64(0xBF58476D1CE4E5B9)
MIX_B = np.uint64(0x94D049BB133111EB)


@dataclass(frozen=True)
class Rows:
    """n rows as columns of length n, ordered by snapshot and customer.

    `numeric` is float64 with NaN for NULL, `codes` points into `categories[feature].values` with -1 for NULL, and
    `label_source` points into TRAINED_LABEL_SOURCES.
    """

    customer_id: NDArray[np.int64]
    snapshot_date: NDArray[np.datetime64]
    churned: NDArray[np.int8]
    label_source: NDArray[np.int8]
    label_end: NDArray[np.datetime64]
    numeric: dict[str, NDArray[np.float64]]
    codes: dict[str, NDArray[np.int32]]
    categories: dict[str, Coded]

    def __len__(self) -> int:
        return len(self.customer_id)

    def select(self, mask: NDArray[np.bool_] | slice) -> "Rows":
        """The rows where `mask` is true, as a copy, or those of a slice, without one."""
        return Rows(
            self.customer_id[mask],
            self.snapshot_date[mask],
            self.churned[mask],
            self.label_source[mask],
            self.label_end[mask],
            {name: column[mask] for name, column in self.numeric.items()},
            {name: column[mask] for name, column in self.codes.items()},
            self.categories,
        )

    def frame(self, features: Sequence[str]) -> pd.DataFrame:
        """The features as the model takes them: float64 columns, and text columns with None for NULL."""
        columns: dict[str, NDArray[Any]] = {}
        for name in features:
            is_text = name in self.codes
            columns[name] = self.categories[name].decode(self.codes[name]) if is_text else self.numeric[name]
        return pd.DataFrame(columns, copy=False)

    def batches(self, size: int) -> Iterator["Rows"]:
        """The rows in their order, `size` at a time."""
        for start in range(0, len(self), size):
            yield self.select(slice(start, start + size))

    def digest(self) -> str:
        """Hex digest of the rows' features, labels and keys; the order of rows and of categories does not matter."""
        total = np.zeros(len(self), dtype=np.uint64)
        keys = {
            "customer_id": self.customer_id.astype(np.uint64),
            "snapshot_date": self.snapshot_date.astype(np.int64).astype(np.uint64),
            "labeled_churn": self.churned.astype(np.uint64),
            "label_source": self.label_source.astype(np.uint64),
        }
        for name, column in keys.items():
            total += _mixed(column, name)
        for name, values in self.numeric.items():
            canonical = np.where(np.isnan(values), np.nan, values + 0.0)  # one NaN, and no negative zero
            total += _mixed(canonical.view(np.uint64), name)
        for name, codes in self.codes.items():
            hashes = np.array([_text_hash(v) for v in [*self.categories[name].values, None]], dtype=np.uint64)
            total += _mixed(hashes[codes], name)
        rows = _mixed(total, "row")
        names = ",".join(sorted([*self.numeric, *self.codes]))
        summary = f"{names}|{len(self)}|{int(rows.sum(dtype=np.uint64))}|{int(_mixed(rows, 'again').sum())}"
        return hashlib.sha256(summary.encode()).hexdigest()


def load(
    conn: psycopg.Connection,
    snapshot_dates: Sequence[date],
    buckets: tuple[int, int],
    features: Sequence[str] = NUMERIC_FEATURES + CATEGORICAL_FEATURES,
) -> Rows:
    """Read the labelled rows of the active cohort at `snapshot_dates`, of customers in `buckets` [first, end).

    Memory: 8 bytes a numeric feature and row, 4 a categorical one, and one column more while they are put together.

    Raises:
        TryLater: the server cannot be reached.
    """
    categories = {name: Coded() for name in features if name in CATEGORICAL_FEATURES}
    parts: dict[str, list[NDArray[Any]]] = {}
    for snapshot_date in sorted(snapshot_dates):
        for name, column in _snapshot(conn, snapshot_date, buckets, tuple(features), categories).items():
            parts.setdefault(name, []).append(column)
    whole: dict[str, NDArray[Any]] = {name: np.concatenate(parts.pop(name)) for name in list(parts)}
    return Rows(
        whole["customer_id"],
        whole["snapshot_date"],
        whole["labeled_churn"],
        whole["label_source"],
        whole["label_end"],
        {name: whole[name] for name in features if name not in categories},
        {name: whole[name] for name in categories},
        categories,
    )


def _snapshot(
    conn: psycopg.Connection,
    snapshot_date: date,
    buckets: tuple[int, int],
    features: tuple[str, ...],
    categories: dict[str, Coded],
) -> dict[str, NDArray[Any]]:
    query = compose(
        "select_labelled_rows",
        features=features,
        snapshot_date=snapshot_date,
        active_days=ACTIVE_DAYS,
        label_sources=list(TRAINED_LABEL_SOURCES),
        first_bucket=buckets[0],
        end_bucket=buckets[1],
    )
    sources = Coded(list(TRAINED_LABEL_SOURCES), {name: code for code, name in enumerate(TRAINED_LABEL_SOURCES)})
    parts: dict[str, list[NDArray[Any]]] = {"customer_id": [np.empty(0, np.int64)]}
    parts |= {"labeled_churn": [np.empty(0, np.int8)], "label_source": [np.empty(0, np.int8)]}
    parts |= {"label_horizon_days": [np.empty(0, np.int64)]}
    parts |= {name: [np.empty(0, np.int32 if name in categories else np.float64)] for name in features}
    for batch in prefetch(stream(conn, query)):
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if name == "label_source":
                parts[name].append(sources.encode(column).astype(np.int8))
            elif name in categories:
                parts[name].append(categories[name].encode(column))
            elif name in features:
                parts[name].append(floats(column))
            else:
                parts[name].append(column.to_numpy(zero_copy_only=False).astype(parts[name][0].dtype))
    order = np.argsort(np.concatenate(parts["customer_id"]), kind="stable")  # a heap has no order, a fit needs one
    columns = {name: np.concatenate(parts.pop(name))[order] for name in list(parts)}
    day = np.datetime64(snapshot_date, "D")
    columns["snapshot_date"] = np.full(len(order), day)
    columns["label_end"] = day + columns.pop("label_horizon_days").astype("timedelta64[D]")
    return columns


def _mixed(values: NDArray[np.uint64], name: str) -> NDArray[np.uint64]:
    """splitmix64's finisher over `values` shifted by a hash of the column's name."""
    x = values + np.uint64((_text_hash(name) | 1) * MIX % 2**64)
    x = (x ^ (x >> np.uint64(30))) * MIX_A
    x = (x ^ (x >> np.uint64(27))) * MIX_B
    mixed: NDArray[np.uint64] = x ^ (x >> np.uint64(31))
    return mixed


def _text_hash(text: str | None) -> int:
    return int.from_bytes(hashlib.sha256(repr(text).encode()).digest()[:8], "big")
