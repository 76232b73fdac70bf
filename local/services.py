"""The services of the local stack: command, environment, port and health check of each."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from local import spark
from local.config import Config
from local.environments import ROOT, RUN, STATE, digest, python_of
from local.postgres import Cluster

HOME = STATE / "home"
LOGS = STATE / "log"
DATA_DIR = STATE / "postgres" / "data"
AIRFLOW_HOME = STATE / "airflow"
AIRFLOW_CONFIG = ROOT / "docker" / "airflow" / "airflow.cfg"
LAB_CONFIG = HOME / ".jupyter" / "labconfig" / "page_config.json"
NO_NEWS = '{"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": true}}\n'
ARTIFACTS = STATE / "mlflow" / "artifacts"
DROPPED = (
    "AIRFLOW", "MLFLOW", "POSTGRES", "PG", "PYTHON", "JUPYTER", "IPYTHON", "STREAMLIT", "XDG", "VIRTUAL_ENV", "ALERT",
    "SPARK", "PYSPARK", "HADOOP", "LAKE", "ENGINE",
)  # fmt: skip
POSTGRES = "postgres"
POSTGRES_SETTINGS = ("max_connections=100", "shared_buffers=256MB", "maintenance_work_mem=256MB", "max_wal_size=2GB")
SOCKET_PATH_LIMIT = 60  # the path of a Unix socket, including its name, has at most 104 bytes on macOS


@dataclass(frozen=True)
class Service:
    """One process of the stack. `variables` extend its environment; `health` is a path that answers 200 when ready.

    If its `version` (the digest of a lock file, a password) changes, the service must be restarted.
    """

    name: str
    command: list[str]
    variables: dict[str, str]
    version: str
    port_variable: str = ""
    health: str = ""
    stop_signal: str = "TERM"
    stop_s: int = 30

    @property
    def file(self) -> Path:
        """The file with the definition; its path marks the processes of the service."""
        return RUN / f"{self.name}.json"

    @property
    def definition(self) -> str:
        """Everything above as JSON, which `local.serve` reads from `file`."""
        return json.dumps(vars(self))

    @property
    def is_current(self) -> bool:
        """Whether it was last started with this definition."""
        return self.file.exists() and self.file.read_text(encoding="utf-8") == self.definition


def base_environment() -> dict[str, str]:
    """This process's environment without variables that would direct a service outside the checkout."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(DROPPED)}
    temporary = STATE / "tmp"
    if len(os.fsencode(temporary)) <= SOCKET_PATH_LIMIT:
        env["TMPDIR"] = str(temporary)
    return {
        **env,
        "HOME": str(HOME),
        "SPT_NOENV": "1",  # setproctitle must not overwrite the environment, which contains the mark
        "PYTHONUNBUFFERED": "1",
        "DO_NOT_TRACK": "true",  # no usage reports by MLflow
    }


def pipeline_environment(config: Config) -> dict[str, str]:
    """Variables of the `ml` commands, as the pipeline's role."""
    return {
        **config.public,
        **spark.environment(config),
        **config.connection("meli_pipeline", "PIPELINE_DB_PASSWORD"),
        "MLFLOW_TRACKING_URI": config.url("MLFLOW_PORT"),
        "GIT_COMMIT": git_commit(),
    }


def person_environment(config: Config) -> dict[str, str]:
    """Variables of an `ml` command that a person runs, who may create campaigns too."""
    return {**pipeline_environment(config), "CAMPAIGN_DB_PASSWORD": config["CAMPAIGN_DB_PASSWORD"]}


