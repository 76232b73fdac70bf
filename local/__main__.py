"""Command line of the local stack, called by the Makefile: `python -m local COMMAND`."""

import argparse
import os
import sys

from local import config, databases, environments, replay, stack, status, summary
from local.console import Failure, say, warn
from local.services import airflow_environment, base_environment, pipeline_environment


def main() -> int:
    """Run one command; a failure that the user can act on is printed and gives exit code 1."""
    arguments = _parser().parse_args()
    try:
        _run(arguments)
    except Failure as failure:
        warn(f"error: {failure}")
        return 1
    except KeyboardInterrupt:
        warn("interrupted; the same command goes on where this one stopped")
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    venv = commands.add_parser("venv", help="make or update Python environments")
    venv.add_argument("names", nargs="+", choices=sorted(environments.LOCKS))
    logs = commands.add_parser("logs", help="show the services' logs")
    logs.add_argument("--service", default="")
    logs.add_argument("--follow", action="store_true")
    logs.add_argument("--lines", type=int, default=30)
    for name, text in {
        "psql": "open psql on the pipeline's database",
        "airflow": "run the airflow command against the local stack",
        "ml": "run a command of the ml package against the local stack",
    }.items():
        commands.add_parser(name, help=text).add_argument("arguments", nargs=argparse.REMAINDER)
    commands.add_parser("clean", help="stop everything and delete .local").add_argument("--yes", action="store_true")
    commands.add_parser("seed", help="load the CSV files").add_argument("--force", action="store_true")
    for name, text in {
        "demo": "start the stack and replay history through it",
        "locks": "resolve the requirement files anew",
        "up": "start the stack",
        "down": "stop the stack",
        "ps": "show the services",
        "runs": "succeed when the local PostgreSQL runs",
        "env": "print the connection variables",
    }.items():
        commands.add_parser(name, help=text)
    return parser


def _run(arguments: argparse.Namespace) -> None:
    match arguments.command:
        case "ps":
            status.ps()
        case "runs":
            sys.exit(databases.cluster(config.load()).pid is None)
        case "env":
            status.env()
        case "logs":
            status.logs(arguments.service, follow=arguments.follow, lines=arguments.lines)
        case "psql":
            status.psql(arguments.arguments)
        case "airflow":
            settings = config.load()
            environment = {**base_environment(), **airflow_environment(settings)}
            _hand_over("airflow", ["airflow", *arguments.arguments], environment)
        case "ml":
            module, *rest = arguments.arguments
            _hand_over("ml", [f"ml.{module}", *rest], {**base_environment(), **pipeline_environment(config.load())})
        case _:
            if arguments.command == "clean":
                _ask(yes=arguments.yes)
            with stack.one_at_a_time():
                _change(arguments)


def _hand_over(environment: str, module_and_arguments: list[str], variables: dict[str, str]) -> None:
    python = str(environments.python_of(environment))
    if not os.access(python, os.X_OK):
        raise Failure(f"no Python environment {environment}; start the stack first: make local-up")
    os.execve(python, [python, "-m", *module_and_arguments], variables)


def _change(arguments: argparse.Namespace) -> None:
    match arguments.command:
        case "venv":
            environments.ensure(*arguments.names)
        case "locks":
            environments.compile_locks()
        case "up":
            stack.up()
        case "demo":
            settings = stack.up()
            summary.show(settings, replay.replay(settings))
        case "seed":
            settings = config.load()
            server = databases.cluster(settings)
            if server.pid is None:
                raise Failure("PostgreSQL does not run; start it: make local-up")
            databases.apply_init(server, settings, force=arguments.force)
            summary.show_loads(server, settings)
        case "down":
            stack.down()
        case "clean":
            stack.clean()


def _ask(*, yes: bool) -> None:
    """Let a person confirm that `.local` goes."""
    if yes:
        return
    say(f"This stops the local stack and deletes {environments.STATE}: databases, models, logs, Python environments.")
    say("The CSV files stay.")
    if not sys.stdin.isatty() or input("Type yes to go on: ").strip() != "yes":
        raise Failure("nothing was deleted; `make clean YES=1` does not ask")


sys.exit(main())
