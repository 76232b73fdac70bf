"""Loads rejected rows that a person has corrected into their table."""

import hashlib
import tempfile
from datetime import date
from pathlib import Path

import psycopg

from ml.loading.days import StatedDates
from ml.loading.files import ACTIVE_USER, FILES, PAYMENTS
from ml.loading.load_file import locked
from ml.loading.reading import Reading
from ml.loading.records import Record
from ml.loading.writing import Load, copy_rows, record_load

LAST_LOAD = """
select load_id, first_payment_date, payments_known_through, extraction_month from ops.raw_loads
where table_name = %s and status = 'loaded' order by load_id desc limit 1
"""
CORRECTED = """
select reject_id, mended_text from ops.raw_rejects
where load_id = %s and mended_text is not null and replayed_load_id is null order by reject_id
"""
OUTSIDE = """
insert into rejects
select line_number, 'FECHA ''' || fecha || ''' lies outside the loaded payments, ' || $first || ' to ' || $last
from records where try_cast(fecha as date) not between $first and $last
"""
LATE = """
insert into rejects
select line_number, 'a last login lies after the extraction month, ' || strftime($month::date, '%Y-%m')
from records
where greatest(try_cast(last_login_mp_date_1 as date), try_cast(last_login_ml_date_1 as date))
    >= $month::date + interval '1 month'
"""


def replay_rejects(conn: psycopg.Connection, stated: StatedDates) -> list[Load]:
    """Load the rejects of the current loads that have a `mended_text`; rows that are still wrong stay rejected."""
    replayed = []
    for raw in FILES:
        with locked(conn, raw):
            load_id, *dates = conn.execute(LAST_LOAD, (raw.table,)).fetchone() or (None, None, None, None)
            corrected: dict[int, str] = dict(conn.execute(CORRECTED, (load_id,)).fetchall())
            if corrected:
                with tempfile.TemporaryDirectory(prefix="load-") as folder:
                    reading = Reading(raw, Path(folder), stated)
                    reading.read_records(Record(number, text.encode()) for number, text in corrected.items())
                    _reject_more(conn, reading, *dates)
                    replayed.append(_replay(conn, reading, load_id, corrected))
    return replayed


def _replay(conn: psycopg.Connection, reading: Reading, load_id: int, corrected: dict[int, str]) -> Load:
    load = Load(reading.raw.table, reading.raw.file_name, "replayed")
    load.file_digest = hashlib.sha256("\n".join(corrected.values()).encode()).hexdigest()
    load.rows_in_file = len(corrected)
    load.rows_loaded = copy_rows(conn, reading.raw, reading.rows())
    load.message = f"{load.rows_loaded} corrected rows of load {load_id}"
    replayed_load_id = record_load(conn, load, [])
    still_wrong = reading.reasons()
    conn.cursor().executemany(
        "update ops.raw_rejects set reason = 'corrected, but ' || %s where reject_id = %s",
        [(reason, reject_id) for reject_id, reason in still_wrong.items()],
    )
    conn.execute(
        "update ops.raw_rejects set replayed_load_id = %s where reject_id = any(%s)",
        (replayed_load_id, [reject_id for reject_id in corrected if reject_id not in still_wrong]),
    )
    return load


def _reject_more(
    conn: psycopg.Connection, reading: Reading, first: date | None, last: date | None, month: date | None
) -> None:
    """Reject corrected rows that contradict the rows loaded before."""
    raw, duck = reading.raw, reading.duck
    if raw is PAYMENTS:
        duck.execute(OUTSIDE, {"first": first, "last": last})
    elif raw is ACTIVE_USER:
        duck.execute(LATE, {"month": month})
    if raw.key:
        keys = {key: (number, field) for number, field, key in reading.keys(raw.key)}
        found = conn.execute(f"select {raw.key.name} from {raw.table} where {raw.key.name} = any(%s)", (list(keys),))
        for number, field in [keys[key] for (key,) in found.fetchall()]:
            duck.execute("insert into rejects values (?, ?)", (number, f"{raw.key.header} {field} is loaded already"))
