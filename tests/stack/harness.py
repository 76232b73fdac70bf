"""The stack under test: a copy of this checkout, with its own passwords and ports, under Docker Compose."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ["docker", "compose", "--env-file", ".env", "-f", "docker/docker-compose.yml"]
OWNER = 1000  # who owns the copy, as on a stranger's machine
SERVICES = (
    "postgres", "minio", "mlflow", "airflow-webserver", "airflow-scheduler", "airflow-dag-processor",
    "airflow-maintenance", "jupyter", "streamlit", "gateway",
)  # fmt: skip
PORTS = (
    "POSTGRES_PORT", "AIRFLOW_PORT", "MLFLOW_PORT", "MINIO_PORT", "MINIO_CONSOLE_PORT", "JUPYTER_PORT",
    "STREAMLIT_PORT", "GATEWAY_PORT", "SPARK_MASTER_UI_PORT", "SPARK_HISTORY_PORT",
)  # fmt: skip
# Every character that has broken somebody's connection string.
PASSWORDS = {
    "POSTGRES_PASSWORD": "owner @%:/$#1 x",
    "PIPELINE_DB_PASSWORD": "pipe @%:/$#2 x",
    "READER_DB_PASSWORD": "read @%:/$#3 x",
    "NOTEBOOK_DB_PASSWORD": "note @%:/$#4 x",
    "CAMPAIGN_DB_PASSWORD": "camp @%:/$#9 x",
    "AIRFLOW_DB_PASSWORD": "air @%:/$#5 x",
    "MLFLOW_DB_PASSWORD": "mlf @%:/$#6 x",
    "AIRFLOW_ADMIN_PASSWORD": "adm @%:/$#7 x",
    "MINIO_ROOT_PASSWORD": "minio @%:/$#8 x",
    "GATEWAY_VIEWER_PASSWORD": "look @%:/$#9 x",
    "GATEWAY_OPERATOR_PASSWORD": "change @%:/$#0 x",
    "SPARK_PASSWORD": "spark @%:/$#0 y",
}
# Every page as Streamlit runs it, that of a customer last; prints the figures that it shows.
PAGES = """
import logging
logging.disable(logging.WARNING)
from streamlit.testing.v1 import AppTest
for name in ("this_week", "campaign", "batch", "model", "monitoring", "customer"):
    page = AppTest.from_file("/opt/meli/streamlit_app/app.py", default_timeout=120)
    page.query_params.update({{"page": name, "id": "{customer}", "snapshot": "{snapshot}"}})
    page.run()
    assert page.title and not page.exception and not page.error, (name, page.exception, page.error)
print([metric.value for metric in page.metric])
"""


def free_ports(count: int) -> list[int]:
    """TCP ports of 127.0.0.1 that nothing listens on, all different."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def wait_for(what: str, ready: Callable[[], Any], seconds: float = 120, pause: float = 0.5) -> Any:
    """Return the first true result of `ready`; what it raises meanwhile counts as not ready."""
    deadline = time.monotonic() + seconds
    last: object = None
    while time.monotonic() < deadline:
        try:
            if result := ready():
                return result
            last = result
        except (OSError, psycopg.Error, AssertionError, KeyError, subprocess.SubprocessError, ValueError) as error:
            last = error
        time.sleep(pause)
    raise AssertionError(f"{what}: not within {seconds} s; last: {last!r}")


def http(url: str, *, data: Any = None, headers: dict[str, str] | None = None, timeout: float = 30) -> tuple[int, str]:
    """Status and body of a request; `data` is sent as JSON unless it is bytes."""
    body = data if data is None or isinstance(data, bytes) else json.dumps(data).encode()
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json", **(headers or {})})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")


