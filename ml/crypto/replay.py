"""Take rejected crypto rows back in once they, or the contract that rejected them, have been mended."""

from typing import Any

from psycopg import sql as compose

from ml.crypto.publish import check, publish
from ml.crypto.runs import one_row
from ml.crypto.stage import Request, begin_attempt, stage_rows, stage_window
from ml.crypto.window import Window, history_state
from ml.utils_io import connect, lock_writer, sql, with_lock_retries

NO_ARRIVAL = 2**63 - 1  # above every raw_id: nothing is taken in for its arrival


def replay(request: Request) -> dict[str, Any]:
    """Judge every open reject anew and, where some pass, stage, check and publish the days that they belong to.

    Rows dated after the run's date stay out until they are due. A reject whose raw row is gone is closed.

    Raises:
        CommandError: as `check` and `publish` do.
    """
    found = with_lock_retries(lambda: _stage_mended(request))
    if not found["rows_mended"]:
        return found
    return {**found, **check(request.snapshot_date), **publish(request.snapshot_date)}


def _stage_mended(request: Request) -> dict[str, Any]:
    with connect(application_name="crypto_events replay") as conn:
        lock_writer(conn, "staging.crypto_events")
        state = history_state(conn, request.snapshot_date)
        attempt_id = begin_attempt(
            conn, request, state, Window("replay", request.snapshot_date, request.snapshot_date, 0)
        )
        stage_rows(conn, attempt_id, compose.SQL(sql("crypto/open_rejects")))
        conn.execute(sql("crypto/record_rejects"), {"attempt_id": attempt_id})
        gone = conn.execute(sql("crypto/close_gone_rejects")).rowcount
        due = {"attempt_id": attempt_id, "snapshot_date": request.snapshot_date}
        found = {**one_row(conn, "crypto/mended_days", due), "rows_gone": gone}
        if not found["rows_mended"]:
            conn.execute("delete from ops.crypto_runs where attempt_id = %(attempt_id)s", due)
            return found
        conn.execute("delete from staging.crypto_events where attempt_id = %(attempt_id)s", due)
        days = Window("replay", found["window_from"], found["window_to"], NO_ARRIVAL)
        stage_window(conn, attempt_id, days, arrivals_after=NO_ARRIVAL)
        return found
