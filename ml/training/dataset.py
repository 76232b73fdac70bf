"""Labelled rows of `features.churn_weekly_features` as columns in memory, with a digest of what they hold."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import psycopg
from numpy.typing import NDArray

from ml.bulk_read import Block, Coded, Query, read_blocks
from ml.cli import TryLater
from ml.model_config import ACTIVE_DAYS, CATEGORICAL_FEATURES, CUSTOMER_BUCKETS, NUMERIC_FEATURES, TRAINED_LABEL_SOURCES
from ml.utils_io import sql

LABELS = ("labeled_churn", "label_horizon_days")
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

    Memory: 8 bytes a numeric feature and row, 4 a categorical one, and a few blocks.

    Raises:
        TryLater: the server cannot be reached, or a snapshot was built anew meanwhile.
    """
    numeric = [*LABELS, *(name for name in features if name not in CATEGORICAL_FEATURES)]
    sources = Coded(list(TRAINED_LABEL_SOURCES), {name: code for code, name in enumerate(TRAINED_LABEL_SOURCES)})
    categories = {name: Coded() for name in features if name in CATEGORICAL_FEATURES}
    texts = {"label_source": sources, **categories}
    days = sorted(snapshot_dates)
    ((active,),) = conn.execute(sql("count_active_rows"), {"snapshot_dates": days}).fetchall()
    table = _Table(active, len(numeric), list(texts))
    ends = [table.append(read_blocks(conn, _query(day, buckets, numeric, list(texts)), texts)) for day in days]
    whole = table.rows()
    snapshot_date = np.repeat(np.array(days, dtype="datetime64[D]"), np.diff([0, *ends]))
    numbers = dict(zip(numeric, whole.numbers, strict=True))
    return Rows(
        whole.customer_id,
        snapshot_date,
        numbers.pop("labeled_churn").astype(np.int8),
        whole.codes.pop("label_source").astype(np.int8),
        snapshot_date + numbers.pop("label_horizon_days").astype("timedelta64[D]"),
        numbers,
        whole.codes,
        categories,
    )


class _Table:
    """Room for `capacity` rows, of which each is touched once it is filled."""

    def __init__(self, capacity: int, numbers: int, texts: list[str]) -> None:
        codes = {name: np.empty(capacity, np.int32) for name in texts}
        self._block = Block(np.empty(capacity, np.int64), np.empty((numbers, capacity)), codes)
        self._end = 0

    def append(self, blocks: Iterable[Block]) -> int:
        """Add `blocks`, ordered by customer: a heap has no order, a fit needs one. Returns how many there are now."""
        start = self._end
        for block in blocks:
            rows = slice(self._end, self._end + len(block))
            if rows.stop > len(self._block):
                raise TryLater("a snapshot was built anew while it was read; run again")
            for column, part in zip(_columns(self._block), _columns(block), strict=True):
                column[rows] = part
            self._end = rows.stop
        rows = slice(start, self._end)
        order = np.argsort(self._block.customer_id[rows], kind="stable")
        for column in _columns(self._block):
            column[rows] = column[rows][order]
        return self._end

    def rows(self) -> Block:
        """What was added."""
        block, rows = self._block, slice(self._end)
        return Block(
            block.customer_id[rows], block.numbers[:, rows], {name: codes[rows] for name, codes in block.codes.items()}
        )


def _columns(block: Block) -> list[NDArray[Any]]:
    return [block.customer_id, *block.numbers, *block.codes.values()]


def _query(day: date, buckets: tuple[int, int], numbers: Sequence[str], texts: Sequence[str]) -> Query:
    values = {
        "active_days": ACTIVE_DAYS,
        "label_sources": list(TRAINED_LABEL_SOURCES),
        "every_bucket": buckets == (0, CUSTOMER_BUCKETS),
        "first_bucket": buckets[0],
        "end_bucket": buckets[1],
    }
    return Query("select_labelled_rows", day, numbers, texts, values)


def _mixed(values: NDArray[np.uint64], name: str) -> NDArray[np.uint64]:
    """splitmix64's finisher over `values` shifted by a hash of the column's name."""
    x = values + np.uint64((_text_hash(name) | 1) * MIX % 2**64)
    x = (x ^ (x >> np.uint64(30))) * MIX_A
    x = (x ^ (x >> np.uint64(27))) * MIX_B
    mixed: NDArray[np.uint64] = x ^ (x >> np.uint64(31))
    return mixed


def _text_hash(text: str | None) -> int:
    return int.from_bytes(hashlib.sha256(repr(text).encode()).digest()[:8], "big")
