"""Reads many feature rows from PostgreSQL as Arrow record batches, and as the data frames that the model takes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import adbc_driver_manager
import adbc_driver_postgresql.dbapi
import pandas as pd
import psycopg
import pyarrow as pa
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ml.cli import TryLater
from ml.snapshots.catalogue import BY_NAME, TEXT


@contextmanager
def reading(
    conn: psycopg.Connection, query: str, columns: Sequence[str], parameters: Mapping[str, Any]
) -> Iterator[pa.RecordBatchReader]:
    """Record batches of `query`, with `columns` in place of `{columns}`, in no particular order.

    One statement reads all rows, so they are of one state of the table. It runs on another connection with the same
    settings as `conn`. The client quotes the values: with bound parameters, ADBC would hold the whole result in memory.

    Raises:
        TryLater: the server cannot be reached, or went away.
    """
    composed = sql.SQL(query).format(columns=sql.SQL(", ").join(map(sql.Identifier, columns)))
    with streaming(conn, psycopg.ClientCursor(conn).mogrify(composed, parameters)) as batches:
        yield batches


@contextmanager
def streaming(conn: psycopg.Connection, statement: str, options: str = "") -> Iterator[pa.RecordBatchReader]:
    """Record batches of a statement without parameters, run on another connection to the server of `conn`.

    `options`: settings of that connection, such as "-c jit=off". Raises as `reading`.
    """
    server = make_conninfo(conn.info.dsn, password=conn.info.password, options=options)
    try:
        with adbc_driver_postgresql.dbapi.connect(server, autocommit=True) as source, source.cursor() as cursor:
            cursor.execute(statement)
            yield cursor.fetch_record_batch()
    except (adbc_driver_manager.OperationalError, OSError) as error:  # at the start, and between batches
        raise TryLater(f"PostgreSQL: {error}") from error


def to_frame(rows: pa.Table) -> pd.DataFrame:
    """The rows as the model takes them: numeric features as float64 with NaN for NULL, texts as categories."""
    numeric = {name for name, feature in BY_NAME.items() if feature.sql_type != TEXT}
    fields = [field.with_type(pa.float64()) if field.name in numeric else field for field in rows.schema]
    frame: pd.DataFrame = rows.cast(pa.schema(fields)).to_pandas(
        strings_to_categorical=True, date_as_object=False, split_blocks=True
    )
    return frame
