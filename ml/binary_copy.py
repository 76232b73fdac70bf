"""PostgreSQL's binary COPY format, written and read as arrays of records, without a loop over rows."""

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


class Records:
    """The records in the chunks of one COPY: a customer_id, `doubles` of double precision and `integers` of bigint.

    No field may be NULL: with eight bytes in each, all records have the same length.
    """

    def __init__(self, doubles: int, integers: int) -> None:
        self._fields = 1 + doubles + integers
        self._layout = np.dtype(
            [
                ("number_of_fields", ">i2"),
                ("customer_id_bytes", ">i4"),
                ("customer_id", ">i8"),
                ("doubles", [("bytes", ">i4"), ("value", ">f8")], (doubles,)),
                ("integers", [("bytes", ">i4"), ("value", ">i8")], (integers,)),
            ]
        )
        self._begun = False
        self._rest = b""

    def feed(self, chunk: bytes) -> NDArray[np.void]:
        """The records that this chunk completes: `customer_id`, `doubles[place].value` and `integers[place].value`.

        Raises:
            ValueError: the data are not of this form.
        """
        data = self._rest + chunk
        if not self._begun and len(data) >= len(HEADER):
            if not data.startswith(HEADER):
                raise ValueError(f"not a binary COPY: {data[: len(HEADER)]!r}")
            self._begun = True
            data = data[len(HEADER) :]
        count = len(data) // self._layout.itemsize if self._begun else 0
        records = np.frombuffer(data, self._layout, count)
        if (records["number_of_fields"] != self._fields).any():
            raise ValueError(f"not records of {self._fields} fields of eight bytes, or one of them is NULL")
        self._rest = data[records.nbytes :]
        return records

    def end(self) -> None:
        """Raise ValueError unless the last record was whole and followed by nothing."""
        if not self._begun or self._rest != TRAILER:
            raise ValueError(f"the COPY ends with {self._rest[:40]!r}")
