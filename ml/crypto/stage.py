"""First step of the crypto events: read the raw rows of a window, convert and check each, resolve duplicates."""

from datetime import date, timedelta
from typing import Any

import psycopg
from psycopg import sql as compose

from ml.cli import CommandError, Skip
from ml.contracts.check import reject_reasons
from ml.crypto.runs import COUNT_STAGED, Row, one_row, run_key
from ml.settings import settings
from ml.utils_io import connect, lock_writer, sql, with_lock_retries

CONTRACT = "bt_crypto_events"
BLANKS = " \t\n\v\f\r\u00a0"  # trimmed around texts, as ops.crypto_purchase_date does
LOOKBACK = timedelta(days=5)
KEEP_STAGED = timedelta(days=7)  # rows of a run that was never published, kept for inspection

DELETE_EARLIER = """
delete from staging.crypto_events
where attempt_id in (
    select attempt_id
    from ops.crypto_runs
    where status <> 'published'
        and (run_id = %(run_id)s and snapshot_date = %(snapshot_date)s or staged_at < now() - %(keep)s::interval)
)
"""
INSERT_ATTEMPT = """
insert into ops.crypto_runs (
    run_id, snapshot_date, kind, forced, window_from, window_to, first_raw_id, first_raw_loaded_at, max_raw_id
)
values (
    %(run_id)s, %(snapshot_date)s, %(kind)s, %(forced)s, %(window_from)s, %(window_to)s, %(first_raw_id)s,
    %(first_raw_loaded_at)s, %(max_raw_id)s
)
returning attempt_id
"""
CLOSE_DELETED_REJECTS = """
update ops.crypto_rejects as reject
set status = 'gone', closed_at = now()
where reject.status = 'open'
    and not exists (
        select from raw.bt_crypto_transaction_history as history
        where history.raw_id = reject.raw_id and history.loaded_at = reject.loaded_at
    )
"""
# Rows of the window by date; rows without a readable date by arrival, unless they were rejected before.
WINDOW_ROWS = """
select *
from raw.bt_crypto_transaction_history
where ops.crypto_event_date(purchase_date, loaded_at) between {window_from} and {window_to}

union all

select *
from raw.bt_crypto_transaction_history as history
where ops.crypto_event_date(purchase_date, loaded_at) is null
    and raw_id > {unreadable_after}
    and not exists (
        select from ops.crypto_rejects as known
        where known.raw_id = history.raw_id and known.loaded_at = history.loaded_at and known.status = 'open'
    )
"""
# Arrivals since an earlier run that lie outside the window of this one.
COUNT_ARRIVALS = """
select
    count(*) filter (where ops.crypto_event_date(purchase_date, loaded_at) < %(window_from)s) as rows_late,
    count(*) filter (where ops.crypto_event_date(purchase_date, loaded_at) > %(window_to)s) as rows_not_due
from raw.bt_crypto_transaction_history
where raw_id > %(arrivals_after)s
"""
MARK_STAGED = """
update ops.crypto_runs
set
    window_from = %(window_from)s,
    window_to = %(window_to)s,
    rows_in = %(rows_staged)s + %(rows_late)s + %(rows_not_due)s,
    rows_staged = %(rows_staged)s,
    rows_late = %(rows_late)s,
    rows_not_due = %(rows_not_due)s
where attempt_id = %(attempt_id)s
"""


def stage(snapshot_date: date, *, full_refresh: bool = False, force: bool = False) -> dict[str, Any]:
    """Stage the window of the run's date in one transaction, replacing what the same run had staged.

    The window is [date - 5 days, date]. After missed days it also covers the windows that their runs would have had. On
    a full refresh, or if no event is loaded yet, it is the whole history up to the date.

    Raises:
        Skip: a scheduled run for a date that the raw history does not cover.
        CommandError: a run by hand for such a date, or a contract that cannot be used.
    """
    return with_lock_retries(lambda: _stage(snapshot_date, full_refresh, force))


def _stage(snapshot_date: date, full_refresh: bool, force: bool) -> Row:
    with connect(application_name="crypto_events stage") as conn:
        lock_writer(conn, "staging.crypto_events")  # attempts are numbered in the order in which they read
        # The window is found through indexes, even if the planner, lacking statistics, would read everything.
        conn.execute("set local enable_seqscan = off")
        window = history_state(conn, snapshot_date)
        _require_covered(window, snapshot_date)
        if full_refresh or window["first_event_date"] is None:
            window |= {"kind": "full", "window_from": window["history_from"], "unreadable_after": 0}
        if not window["arrivals_after"]:  # a new history: the rows of the previous one were deleted
            conn.execute(CLOSE_DELETED_REJECTS)
        attempt = begin_attempt(conn, snapshot_date, window, force=force)
        counts = stage_window(conn, attempt)
    return {name: attempt[name] for name in ("attempt_id", "kind", "window_from", "window_to")} | counts


def history_state(conn: psycopg.Connection, snapshot_date: date) -> Row:
    """The daily window for the date, and what else a run must know; see `sql/crypto/history_state.sql`."""
    return one_row(conn, sql("crypto/history_state"), {"snapshot_date": snapshot_date, "lookback": LOOKBACK.days})


def _require_covered(state: Row, snapshot_date: date) -> None:
    """Check that the days from `snapshot_date` - 5 to it overlap the raw history, or events that came from it."""
    if state["is_loaded_near"]:  # `publish` then decides about an empty window
        return
    if state["first_date"] is None:
        message = "raw.bt_crypto_transaction_history has no row with a readable date; load it: make seed"
    else:
        first, last = state["first_date"], state["last_date"] + LOOKBACK
        if first <= snapshot_date <= last:
            return
        message = f"{snapshot_date} is outside the range of the crypto history, {first} to {last}"
    raise Skip(message) if settings().is_scheduled_run else CommandError(message)


def begin_attempt(conn: psycopg.Connection, snapshot_date: date, window: Row, *, force: bool) -> Row:
    """Record a new attempt, replacing earlier ones of the same run and date; return the window with its attempt_id."""
    key = run_key(snapshot_date)
    conn.execute(DELETE_EARLIER, {**key, "keep": KEEP_STAGED})
    return window | one_row(conn, INSERT_ATTEMPT, {**window, **key, "forced": force})


def stage_rows(conn: psycopg.Connection, attempt_id: int, source: compose.Composable) -> None:
    """Convert and check the raw rows that `source` selects, and write them into `staging.crypto_events`.

    Raises:
        CommandError: a rule of the contract cannot be applied to them.
    """
    reasons = reject_reasons(conn, CONTRACT, bindings={"attempt_id": attempt_id})
    query = compose.SQL(sql("crypto/stage_events")).format(
        source=source, reasons=reasons, attempt_id=compose.Literal(attempt_id), blanks=compose.Literal(BLANKS)
    )
    try:
        conn.execute(query)
    except psycopg.DataError as error:
        raise CommandError(f"contract {CONTRACT}.yml, a rule with reject: {error}") from error


def stage_window(conn: psycopg.Connection, attempt: Row) -> Row:
    """Stage the rows of the window; record the window and the number of rows of each kind, and return the numbers."""
    literals = {name: compose.Literal(value) for name, value in attempt.items()}
    stage_rows(conn, attempt["attempt_id"], compose.SQL(WINDOW_ROWS).format(**literals))
    counts = one_row(conn, COUNT_ARRIVALS, attempt) | one_row(conn, COUNT_STAGED, attempt)
    conn.execute(MARK_STAGED, attempt | counts)
    return counts
