"""Rows of `ops.churn_scoring` in PostgreSQL's binary COPY format, made a batch at a time without a loop over rows."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
# PostgreSQL counts dates in days and timestamps in microseconds from here.
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def score_records(
    customer_id: NDArray[np.int64],
    score: NDArray[np.float64],
    threshold: float,
    *,
    snapshot_date: date,
    model_version: str,
    scored_at: datetime,
) -> bytes:
    """Records of a batch, with the columns in the order of copy_scores.sql; prediction is score >= threshold."""
    version = model_version.encode()
    columns: list[tuple[str, str, Any]] = [
        ("customer_id", ">i8", customer_id),
        ("snapshot_date", ">i4", (snapshot_date - EPOCH.date()).days),
        ("score", ">f8", score),
        ("prediction", ">i2", score >= threshold),
        ("model_version", f"S{len(version)}", version),
        ("scored_at", ">i8", (scored_at - EPOCH) // timedelta(microseconds=1)),
    ]
    layout: list[tuple[str, str]] = [("number_of_fields", ">i2")]
    for name, kind, _ in columns:
        layout += [(f"{name}_bytes", ">i4"), (name, kind)]
    records = np.empty(len(customer_id), dtype=layout)
    records["number_of_fields"] = len(columns)
    for name, kind, values in columns:
        records[f"{name}_bytes"] = np.dtype(kind).itemsize
        records[name] = values
    return records.tobytes()
