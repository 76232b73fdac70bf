"""Starts and stops the local stack."""

import contextlib
import socket
import time
import urllib.request

from local import config as configuration
from local import databases, environments, postgres, supervisor
from local.config import Config
from local.console import Failure, say, step, warn
from local.environments import STATE
from local.postgres import Cluster
from local.services import ARTIFACTS, LAB_CONFIG, NO_NEWS, POSTGRES, Service, all_services

HEALTHY_S = 300


def up() -> Config:
    """Start every service that does not run as `.env` and the locks define it, and return when all of them answer."""
    settings = configuration.load()
    environments.ensure("airflow")
    for folder in (LAB_CONFIG.parent, ARTIFACTS, STATE / "tmp"):
        folder.mkdir(parents=True, exist_ok=True)
    LAB_CONFIG.write_text(NO_NEWS, encoding="utf-8")
    server = databases.cluster(settings)
    database, *needed, scheduler = services = all_services(settings, server)
    stopped = _stop_outdated(server, services)
    _check_ports(settings, [service.port_variable for service in stopped if service.port_variable])
    if database in stopped:
        databases.prepare(server)
    supervisor.configure(services)
    if database in stopped:
        with step("PostgreSQL: start"):
            supervisor.start(database.name)
            _wait_until_healthy(database, settings)
    with step("PostgreSQL: roles, tables"):
        databases.apply_init(server, settings)
    load_files(settings)
    databases.migrate_services(settings)
    for service in needed:
        supervisor.start(service.name)
    for service in needed:
        if service.health:
            with step(f"{service.name}: answers"):
                _wait_until_healthy(service, settings)
    supervisor.start(scheduler.name)
    return settings


def load_files(settings: Config, *options: str) -> bool:
    """Run `ml.load` with `options` and print what it says; False when it refused a file."""
    with step("PostgreSQL: CSV files"):
        said, problem = databases.load_files(databases.cluster(settings), settings, *options)
    for line in said:
        say(f"  {line}")
    if problem:
        warn(f"not loaded: {problem}\nCorrect the file, then: make seed")
    return not problem


def down() -> None:
    """Stop everything, PostgreSQL last."""
    server = databases.cluster(configuration.load())
    running = [name for name, (state, _) in supervisor.states().items() if state in supervisor.AT_WORK]
    clients = [name for name in running if name != POSTGRES]
    for name in clients:
        supervisor.ask_to_stop(name)
    for name in [*clients, *(name for name in running if name == POSTGRES)]:
        with step(f"stop {name}"):
            supervisor.stop(name)
    _end_all(server)


def is_current(service: Service) -> bool:
    """Whether the service runs with its current definition."""
    return supervisor.state(service.name) in supervisor.UP and supervisor.is_current(service)


def is_healthy(service: Service, settings: Config) -> bool:
    """Whether PostgreSQL accepts connections, or the health page answers 200; True for a service without one."""
    if service.name == POSTGRES:
        return databases.cluster(settings).accepts_connections
    if not (service.port_variable and service.health):
        return True
    url = f"http://127.0.0.1:{settings.ports[service.port_variable]}{service.health}"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _stop_outdated(server: Cluster, services: list[Service]) -> list[Service]:
    """Stop services with an old definition and those of a killed supervisor; return the services that do not run."""
    if not supervisor.states():
        _end_all(server)
    stopped = [service for service in services if not is_current(service)]
    if services[0] in stopped:
        stopped = services  # PostgreSQL's clients are restarted with it
    for service in reversed(stopped):
        supervisor.stop(service.name)
    return stopped


def _end_all(server: Cluster) -> None:
    supervisor.shut_down()
    server.stop()
    postgres.clear(server.data_dir)


def _check_ports(settings: Config, variables: list[str]) -> None:
    taken = [variable for variable in variables if not _is_free(settings.ports[variable], variable)]
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


def _wait_until_healthy(service: Service, settings: Config) -> None:
    deadline = time.monotonic() + HEALTHY_S
    while not is_healthy(service, settings):
        if not is_current(service) or time.monotonic() > deadline:
            tail = service.log.read_text(encoding="utf-8", errors="replace")[-3000:].strip()
            raise Failure(f"{service.name} does not answer; {service.log} ends with:\n{tail}")
        time.sleep(0.2)
