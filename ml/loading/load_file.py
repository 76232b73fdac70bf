"""Load one file in one transaction: all of its good rows replace the table's, or the table stays as it was."""

import logging
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg

from ml.cli import CommandError
from ml.loading.days import StatedDates
from ml.loading.file_checks import contents, file_problem
from ml.loading.files import ACTIVE_USER, PAYMENTS, RawFile
from ml.loading.reading import Reading, lines_below_header
from ml.loading.records import NoCsvFile, Record, read_records, shown
from ml.loading.writing import Load, lock_table, record_load, replace_rows

KEPT_OF_A_REFUSED_FILE = 10_000  # rejects
LAST_LOAD = """
select file_digest, rows_in_file from ops.raw_loads
where table_name = %s and status = 'loaded' order by load_id desc limit 1
"""
# Those with a lock on the table, and one that loads it.
OTHER_SESSIONS = """
select string_agg(format('process %%s (%%s)', pid, coalesce(nullif(application_name, ''), usename)), ', ')
from pg_stat_activity
where datname = current_database() and pid in (
    select pid from pg_locks
    where relation = %(table)s::text::regclass
        or locktype = 'advisory' and (classid::bigint << 32) | objid::bigint = hashtextextended(%(table)s::text, 0)
)
"""


# It warns of each COPY that ends in an error, which is raised all the same.
logging.getLogger("psycopg").setLevel(logging.ERROR)


class _NotAsTheyAre(Exception):
    """The lines of the file cannot go to the table as they are."""


def load_file(
    conn: psycopg.Connection, raw: RawFile, csv_dir: Path, stated: StatedDates, *, reload: bool, force: bool
) -> tuple[int, Load]:
    """Load the file if it has changed since it was last loaded, or in any case with `reload`, and record the load.

    `force` accepts a file that shrank by more than half. Returns the load's number and its row of `ops.raw_loads`.

    Raises:
        CommandError: the table is locked, or the file changed meanwhile; then nothing is recorded.
    """
    load = Load(raw.table, raw.file_name)
    path = csv_dir / raw.file_name
    with locked(conn, raw), tempfile.TemporaryDirectory(prefix="load-") as folder:
        load.message = file_problem(path, raw)
        if load.message:
            return record_load(conn, load, []), load
        modified = path.stat().st_mtime_ns
        load.file_digest, load.file_bytes, lines, is_plain = contents(path)
        [is_filled] = conn.execute(f"select exists (select from {raw.table})").fetchall()[0]
        last_digest, rows_before = conn.execute(LAST_LOAD, (raw.table,)).fetchone() or (None, 0)
        if is_filled and not reload and load.file_digest == last_digest:
            load.status = "unchanged"
            return record_load(conn, load, []), load

        reading = Reading(raw, Path(folder), stated)
        smallest = 0 if force else rows_before / 2
        with ThreadPoolExecutor(1) as pool:
            is_good = pool.submit(lambda: is_plain and reading.read_plain(path, lines))
            early = raw is PAYMENTS and is_plain and not is_filled
            if not (early and _fill(conn, reading, load, path, smallest, is_good)):
                try:
                    if not is_good.result():
                        reading.read_records(read_records(path, len(raw.columns)))
                except NoCsvFile as error:
                    load.message = str(error)
                    return record_load(conn, load, []), load
                load.message = _problem(reading, smallest)
                if load.message is None:
                    _replace(conn, reading, load, reading.rows())
        load.rows_in_file, load.rows_rejected = reading.rows_in_file, reading.rejected
        if path.stat().st_mtime_ns != modified:
            raise CommandError(f"{raw.file_name} changed while it was loaded: run the load again")
        return record_load(conn, load, _rejects(reading, path, load.status)), load


@contextmanager
def locked(conn: psycopg.Connection, raw: RawFile) -> Iterator[None]:
    """A transaction in which no other process loads the table.

    Raises:
        CommandError: another session kept a lock on it.
    """
    try:
        with conn.transaction():
            lock_table(conn, raw)
            yield
    except psycopg.errors.LockNotAvailable as error:
        [others] = conn.execute(OTHER_SESSIONS, {"table": raw.table}).fetchall()[0]
        raise CommandError(
            f"{raw.file_name}: {raw.table} is locked by {others or 'another session'}; end that and load again"
        ) from error


