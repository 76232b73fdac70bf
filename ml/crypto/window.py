"""Which purchase dates a run of the crypto events reads, and whether the raw history covers its date at all."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import psycopg
from psycopg.rows import class_row

from ml.cli import CommandError, Skip
from ml.settings import settings
from ml.utils_io import sql

LOOKBACK_DAYS = 5
COMMIT_LAG = timedelta(days=1)  # a transaction that writes raw rows does not last longer


@dataclass(frozen=True)
class HistoryState:
    """State of the raw history, the events and the earlier runs; see `sql/crypto/history_state.sql`."""

    first_date: date | None
    last_date: date | None
    first_raw_id: int | None
    first_raw_loaded_at: datetime | None
    max_raw_id: int
    first_event_date: date | None
    is_loaded_near: bool
    last_run_date: date | None
    arrivals_after: int
    unreadable_after: int


@dataclass(frozen=True)
class Window:
    """Purchase dates to read, both ends included; rows without a date are read above raw_id `unreadable_after`."""

    kind: str
    window_from: date
    window_to: date
    unreadable_after: int


def history_state(conn: psycopg.Connection, snapshot_date: date) -> HistoryState:
    """Read the state for a run of `snapshot_date`; its cost does not depend on the length of the history."""
    parameters = {"snapshot_date": snapshot_date, "lookback_days": LOOKBACK_DAYS, "commit_lag": COMMIT_LAG}
    with conn.cursor(row_factory=class_row(HistoryState)) as cursor:
        return cursor.execute(sql("crypto/history_state"), parameters).fetchall()[0]


def require_covered(state: HistoryState, snapshot_date: date) -> None:
    """Check that the days from `snapshot_date` - 5 to it overlap the raw history, or events that came from it.

    Raises:
        Skip: they do not, and the scheduler started the run.
        CommandError: they do not, and a person asked for this date.
    """
    if state.is_loaded_near:  # `publish` then decides about an empty window
        return
    if state.first_date is None or state.last_date is None:
        message = "raw.bt_crypto_transaction_history has no row with a readable date; load it: make seed"
    else:
        last = state.last_date + timedelta(days=LOOKBACK_DAYS)
        if state.first_date <= snapshot_date <= last:
            return
        message = f"{snapshot_date} is outside the range of the crypto history, {state.first_date} to {last}"
    if settings().is_scheduled_run:
        raise Skip(message)
    raise CommandError(message)


def window(state: HistoryState, snapshot_date: date, *, full_refresh: bool) -> Window:
    """The window of a run.

    It is [date - 5 days, date]. After missed days it also covers the windows that their runs would have had. On a full
    refresh, or if no event is loaded yet, it is the whole history up to the date.
    """
    if full_refresh or state.first_event_date is None:
        starts = [start for start in (state.first_date, state.first_event_date) if start is not None]
        return Window("full", min([*starts, snapshot_date]), snapshot_date, 0)
    newest = snapshot_date
    if state.last_run_date is not None:
        newest = min(snapshot_date, state.last_run_date + timedelta(days=1))
    return Window("window", newest - timedelta(days=LOOKBACK_DAYS), snapshot_date, state.unreadable_after)
