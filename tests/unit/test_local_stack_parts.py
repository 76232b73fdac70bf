"""Parts of the local stack that need no service: ports, turns, what services are told, environments."""

import os
import pwd
import queue
import re
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from local import config, environments, serve, services, stack, unprivileged
from local.console import Failure
from local.postgres import Cluster

ROOT = Path(__file__).resolve().parents[2]
USER = pwd.getpwuid(os.getuid()).pw_name
TYPED = """it's  "half" $HOME $(shell false) `id`; a & b, c #d %e ñ \\n"""


@pytest.fixture
def server(tmp_path):
    """A PostgreSQL that is not there."""
    return Cluster(tmp_path / "bin", tmp_path / "data", 5432, "meli", "owner-secret")


@pytest.fixture
def settings(tmp_path):
    """The repository's settings, their ports on numbers of the system's choice."""
    (tmp_path / ".env").write_text((ROOT / ".env").read_text())
    return config.load(tmp_path, tmp_path / "state")


def test_taken_port_is_named_with_a_free_one(settings):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings.ports["MLFLOW_PORT"] = taken.getsockname()[1]
        with pytest.raises(Failure) as refused:
            stack._check_ports(settings, ["MLFLOW_PORT"])
    assert f"port {settings.ports['MLFLOW_PORT']} is taken" in str(refused.value)
    suggested = int(re.search(r"MLFLOW_PORT=(\d+)", str(refused.value))[1])
    assert suggested > settings.ports["MLFLOW_PORT"]


def test_port_of_a_listener_on_all_addresses_is_taken():
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        assert not stack._is_free(taken.getsockname()[1])


def test_second_command_waits_and_names_the_first(monkeypatch, tmp_path):
    said = queue.Queue()
    monkeypatch.setattr(environments, "STATE", tmp_path)
    monkeypatch.setattr(environments, "say", said.put)
    order = []

    def second() -> None:
        with environments.one_at_a_time():
            order.append("second")

    with environments.one_at_a_time():
        thread = threading.Thread(target=second)
        thread.start()
        assert f"process {os.getpid()}" in said.get(timeout=60)
        order.append("first")
    thread.join(60)
    assert order == ["first", "second"]


def test_services_get_their_own_role_and_no_other_password(settings, server):
    secrets = {
        "POSTGRES_PASSWORD": "owner-secret",
        "READER_DB_PASSWORD": "reader-secret",
        "CAMPAIGN_DB_PASSWORD": "campaign-secret",
    }
    settings.values.update(secrets)
    by_name = {service.name: service.variables for service in services.all_services(settings, server)}
    assert by_name["streamlit"]["POSTGRES_USER"] == "meli_reader"
    assert by_name["streamlit"]["POSTGRES_PASSWORD"] == "reader-secret"
    assert by_name["jupyter"]["POSTGRES_USER"] == "meli_notebook"
    assert not [name for name, variables in by_name.items() if "owner-secret" in str(variables)]
    assert [name for name, variables in by_name.items() if "campaign-secret" in str(variables)] == ["streamlit"]


def test_only_airflow_knows_where_alerts_go(settings, server):
    settings.values["ALERT_WEBHOOK_URL"] = "https://hooks.example/secret"
    told = {each.name for each in services.all_services(settings, server) if "hooks.example" in str(each.variables)}
    assert told == {"airflow-webserver", "airflow-dag-processor", "airflow-scheduler"}


def test_no_secret_on_a_command_line(settings, server):
    for service in services.all_services(settings, server):
        for secret in (*settings.generated.values(), settings.values["MLFLOW_DB_PASSWORD"] + "@"):
            assert secret not in " ".join(service.command)


def test_definition_follows_the_settings_and_not_the_caller(settings, server, monkeypatch):
    before = [service.definition for service in services.all_services(settings, server)]
    monkeypatch.setenv("SHLVL", "99")
    assert [service.definition for service in services.all_services(settings, server)] == before
    settings.ports["MLFLOW_PORT"] += 1
    assert services.all_services(settings, server)[1].definition != before[1]


def test_services_do_not_inherit_settings_of_the_callers_shell(monkeypatch):
    for variable in ("PGHOST", "AIRFLOW__CORE__EXECUTOR", "MLFLOW_TRACKING_URI", "PYTHONPATH", "VIRTUAL_ENV"):
        monkeypatch.setenv(variable, "elsewhere")
    assert "elsewhere" not in services.base_environment().values()


