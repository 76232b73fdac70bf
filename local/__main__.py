"""Command line of the local stack, called by the Makefile: `python -m local COMMAND`."""

import argparse
import os
import sys

from local import config, databases, environments, replay, stack, status, summary
from local.console import Failure, say, warn
from local.services import airflow_environment, base_environment, pipeline_environment

HANDED_OVER = ("psql", "airflow", "ml")  # `psql …`, `airflow …` and `ml MODULE …` take their arguments as they are


def main() -> int:
    """Run one command; a failure that the user can act on is printed and gives exit code 1."""
    try:
        if sys.argv[1:2] and sys.argv[1] in HANDED_OVER:
            _hand_over(sys.argv[1], sys.argv[2:])
        _run(_parser().parse_args())
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
    commands.add_parser("clean", help="stop everything and delete .local").add_argument("--yes", action="store_true")
    seed = commands.add_parser("seed", help="load the CSV files")
    seed.add_argument("--force", action="store_true")
    seed.add_argument("--replay-rejects", action="store_true")
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
        case _:
            if arguments.command == "clean":
                _ask(yes=arguments.yes)
            with stack.one_at_a_time():
                _change(arguments)


def _hand_over(program: str, arguments: list[str]) -> None:
    """Become `program` with the arguments as they are, connected to the local stack."""
    settings = config.load()
    if program == "psql":
        status.psql(arguments)
    if program == "ml":
        variables, module = pipeline_environment(settings), [f"ml.{arguments[0]}", *arguments[1:]]
    else:
        variables, module = airflow_environment(settings), ["airflow", *arguments]
    python = str(environments.python_of(program))
    if not os.access(python, os.X_OK):
        raise Failure(f"no Python environment {program}; start the stack first: make local-up")
    os.execve(python, [python, "-m", *module], {**base_environment(), **variables})


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
            databases.apply_init(server, settings)
            force = ["--force"] if arguments.force else []
            options = ["--replay-rejects"] if arguments.replay_rejects else ["--reload", *force]
            if not stack.load_files(settings, *options):
                raise Failure("not every file was loaded")
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
