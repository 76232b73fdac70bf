"""Starts, stops and shows the local stack."""

import contextlib
import fcntl
import os
import shutil
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

from local import config as configuration
from local import databases, environments, processes
from local.config import Config
from local.console import Failure, say, step, warn
from local.environments import ROOT, STATE
from local.services import ARTIFACTS, LAB_CONFIG, LOGS, NO_NEWS, RUN, Service, all_services, base_environment

HEALTHY_S = 300


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let one command change this checkout's stack; a second one says whom it waits for."""
    STATE.mkdir(exist_ok=True)
    with (STATE / "lock").open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            say(f"Another make (process {lock.read().strip()}) is at work in this checkout; waiting for it to end.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def up() -> Config:
    """Start whatever does not run as `.env` and the locks say, and return when all of it answers."""
    settings = configuration.load()
    environments.ensure("airflow", "ml")
    for folder in (LAB_CONFIG.parent, LOGS, RUN, ARTIFACTS, STATE / "tmp"):
        folder.mkdir(parents=True, exist_ok=True)
    LAB_CONFIG.write_text(NO_NEWS, encoding="utf-8")
    server = databases.cluster(settings)
    services = all_services(settings)
    all_anew = databases.must_restart(server)
    outdated = [service for service in services if all_anew or not is_current(service)]
    for service in reversed(outdated):
        processes.stop(service.pid_file)
    if all_anew:
        server.stop()
    _check_ports(settings, [] if server.pid else ["POSTGRES_PORT"], outdated)
    databases.start(server)
    with step("PostgreSQL: roles, tables"):
        databases.apply_init(server, settings)
    load_files(settings)
    databases.migrate_services(settings)
    *needed, scheduler = services
    _start([service for service in outdated if service in needed])
    for service in needed:
        if service.health:
            with step(f"{service.name}: answers"):
                _wait_until_healthy(service, settings)
    _start([service for service in outdated if service == scheduler])
    return settings


def load_files(settings: Config, *options: str) -> bool:
    """Load the CSV files that changed, or as the `options` of ml.load say; print what it says; False if it failed."""
    with step("PostgreSQL: CSV files"):
        said, problem = databases.load_files(databases.cluster(settings), settings, *options)
    for line in said:
        say(f"  {line}")
    if problem:
        warn(f"not loaded: {problem}\nCorrect the file, then: make seed")
    return not problem


def down() -> None:
    """Stop everything, PostgreSQL last."""
    settings = configuration.load()
    services = all_services(settings)
    for service in services:
        processes.ask_to_stop(service.pid_file)
    for service in reversed(services):
        if processes.read(service.pid_file):
            with step(f"stop {service.name}"):
                processes.stop(service.pid_file)
        processes.stop(service.pid_file)
    server = databases.cluster(settings)
    if server.pid:
        with step("stop postgres"):
            server.stop()


def clean() -> None:
    """Stop everything and delete `.local`: databases, models, logs, Python environments. The CSV files stay."""
    if STATE.exists():
        if (environments.VENVS / "ml").exists():
            down()
        with step(f"delete {STATE}"):
            shutil.rmtree(STATE)


def is_current(service: Service) -> bool:
    """Whether the service runs, and as it is defined now."""
    process = processes.read(service.pid_file)
    return process is not None and process.definition == service.definition


def _check_ports(settings: Config, variables: list[str], starting: list[Service]) -> None:
    wanted = variables + [service.port_variable for service in starting if service.port_variable]
    taken = [variable for variable in wanted if not _is_free(settings.ports[variable], variable)]
    if taken:
        raise Failure(
            "\n".join(
                f"port {settings.ports[variable]} is taken by another program; give {variable} another one in .env, "
                f"for example {variable}={_next_free(settings, variable)}"
                for variable in taken
            )
        )


def _is_free(port: int, variable: str) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError as error:
            raise Failure(f"{variable}={port} in .env: only root may listen there; choose one above 1024") from error
        except OSError:
            return False
    return True


def _next_free(settings: Config, variable: str) -> int:
    used = set(settings.ports.values())
    start = settings.ports[variable] + 1
    return next(p for p in range(max(start, 1024), 65536) if p not in used and _is_free(p, variable))


def _start(services: list[Service]) -> None:
    for service in services:
        processes.end_remains(service.pid_file)
        processes.start(
            service.pid_file,
            service.command,
            env={**base_environment(), **service.variables},
            cwd=ROOT,
            log=service.log,
            definition=service.definition,
        )


def _wait_until_healthy(service: Service, settings: Config) -> None:
    deadline = time.monotonic() + HEALTHY_S
    while not is_healthy(service, settings):
        if processes.read(service.pid_file) is None or time.monotonic() > deadline:
            tail = service.log.read_text(encoding="utf-8", errors="replace")[-3000:].strip()
            raise Failure(f"{service.name} does not answer; {service.log} ends with:\n{tail}")
        time.sleep(0.2)


def is_healthy(service: Service, settings: Config) -> bool:
    """Whether the service's health page answers 200."""
    assert service.port_variable
    url = f"http://127.0.0.1:{settings.ports[service.port_variable]}{service.health}"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
