"""What the local stack consists of: each service's command, environment, port and health check."""

import hashlib
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from local.config import Config
from local.environments import LOCKS, ROOT, STATE, python_of

HOME = STATE / "home"
LOGS = STATE / "log"
RUN = STATE / "run"
AIRFLOW_HOME = STATE / "airflow"
LAB_CONFIG = HOME / ".jupyter" / "labconfig" / "page_config.json"
NO_NEWS = '{"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": true}}\n'
NOTEBOOKS = ROOT / "notebooks"
ARTIFACTS = STATE / "mlflow" / "artifacts"
DROPPED = ("AIRFLOW", "MLFLOW", "POSTGRES", "PG", "PYTHON", "JUPYTER", "IPYTHON", "STREAMLIT", "XDG", "VIRTUAL_ENV")
SOCKET_PATH_LIMIT = 60  # a Unix socket's path has 104 bytes on macOS, its folder's and its own name included


@dataclass(frozen=True)
class Service:
    """One process of the stack; `variables` are set for it, `health` is a path that answers 200 when it is ready."""

    name: str
    arguments: list[str]
    environment: str
    variables: dict[str, str]
    port_variable: str | None = None
    health: str | None = None

    @property
    def command(self) -> list[str]:
        """Command line."""
        return [str(python_of(self.environment)), "-m", *self.arguments]

    @property
    def pid_file(self) -> Path:
        """Where its process is on record."""
        return RUN / f"{self.name}.json"

    @property
    def log(self) -> Path:
        """Its output."""
        return LOGS / f"{self.name}.log"

    @property
    def definition(self) -> str:
        """Digest over all that makes it what it is: a running service with another digest is out of date."""
        lock = LOCKS[self.environment].read_text(encoding="utf-8")
        whole = json.dumps([self.command, sorted(self.variables.items()), lock])
        return hashlib.sha256(whole.encode()).hexdigest()


def base_environment() -> dict[str, str]:
    """This process's environment without what would point a service elsewhere; nothing leaves the checkout."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(DROPPED)}
    temporary = STATE / "tmp"
    if len(os.fsencode(temporary)) <= SOCKET_PATH_LIMIT:
        env["TMPDIR"] = str(temporary)
    return {
        **env,
        "HOME": str(HOME),
        "SPT_NOENV": "1",  # setproctitle leaves the environment readable, by which a service's remains are found
        "PYTHONUNBUFFERED": "1",
        "DO_NOT_TRACK": "true",  # no usage reports to MLflow's makers
    }


def pipeline_environment(config: Config) -> dict[str, str]:
    """Variables of the `ml` commands, as the pipeline's role."""
    return {
        **config.public,
        **config.connection("meli_pipeline", "PIPELINE_DB_PASSWORD"),
        "MLFLOW_TRACKING_URI": config.mlflow_url,
        "GIT_COMMIT": git_commit(),
    }


def git_commit() -> str:
    """Commit of the checkout, `-dirty` behind it where files differ from it; "unknown" outside Git."""
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
        "AIRFLOW_HOME": str(AIRFLOW_HOME),
        "PYTHONPATH": str(ROOT / "airflow" / "include"),
        "ML_PYTHON": str(python_of("ml")),
        "ML_HOME": str(ROOT),
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "120",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "airflow" / "dags"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{config.airflow_url}/execution/",
        "AIRFLOW__CORE__EXECUTOR": "local_executor.LocalExecutor",
        "AIRFLOW__CORE__FERNET_KEY": secret["fernet_key"],
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__API__BASE_URL": config.airflow_url,
        "AIRFLOW__API__SECRET_KEY": secret["session_key"],
        "AIRFLOW__API_AUTH__JWT_SECRET": secret["jwt_secret"],
        "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "120",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
        # A task whose process or scheduler was killed comes back within two minutes.
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "20",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "20",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "45",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "10",
        "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "60",
        "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "20",
        "AIRFLOW__LOGGING__DAG_PROCESSOR_LOG_TARGET": "stdout",  # `make local-logs` shows which runs have failed
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "false",
        "AIRFLOW__WORKERS__EXECUTION_API_RETRIES": "10",
        "AIRFLOW__WORKERS__EXECUTION_API_RETRY_WAIT_MAX": "5",
        "AIRFLOW__WORKERS__MAX_FAILED_HEARTBEATS": "8",  # at 5 s each: a task outlives a restart of the API server
    }


def all_services(config: Config) -> list[Service]:
    """The services besides PostgreSQL; the last is the one that starts tasks, which need the others."""
    airflow = airflow_environment(config)
    reader = {**config.public, **config.connection("meli_reader", "READER_DB_PASSWORD")}
    notebook = {**config.public, **config.connection("meli_notebook", "NOTEBOOK_DB_PASSWORD")}
    python_path = {"PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": config.mlflow_url}
    notebooks = NOTEBOOKS if NOTEBOOKS.is_dir() else ROOT
    port = {variable: str(number) for variable, number in config.ports.items()}
    return [
        Service(
            "mlflow",
            ["mlflow", "server", "--host", "127.0.0.1", "--port", port["MLFLOW_PORT"], "--workers", "1"],
            "ml",
            mlflow_environment(config),
            "MLFLOW_PORT",
            "/health",
        ),
        Service(
            "airflow-webserver",
            ["airflow", "api-server", "--host", "127.0.0.1", "--port", port["AIRFLOW_PORT"], "--workers", "1"],
            "airflow",
            airflow,
            "AIRFLOW_PORT",
            "/api/v2/version",
        ),
        Service("airflow-dag-processor", ["airflow", "dag-processor"], "airflow", airflow),
        Service(
            "streamlit",
            ["streamlit", "run", str(ROOT / "streamlit_app" / "app.py"), "--server.address=127.0.0.1",
             f"--server.port={port['STREAMLIT_PORT']}", "--server.headless=true", "--browser.gatherUsageStats=false"],
            "ml",
            {**reader, **python_path},
            "STREAMLIT_PORT",
            "/_stcore/health",
        ),
        Service(
            "jupyter",
            ["jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1", "--ServerApp.port_retries=0",
             f"--ServerApp.port={port['JUPYTER_PORT']}", f"--ServerApp.root_dir={notebooks}"],
            "ml",
            {**notebook, **python_path, "JUPYTER_TOKEN": config["JUPYTER_TOKEN"]},
            "JUPYTER_PORT",
            "/api",
        ),
        Service("airflow-scheduler", ["airflow", "scheduler", "--skip-serve-logs"], "airflow", airflow),
    ]  # fmt: skip


def mlflow_environment(config: Config) -> dict[str, str]:
    """Variables of the tracking server; the password stays out of its command line."""
    port = config.ports["MLFLOW_PORT"]
    return {
        "MLFLOW_BACKEND_STORE_URI": config.database_url("meli_mlflow", "MLFLOW_DB_PASSWORD", "mlflow"),
        "MLFLOW_ARTIFACTS_DESTINATION": str(ARTIFACTS),
        "MLFLOW_SERVER_ALLOWED_HOSTS": f"127.0.0.1:{port},localhost:{port}",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