@pytest.mark.parametrize(("length", "is_set"), [(20, True), (200, False)])
def test_temporary_folder_is_in_the_checkout_unless_sockets_would_not_fit(monkeypatch, length, is_set):
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(services, "STATE", Path("/" + "x" * length))
    assert ("TMPDIR" in services.base_environment()) is is_set


def test_environment_that_fits_its_lock_is_left_alone(monkeypatch, tmp_path):
    lock = tmp_path / "requirements.txt"
    lock.write_text("")
    monkeypatch.setattr(environments, "VENVS", tmp_path / "venv")
    monkeypatch.setitem(environments.LOCKS, "ml", lock)
    called = []

    def uv(*arguments: str) -> None:
        called.append(arguments[0])
        if arguments[0] == "venv":
            shutil.rmtree(tmp_path / "venv", ignore_errors=True)
            environments.python_of("ml").parent.mkdir(parents=True)
            environments.python_of("ml").symlink_to(sys.executable)

    monkeypatch.setattr(environments, "uv", uv)
    environments.ensure("ml")
    environments.ensure("ml")
    assert called == ["venv", "pip"]
    lock.write_text("# changed")
    environments.ensure("ml")
    assert called == ["venv", "pip"] * 2


def test_locks_name_no_index_and_hash_everything():
    for lock in (*environments.LOCKS.values(), ROOT / "local" / "uv.txt", ROOT / "ml" / "requirements.txt"):
        text = lock.read_text()
        assert "://" not in text, lock
        assert len(re.findall(r"^[a-z0-9].*==", text, re.M | re.I)) <= text.count("--hash="), lock


def test_root_runs_the_server_under_another_id():
    command = [*unprivileged.prefix(), "id", "-u"]
    assert subprocess.run(command, capture_output=True, text=True).stdout.strip() not in ("", "0")


def test_help_lists_every_target():
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True).stdout
    for makefile in (ROOT / "Makefile", ROOT / "docker" / "compose.mk"):
        targets = re.findall(r"^([a-z-]+):(?!=)", makefile.read_text(), re.M)
        missing = [target for target in targets if f"  {target} " not in listed and target != "compose-seed"]
        assert missing == []


@pytest.mark.parametrize("password", ["p@ %:/$# x", "it's %(here)s \"; quoted", "%d%%"])
def test_password_reaches_its_service_as_it_is_and_no_other_user(settings, server, monkeypatch, tmp_path, password):
    settings.values["READER_DB_PASSWORD"] = password
    for module in (services, serve):
        monkeypatch.setattr(module, "RUN", tmp_path / "run")
    streamlit = next(each for each in services.all_services(settings, server) if each.name == "streamlit")
    config.write_private(streamlit.file, streamlit.definition)
    handed = []
    monkeypatch.setattr(os, "execvpe", lambda _, command, env: handed.append(env))
    serve.main("streamlit")
    assert handed[0]["POSTGRES_PASSWORD"] == password
    assert streamlit.file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (
            ["rollback", f"WHY={TYPED}", f"WHO={TYPED}"],
            ["airflow-scheduler", "ml.promote", "--rollback", "--why", TYPED, "--who", TYPED],
        ),
        (["promote", f"VERSION={TYPED}", "WHY=x"], ["--force", "--version", TYPED, "--why", "x", "--who"]),
        (["hold", "WHY=x"], ["--hold", "--why", "x", "--who", USER]),
        (["unhold"], ["--unhold", "--why", "", "--who", USER]),
        (["psql", "ARGS=-c 'select 1, 2'"], ["postgres", "psql", "-c", "select 1, 2"]),
        (["airflow", "ARGS=dags list"], ["airflow-webserver", "airflow", "dags", "list"]),
    ],
)
def test_command_goes_to_the_containers_where_they_run_alone(tmp_path, command, words):
    for folder in ("local", "docker", "tests/browser"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Makefile", tmp_path)
    docker = tmp_path / "bin" / "docker"  # says what it is told
    docker.parent.mkdir()
    docker.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    docker.chmod(0o755)
    env = {**os.environ, "PATH": f"{docker.parent}:{os.environ['PATH']}"}
    made = subprocess.run(["make", "-s", *command], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    said = made.stdout.split("\nexec\n")[1]
    assert all(word in said for word in words), said
