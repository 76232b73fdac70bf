"""Brings the local PostgreSQL and what the services keep in it up to date: roles, tables, data, schema versions."""

import hashlib
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from local import unprivileged
from local.config import Config
from local.console import Failure, run, step
from local.environments import ROOT, STATE, lock, python_of
from local.postgres import Cluster, wheel_bin_dir
from local.services import DATA_DIR, airflow_environment, base_environment, mlflow_environment

INIT_AIRFLOW = ROOT / "docker" / "airflow" / "init.py"
UPGRADE_MLFLOW = (
    "import os; from mlflow.db import commands; commands(['upgrade', os.environ['MLFLOW_BACKEND_STORE_URI']])"
)
CREATE_DATABASE = """
select format('create database %I', :'name')
where not exists (select from pg_database where datname = :'name') \\gexec
"""


def cluster(config: Config) -> Cluster:
    """The local stack's PostgreSQL, running or not."""
    return Cluster(
        wheel_bin_dir(), DATA_DIR, config.ports["POSTGRES_PORT"], config["POSTGRES_USER"], config["POSTGRES_PASSWORD"]
    )


def running(config: Config) -> Cluster:
    """The local stack's PostgreSQL.

    Raises:
        Failure: it does not run.
    """
    server = cluster(config)
    if server.pid is None:
        raise Failure("PostgreSQL does not run; start it: make local-up")
    return server


def prepare(server: Cluster) -> None:
    """Make the data directory of the stopped PostgreSQL ready for a start; the first time there is none."""
    if not DATA_DIR.exists():
        with step("PostgreSQL: new data directory"):
            server.initialise()
    elif (made_by := (DATA_DIR / "PG_VERSION").read_text(encoding="ascii").strip()) != major_version(server):
        raise Failure(
            f"the data in {DATA_DIR} belongs to PostgreSQL {made_by}, and this is {major_version(server)}; "
            "`make clean` removes it, and the next start loads the CSV files again"
        )
    elif not _is_stamped("superuser", _superuser(server)):
        server.set_superuser()
    _stamp("superuser", _superuser(server))
    unprivileged.own(DATA_DIR, server.bin_dir / "postgres")


def major_version(server: Cluster) -> str:
    """First number of the binaries' version."""
    shown = run([str(server.bin_dir / "postgres"), "--version"], "PostgreSQL's binaries do not run")
    return shown.split()[-1].partition(".")[0]


def apply_init(server: Cluster, config: Config) -> None:
    """Create the pipeline's database and bring roles, tables and functions up to date."""
    try:
        server.psql("postgres", "-v", f"name={config['POSTGRES_DB']}", given=CREATE_DATABASE)
        server.apply_init(config["POSTGRES_DB"], config.values, load=False)
    except RuntimeError as error:
        raise Failure(str(error)) from error


def load_files(server: Cluster, config: Config, *options: str) -> tuple[list[str], str]:
    """Run `ml.load` with `options`.

    Returns what it said, and what it refused to load ("" for nothing): that table then holds what it held.
    """
    database = {**server.client_env, "PGDATABASE": config["POSTGRES_DB"]}
    done = subprocess.run(
        [str(python_of("ml")), "-m", "ml.load", *options],
        env={**base_environment(), **config.public, **database, "CSV_DIR": str(ROOT)},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    said = [line for line in done.stdout.splitlines() if not line.endswith(": unchanged")]
    return said, done.stderr.strip() if done.returncode else ""


def migrate_services(config: Config) -> None:
    """Bring the tables of Airflow and MLflow to the installed versions, Airflow's first user to what `.env` says."""
    mlflow = {**base_environment(), **mlflow_environment(config)}
    airflow = {**base_environment(), **airflow_environment(config)}
    airflow |= {variable: config[variable] for variable in ("AIRFLOW_ADMIN_USER", "AIRFLOW_ADMIN_PASSWORD")}
    user = f"{config['AIRFLOW_ADMIN_USER']}\n{config['AIRFLOW_ADMIN_PASSWORD']}"
    script = INIT_AIRFLOW.read_text(encoding="utf-8")
    todo = [
        ("mlflow", lock("ml"), [str(python_of("ml")), "-c", UPGRADE_MLFLOW], mlflow),
        ("airflow", f"{user}\n{lock('airflow')}\n{script}", [str(python_of("airflow")), str(INIT_AIRFLOW)], airflow),
    ]
    todo = [each for each in todo if not _is_stamped(each[0], each[1])]
    if todo:
        with step("Airflow and MLflow: tables, first user"), ThreadPoolExecutor() as pool:
            for done in [pool.submit(_migrate, *each) for each in todo]:
                done.result()


def _migrate(name: str, target: str, command: list[str], env: Mapping[str, str]) -> None:
    run(command, f"the tables of {name} could not be brought up to date", env=env, cwd=ROOT)
    _stamp(name, target)


def _superuser(server: Cluster) -> str:
    return f"{server.superuser}\n{server.password}"


def _is_stamped(name: str, what: str) -> bool:
    """Stamps lie beside the data directory that they speak of, so that they go where it goes."""
    file = STATE / "postgres" / name
    return file.exists() and file.read_text(encoding="utf-8") == hashlib.sha256(what.encode()).hexdigest()


def _stamp(name: str, what: str) -> None:
    (STATE / "postgres" / name).write_text(hashlib.sha256(what.encode()).hexdigest(), encoding="utf-8")
