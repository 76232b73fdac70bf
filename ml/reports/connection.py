"""A connection that only reads, whose statements end after some seconds."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from ml.utils_io import connect

STATEMENT_TIMEOUT_MS = 10_000


@contextmanager
def reading() -> Iterator[psycopg.Connection]:
    """One read-only transaction as `POSTGRES_USER`.

    Raises:
        psycopg.Error: the database cannot be reached, lacks the tables, or takes longer than STATEMENT_TIMEOUT_MS.
    """
    with connect(application_name="streamlit") as conn:
        conn.read_only = True
        conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ  # the figures of a page belong together
        conn.execute("select set_config('statement_timeout', %s, true)", (str(STATEMENT_TIMEOUT_MS),))
        yield conn
