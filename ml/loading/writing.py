"""Writes the rows of a file and the record of the load to PostgreSQL, in the caller's transaction."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date

import psycopg
from psycopg.sql import SQL, Identifier

from ml.loading.files import PAYMENTS, RawFile

INDEXES = """
select indexrelid::regclass::text, pg_get_indexdef(indexrelid)
from pg_index where indrelid = %s::regclass and not indisprimary
"""
BUILD_CUSTOMERS = """
insert into staging.customers (customer_id, first_payment_date)
select cus_cust_id_buy, min(fecha) from raw.payments group by 1 order by 1
"""
UPDATE_CUSTOMERS = """
create temporary table load_customers on commit drop as
select cus_cust_id_buy as customer_id, min(fecha) as first_payment_date from raw.payments group by 1;
delete from staging.customers
where not exists (select from pg_temp.load_customers where load_customers.customer_id = customers.customer_id);
insert into staging.customers as customers (customer_id, first_payment_date)
select customer_id, first_payment_date from pg_temp.load_customers order by customer_id
on conflict (customer_id) do update
set first_payment_date = excluded.first_payment_date
where customers.first_payment_date <> excluded.first_payment_date;
"""
# A correction made for an earlier load is kept.
INSERT_REJECTS = """
insert into ops.raw_rejects (load_id, file_name, line_number, line_text, reason, mended_text)
select %(load_id)s, %(file_name)s, line_number, line_text, reason, mended_text
from unnest(%(numbers)s::bigint[], %(texts)s::text[], %(reasons)s::text[]) as rejected (line_number, line_text, reason)
left join (
    select distinct on (line_text) line_text, mended_text from ops.raw_rejects
    where file_name = %(file_name)s and mended_text is not null order by line_text, reject_id desc
) as mended using (line_text)
order by line_number
"""
# The same lines of the same file, rejected at an earlier attempt.
DELETE_EARLIER_REJECTS = """
delete from ops.raw_rejects using ops.raw_loads as earlier
where earlier.load_id = raw_rejects.load_id and earlier.load_id <> %(load_id)s
  and earlier.table_name = %(table_name)s and earlier.file_digest = %(file_digest)s
"""


@dataclass
class Load:
    """A row of `ops.raw_loads`."""

    table_name: str
    file_name: str
    status: str = "refused"
    message: str | None = None
    file_digest: str | None = None
    file_bytes: int | None = None
    rows_in_file: int | None = None
    rows_loaded: int = 0
    rows_rejected: int = 0
    first_payment_date: date | None = None
    extraction_month: date | None = None
    payments_known_through: date | None = None


def copy_rows(conn: psycopg.Connection, raw: RawFile, rows: Iterable[bytes], options: str = "") -> int:
    """Add rows, pieces of a CSV file without a header, to the file's table; returns how many."""
    columns = ", ".join(column.name for column in raw.columns)
    with conn.cursor() as cursor:
        with cursor.copy(f"copy {raw.table} ({columns}) from stdin with (format csv{options})") as copy:
            for piece in rows:
                copy.write(piece)
        return cursor.rowcount


def replace_rows(conn: psycopg.Connection, raw: RawFile, rows: Iterable[bytes], file_bytes: int) -> int:
    """Replace all rows of the file's table; return the number of the new ones."""
    conn.execute("set local session_replication_role = replica")  # no triggers: staging.customers is built below
    indexes, is_new = _clear(conn, raw.table, file_bytes)
    copied = copy_rows(conn, raw, rows, ", freeze" if is_new else "")
    for index in indexes:
        conn.execute(index)
    conn.execute(f"analyze {raw.table}")
    if raw is PAYMENTS:
        filled = conn.execute("select from staging.customers limit 1").rowcount
        conn.execute(UPDATE_CUSTOMERS if filled else BUILD_CUSTOMERS)
        conn.execute("analyze staging.customers")
    conn.execute("set local session_replication_role = origin")
    return copied


def _clear(conn: psycopg.Connection, table: str, file_bytes: int) -> tuple[list[str], bool]:
    """Delete every row. Where the file outgrows the table, drop the indexes.

    Returns the SQL that makes them again, and whether the table is as if new, which no transaction has seen rows of.
    """
    [is_filled, bytes_before] = conn.execute(
        f"select exists (select from {table}), pg_relation_size('{table}')"
    ).fetchall()[0]
    if is_filled:
        # DELETE and not TRUNCATE: readers are not blocked, and transactions with an older snapshot still see the rows.
        conn.execute(f"delete from {table}")
    if file_bytes <= 4 * bytes_before:
        return [], False
    try:
        with conn.transaction():
            conn.execute(f"lock table {table} in access exclusive mode nowait")
    except psycopg.errors.LockNotAvailable:
        return [], False  # somebody reads it: the indexes stay
    if not is_filled:
        conn.execute(f"truncate {table}")  # removes the pages of a failed attempt
    indexes: dict[str, str] = dict(conn.execute(INDEXES, (table,)).fetchall())
    for name in indexes:
        conn.execute(f"drop index {name}")
    return list(indexes.values()), not is_filled


def record_load(conn: psycopg.Connection, load: Load, rejects: list[tuple[int, str, str]]) -> int:
    """Write a load and its rejects (line number, text, reason); returns the load's number."""
    values = asdict(load)
    if load.status == "unchanged":  # every start records this: the last time is enough
        conn.execute("delete from ops.raw_loads where table_name = %(table_name)s and status = 'unchanged'", values)
    statement = SQL("insert into ops.raw_loads ({}) values ({}) returning load_id").format(
        SQL(", ").join(map(Identifier, values)), SQL(", ").join(SQL("%({})s").format(SQL(name)) for name in values)
    )
    [(load_id,)] = conn.execute(statement, values).fetchall()
    if rejects:
        numbers, texts, reasons = map(list, zip(*rejects, strict=True))
        values |= {"load_id": load_id, "numbers": numbers, "texts": texts, "reasons": reasons}
        conn.execute(INSERT_REJECTS, values)
        conn.execute(DELETE_EARLIER_REJECTS, values)
    return int(load_id)


def lock_table(conn: psycopg.Connection, raw: RawFile) -> None:
    """Be the only loader of the table until the transaction ends; wait for any lock for at most five minutes."""
    conn.execute(
        "select set_config('lock_timeout', '5min', true) where current_setting('lock_timeout') = '0';"
        "set local maintenance_work_mem = '256MB'; set local jit = off"
    )
    conn.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (raw.table,))
