"""The record of each attempt to bring the crypto events up to date: found, checked and marked as failed."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import psycopg
from psycopg.rows import dict_row

from ml.cli import CommandError
from ml.settings import settings

Row = dict[str, Any]

LATEST_ATTEMPT = """
select *
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
MARK_FAILED = "update ops.crypto_runs set status = 'failed', message = %(message)s where attempt_id = %(attempt_id)s"


def one_row(conn: psycopg.Connection, query: str, parameters: Row) -> Row:
    """The one row that `query` returns, by column name."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, parameters).fetchall()[0]


def run_key(snapshot_date: date) -> Row:
    """The key of this process's run for a date: `run_id` (`PIPELINE_RUN_ID`) and `snapshot_date`."""
    return {"run_id": settings().pipeline_run_id, "snapshot_date": snapshot_date}


def latest_attempt(conn: psycopg.Connection, snapshot_date: date) -> Row:
    """The newest row of `ops.crypto_runs` of this process's run for the date, locked until the transaction ends.

    Raises:
        CommandError: the run has staged nothing for it.
    """
    key = run_key(snapshot_date)
    with conn.cursor(row_factory=dict_row) as cursor:
        attempt = cursor.execute(LATEST_ATTEMPT, key).fetchone()
    if attempt is None:
        raise CommandError(
            f"nothing is staged for {snapshot_date} by run {key['run_id']!r}; stage it first:"
            f" python -m ml.crypto_events stage --snapshot-date {snapshot_date}"
        )
    return attempt


def count_staged(conn: psycopg.Connection, attempt: Row) -> Row:
    """Count the staged rows of an attempt by outcome.

    Raises:
        CommandError: some of them have been deleted.
    """
    counts = one_row(conn, COUNT_STAGED, attempt)
    if counts["rows_staged"] != attempt["rows_staged"]:
        raise CommandError(
            "attempt {attempt_id} staged {rows_staged} rows and {left} are left; stage again:"
            " python -m ml.crypto_events stage --snapshot-date {snapshot_date}".format(
                left=counts["rows_staged"], **attempt
            )
        )
    return counts


@contextmanager
def failure_on_record(conn: psycopg.Connection, attempt: Row) -> Iterator[None]:
    """If the block raises CommandError, undo its changes, commit the message into the attempt's row and raise again."""
    try:
        with conn.transaction():
            yield
    except CommandError as error:
        conn.execute(MARK_FAILED, {**attempt, "message": str(error)})
        conn.commit()
        raise
