"""Start the tracking server: wait for PostgreSQL, bring an older schema up to date, then become `mlflow server`."""

import os
import sys
import time
from urllib.parse import quote

from sqlalchemy import create_engine, inspect
from sqlalchemy.exc import OperationalError

WAIT_S = 120


def backend_uri() -> str:
    """Address of the back-end store; the password may hold any character."""
    user, password = os.environ["MLFLOW_DB_USER"], quote(os.environ["MLFLOW_DB_PASSWORD"], safe="")
    host, database = os.environ["POSTGRES_HOST"], os.environ["MLFLOW_DB"]
    return f"postgresql+psycopg2://{user}:{password}@{host}:5432/{database}"


def tables_when_ready(uri: str) -> list[str]:
    """Names of the tables there, as soon as the server accepts the connection.

    Raises:
        OperationalError: it did not within `WAIT_S` seconds.
    """
    engine = create_engine(uri, connect_args={"connect_timeout": 5})
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            return inspect(engine).get_table_names()
        except OperationalError as error:
            if time.monotonic() > deadline:
                raise
            print(f"waiting for PostgreSQL: {error.orig}".strip(), flush=True)
            time.sleep(2)


def main() -> None:
    """Run; never returns."""
    uri = backend_uri()
    environment = {
        **os.environ,
        "MLFLOW_BACKEND_STORE_URI": uri,  # not on the command line, which process lists show
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    if "alembic_version" in tables_when_ready(uri):
        from mlflow.store.db.utils import _upgrade_db, create_sqlalchemy_engine_with_retry

        _upgrade_db(create_sqlalchemy_engine_with_retry(uri))
    command = ["mlflow", "server", "--host", "0.0.0.0", "--port", "5000", "--workers", "1"]
    command += ["--artifacts-destination", os.environ["MLFLOW_ARTIFACTS_DESTINATION"]]
    sys.stdout.flush()
    os.execvpe(command[0], command, environment)


if __name__ == "__main__":
    main()
