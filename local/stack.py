"""Starts and stops the local stack."""

import socket
import urllib.request

from local import config, databases, environments, postgres, spark, supervisor
from local.config import Config
from local.console import Failure, step, wait_until
from local.environments import STATE
from local.postgres import Cluster
from local.services import ARTIFACTS, LAB_CONFIG, LOGS, NO_NEWS, POSTGRES, Service, all_services

HEALTHY_S = 300


def up() -> Config:
    """Start every service that does not run as `.env` and the locks define it, and return when all of them answer."""
    settings = config.load()
    spark.require(settings)
    environments.ensure("airflow")
    for folder in (LAB_CONFIG.parent, ARTIFACTS, STATE / "tmp"):
        folder.mkdir(parents=True, exist_ok=True)
    LAB_CONFIG.write_text(NO_NEWS, encoding="utf-8")
    server = databases.cluster(settings)
    database, *needed, scheduler = services = all_services(settings, server)
    if not supervisor.states():
        _end_all(server)
        supervisor.start_daemon(services)
    outdated = [service for service in services if not supervisor.is_current(service)]
    if database in outdated:
        outdated = services  # PostgreSQL's clients are restarted with it
    for service in reversed(outdated):
        supervisor.stop(service.name)
    _check_ports(settings, [service.port_variable for service in outdated if service.port_variable])
    if database in outdated:
        databases.prepare(server)
        with step("PostgreSQL: start"):
            supervisor.start(database)
            _wait_until_healthy(database, settings)
    with step("PostgreSQL: roles, tables"):
        databases.apply_init(server, settings)
    databases.load_files(settings)
    databases.migrate_services(settings)
    for service in needed:
        supervisor.start(service)
    for service in needed:
        if service.health:
            with step(f"{service.name}: answers"):
                _wait_until_healthy(service, settings)
    supervisor.start(scheduler)
    return settings


def down() -> None:
    """Stop everything, PostgreSQL last."""
    server = databases.cluster(config.load())
    running = [name for name, (_, pid) in supervisor.states().items() if pid]
    for name in running:
        if name != POSTGRES:
            supervisor.ask_to_stop(name)
    for name in sorted(running, key=lambda name: name == POSTGRES):
        with step(f"stop {name}"):
            supervisor.stop(name)
    _end_all(server)


def is_healthy(service: Service, settings: Config) -> bool:
    """Whether PostgreSQL accepts connections, or the health page answers 200; True for a service without one."""
    if service.name == POSTGRES:
        return databases.cluster(settings).accepts_connections
    if not service.health:
        return True
    url = settings.url(service.port_variable) + service.health
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _end_all(server: Cluster) -> None:
    supervisor.shut_down()
    server.stop()
    postgres.clear(server.data_dir)


def _check_ports(settings: Config, variables: list[str]) -> None:
    taken = []
    for variable in variables:
        port, used = settings.ports[variable], settings.ports.values()
        if not _is_free(port):
            other = next(free for free in range(port + 1, 65536) if free not in used and _is_free(free))
            taken.append(
                f"port {port} is taken by another program; give {variable} another one in .env, "
                f"for example {variable}={other}"
            )
    if taken:
        raise Failure("\n".join(taken))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _wait_until_healthy(service: Service, settings: Config) -> None:
    wait_until(lambda: is_healthy(service, settings) or not supervisor.is_current(service), HEALTHY_S)
    if not is_healthy(service, settings):
        log = LOGS / f"{service.name}.log"
        tail = log.read_text(encoding="utf-8", errors="replace")[-3000:].strip()
        raise Failure(f"{service.name} does not answer; {log} ends with:\n{tail}")
