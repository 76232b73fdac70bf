"""Last steps of the crypto events: check the staged rows, then update `ops.bt_crypto_events` to match them."""

import sys
from datetime import date
from typing import Any

import psycopg

from ml.cli import CommandError
from ml.contracts.check import check as check_contract
from ml.crypto.runs import DELETE_STAGED, Row, count_staged, failure_on_record, latest_attempt, one_row
from ml.crypto.stage import CONTRACT
from ml.settings import settings
from ml.utils_io import connect, lock_writer, sql, with_lock_retries

TABLE = "ops.bt_crypto_events"

MARK_CHECKED = """
update ops.crypto_runs
set status = 'checked', checked_at = now(), message = %(message)s
where attempt_id = %(attempt_id)s
"""
MARK_PUBLISHED = """
update ops.crypto_runs
set
    status = 'published',
    published_at = now(),
    rows_loaded = %(rows_loaded)s,
    rows_rejected = %(rows_rejected)s,
    rows_copied = %(rows_copied)s,
    rows_superseded = %(rows_superseded)s,
    rows_inserted = %(rows_inserted)s,
    rows_updated = %(rows_updated)s,
    rows_unchanged = %(rows_unchanged)s,
    rows_deactivated = %(rows_deactivated)s
where attempt_id = %(attempt_id)s
"""
PUBLISHED = """
select
    attempt_id, kind, window_from, window_to, rows_in, rows_loaded, rows_rejected, rows_copied, rows_superseded,
    rows_late, rows_not_due, rows_inserted, rows_updated, rows_unchanged, rows_deactivated
from ops.crypto_runs
where attempt_id = %(attempt_id)s
"""
# A published run that read some of the same days after this attempt.
LATER_RUN = """
select attempt_id, run_id, snapshot_date
from ops.crypto_runs
where attempt_id > %(attempt_id)s
    and status = 'published'
    and window_from <= %(window_to)s
    and window_to >= %(window_from)s
order by attempt_id desc
limit 1
"""
RECORD_REJECTS = """
insert into ops.crypto_rejects as known (raw_id, loaded_at, original, reason, attempt_id)
select raw_id, loaded_at, original, reject_reason, attempt_id
from staging.crypto_events
where attempt_id = %(attempt_id)s and outcome = 'reject'
on conflict (raw_id, loaded_at) do update
set
    original = excluded.original,
    reason = excluded.reason,
    status = 'open',
    attempt_id = excluded.attempt_id,
    rejected_at = now(),
    closed_at = null
where (known.original, known.reason, known.status) <> (excluded.original, excluded.reason, 'open')
"""
CLOSE_ACCEPTED_REJECTS = """
update ops.crypto_rejects as reject
set status = 'mended', closed_at = now()
from staging.crypto_events as staged
where staged.attempt_id = %(attempt_id)s
    and staged.outcome <> 'reject'
    and reject.raw_id = staged.raw_id
    and reject.loaded_at = staged.loaded_at
    and reject.status = 'open'
"""


def check(snapshot_date: date) -> dict[str, Any]:
    """Check the contract on the rows that this run has staged; `publish` requires it.

    Raises:
        CommandError: a rule is broken (on record in `ops.crypto_runs`), or nothing is staged.
    """
    with connect(application_name="crypto_events check") as conn:
        attempt = latest_attempt(conn, snapshot_date)
        attempt_id = attempt["attempt_id"]
        if attempt["status"] == "published":
            return {"attempt_id": attempt_id, "status": "published before"}
        with failure_on_record(conn, attempt):
            count_staged(conn, attempt)
            result = check_contract(conn, CONTRACT, bindings={"attempt_id": attempt_id})
        conn.execute(MARK_CHECKED, {"attempt_id": attempt_id, "message": "; ".join(result.warnings) or None})
    for warning in result.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    return {"attempt_id": attempt_id, **result._asdict()}


def publish(snapshot_date: date) -> dict[str, Any]:
    """Insert, update and deactivate events so that the window matches the staged rows; equal rows are not touched.

    If called again after the commit, it changes nothing and returns the same counts.

    Raises:
        CommandError: the run is not staged and checked, a later one has published its window meanwhile, or, unless
            forced, the window is empty or too many events would be deactivated.
    """
    published = with_lock_retries(lambda: _publish(snapshot_date))
    if published["rows_late"]:
        print(
            "warning: {rows_late} rows arrived that are dated before {window_from}, where the window begins; to read"
            " them, run with full_refresh".format(**published),
            file=sys.stderr,
        )
    return published


def _publish(snapshot_date: date) -> Row:
    with connect(application_name="crypto_events publish") as conn:
        lock_writer(conn, TABLE)
        attempt = latest_attempt(conn, snapshot_date)
        if attempt["status"] not in ("checked", "published"):
            raise CommandError(
                "attempt {attempt_id} is {status}, not checked; check it:"
                " python -m ml.crypto_events check --snapshot-date {snapshot_date}".format(**attempt)
            )
        if attempt["status"] == "checked":
            with failure_on_record(conn, attempt):
                _write(conn, attempt)
        return one_row(conn, PUBLISHED, attempt)


def _write(conn: psycopg.Connection, attempt: Row) -> None:
    staged = count_staged(conn, attempt)
    if later := conn.execute(LATER_RUN, attempt).fetchone():
        raise CommandError(
            f"attempt {later[0]} (run {later[1]!r} for {later[2]}) read the history later than attempt"
            f" {attempt['attempt_id']} and has published the same days;"
            f" run {attempt['snapshot_date']} again from the start"
        )
    # Without statistics, as after a first load, the planner may choose nested loops over staged rows and events.
    conn.execute("set local enable_nestloop = off")
    try:
        written = one_row(conn, sql("upsert_crypto_events"), attempt)
    except psycopg.IntegrityError as error:
        raise CommandError(f"{TABLE} refuses what is staged: {error.diag.message_primary}") from error
    counts = {**attempt, **staged, **written}
    _require_plausible(counts)
    for statement in (RECORD_REJECTS, CLOSE_ACCEPTED_REJECTS, MARK_PUBLISHED, DELETE_STAGED):
        conn.execute(statement, counts)


def _require_plausible(counts: Row) -> None:
    """Raise CommandError if the history seems truncated rather than changed, unless the run is forced."""
    active, deactivated = counts["rows_active"], counts["rows_deactivated"]
    if counts["forced"] or not deactivated:
        return
    window = f"{counts['window_from']} to {counts['window_to']}"
    way_out = "load the history; if it is right as it is, run again with force (--force)"
    if not counts["rows_loaded"]:
        raise CommandError(f"no purchase was read for {window}, where {active} events are active; {way_out}")
    share, allowed = deactivated / active, settings().crypto_max_deactivated_share
    if share > allowed:
        raise CommandError(
            f"{deactivated} of {active} active events from {window} would be deactivated,"
            f" {share:.1%} where CRYPTO_MAX_DEACTIVATED_SHARE={allowed} allows {allowed:.1%}; {way_out}"
        )
