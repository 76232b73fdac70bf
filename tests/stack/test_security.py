"""What lets no one in, and what a container can do that it should not."""

import json
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.stack.harness import PASSWORDS, SERVICES, Stack, http, wait_for

Tried = Callable[[str, str], None]
DIRECT = ("postgres", "airflow", "mlflow", "minio", "minio_console", "jupyter", "streamlit")
REFUSED = psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction
ROLES = {"meli_reader": "READER", "meli_notebook": "NOTEBOOK", "meli_pipeline": "PIPELINE", "meli_campaign": "CAMPAIGN"}


@pytest.mark.parametrize(
    "user", ["meli", "meli_pipeline", "meli_reader", "meli_notebook", "meli_campaign", "meli_airflow", "meli_mlflow"]
)
def test_postgres_takes_no_wrong_password(stack: Stack, user: str, tried: Tried) -> None:
    for password in ("wrong", "", user):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(
                host="127.0.0.1", port=stack.port("postgres"), dbname="meli", user=user, password=password
            ).close()
    tried(f"PostgreSQL as {user}: wrong, empty, guessed password", "refused")


@pytest.mark.parametrize("role", ["meli_reader", "meli_notebook"])
@pytest.mark.parametrize(
    "statement",
    [
        "delete from raw.payments", "insert into raw.evaluate values (1, 1)", "update ops.churn_scoring set score = 0",
        "truncate features.churn_weekly_features", "drop table raw.payments", "create table public.x (a int)",
        "create table ops.x (a int)", "copy raw.payments to program 'id'", "select pg_read_file('/etc/passwd')",
        "alter role meli_reader superuser", "create role intruder",
    ],
)  # fmt: skip
def test_reading_role_writes_nothing(stack: Stack, role: str, statement: str, tried: Tried) -> None:
    with stack.connect(role, ROLES[role]) as conn:
        conn.execute("set default_transaction_read_only = off")
        with pytest.raises(REFUSED):
            conn.execute(statement)
    tried(f"{role}: {statement}", "refused")


def test_notebook_role_has_its_sandbox(stack: Stack) -> None:
    with stack.connect("meli_notebook", "NOTEBOOK") as conn:
        conn.execute("create table sandbox.mine as select count(*) from raw.payments")
        conn.execute("drop table sandbox.mine")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("database", ["airflow", "mlflow", "postgres"])
def test_role_enters_no_other_database(stack: Stack, role: str, database: str, tried: Tried) -> None:
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        stack.connect(role, ROLES[role], database).close()
    tried(f"{role} into database {database}", "refused")


@pytest.mark.parametrize("path", ["/", "/mlflow-artifacts", "/mlflow-artifacts/?list-type=2", "/minio/admin/v3/info"])
def test_minio_shows_nothing_to_anyone(stack: Stack, path: str, tried: Tried) -> None:
    status = http(stack.url("minio") + path)[0]
    assert status == 403
    tried(f"MinIO without a login: GET {path}", str(status))


def test_minio_takes_no_wrong_password(stack: Stack, tried: Tried) -> None:
    url = f"{stack.url('minio_console')}/api/v1/login"
    wrong, right = (
        http(url, data={"accessKey": "minioadmin", "secretKey": secret})[0]
        for secret in ("minioadmin", stack.settings["MINIO_ROOT_PASSWORD"])
    )
    assert (wrong, right) == (401, 204)
    tried("MinIO console with the demo password", "401")


def test_jupyter_needs_its_token(stack: Stack, tried: Tried) -> None:
    assert http(f"{stack.url('jupyter')}/api/contents")[0] == 403
    token = stack.jupyter_token()
    assert http(f"{stack.url('jupyter')}/api/contents?token={token}")[0] == 200
    assert http(f"{stack.url('jupyter')}/api/contents?token=wrong")[0] == 403
    tried("Jupyter without a token, with a wrong one", "403")


