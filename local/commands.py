"""The commands of the local stack; runs in the model's environment."""

import os
import shlex
from typing import NoReturn

from local import config, databases, processes, spark, stack, supervisor
from local.console import Failure, say, warn
from local.environments import RUN, one_at_a_time, python_of
from local.services import (
    LOGS,
    airflow_environment,
    all_services,
    base_environment,
    person_environment,
    pipeline_environment,
)


def run(command: str, *arguments: str) -> int:
    """Run one command and return its exit code."""
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]  # they would connect psycopg and libpq to another server
    match command:
        case "psql" | "airflow" | "ml":
            _hand_over(command, *arguments)
        case "ps":
            _ps()
        case "env":
            _env()
        case "logs":
            _logs(*arguments)
        case "runs":
            return int(databases.cluster(config.load()).pid is None)
        case "up" | "down" | "demo" | "seed":
            with one_at_a_time():
                _change(command, *arguments)
        case _:
            raise Failure(f"no command {command!r}; `make help` lists them")
    return 0


def _change(command: str, *arguments: str) -> None:
    match command:
        case "up":
            stack.up()
        case "down":
            stack.down()
        case "demo":
            settings = stack.up()
            os.environ.update(base_environment() | pipeline_environment(settings))  # which `ml` and MLflow read
            from local import replay, summary  # here, since importing mlflow takes seconds

            summary.show(settings, replay.replay(settings))
        case "seed":
            settings = config.load()
            databases.apply_init(databases.running(settings), settings)
            if not databases.load_files(settings, *arguments):
                raise Failure("not every file was loaded")


def _ps() -> None:
    """Print a table of the services: state, process, port and memory of each."""
    settings = config.load()
    states = supervisor.states()
    rows = [("SERVICE", "STATE", "PID", "PORT", "MEMORY")]
    total = 0
    for service in all_services(settings, databases.cluster(settings)):
        state, pid = states.get(service.name, ("STOPPED", 0))
        if state in ("STOPPED", "EXITED", "FATAL", "UNKNOWN"):
            state = "stopped"
        elif not service.is_current:
            state = "out of date"
        else:
            state = "running" if state in supervisor.UP and stack.is_healthy(service, settings) else "starting"
        port = settings.ports[service.port_variable] if service.port_variable else "-"
        memory = processes.memory_bytes(pid) if pid else 0
        total += memory
        rows.append((service.name, state, str(pid or "-"), str(port), f"{memory / 1e6:,.0f} MB" if pid else "-"))
    rows.append(("", "", "", "", f"{total / 1e6:,.0f} MB"))
    for row in rows:
        say(f"{row[0]:<22} {row[1]:<12} {row[2]:>8} {row[3]:>6} {row[4]:>10}".rstrip())
    if not states and processes.marked(f"{RUN}/"):
        warn("services run whose supervisor was killed; `make local-up` starts them over, `make local-down` ends them")


def _logs(service: str, *options: str) -> NoReturn:
    """Replace this process by `tail` with `options` on the log of one service, or of all."""
    files = sorted(LOGS.glob(f"{service or '*'}.log"))
    if not files:
        raise Failure(f"no log of {service or 'any service'}; `make local-ps` lists the services")
    os.execvp("tail", ["tail", *options, *map(str, files)])


def _env() -> None:
    """Print `export` lines with which PostgreSQL and MLflow clients, and the `ml` commands, connect as the pipeline."""
    variables = person_environment(config.load())
    for libpq, ours in {
        "HOST": "HOST",
        "PORT": "PORT",
        "DATABASE": "DB",
        "USER": "USER",
        "PASSWORD": "PASSWORD",
    }.items():
        variables[f"PG{libpq}"] = variables[f"POSTGRES_{ours}"]
    for name, value in sorted(variables.items()):
        say(f"export {name}={shlex.quote(value)}")


def _hand_over(program: str, *arguments: str) -> NoReturn:
    """Replace this process by `psql`, `airflow` or a module of `ml` with these arguments, on the local stack."""
    settings = config.load()
    if program == "psql":
        server = databases.running(settings)
        os.environ.update(server.client_env, PGDATABASE=settings["POSTGRES_DB"])
        os.execv(server.bin_dir / "psql", ["psql", *arguments])
    environment = program
    if program == "ml":
        variables, module = person_environment(settings), [f"ml.{arguments[0]}", *arguments[1:]]
        environment = spark.ml_environment(settings)
    else:
        variables, module = airflow_environment(settings), ["airflow", *arguments]
    python = str(python_of(environment))
    if not os.access(python, os.X_OK):
        raise Failure(f"no Python environment {environment}; start the stack first: make local-up")
    os.execve(python, [python, "-m", *module], {**base_environment(), **variables})
