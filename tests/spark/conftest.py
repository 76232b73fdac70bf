"""The PostgreSQL and MLflow of the integration tests, and commands with ENGINE=spark on this machine."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import (
    ROOT,
    Database,
    cluster,
    empty_template,
    mlflow_uri,
    new_database,
    seeded_template,
)

__all__ = ["cluster", "empty_template", "mlflow_uri", "new_database", "seeded_template"]

SPARK_PYTHON = ROOT / ".local" / "venv" / "spark" / "bin" / "python"
CONF = Path(__file__).parent / "conf"
NewDatabase = Callable[[str], Database]


@pytest.fixture(scope="session")
def on_spark(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Database], Database]:
    """Make the commands of a database run on Spark, with a folder of its own below LAKE_URL; return it."""

    def change(database: Database) -> Database:
        database.python = str(SPARK_PYTHON)
        lake = tmp_path_factory.mktemp("lake")
        database.extra_env |= {"ENGINE": "spark", "LAKE_URL": f"file://{lake}", "SPARK_MASTER_URL": "local[2]"}
        database.extra_env["SPARK_CONF_DIR"] = str(CONF)
        return database

    return change


def lake_of(database: Database) -> Path:
    """The folder of LAKE_URL."""
    return Path(database.extra_env["LAKE_URL"].removeprefix("file://"))


def load(database: Database, **env: str) -> subprocess.CompletedProcess[str]:
    """Run `ml.load` on the sample as the administrator; its Parquet files are written if they are not there."""
    server = database.cluster
    administrator = {**server.client_env, "PGDATABASE": database.name, "CSV_DIR": str(ROOT)}
    return subprocess.run(
        [database.python, "-m", "ml.load"],
        cwd=ROOT,
        env={**os.environ, **database.env, **administrator, **env},
        capture_output=True,
        text=True,
        timeout=1100,
    )