def test_notebook_sees_no_other_service_s_password(stack: Stack, tried: Tried) -> None:
    own = stack.settings["NOTEBOOK_DB_PASSWORD"]
    others = [value for name, value in stack.settings.items() if name.endswith("PASSWORD") and value != own]
    (stack.root / "backups" / "probe").write_text(others[0], encoding="utf-8")
    search = (
        "import os, pathlib, stat, sys\n"
        "files = [pathlib.Path(f, n) for t in sys.argv[1].split() for f, _, names in os.walk(t) for n in names]\n"
        "files += [pathlib.Path('/proc/1/environ')]\n"
        "hits = []\n"
        "for file in files:\n"
        "  try: content = file.read_bytes() if stat.S_ISREG(file.lstat().st_mode) else b''\n"
        "  except OSError: continue\n"
        "  hits += [str(file) for needle in sys.argv[2:] if needle.encode() in content]\n"
        "hits = [hit for hit in hits if 'tests/stack' not in hit]\n"
        "print(hits, os.environ.keys() & {'AWS_SECRET_ACCESS_KEY'})"
    )
    folders = "/home /etc /opt/meli /tmp /run /var"
    found = stack.exec("jupyter", "timeout", "200", "python", "-c", search, folders, *others).stdout.strip()
    (stack.root / "backups" / "probe").unlink()
    assert found == "[] set()"
    tried("notebook searching its files and environment for other services' passwords", "nothing found")


def test_notebook_may_write_into_the_repository(stack: Stack) -> None:
    stack.exec("jupyter", "sh", "-c", "touch notebooks/probe && rm notebooks/probe")


NO_ROUTE = {
    "jupyter": ("minio:9000", "airflow-webserver:8080", "streamlit:8501"),
    "streamlit": ("minio:9000", "airflow-webserver:8080", "jupyter:8888"),
    "airflow-scheduler": ("minio:9000", "jupyter:8888"),
    "minio": ("postgres:5432", "airflow-webserver:8080"),
}


@pytest.mark.parametrize(("service", "targets"), NO_ROUTE.items())
def test_service_reaches_only_what_it_needs(stack: Stack, service: str, targets: tuple[str, ...], tried: Tried) -> None:
    for target in targets:
        stack.assert_no_route(service, target)
        tried(f"{service} to {target}, by name and by address", "no way")


@pytest.mark.parametrize("service", SERVICES)
def test_container_has_no_more_rights_than_it_needs(stack: Stack, service: str) -> None:
    stack.assert_hardened(service)


def listening(pid: str = "self") -> set[str]:
    """Addresses and ports of IPv4 and IPv6 that something listens on, in a process's network namespace."""
    found = set()
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{name}").read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                found.add(fields[1])
    return found


def test_everything_published_but_the_gateway_is_bound_to_loopback_alone(stack: Stack, tried: Tried) -> None:
    loopback = {"0100007F", "0" * 24 + "01000000"}
    for name in DIRECT:
        bound = {at.split(":")[0] for at in listening() if int(at.split(":")[1], 16) == stack.port(name)}
        assert bound, f"nothing listens on {name}'s port"
        assert bound <= loopback, f"{name} listens on {bound}"
        tried(f"sockets of {name}'s port", "127.0.0.1 alone")


def test_nothing_answers_another_machine(stack: Stack, outside: tuple[str, str], tried: Tried) -> None:
    namespace, address = outside
    prefix = ["ip", "netns", "exec", namespace]

    def answers(port: int) -> bool:
        probe = f"exec 3<>/dev/tcp/{address}/{port}"
        return subprocess.run([*prefix, "timeout", "3", "bash", "-c", probe], capture_output=True).returncode == 0

    with socket.create_server(("0.0.0.0", 0)) as open_to_all:  # the way there works: this is how it would look
        wait_for("the cable", lambda: answers(open_to_all.getsockname()[1]), 10)
    for name in (*DIRECT, "gateway"):
        assert not answers(stack.port(name)), f"{name} answers {address}"
    tried(
        "every published port from another network namespace, at another address than BIND_ADDRESS",
        "no answer, where a listener on 0.0.0.0 has one",
    )