def copy_checkout(target: Path) -> None:
    """Copy what git tracks or would, as it is now, owned by `OWNER` where this process may give it away."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True, text=True,
    )  # fmt: skip
    names = [name for name in listed.stdout.split("\0") if (ROOT / name).is_file()]
    for left_over in {path for path in target.rglob("*") if path.is_file()} - {target / name for name in names}:
        left_over.unlink()
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name)
    if os.geteuid() == 0:
        for path in [target, *target.rglob("*")]:
            os.chown(path, OWNER, OWNER)


@dataclass
class Stack:
    """One copy of the stack; `settings` are those of its `.env` that differ from the shipped ones."""

    root: Path
    project: str
    settings: dict[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, folder: Path, project: str, **settings: str) -> "Stack":
        """A copy of the checkout below `folder`, with free ports and awkward passwords."""
        root = folder / "meli stack"
        root.mkdir(parents=True, exist_ok=True)
        copy_checkout(root)
        ports = dict(zip(PORTS, map(str, free_ports(len(PORTS))), strict=True))
        stack = cls(root, project)
        stack.set(**{"COMPOSE_PROJECT_NAME": project, **ports, **PASSWORDS, **settings})
        return stack

    def set(self, **settings: str) -> None:
        """Change lines of `.env`; values are quoted so that Compose takes them as they are."""
        self.settings.update(settings)
        file = self.root / ".env"
        lines = file.read_text(encoding="utf-8").splitlines()
        for name, value in settings.items():
            line = f"{name}='{value}'"
            at = [number for number, text in enumerate(lines) if text.startswith(f"{name}=")]
            if at:
                lines[at[0]] = line
            else:
                lines.append(line)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def run(self, *command: str, check: bool = True, timeout: float = 900, stdin: str | None = None,
            **env: str) -> subprocess.CompletedProcess[str]:  # fmt: skip
        """Run a command in the copy."""
        done = subprocess.run(
            command, cwd=self.root, env={**os.environ, **env}, capture_output=True, text=True, timeout=timeout,
            input=stdin, errors="replace",
        )  # fmt: skip
        if check and done.returncode != 0:
            raise AssertionError(
                f"{' '.join(command)}: exit {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
            )
        return done

    def compose(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run `docker compose` as the README writes it."""
        return self.run(*COMPOSE, *arguments, **options)

    def up(self, *arguments: str, **options: Any) -> float:
        """Seconds that `docker compose up -d --wait` takes."""
        start = time.monotonic()
        self.compose("--progress", "quiet", "up", "-d", "--wait", *arguments, **options)
        return time.monotonic() - start

    def exec(self, service: str, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command in a service's container."""
        return self.compose("exec", "-T", service, *command, **options)

    def python(self, service: str, code: str, interpreter: str = "/opt/ml/bin/python", **options: Any) -> str:
        """Run Python code in a service's container and return what it printed."""
        return self.exec(service, interpreter, "-c", code, **options).stdout.strip()

    def jupyter_token(self) -> str:
        """The token that JupyterLab's log shows."""
        log = self.compose("logs", "--no-log-prefix", "jupyter").stdout
        return re.findall(r"^JupyterLab: \S+/lab\?token=(\w+)", log, re.MULTILINE)[-1]

    def pages(self, customer: int, snapshot: object) -> str:
        """The figures that the page of a customer shows, after every other page has been drawn."""
        code = PAGES.format(customer=customer, snapshot=snapshot)
        return self.python("streamlit", code).splitlines()[-1]

    def airflow(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run the airflow command as the README writes it."""
        return self.exec("airflow-webserver", "airflow", *arguments, **options)

    def port(self, name: str) -> int:
        """A published port."""
        return int(self.settings[f"{name.upper()}_PORT"])

    def url(self, name: str) -> str:
        """Address of a service from this machine; with the gateway on, two of them are below their path here too."""
        below = f"/{name}" if name in ("airflow", "jupyter") and self.settings.get("GATEWAY") else ""
        return f"http://127.0.0.1:{self.port(name)}{below}"

    def connect(self, user: str = "meli", password_of: str = "POSTGRES", database: str = "meli") -> psycopg.Connection:
        """Autocommit connection through the published port."""
        variable = "POSTGRES_PASSWORD" if password_of == "POSTGRES" else f"{password_of}_DB_PASSWORD"
        return psycopg.connect(
            host="127.0.0.1", port=self.port("postgres"), dbname=database, user=user,
            password=self.settings[variable], autocommit=True, connect_timeout=5,
        )  # fmt: skip

    def rows(self, query: str, database: str = "meli") -> list[tuple[Any, ...]]:
        """All rows of a query run by the administrator."""
        with self.connect(database=database) as conn:
            return conn.execute(query).fetchall()

    def container(self, service: str) -> dict[str, Any]:
        """What the engine knows of a service's container."""
        identifier = self.compose("ps", "-a", "-q", service).stdout.split()[0]
        return json.loads(self.run("docker", "inspect", identifier).stdout)[0]

    def assert_hardened(self, service: str) -> None:
        """Its container has no more rights than it needs, and limits."""
        found = self.container(service)
        host = found["HostConfig"]
        assert host["CapDrop"] == ["ALL"]
        assert not host["CapAdd"]
        assert not host["Privileged"]
        assert host["ReadonlyRootfs"]
        assert "no-new-privileges:true" in host["SecurityOpt"]
        assert host["Memory"] > 0
        assert host["PidsLimit"] > 0
        assert host["LogConfig"]["Config"]["max-size"]
        assert not any("docker.sock" in mount["Source"] for mount in found["Mounts"] if mount["Type"] == "bind")
        status = Path(f"/proc/{found['State']['Pid']}/status").read_text(encoding="utf-8")
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert fields["CapEff"].strip("0") == fields["CapBnd"].strip("0") == ""
        assert "0" not in fields["Uid"].split()
        assert fields["NoNewPrivs"] == "1"

    def assert_no_route(self, service: str, target: str) -> None:
        """The service's container cannot open `target` (service:port), by name or by any of its addresses."""
        name, port = target.split(":")
        networks = self.container(name)["NetworkSettings"]["Networks"].values()
        for host in (name, *(network["IPAddress"] for network in networks)):
            probe = f"timeout 3 bash -c 'exec 3<>/dev/tcp/{host}/{port}'"
            assert self.exec(service, "bash", "-c", probe, check=False).returncode != 0, (
                f"{service} reaches {host}:{port}"
            )

    def idle_memory(self, service: str) -> float:
        """Its memory as the engine counts it, in MiB."""
        identifier = self.container(service)["Id"]
        usage = self.run("docker", "stats", "--no-stream", "--format", "{{.MemUsage}}", identifier).stdout.split()[0]
        number, unit = float(usage.rstrip("MGKiB")), usage.lstrip("0123456789.")
        return number * {"KiB": 1 / 1024, "MiB": 1, "GiB": 1024}[unit]

    def healthy(self, service: str) -> bool:
        """Whether its container runs and, where it has a health check, passes it."""
        state = self.container(service)["State"]
        return state["Status"] == "running" and state.get("Health", {}).get("Status", "healthy") == "healthy"

    def kill(self, service: str) -> int:
        """SIGKILL the service's process from outside, as the kernel's memory killer does; its id."""
        pid = int(self.container(service)["State"]["Pid"])
        assert pid > 1, f"{service} does not run"
        os.kill(pid, signal.SIGKILL)
        return pid

    def heal_time(self, *services: str, old: dict[str, int], seconds: float = 180) -> float:
        """Seconds until each service runs with another process than `old` and is healthy."""
        start = time.monotonic()

        def back() -> bool:
            return all(
                self.healthy(name) and self.container(name)["State"]["Pid"] != old.get(name) for name in services
            )

        wait_for(f"{', '.join(services)} healthy again", back, seconds)
        return time.monotonic() - start


@dataclass
class AirflowApi:
    """Airflow's REST API as its administrator."""

    stack: Stack
    token: str = ""

    def call(self, path: str, data: Any = None) -> Any:
        """JSON answer of /api/v2/`path`, logging in when needed."""
        for _ in range(2):
            if not self.token:
                status, body = self.login(self.stack.settings["AIRFLOW_ADMIN_PASSWORD"])
                assert status == 201, f"login: {status} {body[:300]}"
                self.token = json.loads(body)["access_token"]
            status, body = http(
                f"{self.stack.url('airflow')}/api/v2/{path}", data=data,
                headers={"Authorization": f"Bearer {self.token}", "Accept": "application/json"},
            )  # fmt: skip
            if status != 401:
                break
            self.token = ""
        assert status < 300, f"{path}: {status} {body[:500]}"
        return json.loads(body)

    def login(self, password: str) -> tuple[int, str]:
        """Ask for a token as the administrator with `password`."""
        return http(f"{self.stack.url('airflow')}/auth/token", data={"username": "admin", "password": password})

    def trigger(self, dag_id: str, run_id: str, logical_date: str = "", **conf: Any) -> None:
        """Ask for a run of that day, or of a moment in 2019 that no other run has."""
        moment = datetime(2019, 1, 1, tzinfo=UTC) + timedelta(seconds=time.time() % (300 * 86400))
        moment = datetime.fromisoformat(f"{logical_date}T00:00:00Z") if logical_date else moment
        self.call(
            f"dags/{dag_id}/dagRuns",
            {"dag_run_id": run_id, "logical_date": moment.isoformat(), "conf": conf},
        )

    def run_state(self, dag_id: str, run_id: str) -> str:
        """State of a run."""
        return str(self.call(f"dags/{dag_id}/dagRuns/{quote(run_id)}")["state"])

    def wait_for_run(self, dag_id: str, run_id: str, seconds: float = 300) -> str:
        """Its final state."""
        return str(
            wait_for(
                f"{dag_id} {run_id}",
                lambda: (state := self.run_state(dag_id, run_id)) in ("success", "failed") and state,
                seconds,
                1,
            )
        )

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Its task instances."""
        return list(self.call(f"dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances")["task_instances"])

    def log(self, dag_id: str, run_id: str, task_id: str, attempt: int = 1) -> str:
        """Text of a task's log, as the UI shows it."""
        return json.dumps(self.call(f"dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances/{task_id}/logs/{attempt}"))
