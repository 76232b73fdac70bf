"""Sorts records by day through files, so that a large table is never completely in memory."""

from pathlib import Path

import numpy as np

from sample_data.behaviour import Ints

BUFFERED_RECORDS = 1_000_000


class DaySpill:
    """Takes records in any order of days and gives them back day by day, in order of arrival within a day."""

    def __init__(self, folder: Path, dtype: np.dtype) -> None:
        folder.mkdir()
        self._folder = folder
        self._dtype = dtype
        self._buffer: list[tuple[Ints, np.ndarray]] = []
        self._buffered = 0

    def add(self, days: Ints, records: np.ndarray) -> None:
        """Keep `records[i]` for the day `days[i]`."""
        self._buffer.append((days, records))
        self._buffered += len(records)
        if self._buffered >= BUFFERED_RECORDS:
            self._flush()

    def read(self, day: int) -> np.ndarray:
        """All records of a day; its file is deleted."""
        self._flush()
        path = self._folder / str(day)
        if not path.exists():
            return np.empty(0, self._dtype)
        records = np.fromfile(path, self._dtype)
        path.unlink()
        return records

    def _flush(self) -> None:
        if not self._buffer:
            return
        days = np.concatenate([days for days, _ in self._buffer])
        records = np.concatenate([records for _, records in self._buffer])
        self._buffer, self._buffered = [], 0
        order = np.argsort(days, kind="stable")
        days, records = days[order], records[order]
        present, starts = np.unique(days, return_index=True)
        bounds = np.append(starts, len(days))
        for day, start, end in zip(present, bounds[:-1], bounds[1:], strict=True):
            with (self._folder / str(day)).open("ab") as file:
                records[start:end].tofile(file)
