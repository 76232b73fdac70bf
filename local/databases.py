"""Brings the local PostgreSQL and what the services keep in it up to date: roles, tables, data, schema versions."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

from local import spark
from local.config import Config
from local.console import Failure, run, say, step, warn
from local.environments import ROOT, STATE, digest, python_of
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
    """The local stack's PostgreSQL, which must run."""
    server = cluster(config)
    if server.pid is None:
        raise Failure("PostgreSQL does not run; start it: make local-up")
    return server


def prepare(server: Cluster) -> None:
    """Make the data directory of the stopped PostgreSQL ready for a start; the first time there is none."""
    if not DATA_DIR.exists():
        with step("PostgreSQL: new data directory"):
            server.initialise()
        return
    version = run([str(server.bin_dir / "postgres"), "--version"], "PostgreSQL's binaries do not run")
    ours, theirs = version.split()[-1].partition(".")[0], (DATA_DIR / "PG_VERSION").read_text(encoding="ascii").strip()
    if ours != theirs:
        raise Failure(
            f"the data in {DATA_DIR} belongs to PostgreSQL {theirs}, and this is {ours}; "
            "`make clean` removes it, and the next start loads the CSV files again"
        )
    server.set_superuser()


def apply_init(server: Cluster, config: Config) -> None:
    """Create the pipeline's database and bring roles, tables and functions up to date."""
    server.psql("postgres", "-v", f"name={config['POSTGRES_DB']}", given=CREATE_DATABASE)
    server.apply_init(config["POSTGRES_DB"], config.values, load=False)


def load_files(config: Config, *options: str) -> bool:
    """Run `ml.load` with `options` and print what it says; False if it refused a file, whose table stays as it was."""
    administrator = {**cluster(config).client_env, "PGDATABASE": config["POSTGRES_DB"]}
    with step("PostgreSQL: CSV files"):
        done = subprocess.run(
            [str(python_of("ml")), "-m", "ml.load", *options],
            env={
                **base_environment(),
                **config.public,
                **spark.environment(config),
                **administrator,
                "CSV_DIR": str(ROOT),
            },
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
    for line in done.stdout.splitlines():
        if not line.endswith(": unchanged"):
            say(f"  {line}")
    if done.returncode:
        warn(f"not loaded: {done.stderr.strip()}\nCorrect the file, then: make seed")
    return done.returncode == 0


def migrate_services(config: Config) -> None:
    """Bring the tables of Airflow and MLflow to the installed versions, Airflow's first user to what `.env` says."""
    user = {variable: config[variable] for variable in ("AIRFLOW_ADMIN_USER", "AIRFLOW_ADMIN_PASSWORD")}
    wanted = [*user.values(), digest("ml"), digest("airflow"), INIT_AIRFLOW.read_text(encoding="utf-8")]
    stamp = sha256("\n".join(wanted).encode()).hexdigest()
    stamped = STATE / "postgres" / "migrated"  # beside the data directory of which it speaks, to go where that goes
    if stamped.exists() and stamped.read_text(encoding="utf-8") == stamp:
        return
    with step("Airflow and MLflow: tables, first user"), ThreadPoolExecutor() as pool:  # both at the same time
        migrations = []
        for name, script, variables in (
            ("ml", ["-c", UPGRADE_MLFLOW], mlflow_environment(config)),
            ("airflow", [str(INIT_AIRFLOW)], {**airflow_environment(config), **user}),
        ):
            complaint = f"the tables of {'mlflow' if name == 'ml' else name} could not be brought up to date"
            env = {**base_environment(), **variables}
            migrations.append(pool.submit(run, [str(python_of(name)), *script], complaint, env=env, cwd=ROOT))
        for migration in migrations:
            migration.result()
    stamped.write_text(stamp, encoding="utf-8")
