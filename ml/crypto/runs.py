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
from ml.utils_io import connect, sql


@dataclass(frozen=True)
class Attempt:
    """A row of `ops.crypto_runs`: what one run reads, from its staging on, and how far it came."""

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
        """What the SQL files that work on the attempt's window take."""
        return {"attempt_id": self.attempt_id, "window_from": self.window_from, "window_to": self.window_to}


def latest_attempt(conn: psycopg.Connection, snapshot_date: date) -> Attempt:
    """The newest attempt of this process's run (`PIPELINE_RUN_ID`) for the date, locked until the transaction ends.

    Raises:
        CommandError: nothing was staged for it, or some of the staged rows are gone.
    """
    run_id = settings().pipeline_run_id
    with conn.cursor(row_factory=class_row(Attempt)) as cursor:
        parameters = {"run_id": run_id, "snapshot_date": snapshot_date}
        attempt = cursor.execute(sql("crypto/select_run"), parameters).fetchone()
    stage = f"python -m ml.crypto_events stage --snapshot-date {snapshot_date}"
    if attempt is None:
        raise CommandError(f"nothing is staged for {snapshot_date} by run {run_id!r}; stage it first: {stage}")
    left = one_row(conn, "crypto/count_outcomes", attempt.parameters)["rows_staged"]
    if attempt.status != "published" and left != attempt.rows_staged:
        raise CommandError(
            f"attempt {attempt.attempt_id} staged {attempt.rows_staged} rows and {left} are left; stage again: {stage}"
        )
    return attempt


def one_row(conn: psycopg.Connection, name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The one row that the query `airflow/include/sql/<name>.sql` returns, by column name."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(sql(name), parameters).fetchall()[0]


@contextmanager
def failure_on_record(snapshot_date: date, statuses: list[str]) -> Iterator[None]:
    """Write a CommandError's message into the run's newest attempt, in a transaction of its own, and let it go on.

    An attempt that is in none of `statuses` was not for this step to judge, and stays as it is.
    """
    try:
        yield
    except CommandError as error:
        run = {"run_id": settings().pipeline_run_id, "snapshot_date": snapshot_date}
        with connect(application_name="crypto_events failure") as conn:
            conn.execute(sql("crypto/run_failed"), {**run, "message": str(error), "statuses": statuses})
        raise
