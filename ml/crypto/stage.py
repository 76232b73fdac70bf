"""First step of the crypto events: read the raw rows of a window, convert and judge each, resolve duplicates."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import psycopg
from psycopg import sql as compose

from ml.cli import CommandError
from ml.contracts.check import reject_reasons
from ml.crypto.runs import one_row
from ml.crypto.window import HistoryState, Window, history_state, require_covered, window
from ml.settings import settings
from ml.utils_io import connect, lock_writer, sql, with_lock_retries

CONTRACT = "bt_crypto_events"
BLANKS = " \t\n\v\f\r\u00a0"  # trimmed around texts, as ops.crypto_purchase_date does
KEEP_STAGED = timedelta(days=7)  # rows of a run that was never published, for whoever wants to see why


@dataclass(frozen=True)
class Request:
    """What a run was asked to do."""

    snapshot_date: date
    full_refresh: bool = False
    force: bool = False


def stage(request: Request) -> dict[str, Any]:
    """Stage the window of the run's date in one transaction, in place of what the same run had staged.

    Raises:
        Skip: a scheduled run for a date that the raw history does not cover.
        CommandError: a run by hand for such a date, or a contract that cannot be used.
    """
    return with_lock_retries(lambda: _stage(request))


def begin_attempt(conn: psycopg.Connection, request: Request, state: HistoryState, chosen: Window) -> int:
    """Record a new attempt in place of earlier ones of the same run and date; returns its attempt_id."""
    run = {"run_id": settings().pipeline_run_id, "snapshot_date": request.snapshot_date}
    conn.execute(sql("crypto/delete_staged"), {**run, "keep": KEEP_STAGED})
    attempt = {
        **run,
        "kind": chosen.kind,
        "forced": request.force,
        "window_from": chosen.first,
        "window_to": chosen.last,
        "first_raw_id": state.first_raw_id,
        "first_raw_loaded_at": state.first_raw_loaded_at,
        "max_raw_id": state.max_raw_id,
    }
    return int(conn.execute(sql("crypto/insert_run"), attempt).fetchall()[0][0])


def stage_rows(conn: psycopg.Connection, attempt_id: int, source: compose.Composable) -> None:
    """Convert and judge the raw rows that `source` selects into `staging.crypto_events`.

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


def stage_window(conn: psycopg.Connection, attempt_id: int, chosen: Window, arrivals_after: int) -> dict[str, Any]:
    """Stage the rows of the window and record their window and how many rows of each kind; returns those numbers."""
    source = compose.SQL(sql("crypto/window_rows")).format(
        window_from=compose.Literal(chosen.first),
        window_to=compose.Literal(chosen.last),
        unreadable_after=compose.Literal(chosen.unreadable_after),
    )
    stage_rows(conn, attempt_id, source)
    parameters = {"window_from": chosen.first, "window_to": chosen.last, "arrivals_after": arrivals_after}
    counts = {
        **one_row(conn, "crypto/count_arrivals", parameters),
        **one_row(conn, "crypto/count_outcomes", {"attempt_id": attempt_id}),
    }
    conn.execute(sql("crypto/run_staged"), {**counts, **parameters, "attempt_id": attempt_id})
    return counts


def _stage(request: Request) -> dict[str, Any]:
    with connect(application_name="crypto_events stage") as conn:
        lock_writer(conn, "staging.crypto_events")  # attempts are numbered in the order in which they read
        # The window is found through indexes, even where a plan made without statistics would rather read everything.
        conn.execute("set local enable_seqscan = off")
        state = history_state(conn, request.snapshot_date)
        require_covered(state, request.snapshot_date)
        chosen = window(state, request.snapshot_date, full_refresh=request.full_refresh)
        if chosen.kind == "full":
            conn.execute("set local enable_seqscan = on")
        if not state.arrivals_after:  # a history that no run has seen: the rows of the one before are gone
            conn.execute(sql("crypto/close_gone_rejects"))
        attempt_id = begin_attempt(conn, request, state, chosen)
        counts = stage_window(conn, attempt_id, chosen, state.arrivals_after)
    return {
        "attempt_id": attempt_id,
        "kind": chosen.kind,
        "window_from": chosen.first,
        "window_to": chosen.last,
        **counts,
    }
