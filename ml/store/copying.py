"""Copies Arrow batches into a table of PostgreSQL, in the caller's transaction."""

from collections.abc import Iterable, Sequence

import psycopg
import pyarrow as pa
from psycopg.sql import SQL, Identifier
from pyarrow import csv

NO_HEADER = csv.WriteOptions(include_header=False)
COPY = "copy {table} ({columns}) from stdin (format csv)"


def copy_batches(
    conn: psycopg.Connection, table: str, columns: Sequence[str], batches: Iterable[pa.RecordBatch]
) -> int:
    """Add the rows of the batches, which have these columns in this order, to `table`; return how many.

    Numbers are written with enough digits to be read back exactly.
    """
    statement = SQL(COPY).format(table=Identifier(*table.split(".")), columns=SQL(", ").join(map(Identifier, columns)))
    with conn.cursor() as cursor:
        with cursor.copy(statement) as copy:
            for batch in batches:
                lines = pa.BufferOutputStream()
                csv.write_csv(batch, lines, NO_HEADER)
                copy.write(lines.getvalue())
        return cursor.rowcount
