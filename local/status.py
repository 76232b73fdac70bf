"""Shows the local stack: state, process, port and memory of each service, logs, connection variables."""

import os
import shlex

from local import config as configuration
from local import databases, processes
from local.config import Config
from local.console import Failure, say
from local.services import LOGS, Service, all_services, pipeline_environment
from local.stack import is_current, is_healthy


def ps() -> None:
    """Print a table of the services."""
    settings = configuration.load()
    rows = [("SERVICE", "STATE", "PID", "PORT", "MEMORY")]
    total = 0
    server = databases.cluster(settings)
    pid = server.pid
    states = [("postgres", pid, "running" if pid else "stopped", server.port)]
    for service in all_services(settings):
        process = processes.read(service.pid_file)
        port = settings.ports[service.port_variable] if service.port_variable else None
        states.append((service.name, process.pid if process else None, _state(service, settings), port or 0))
    for name, pid, state, port in states:
        memory = sum(processes.memory_bytes(each) for each in processes.descendants(pid)) if pid else 0
        total += memory
        rows.append((name, state, str(pid or "-"), str(port or "-"), f"{memory / 1e6:,.0f} MB" if pid else "-"))
    rows.append(("", "", "", "", f"{total / 1e6:,.0f} MB"))
    for row in rows:
        say(f"{row[0]:<22} {row[1]:<12} {row[2]:>8} {row[3]:>6} {row[4]:>10}".rstrip())


def logs(service: str, *, follow: bool, lines: int) -> None:
    """Hand over to `tail` on the logs of one service, or of all."""
    server_log = databases.cluster(configuration.load()).log
    files = [server_log, *sorted(LOGS.glob("*.log"))]
    if service:
        files = [server_log if service == "postgres" else LOGS / f"{service}.log"]
    files = [file for file in files if file.exists()]
    if not files:
        raise Failure(f"no log of {service or 'any service'}; `make local-ps` lists the services")
    os.execvp("tail", ["tail", "-n", str(lines), *(["-F"] if follow else []), *map(str, files)])


def psql(arguments: list[str]) -> None:
    """Hand over to psql on the pipeline's database, as its administrator."""
    settings = configuration.load()
    server = databases.cluster(settings)
    if server.pid is None:
        raise Failure("PostgreSQL does not run; start it: make local-up")
    os.environ.update(server.client_env, PGDATABASE=settings["POSTGRES_DB"])
    os.execv(server.bin_dir / "psql", ["psql", *arguments])


def env() -> None:
    """Print `export` lines with which PostgreSQL and MLflow clients, and the `ml` commands, connect as the pipeline."""
    settings = configuration.load()
    pipeline = settings.connection("meli_pipeline", "PIPELINE_DB_PASSWORD")
    libpq = {
        "PGHOST": pipeline["POSTGRES_HOST"],
        "PGPORT": pipeline["POSTGRES_PORT"],
        "PGDATABASE": pipeline["POSTGRES_DB"],
        "PGUSER": pipeline["POSTGRES_USER"],
        "PGPASSWORD": pipeline["POSTGRES_PASSWORD"],
    }
    for name, value in sorted({**pipeline_environment(settings), **libpq}.items()):
        say(f"export {name}={shlex.quote(value)}")


def _state(service: Service, settings: Config) -> str:
    if processes.read(service.pid_file) is None:
        return "stopped"
    if not is_current(service):
        return "out of date"
    if service.health and not is_healthy(service, settings):
        return "starting"
    return "running"
