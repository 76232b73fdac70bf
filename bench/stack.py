"""A PostgreSQL cluster with synthetic feature rows and a registry with a model, for one benchmark."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy

from bench.synthetic import fill
from local.postgres import Cluster
from ml.settings import settings

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "bench"
OWNER = "bench"
ROLES = ("PIPELINE", "READER", "NOTEBOOK", "CAMPAIGN", "AIRFLOW", "MLFLOW")
PASSWORDS = {f"{role}_DB_PASSWORD": OWNER for role in ROLES}


@contextmanager
def stack(customers: int, snapshots: list[date], server_settings: Sequence[str] = ()) -> Iterator[dict[str, str]]:
    """Environment of a stack with `customers` rows at each of `snapshots`; everything is removed at the end.

    BENCH_POSTGRES_BIN names the server's binaries, Debian's 15 unless set. Its settings are PostgreSQL's defaults but
    for `server_settings`, each `name=value`. Everything is in BENCH_FOLDER, the cluster in its `pg`.
    """
    folder = Path(tempfile.mkdtemp(prefix="meli-bench-"))
    bin_dir = Path(os.environ.get("BENCH_POSTGRES_BIN", "/usr/lib/postgresql/15/bin"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    cluster = Cluster(bin_dir, folder / "pg", port, OWNER, OWNER)
    cluster.initialise()
    cluster.start(*server_settings)
    try:
        cluster.psql("postgres", "-c", f"create database {DATABASE}")
        variables = {**PASSWORDS, "ML_PYTHON": sys.executable, "CSV_DIR": str(ROOT), "POSTGRES_DB": DATABASE}
        cluster.apply_init(DATABASE, variables, load=False)
        env = {
            "POSTGRES_HOST": "127.0.0.1",
            "POSTGRES_PORT": str(port),
            "POSTGRES_DB": DATABASE,
            "POSTGRES_USER": "meli_pipeline",
            "POSTGRES_PASSWORD": OWNER,
            "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
            "PYTHONPATH": str(ROOT),
            "BENCH_FOLDER": str(folder),
        }
        with owner(env) as conn:
            for day in snapshots:
                fill(conn, day, customers)
                conn.execute("select ops.ensure_snapshot_partition('ops.churn_scoring', %s)", (day,))
        yield env
    finally:
        cluster.stop()
        shutil.rmtree(folder)


def timed(
    env: dict[str, str], call: str, *arguments: str, before: Sequence[str] = (), python: str = sys.executable
) -> dict[str, Any]:
    """Run `bench.timed` in a separate process, `before` put before its command; return its figures."""
    done = subprocess.run(
        [*before, python, "-W", "ignore", "-m", "bench.timed", call, *arguments],
        env={**os.environ, **env},
        cwd=env["BENCH_FOLDER"],
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        said = f"{done.stdout}\n{done.stderr[-3000:]}"
        raise RuntimeError(f"{call} {' '.join(arguments)} ended with {done.returncode}:\n{said}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def shown(env: dict[str, str], call: str, *arguments: str) -> dict[str, Any]:
    """Like `timed`, but prints the seconds at once."""
    figures = timed(env, call, *arguments)
    print(f"{call:36} {figures['seconds']:8.2f} s", flush=True)
    return figures


def fastest(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """The round with the fewest seconds."""
    return min(rounds, key=lambda figures: float(figures["seconds"]))


def line(figures: dict[str, Any]) -> str:
    """Seconds of the call, seconds of CPU in its process (the server's come on top), and peak resident memory."""
    return f"{figures['seconds']:8.2f} s {figures['cpu_seconds']:8.2f} s CPU {figures['peak_mb']:8.0f} MB peak"


def report(name: str, ours: dict[str, Any], baseline: dict[str, Any]) -> None:
    """Print both results and how many times faster ours is."""
    for side, figures in (("straightforward", baseline), ("this project", ours)):
        print(f"{name:20} {side:16} {line(figures)}")
    print(f"{name:20} {'':16} {baseline['seconds'] / ours['seconds']:8.1f} times faster")


def engine() -> sqlalchemy.Engine:
    """SQLAlchemy's default driver, psycopg2, on the database that the environment names."""
    env = settings()
    account = f"{env.postgres_user}:{env.postgres_password.get_secret_value()}"
    return sqlalchemy.create_engine(
        f"postgresql+psycopg2://{account}@{env.postgres_host}:{env.postgres_port}/{env.postgres_db}"
    )


def libpq(env: dict[str, str]) -> dict[str, str]:
    """Variables with which `ml.load` connects as the cluster's owner."""
    return {
        "PGHOST": env["POSTGRES_HOST"],
        "PGPORT": env["POSTGRES_PORT"],
        "PGUSER": OWNER,
        "PGPASSWORD": OWNER,
        "PGDATABASE": env["POSTGRES_DB"],
    }


def owner(env: dict[str, str]) -> psycopg.Connection:
    """An autocommit connection of the cluster's owner."""
    return psycopg.connect(
        host=env["POSTGRES_HOST"],
        port=env["POSTGRES_PORT"],
        dbname=env["POSTGRES_DB"],
        user=OWNER,
        password=OWNER,
        autocommit=True,
    )
