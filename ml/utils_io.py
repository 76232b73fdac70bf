"""Access to PostgreSQL: connections, SQL files and writer locks."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import psycopg
from pydantic import SecretStr

from ml.settings import settings

SQL_DIR = Path(__file__).resolve().parent.parent / "airflow" / "include" / "sql"
Result = TypeVar("Result")
LOCK_ATTEMPTS = 5
LOCK_TIMEOUT_S = 30


def connect(*, application_name: str) -> psycopg.Connection:
    """Open a connection as `POSTGRES_USER`; `application_name` shows in pg_stat_activity.

    Raises:
        psycopg.OperationalError: the server cannot be reached or refuses the credentials.
    """
    env = settings()
    return _connect(env.postgres_user, env.postgres_password, application_name)


def connect_to_create_campaigns(*, application_name: str) -> psycopg.Connection:
    """Open a connection as `CAMPAIGN_DB_USER`, which adds rows to the tables of campaigns. Raises as `connect`."""
    env = settings()
    return _connect(env.campaign_db_user, env.campaign_db_password, application_name)


def _connect(user: str, password: SecretStr, application_name: str) -> psycopg.Connection:
    env = settings()
    return psycopg.connect(
        host=env.postgres_host,
        port=env.postgres_port,
        dbname=env.postgres_db,
        user=user,
        password=password.get_secret_value(),
        application_name=application_name,
        connect_timeout=10,
    )


@lru_cache
def sql(name: str) -> str:
    """Text of `airflow/include/sql/<name>.sql`, with psycopg placeholders such as `%(snapshot_date)s`."""
    return (SQL_DIR / f"{name}.sql").read_text(encoding="utf-8")


def lock_writer(conn: psycopg.Connection, table: str) -> None:
    """Be the only writer of `table` until the transaction ends; other writers wait.

    Raises:
        psycopg.errors.LockNotAvailable: another writer held the lock for `LOCK_TIMEOUT_S` seconds.
    """
    conn.execute("select set_config('lock_timeout', %s, true)", (f"{LOCK_TIMEOUT_S}s",))
    conn.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (table,))


def is_only_writer(conn: psycopg.Connection, table: str) -> bool:
    """Be the only writer of `table` until the transaction ends, or return False at once if there is another."""
    ((is_locked,),) = conn.execute("select pg_try_advisory_xact_lock(hashtextextended(%s, 0))", (table,)).fetchall()
    return bool(is_locked)


@contextmanager
def one_at_a_time(name: str) -> Iterator[None]:
    """Hold the lock `name`; other processes that ask for it wait. For work longer than a transaction.

    The lock belongs to a connection: it is released if the process dies or the server restarts.
    """
    with connect(application_name=name) as conn:
        conn.autocommit = True
        conn.execute("select pg_advisory_lock(hashtextextended(%s, 0))", (name,))
        yield


def with_lock_retries(write: Callable[[], Result]) -> Result:
    """Run `write`, which is one whole transaction, and repeat it if a lock times out."""
    for attempt in range(1, LOCK_ATTEMPTS):
        try:
            return write()
        except psycopg.errors.LockNotAvailable:
            time.sleep(attempt)
    return write()
