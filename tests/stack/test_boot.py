"""The stack starts, says so, starts again in seconds, and keeps to its limits."""

import json
import subprocess
import time
from collections.abc import Callable

import pytest

from tests.stack.harness import SERVICES, Stack, http

Tried = Callable[[str, str], None]


def test_every_service_is_healthy_and_jobs_ended_well(stack: Stack) -> None:
    assert [name for name in SERVICES if not stack.healthy(name)] == []
    for job in ("guard", "db-init", "minio-create-bucket", "airflow-init"):
        assert stack.container(job)["State"]["ExitCode"] == 0


def test_a_second_start_takes_seconds_and_replaces_nothing(stack: Stack, tried: Tried) -> None:
    before = {name: stack.container(name)["Id"] for name in SERVICES}
    start = time.monotonic()
    printed = stack.run("make", "up").stdout
    tried("make up again", f"{time.monotonic() - start:.0f} s")
    assert {name: stack.container(name)["Id"] for name in SERVICES} == before
    assert f"http://localhost:{stack.port('airflow')}" in printed
    assert f"https://{stack.settings['GATEWAY_HOST']}:{stack.port('gateway')}" in printed
    assert "/lab?token=" in printed


def test_airflow_init_may_run_again_alone(stack: Stack) -> None:
    stack.run("make", "airflow-init")
    assert stack.rows("select username from ab_user order by username", "airflow") == [("admin",), ("viewer",)]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("airflow", "/api/v2/monitor/health"), ("mlflow", "/"), ("minio", "/minio/health/live"),
        ("minio_console", "/"), ("jupyter", "/api"), ("streamlit", "/_stcore/health"),
    ],
)  # fmt: skip
def test_published_port_answers_as_set_in_env(stack: Stack, name: str, path: str) -> None:
    assert http(stack.url(name) + path)[0] == 200


def test_dag_processor_and_scheduler_report_healthy(stack: Stack) -> None:
    report = json.loads(http(f"{stack.url('airflow')}/api/v2/monitor/health")[1])
    assert report["scheduler"]["status"] == report["dag_processor"]["status"] == "healthy"


def test_idle_memory(stack: Stack, tried: Tried) -> None:
    total = 0.0
    for name in SERVICES:
        megabytes = stack.idle_memory(name)
        tried(f"idle memory of {name}", f"{megabytes:.0f} MiB")
        total += megabytes
    tried("idle memory of the whole stack", f"{total:.0f} MiB")
    assert total < 2560


def test_statements_are_not_compiled(stack: Stack) -> None:
    assert stack.rows("show jit") == [("off",)]


def test_image_sizes(stack: Stack, tried: Tried) -> None:
    for service in ("airflow-webserver", "mlflow", "minio", "jupyter", "streamlit", "postgres", "gateway"):
        size = int(stack.run("docker", "image", "inspect", "-f", "{{.Size}}", stack.container(service)["Image"]).stdout)
        tried(f"image of {service}", f"{size / 1e6:.0f} MB")


def test_no_package_is_installed_at_start(stack: Stack) -> None:
    for name in SERVICES:
        log = stack.compose("logs", "--no-log-prefix", name).stdout
        assert "Collecting " not in log
        assert "Successfully installed" not in log


def test_mlflow_client_and_server_are_of_one_version(stack: Stack) -> None:
    served = http(f"{stack.url('mlflow')}/version")[1]
    for service in ("airflow-webserver", "jupyter", "streamlit"):
        assert stack.python(service, "import mlflow; print(mlflow.__version__)") == served


def test_ports_in_use_are_named_before_anything_starts(stack: Stack, tmp_path: pytest.TempPathFactory) -> None:
    other = Stack.make(tmp_path, "meli-ports", MLFLOW_PORT=stack.settings["MLFLOW_PORT"])  # type: ignore[arg-type]
    refused = other.run("make", "up", check=False)
    assert refused.returncode != 0
    assert f"MLFLOW_PORT={stack.port('mlflow')}" in refused.stderr
    leftover = subprocess.run(["docker", "ps", "-aq", "-f", "name=meli-ports"], capture_output=True, text=True)
    assert leftover.stdout == ""
