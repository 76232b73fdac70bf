"""Pid files of the local stack tell a service from whatever has its process id now."""

import json
import os
import signal
import subprocess
import sys

import pytest

from local import processes

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
PARENT = [
    sys.executable,
    "-c",
    "import subprocess, sys, time\n"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)\n"
    "time.sleep(600)",
]


@pytest.fixture
def service(tmp_path):
    """Start a command as a service, and end all of it."""
    pid_file = tmp_path / "run" / "service.json"

    def start(command: list[str]) -> processes.Process:
        return processes.start(
            pid_file, command, env=os.environ, cwd=tmp_path, log=tmp_path / "log" / "service.log", definition="d"
        )

    start.pid_file = pid_file
    yield start
    processes.stop(pid_file)


def wait_until(condition, seconds: float = 10):
    """Poll until the condition holds."""
    import time

    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        os.sched_yield()


def test_started_service_is_found_and_stopped(service):
    started = service(SLEEPER)
    assert processes.read(service.pid_file) == started
    processes.stop(service.pid_file)
    assert processes.read(service.pid_file) is None
    assert not started.alive


def test_process_id_given_to_another_process_is_not_the_service(service):
    started = service(SLEEPER)
    record = json.loads(service.pid_file.read_text())
    service.pid_file.write_text(json.dumps({**record, "born": "another boot 1"}))
    assert processes.read(service.pid_file) is None
    wait_until(lambda: list(processes.marked(str(service.pid_file))))  # a process has no environment as it begins
    processes.end_remains(service.pid_file)  # the mark finds it all the same
    assert not started.alive


def test_other_process_under_the_recorded_id_is_left_alone(service):
    other = subprocess.Popen(SLEEPER)
    try:
        service.pid_file.parent.mkdir()
        record = {"pid": other.pid, "born": "another boot 1", "definition": "d"}
        service.pid_file.write_text(json.dumps(record))
        processes.stop(service.pid_file)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}'])
def test_damaged_pid_file_means_stopped(tmp_path, text):
    (tmp_path / "service.json").write_text(text)
    assert processes.read(tmp_path / "service.json") is None


def test_remains_of_a_killed_service_in_their_own_session_are_ended(service):
    started = service(PARENT)
    wait_until(lambda: len(processes.descendants(started.pid)) == 2)
    child = processes.descendants(started.pid)[1]
    wait_until(lambda: child in processes.marked(str(service.pid_file)))
    os.kill(started.pid, signal.SIGKILL)
    os.waitpid(started.pid, 0)
    assert processes.birth(child)
    processes.end_remains(service.pid_file)
    assert processes.birth(child) is None


def test_unreaped_process_counts_as_ended():
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert processes.birth(child.pid) is None
    child.wait()


def test_long_log_is_set_aside(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "LOG_LIMIT", 3)
    (tmp_path / "a.log").write_text("long")
    processes.set_aside(tmp_path / "a.log")
    assert (tmp_path / "a.log.1").read_text() == "long"
