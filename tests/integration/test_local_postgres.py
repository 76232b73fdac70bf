"""The local PostgreSQL starts whatever the last stop left behind."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
from pathlib import Path

import psutil
import psycopg
import pytest

from local import unprivileged
from local.console import Failure
from local.postgres import Cluster
from tests.integration.conftest import free_port, postgres_bin_dir

PASSWORD = "p@ %:/$#'\" x"


@pytest.fixture
def stopped(tmp_path):
    """A new cluster in a folder whose name needs quoting."""
    server = Cluster(postgres_bin_dir(), tmp_path / "a dir $HOME ñ" / "data", free_port(), "owner", PASSWORD)
    server.initialise()
    yield server
    server.stop()


@pytest.fixture
def running(stopped):
    stopped.start()
    return stopped


def connect(server: Cluster) -> psycopg.Connection:
    return psycopg.connect(
        host="127.0.0.1", port=server.port, user=server.superuser, password=server.password, dbname="postgres"
    )


def test_start_and_stop(stopped):
    assert stopped.pid is None
    stopped.start()
    assert stopped.psql("postgres", "-Atc", "select 1").strip() == "1"
    stopped.stop()
    assert stopped.pid is None


def test_statements_are_not_compiled(running):
    assert running.psql("postgres", "-Atc", "show jit").strip() == "off"


def test_second_start_is_refused_and_changes_nothing(running):
    pid = running.pid
    with pytest.raises(Failure, match="already runs"):
        running.start()
    assert running.pid == pid
    assert running.psql("postgres", "-Atc", "select 1").strip() == "1"


def test_data_survive_a_kill_with_a_session_still_at_work(running):
    running.psql("postgres", "-c", "create table kept as select 1 as x")
    with connect(running) as conn:
        backend = conn.info.backend_pid
        os.kill(backend, signal.SIGSTOP)  # like a session deep in a computation, it does not notice the server's end
        os.kill(running.pid, signal.SIGKILL)
        threading.Timer(1, os.kill, (backend, signal.SIGCONT)).start()
        running.start()
    assert not psutil.pid_exists(backend) or psutil.Process(backend).status() == psutil.STATUS_ZOMBIE
    assert running.psql("postgres", "-Atc", "select x from kept").strip() == "1"


def test_process_id_that_now_belongs_to_another_process_is_no_obstacle(stopped):
    lines = [str(os.getppid()), str(stopped.data_dir), "1", str(stopped.port), "", "127.0.0.1", "1 1", "ready   "]
    (stopped.data_dir / "postmaster.pid").write_text("\n".join(lines) + "\n")
    assert stopped.pid is None
    stopped.start()
    assert stopped.pid != os.getppid()


def test_interrupted_initialisation_leaves_no_half_made_cluster(tmp_path):
    server = Cluster(postgres_bin_dir(), tmp_path / "data", free_port(), "owner", PASSWORD)
    (tmp_path / "data.new" / "base").mkdir(parents=True)
    server.initialise()
    server.start()
    assert server.psql("postgres", "-Atc", "select 1").strip() == "1"
    server.stop()


def test_superuser_changed_in_env(stopped):
    changed = Cluster(stopped.bin_dir, stopped.data_dir, stopped.port, 'new "boss"', "other'\\")
    changed.set_superuser()
    changed.start()
    assert changed.psql("postgres", "-Atc", "select current_user").strip() == 'new "boss"'


def test_taken_port_is_named_in_the_message(running, tmp_path):
    second = Cluster(running.bin_dir, tmp_path / "second", running.port, "owner", PASSWORD)
    second.initialise()
    with pytest.raises(Failure, match=f'port {running.port}|"127.0.0.1"'):
        second.start()
    assert second.pid is None


def test_environment_of_the_caller_does_not_redirect_psql(running, monkeypatch):
    monkeypatch.setenv("PGHOSTADDR", "192.0.2.1")
    monkeypatch.setenv("PGOPTIONS", "-c search_path=nowhere")
    assert running.psql("postgres", "-Atc", "show search_path").strip() != "nowhere"


@pytest.fixture
def no_namespaces(monkeypatch):
    """A machine where root may not make user namespaces."""
    monkeypatch.setattr(unprivileged, "IN_NAMESPACE", ["false"])
    unprivileged.prefix.cache_clear()
    yield
    unprivileged.prefix.cache_clear()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run the server under another id")
@pytest.mark.usefixtures("no_namespaces")
@pytest.mark.parametrize("mode", [0o755, 0o700])
def test_root_without_user_namespaces(mode):
    folder = Path(tempfile.mkdtemp(prefix="meli-nobody-"))
    folder.chmod(mode)
    server = Cluster(postgres_bin_dir(), folder / "data", free_port(), "owner", PASSWORD)
    try:
        if mode == 0o700 or not nobody_may_run(server.bin_dir / "postgres"):
            with pytest.raises(Failure, match="call make as an ordinary user, or move the checkout"):
                server.initialise()
        else:
            server.initialise()
            server.start()
            assert server.psql("postgres", "-Atc", "select 1").strip() == "1"
            assert server.data_dir.stat().st_uid == pwd.getpwnam("nobody").pw_uid
            server.stop()
    finally:
        shutil.rmtree(folder)


def nobody_may_run(program: Path) -> bool:
    """Whether the user nobody can enter the program's folder."""
    nobody = pwd.getpwnam("nobody")
    return (
        subprocess.run(["test", "-x", str(program)], user=nobody.pw_uid, group=nobody.pw_gid, cwd="/").returncode == 0
    )
