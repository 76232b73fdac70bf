"""Start the tracking server: wait for PostgreSQL, bring an older schema up to date, then become `mlflow server`."""

import os
import sys

from mlflow.store.db.utils import _upgrade_db, create_sqlalchemy_engine_with_retry
from sqlalchemy import inspect
from sqlalchemy.engine import URL


def main() -> None:
    """Run; never returns."""
    user, password = os.environ["MLFLOW_DB_USER"], os.environ["MLFLOW_DB_PASSWORD"]
    host, database = os.environ["POSTGRES_HOST"], os.environ["MLFLOW_DB"]
    uri = URL.create("postgresql+psycopg2", user, password, host, 5432, database).render_as_string(hide_password=False)
    engine = create_sqlalchemy_engine_with_retry(uri)
    if inspect(engine).has_table("alembic_version"):
        _upgrade_db(engine)
    environment = {
        **os.environ,
        "MLFLOW_BACKEND_STORE_URI": uri,  # not on the command line, which process lists show
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    command = ["mlflow", "server", "--host", "0.0.0.0", "--port", "5000", "--workers", "1"]
    command += ["--artifacts-destination", os.environ["MLFLOW_ARTIFACTS_DESTINATION"]]
    sys.stdout.flush()
    os.execvpe(command[0], command, environment)


if __name__ == "__main__":
    main()
