"""The commands of the local stack; runs in the model's environment."""

import os
from typing import NoReturn

from local import config, databases, stack, status
from local.console import Failure
from local.environments import one_at_a_time, python_of
from local.services import airflow_environment, base_environment, pipeline_environment


def run(command: str, *arguments: str) -> int:
    """Run one command and return its exit code."""
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]  # they would connect psycopg and libpq to another server
    match command:
        case "psql" | "airflow" | "ml":
            _hand_over(command, *arguments)
        case "ps":
            status.ps()
        case "env":
            status.env()
        case "logs":
            status.logs(*arguments)
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
            os.environ.update(pipeline_environment(settings))  # which `ml` reads
            from local import replay, summary  # here, since importing mlflow takes seconds

            summary.show(settings, replay.replay(settings))
        case "seed":
            settings = config.load()
            databases.apply_init(databases.running(settings), settings)
            if not databases.load_files(settings, *arguments):
                raise Failure("not every file was loaded")


def _hand_over(program: str, *arguments: str) -> NoReturn:
    """Replace this process by `psql`, `airflow` or a module of `ml` with these arguments, on the local stack."""
    settings = config.load()
    if program == "psql":
        server = databases.running(settings)
        os.environ.update(server.client_env, PGDATABASE=settings["POSTGRES_DB"])
        os.execv(server.bin_dir / "psql", ["psql", *arguments])
    if program == "ml":
        variables, module = pipeline_environment(settings), [f"ml.{arguments[0]}", *arguments[1:]]
    else:
        variables, module = airflow_environment(settings), ["airflow", *arguments]
    python = str(python_of(program))
    if not os.access(python, os.X_OK):
        raise Failure(f"no Python environment {program}; start the stack first: make local-up")
    os.execve(python, [python, "-m", *module], {**base_environment(), **variables})
