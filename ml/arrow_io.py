"""Bulk rows out of PostgreSQL as Arrow, and the columns of a batch as NumPy arrays."""

import queue
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

import adbc_driver_postgresql.dbapi as adbc
import numpy as np
import psycopg
import pyarrow as pa
from numpy.typing import NDArray
from psycopg import sql

from ml.cli import TryLater
from ml.settings import settings
from ml.utils_io import sql as sql_text

BATCH_BYTES = 16 * 1024 * 1024
BATCHES_AHEAD = 2
Item = TypeVar("Item")


def compose(name: str, **values: Any) -> sql.Composed:
    """`airflow/include/sql/<name>.sql` with `{name}` replaced: a tuple of names by columns, all else by a literal.

    COPY and Arrow streams take no bound parameters; psycopg quotes the values instead.
    """
    quoted = {
        key: sql.SQL(", ").join(map(sql.Identifier, value)) if isinstance(value, tuple) else sql.Literal(value)
        for key, value in values.items()
    }
    return sql.SQL(sql_text(name)).format(**quoted)


def stream(conn: psycopg.Connection, query: sql.Composed) -> Iterator[pa.RecordBatch]:
    """Rows of `query` in Arrow batches of about 16 MB, over a connection of its own; `conn` only quotes.

    Raises:
        TryLater: the server cannot be reached, or went away.
    """
    env = settings()
    password = quote(env.postgres_password.get_secret_value(), safe="")
    uri = (
        f"postgresql://{quote(env.postgres_user, safe='')}:{password}@{env.postgres_host}:{env.postgres_port}"
        f"/{quote(env.postgres_db, safe='')}?connect_timeout=10&application_name=ml.arrow_io"
    )
    try:
        with adbc.connect(uri) as reader, reader.cursor() as cursor:
            cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(BATCH_BYTES)})
            cursor.execute(query.as_string(conn))
            yield from cursor.fetch_record_batch()
    except (adbc.OperationalError, pa.ArrowInvalid, OSError) as error:
        raise TryLater(f"PostgreSQL: {str(error).strip().splitlines()[0]}") from error


def prefetch(items: Iterable[Item]) -> Iterator[Item]:
    """The same items, made in a thread of their own up to BATCHES_AHEAD ahead; its exceptions are raised here."""
    ready: queue.Queue[tuple[bool, Any]] = queue.Queue(maxsize=BATCHES_AHEAD)
    stopped = threading.Event()
    done = object()

    def put(is_error: bool, item: Any) -> None:
        while not stopped.is_set():
            try:
                ready.put((is_error, item), timeout=0.1)
                return
            except queue.Full:
                continue

    def produce() -> None:
        try:
            for item in items:
                put(False, item)
                if stopped.is_set():
                    return
            put(False, done)
        except BaseException as error:
            put(True, error)

    worker = threading.Thread(target=produce, daemon=True)
    worker.start()
    try:
        while True:
            is_error, item = ready.get()
            if is_error:
                raise item
            if item is done:
                return
            yield item
    finally:
        stopped.set()
        worker.join()


def floats(column: pa.Array) -> NDArray[np.float64]:
    """A numeric column as float64, NULL as NaN."""
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


@dataclass
class Coded:
    """A text column as codes into `values`; -1 is NULL. Codes stay the same from batch to batch."""

    values: list[str] = field(default_factory=list)
    positions: dict[str, int] = field(default_factory=dict)

    def encode(self, column: pa.Array) -> NDArray[np.int32]:
        """Codes of one batch, adding the values not met before."""
        dictionary = column.dictionary_encode()
        for value in dictionary.dictionary.to_pylist():
            if value not in self.positions:
                self.positions[value] = len(self.values)
                self.values.append(value)
        lookup = np.array([self.positions[v] for v in dictionary.dictionary.to_pylist()] + [-1], dtype=np.int32)
        # -1 picks the last entry, the NULL code.
        codes: NDArray[np.int32] = lookup[dictionary.indices.fill_null(-1).to_numpy(zero_copy_only=False)]
        return codes

    def decode(self, codes: NDArray[np.int32]) -> NDArray[np.object_]:
        """Values of `codes`, NULL as None."""
        return np.array([*self.values, None], dtype=object)[codes]