def _fill(
    conn: psycopg.Connection, reading: Reading, load: Load, path: Path, smallest: float, is_good: Future[bool]
) -> bool:
    """Copy a file's lines as they are into an empty table while DuckDB judges them.

    Returns False, and leaves the table empty, if the lines must be read in another way or must not be loaded.
    """

    def lines() -> Iterator[bytes]:
        for piece in lines_below_header(path):
            if is_good.done() and not is_good.result():
                raise _NotAsTheyAre
            yield piece
        if not (is_good.result() and reading.rows_are_the_lines) or _problem(reading, smallest):
            raise _NotAsTheyAre

    try:
        with conn.transaction():
            _replace(conn, reading, load, lines())
    except (_NotAsTheyAre, psycopg.DataError, psycopg.IntegrityError):
        return False
    return True


def _replace(conn: psycopg.Connection, reading: Reading, load: Load, rows: Iterable[bytes]) -> None:
    load.rows_loaded = replace_rows(conn, reading.raw, rows, load.file_bytes or 0)
    if reading.rows_in_file != load.rows_loaded + reading.rejected:
        raise CommandError(
            f"{load.file_name}: {reading.rows_in_file} rows in the file, but {load.rows_loaded} loaded and "
            f"{reading.rejected} rejected"
        )
    load.status = "loaded"
    if reading.raw is PAYMENTS:
        load.first_payment_date, load.payments_known_through = conn.execute(
            "select min(fecha), max(fecha) from raw.payments"
        ).fetchall()[0]
    elif reading.raw is ACTIVE_USER:
        [(load.extraction_month,)] = conn.execute(
            "select date_trunc('month', max(greatest(last_login_mp_date_1, last_login_ml_date_1)))::date"
            " from raw.active_user"
        ).fetchall()


def _problem(reading: Reading, smallest: float) -> str | None:
    """Why the file must not replace what is loaded."""
    not_utf8 = "from rejects where reason like 'is not UTF-8%'"
    if reading.rows_in_file == 0:
        return "has no rows below its header; replace it by a whole extraction"
    if lines := reading.value(f"select count(*) {not_utf8}"):
        number, reason = reading.value(f"select min((line_number, reason)) {not_utf8}")
        return (
            f"is not UTF-8: {lines} lines, the first is line {number}, which {reason}; "
            "convert it, e.g. iconv -f LATIN1 -t UTF-8"
        )
    if reading.rejected > reading.rows_in_file * 0.01:
        [(number, reason)] = reading.reasons(1).items()
        return (
            f"has {reading.rejected} bad rows of {reading.rows_in_file}, more than 1 %; "
            f"the first is line {number}: {reason}; correct the file"
        )
    if reading.rows_in_file < smallest:
        return (
            f"has {reading.rows_in_file} rows, less than half of the {smallest * 2:.0f} loaded before; "
            "if that is right: make seed FORCE=1"
        )
    month_is_known = reading.stated.extraction_month or reading.value("select count(*) from days")
    if reading.raw is ACTIVE_USER and not month_is_known:
        return "has no last login, so that its month is not known; state EXTRACTION_MONTH=YYYY-MM in .env"
    return None


def _rejects(reading: Reading, path: Path, status: str) -> list[tuple[int, str, str]]:
    """Line number, text and reason of the rejects; only the first ones of a refused file."""
    reasons = reading.reasons(KEPT_OF_A_REFUSED_FILE if status == "refused" else None)
    texts = _texts(read_records(path, len(reading.raw.columns)), reasons)
    return [(number, texts[number], reason) for number, reason in reasons.items()]


def _texts(records: Iterable[Record], wanted: dict[int, str]) -> dict[int, str]:
    texts: dict[int, str] = {}
    if wanted:
        last = max(wanted)
        for record in records:
            if record.number in wanted:
                texts[record.number] = shown(record.content)
            if record.number >= last:
                break
    return texts