def git_commit() -> str:
    """Commit of the checkout, followed by `-dirty` if files differ from it; "unknown" outside Git."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"


def airflow_environment(config: Config) -> dict[str, str]:
    """Variables of every Airflow component and of the `airflow` command."""
    secret = config.generated
    database = config.database_url("meli_airflow", "AIRFLOW_DB_PASSWORD", "airflow")
    return {
        **pipeline_environment(config),
        "ALERT_WEBHOOK_URL": config.values.get("ALERT_WEBHOOK_URL", ""),
        "AIRFLOW_HOME": str(AIRFLOW_HOME),
        "AIRFLOW_CONFIG": str(AIRFLOW_CONFIG),  # that of the containers, with these differences:
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "airflow" / "dags"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": config.url("AIRFLOW_PORT") + "/execution/",
        "AIRFLOW__CORE__FERNET_KEY": secret["fernet_key"],
        "AIRFLOW__API__BASE_URL": config.url("AIRFLOW_PORT"),
        "AIRFLOW__API__SECRET_KEY": secret["session_key"],
        "AIRFLOW__API_AUTH__JWT_SECRET": secret["jwt_secret"],
        "AIRFLOW__DAG_PROCESSOR__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": f"{AIRFLOW_HOME}/logs/dag_processor",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": f"{AIRFLOW_HOME}/logs",
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "false",  # it would listen on another port
        "AIRFLOW__WORKERS__EXECUTION_API_RETRY_WAIT_MAX": "5",
        "PYTHONPATH": str(ROOT / "airflow" / "include"),
        "ML_PYTHON": str(python_of(spark.ml_environment(config))),
        "ML_HOME": str(ROOT),
    }


def all_services(config: Config, server: Cluster) -> list[Service]:
    """All services: PostgreSQL first, which the others need; the scheduler last, whose tasks need the others."""
    airflow = airflow_environment(config)
    python_path = {"PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": config.url("MLFLOW_PORT")}
    reader = {**config.public, **config.connection("meli_reader", "READER_DB_PASSWORD"), **python_path}
    reader["CAMPAIGN_DB_PASSWORD"] = config["CAMPAIGN_DB_PASSWORD"]
    notebook = {**config.public, **config.connection("meli_notebook", "NOTEBOOK_DB_PASSWORD"), **python_path}
    notebook["JUPYTER_TOKEN"] = config["JUPYTER_TOKEN"]
    mlflow = mlflow_environment(config)

    def service(name: str, words: str, told: dict[str, str], port_variable: str = "", health: str = "") -> Service:
        environment = "airflow" if words.startswith("airflow") else "ml"
        port = [str(config.ports[port_variable])] if port_variable else []
        command = [str(python_of(environment)), "-m", *words.split(), *port]
        version = digest(environment) + AIRFLOW_CONFIG.read_text(encoding="utf-8")
        return Service(name, command, told, version, port_variable, health)

    return [
        Service(
            POSTGRES, server.command(*POSTGRES_SETTINGS), {},
            f"{server.superuser}\n{server.password}\n{digest('ml')}",
            "POSTGRES_PORT", stop_signal="INT", stop_s=60,
        ),
        service("mlflow", "mlflow server --workers 1 --host 127.0.0.1 --port", mlflow, "MLFLOW_PORT", "/health"),
        service("airflow-webserver", "airflow api-server --workers 1 --host 127.0.0.1 --port", airflow,
                "AIRFLOW_PORT", "/api/v2/version"),
        service("airflow-dag-processor", "airflow dag-processor", airflow),
        service("streamlit", "streamlit run streamlit_app/app.py --server.address=127.0.0.1 --server.headless=true"
                " --browser.gatherUsageStats=false --server.port", reader, "STREAMLIT_PORT", "/_stcore/health"),
        service("jupyter", "jupyterlab --no-browser --allow-root --ServerApp.ip=127.0.0.1 --ServerApp.port_retries=0"
                " --ServerApp.root_dir=notebooks --ServerApp.port", notebook, "JUPYTER_PORT", "/api"),
        service("airflow-scheduler", "airflow scheduler --skip-serve-logs", airflow),
    ]  # fmt: skip


def mlflow_environment(config: Config) -> dict[str, str]:
    """Variables of the tracking server; they keep the password out of its command line."""
    port = config.ports["MLFLOW_PORT"]
    return {
        "MLFLOW_BACKEND_STORE_URI": config.database_url("meli_mlflow", "MLFLOW_DB_PASSWORD", "mlflow"),
        "MLFLOW_ARTIFACTS_DESTINATION": str(ARTIFACTS),
        "MLFLOW_SERVER_ALLOWED_HOSTS": f"127.0.0.1:{port},localhost:{port}",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