@pytest.mark.parametrize("service", ["streamlit", "gateway", "postgres"])
def test_demo_passwords_start_nothing_on_another_address(
    stack: Stack, service: str, tmp_path: Path, tried: Tried
) -> None:
    tmp_path.chmod(0o755)
    door = {"BIND_ADDRESS": "0.0.0.0", "GATEWAY": "1"}
    other = Stack.make(tmp_path, f"meli-open-{service}", **door, READER_DB_PASSWORD="reader")
    try:
        refused = other.compose("up", "-d", service, check=False)
        assert refused.returncode != 0
        reason = other.compose("logs", "--no-log-prefix", "guard").stderr
        reason += other.compose("logs", "--no-log-prefix", "guard").stdout
        assert "make secrets" in reason
        assert "READER_DB_PASSWORD" in reason
        assert other.compose("ps", "--status", "running", "-q").stdout == ""
    finally:
        other.compose("down", "--volumes", "--rmi", "local", check=False)
    tried(f"BIND_ADDRESS=0.0.0.0 with a demo password, up -d {service}", "refused, names make secrets")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"BIND_ADDRESS": "0.0.0.0", "GATEWAY": ""}, "the gateway is off"),
        ({"BIND_ADDRESS": "0.0.0.0", "GATEWAY_VIEWER_PASSWORD": "viewer"}, "12 characters: GATEWAY_VIEWER_PASSWORD."),
        ({"GATEWAY_OPERATOR_PASSWORD": ""}, "needs GATEWAY_VIEWER_PASSWORD and GATEWAY_OPERATOR_PASSWORD"),
        ({"GATEWAY_VIEWER_PASSWORD": PASSWORDS["GATEWAY_OPERATOR_PASSWORD"]}, "are the same"),
        ({"AIRFLOW_ADMIN_USER": "viewer"}, "Choose another"),
        ({"STACK": "seed"}, "has known vulnerabilities"),
        ({"GATEWAY_OPERATOR_PASSWORD": "x" * 73}, "longer than 72"),
        ({"GATEWAY_HOST": "https://team"}, "without https:// and port"),
        ({"GATEWAY": "yes"}, "say 1, or leave it empty"),
        ({"ENGINE": "spark", "GATEWAY": "", "STACK": "seed"}, "needs the current versions"),
        ({"ENGINE": "spark", "SPARK_EXECUTOR_MEMORY": "3g"}, "more than three fifths of SPARK_WORKER_MEMORY=4g"),
        ({"ENGINE": "spark", "SPARK_WORKER_MEMORY": "plenty"}, "say sizes"),
        ({"ENGINE": "spark", "BIND_ADDRESS": "0.0.0.0", "SPARK_PASSWORD": "spark"}, "12 characters: SPARK_PASSWORD."),
    ],
)
def test_guard_refuses_unsafe_settings(stack: Stack, settings: dict[str, str], words: str, tried: Tried) -> None:
    variables = [part for name, value in settings.items() for part in ("-e", f"{name}={value}")]
    refused = stack.compose("run", "--rm", *variables, "guard", check=False)
    assert refused.returncode != 0
    assert words in refused.stderr
    tried(f"guard, {', '.join(settings)}", f"refused: {words}")


def test_make_secrets_replaces_demo_values_alone(stack: Stack, tmp_path: Path) -> None:
    other = Stack.make(tmp_path, "meli-secrets", READER_DB_PASSWORD="reader")
    before = (other.root / ".env").read_text(encoding="utf-8")
    other.run("sh", "docker/secrets.sh", ".env")
    after = (other.root / ".env").read_text(encoding="utf-8")
    changed = [old for old, new in zip(before.splitlines(), after.splitlines(), strict=True) if old != new]
    assert changed == ["READER_DB_PASSWORD='reader'"]


def test_no_password_is_in_an_image_or_a_process_list(stack: Stack, tried: Tried) -> None:
    secrets = [value for name, value in stack.settings.items() if name.endswith("PASSWORD")]
    for service in SERVICES:
        found = stack.container(service)
        history = stack.run("docker", "history", "--no-trunc", "--format", "{{.CreatedBy}}", found["Image"]).stdout
        image = json.dumps(json.loads(stack.run("docker", "image", "inspect", found["Image"]).stdout))
        processes = stack.run("docker", "top", found["Id"]).stdout
        assert not [secret for secret in secrets for text in (history, image, processes) if secret in text]
    tried("passwords in images, histories and process lists", "none")
