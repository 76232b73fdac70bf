"""Accept rejected crypto rows after they, or the contract that rejected them, have been corrected."""

from datetime import date
from typing import Any

from psycopg import sql as compose

from ml.crypto.publish import RECORD_REJECTS, check, publish
from ml.crypto.runs import DELETE_STAGED, Row, one_row
from ml.crypto.stage import CLOSE_DELETED_REJECTS, begin_attempt, history_state, stage_rows, stage_window
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
    count(*) filter (where outcome <> 'reject' and purchase_date <= %(window_to)s) as rows_mended,
    count(*) filter (where outcome <> 'reject' and purchase_date > %(window_to)s) as rows_mended_not_due,
    count(*) filter (where outcome = 'reject') as rows_still_rejected,
    min(purchase_date) filter (where outcome <> 'reject' and purchase_date <= %(window_to)s) as window_from,
    max(purchase_date) filter (where outcome <> 'reject' and purchase_date <= %(window_to)s) as window_to
from staging.crypto_events
where attempt_id = %(attempt_id)s
"""


def replay(snapshot_date: date, *, force: bool = False) -> dict[str, Any]:
    """Check every open reject again and, if some pass, stage, check and publish the days that they belong to.

    Rows dated after the run's date stay out until they are due. A reject whose raw row was deleted is closed.

    Raises:
        CommandError: as `check` and `publish` do.
    """
    found = with_lock_retries(lambda: _stage_corrected(snapshot_date, force))
    if not found["rows_mended"]:
        return found
    return found | check(snapshot_date) | publish(snapshot_date)


def _stage_corrected(snapshot_date: date, force: bool) -> Row:
    with connect(application_name="crypto_events replay") as conn:
        lock_writer(conn, "staging.crypto_events")
        window = history_state(conn, snapshot_date) | {"kind": "replay"}
        attempt = begin_attempt(conn, snapshot_date, window, force=force)
        stage_rows(conn, attempt["attempt_id"], compose.SQL(OPEN_REJECTS))
        conn.execute(RECORD_REJECTS, attempt)
        deleted = conn.execute(CLOSE_DELETED_REJECTS).rowcount
        found = one_row(conn, CORRECTED_DAYS, attempt) | {"rows_gone": deleted}
        if not found["rows_mended"]:
            conn.execute("delete from ops.crypto_runs where attempt_id = %(attempt_id)s", attempt)
            return found
        conn.execute(DELETE_STAGED, attempt)
        stage_window(conn, attempt | found | {"unreadable_after": NO_ARRIVAL, "arrivals_after": NO_ARRIVAL})
        return found
