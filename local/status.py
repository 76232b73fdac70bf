"""Shows the local stack: state, process, port and memory of each service, logs, connection variables."""

import os
import shlex

from local import config as configuration
from local import databases, processes, supervisor
from local.config import Config
from local.console import Failure, say, warn
from local.environments import RUN
from local.services import LOGS, Service, all_services, pipeline_environment
from local.stack import is_healthy


def ps() -> None:
    """Print a table of the services."""
    settings = configuration.load()
    states = supervisor.states()
    rows = [("SERVICE", "STATE", "PID", "PORT", "MEMORY")]
    total = 0
    for service in all_services(settings, databases.cluster(settings)):
        state, pid = states.get(service.name, ("STOPPED", 0))
        port = settings.ports[service.port_variable] if service.port_variable else "-"
        memory = processes.memory_bytes(pid) if pid else 0
        total += memory
        shown = _state(service, settings, state)
        rows.append((service.name, shown, str(pid or "-"), str(port), f"{memory / 1e6:,.0f} MB" if pid else "-"))
    rows.append(("", "", "", "", f"{total / 1e6:,.0f} MB"))
    for row in rows:
        say(f"{row[0]:<22} {row[1]:<12} {row[2]:>8} {row[3]:>6} {row[4]:>10}".rstrip())
    if not states and processes.marked(f"{RUN}/"):
        warn("services run whose supervisor was killed; `make local-up` starts them over, `make local-down` ends them")


def logs(service: str, *options: str) -> None:
    """Replace this process by `tail` with `options` on the log of one service, or of all."""
    files = sorted(LOGS.glob(f"{service or '*'}.log"))
    if not files:
        raise Failure(f"no log of {service or 'any service'}; `make local-ps` lists the services")
    os.execvp("tail", ["tail", *options, *map(str, files)])


def env() -> None:
    """Print `export` lines with which PostgreSQL and MLflow clients, and the `ml` commands, connect as the pipeline."""
    settings = configuration.load()
    pipeline = settings.connection("meli_pipeline", "PIPELINE_DB_PASSWORD")
    names = {"HOST": "HOST", "PORT": "PORT", "DATABASE": "DB", "USER": "USER", "PASSWORD": "PASSWORD"}
    libpq = {f"PG{ours}": pipeline[f"POSTGRES_{theirs}"] for ours, theirs in names.items()}
    for name, value in sorted({**pipeline_environment(settings), **libpq}.items()):
        say(f"export {name}={shlex.quote(value)}")


def _state(service: Service, settings: Config, state: str) -> str:
    if state in ("STOPPED", "EXITED", "FATAL", "UNKNOWN"):
        return "stopped"
    if not service.is_current:
        return "out of date"
    return "running" if state in supervisor.UP and is_healthy(service, settings) else "starting"
