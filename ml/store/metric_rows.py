"""`ops.model_metrics`: the figures of versions as rows."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

import psycopg

from ml.settings import settings
from ml.training.metrics import Figure

INSERT = """
insert into ops.model_metrics (
    kind, model_version, snapshot_dates, slice, metric, value, low, high, rows_measured, churners, run_id
)
values (
    %(kind)s, %(model_version)s, %(snapshot_dates)s::date[], %(slice)s, %(metric)s, %(value)s, %(low)s, %(high)s,
    %(rows_measured)s, %(churners)s, %(run_id)s
)
on conflict (kind, coalesce(model_version, ''), snapshot_dates, slice, metric) do update
set value = excluded.value, low = excluded.low, high = excluded.high, rows_measured = excluded.rows_measured,
    churners = excluded.churners, measured_at = now(), run_id = excluded.run_id
"""

OF_TRAINING = ("in_time", "out_of_time")
STORED = """
select kind, snapshot_dates::text[], slice, metric, value, low, high, rows_measured, churners
from ops.model_metrics
where model_version = %s and kind = any(%s)
"""
DELETE_OF_TRAINING = "delete from ops.model_metrics where model_version = %s and kind = any(%s)"
DELETE = """
delete from ops.model_metrics
where kind = %(kind)s and model_version = %(model_version)s and snapshot_dates = %(snapshot_dates)s
"""
READ = """
select metric, value, low, high from ops.model_metrics
where kind = %(kind)s and model_version = %(model_version)s and snapshot_dates = %(snapshot_dates)s
    and slice = %(slice)s
"""


def complete(conn: psycopg.Connection, model_version: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Make `rows` those of the training of a version, in one transaction; nothing is written if they are there.

    Others under its number are of a registry that was lost since, and are deleted.
    """
    columns = ("kind", "snapshot_dates", "slice", "metric", "value", "low", "high", "rows_measured", "churners")
    parameters = (model_version, list(OF_TRAINING))
    with conn.transaction():
        stored = conn.execute(STORED, parameters).fetchall()
        if sorted(map(repr, stored)) == sorted(repr(tuple(row[name] for name in columns)) for row in rows):
            return
        conn.execute(DELETE_OF_TRAINING, parameters)
        _insert(conn, model_version, rows)


def write(
    conn: psycopg.Connection,
    kind: str,
    model_version: str | None,
    snapshot_dates: Sequence[date],
    slice_name: str,
    figures: Mapping[str, Figure],
    rows_measured: int,
    churners: int,
) -> None:
    """Write the figures of one slice; those that are there from before are replaced."""
    _insert(conn, model_version, rows_of(kind, snapshot_dates, slice_name, figures, rows_measured, churners))


def rows_of(
    kind: str,
    snapshot_dates: Sequence[date],
    slice_name: str,
    figures: Mapping[str, Figure | float],
    rows_measured: int,
    churners: int,
) -> list[dict[str, Any]]:
    """The figures of one slice as rows without version and run; a plain number has no interval."""
    days = [str(day) for day in snapshot_dates]
    intervals = {
        name: asdict(found) if isinstance(found, Figure) else {"value": found, "low": None, "high": None}
        for name, found in figures.items()
    }
    return [
        {"kind": kind, "snapshot_dates": days, "slice": slice_name, "metric": name}
        | interval
        | {"rows_measured": rows_measured, "churners": churners}
        for name, interval in intervals.items()
    ]


def _insert(conn: psycopg.Connection, model_version: str | None, rows: Sequence[Mapping[str, Any]]) -> None:
    of_all = {"model_version": model_version, "run_id": settings().pipeline_run_id}
    conn.cursor().executemany(INSERT, [{**row, **of_all} for row in rows])


def delete(conn: psycopg.Connection, kind: str, model_version: str, snapshot_dates: Sequence[date]) -> None:
    """Delete the figures of all slices: some may not exist any more."""
    conn.execute(DELETE, {"kind": kind, "model_version": model_version, "snapshot_dates": list(snapshot_dates)})


def read(
    conn: psycopg.Connection, kind: str, model_version: str, snapshot_dates: Sequence[date], slice_name: str
) -> dict[str, Figure]:
    """The figures of one slice by name; empty if there are none."""
    parameters = {"kind": kind, "model_version": model_version, "snapshot_dates": list(snapshot_dates)}
    found = conn.execute(READ, {**parameters, "slice": slice_name})
    return {name: Figure(value, low, high) for name, value, low, high in found}
