"""Accept rejected crypto rows after they, or the contract that rejected them, have been corrected."""

from typing import Any

from psycopg import sql as compose

from ml.crypto.publish import RECORD_REJECTS, check, publish
from ml.crypto.runs import DELETE_STAGED, one_row
from ml.crypto.stage import CLOSE_DELETED_REJECTS, Request, begin_attempt, stage_rows, stage_window
from ml.crypto.window import Window, history_state
from ml.utils_io import connect, lock_writer, with_lock_retries

NO_ARRIVAL = 2**63 - 1  # above every raw_id: no row is read because of its arrival
OPEN_REJECTS = """
select history.*
from ops.crypto_rejects as reject
inner join raw.bt_crypto_transaction_history as history
    on reject.raw_id = history.raw_id and reject.loaded_at = history.loaded_at
where reject.status = 'open'
"""
# Of the rejects that an attempt has checked again: how many pass and are due, their days, and how many do not.
CORRECTED_DAYS = """
select
    count(*) filter (where outcome <> 'reject' and purchase_date <= %(snapshot_date)s) as rows_mended,
    count(*) filter (where outcome <> 'reject' and purchase_date > %(snapshot_date)s) as rows_mended_not_due,
    count(*) filter (where outcome = 'reject') as rows_still_rejected,
    min(purchase_date) filter (where outcome <> 'reject' and purchase_date <= %(snapshot_date)s) as window_from,
    max(purchase_date) filter (where outcome <> 'reject' and purchase_date <= %(snapshot_date)s) as window_to
from staging.crypto_events
where attempt_id = %(attempt_id)s
"""


def replay(request: Request) -> dict[str, Any]:
    """Check every open reject again and, if some pass, stage, check and publish the days that they belong to.

    Rows dated after the run's date stay out until they are due. A reject whose raw row was deleted is closed.

    Raises:
        CommandError: as `check` and `publish` do.
    """
    found = with_lock_retries(lambda: _stage_corrected(request))
    if not found["rows_mended"]:
        return found
    return {**found, **check(request.snapshot_date), **publish(request.snapshot_date)}


def _stage_corrected(request: Request) -> dict[str, Any]:
    with connect(application_name="crypto_events replay") as conn:
        lock_writer(conn, "staging.crypto_events")
        state = history_state(conn, request.snapshot_date)
        no_days_yet = Window("replay", request.snapshot_date, request.snapshot_date, 0)
        attempt_id = begin_attempt(conn, request, state, no_days_yet)
        attempt = {"attempt_id": attempt_id, "snapshot_date": request.snapshot_date}
        stage_rows(conn, attempt_id, compose.SQL(OPEN_REJECTS))
        conn.execute(RECORD_REJECTS, attempt)
        deleted = conn.execute(CLOSE_DELETED_REJECTS).rowcount
        found = {**one_row(conn, CORRECTED_DAYS, attempt), "rows_gone": deleted}
        if not found["rows_mended"]:
            conn.execute("delete from ops.crypto_runs where attempt_id = %(attempt_id)s", attempt)
            return found
        conn.execute(DELETE_STAGED, attempt)
        days = Window("replay", found["window_from"], found["window_to"], NO_ARRIVAL)
        stage_window(conn, attempt_id, days, arrivals_after=NO_ARRIVAL)
        return found
