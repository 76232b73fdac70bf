"""Command line of the local stack, called by the Makefile: `python -m local COMMAND`.

Any supported Python runs this file. It makes the model's environment where there is none, and goes on in that one.
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys

from local import environments
from local.console import Failure, say, step, warn
from local.environments import STATE, VENVS, one_at_a_time, python_of

HANDED_OVER = ("psql", "airflow", "ml")  # `psql …`, `airflow …` and `ml MODULE …` take their arguments as they are
COMMANDS = {
    "demo": "start the stack and replay history through it",
    "up": "start the stack",
    "down": "stop the stack",
    "ps": "show the services",
    "runs": "succeed when the local PostgreSQL runs",
    "env": "print the connection variables",
    "locks": "resolve the requirement files again",
}
MAKES_ENVIRONMENT = ("demo", "up", "env")


def main() -> int:
    """Run one command; a failure that the user can act on is printed and gives exit code 1."""
    try:
        if sys.argv[1:2] and sys.argv[1] in HANDED_OVER:
            _go_on_in_model_environment(sys.argv[1])
            from local import commands

            commands.hand_over(sys.argv[1], sys.argv[2:])
        return _run(_parser().parse_args())
    except Failure as failure:
        warn(f"error: {failure}")
        return 1
    except KeyboardInterrupt:
        warn("interrupted; the same command goes on where this one stopped")
        return 130


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
    commands.add_parser("seed", help="load the CSV files").add_argument("--force", action="store_true")
    for name, text in COMMANDS.items():
        commands.add_parser(name, help=text)
    return parser


def _run(arguments: argparse.Namespace) -> int:
    match arguments.command:
        case "venv":
            with one_at_a_time():
                environments.ensure(*arguments.names)
        case "locks":
            with one_at_a_time():
                environments.compile_locks()
        case "clean":
            _clean(yes=arguments.yes)
        case "runs" if not python_of("ml").exists():
            return 1
        case _:
            _go_on_in_model_environment(arguments.command)
            from local import commands

            return commands.run(arguments)
    return 0


def _go_on_in_model_environment(command: str) -> None:
    """Become the same command in the model's environment, unless this is it; its lock decides what is in it."""
    if os.path.realpath(sys.prefix) == os.path.realpath(VENVS / "ml"):
        return
    python = python_of("ml")
    if command in MAKES_ENVIRONMENT or (python.exists() and command not in (*HANDED_OVER, "runs")):
        with one_at_a_time(), contextlib.redirect_stdout(sys.stderr if command == "env" else sys.stdout):
            environments.ensure("ml")
    if not os.access(python, os.X_OK):
        raise Failure("no stack runs here; start one: make local-up, or in containers make up")
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    os.execve(python, [str(python), "-m", "local", *sys.argv[1:]], env)


def _clean(*, yes: bool) -> None:
    """Stop everything and delete `.local`: databases, models, logs, Python environments. The CSV files stay."""
    if not yes:
        say(f"This stops the local stack and deletes {STATE}: databases, models, logs, Python environments.")
        say("The CSV files stay.")
        if not sys.stdin.isatty() or input("Type yes to go on: ").strip() != "yes":
            raise Failure("nothing was deleted; `make clean YES=1` does not ask")
    if python_of("ml").exists() and subprocess.run([sys.executable, "-m", "local", "down"]).returncode != 0:
        raise Failure("the local stack could not be stopped, and nothing was deleted")
    if STATE.exists():
        with step(f"delete {STATE}"):
            shutil.rmtree(STATE)


sys.exit(main())
