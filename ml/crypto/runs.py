"""The record of each attempt to bring the crypto events up to date: made, found and marked as failed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row

from ml.cli import CommandError
from ml.settings import settings
from ml.utils_io import connect

LATEST_ATTEMPT = """
select
    attempt_id, kind, forced, status, window_from, window_to, rows_in, rows_staged, rows_late, rows_not_due
from ops.crypto_runs
where run_id = %(run_id)s and snapshot_date = %(snapshot_date)s
order by attempt_id desc
limit 1
for no key update
"""
COUNT_STAGED = """
select
    count(*) as rows_staged,
    count(*) filter (where outcome = 'load') as rows_loaded,
    count(*) filter (where outcome = 'copy') as rows_copied,
    count(*) filter (where outcome = 'superseded') as rows_superseded,
    count(*) filter (where outcome = 'reject') as rows_rejected
from staging.crypto_events
where attempt_id = %(attempt_id)s
"""
DELETE_STAGED = "delete from staging.crypto_events where attempt_id = %(attempt_id)s"
MARK_FAILED = """
update ops.crypto_runs
set status = 'failed', message = %(message)s
where status = any(%(statuses)s)
    and attempt_id = (
        select max(attempt_id) from ops.crypto_runs where run_id = %(run_id)s and snapshot_date = %(snapshot_date)s
    )
"""


@dataclass(frozen=True)
class Attempt:
    """A row of `ops.crypto_runs`: what one run reads, once it is staged, and its progress."""

    attempt_id: int
    kind: str
    forced: bool
    status: str
    window_from: date
    window_to: date
    rows_in: int
    rows_staged: int
    rows_late: int
    rows_not_due: int

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters of the SQL that works on the window of the attempt."""
        return {"attempt_id": self.attempt_id, "window_from": self.window_from, "window_to": self.window_to}


def run_key(snapshot_date: date) -> dict[str, Any]:
    """The key of this process's run for a date: `run_id` (`PIPELINE_RUN_ID`) and `snapshot_date`."""
    return {"run_id": settings().pipeline_run_id, "snapshot_date": snapshot_date}


def latest_attempt(conn: psycopg.Connection, snapshot_date: date) -> Attempt:
    """The newest attempt of this process's run for the date, locked until the transaction ends.

    Raises:
        CommandError: nothing was staged for it, or some of the staged rows have been deleted.
    """
    key = run_key(snapshot_date)
    with conn.cursor(row_factory=class_row(Attempt)) as cursor:
        attempt = cursor.execute(LATEST_ATTEMPT, key).fetchone()
    stage = f"python -m ml.crypto_events stage --snapshot-date {snapshot_date}"
    if attempt is None:
        raise CommandError(f"nothing is staged for {snapshot_date} by run {key['run_id']!r}; stage it first: {stage}")
    left = one_row(conn, COUNT_STAGED, attempt.parameters)["rows_staged"]
    if attempt.status != "published" and left != attempt.rows_staged:
        raise CommandError(
            f"attempt {attempt.attempt_id} staged {attempt.rows_staged} rows and {left} are left; stage again: {stage}"
        )
    return attempt


def one_row(conn: psycopg.Connection, query: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The one row that `query` returns, by column name."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, parameters).fetchall()[0]


@contextmanager
def failure_on_record(snapshot_date: date, statuses: list[str]) -> Iterator[None]:
    """Write a CommandError's message into the run's newest attempt, in a separate transaction, and raise it again.

    An attempt with a status not in `statuses` does not concern this step and is not changed.
    """
    try:
        yield
    except CommandError as error:
        with connect(application_name="crypto_events failure") as conn:
            conn.execute(MARK_FAILED, {**run_key(snapshot_date), "message": str(error), "statuses": statuses})
        raise
