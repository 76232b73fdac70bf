"""Command line of the local stack, called by the Makefile: `python -m local COMMAND`.

Any supported Python can run this file. It creates the model's environment if there is none, and continues in it.
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

HANDED_OVER = ("psql", "airflow", "ml")  # with all arguments: `psql …`, `airflow …`, `ml MODULE …`
COMMANDS = ("demo", "up", "down", "ps", "logs", "seed", "env", "runs", "clean", "venv")
MAKES_ENVIRONMENT = ("demo", "up", "env")
ONLY_LOOKS = (*HANDED_OVER, "runs")


def main() -> int:
    """Run one command; a failure that the user can correct is printed and gives exit code 1."""
    command, *rest = sys.argv[1:] or ["--help"]
    try:
        if command == "uv":
            environments.uv(*rest)
            return 0
        arguments = None if command in HANDED_OVER else _parser().parse_args()
        if arguments and command == "venv":
            with one_at_a_time():
                environments.ensure(*arguments.names)
            return 0
        if arguments and command == "clean":
            return _clean(yes=arguments.yes)
        if command == "runs" and not python_of("ml").exists():
            return 1
        _go_on_in_model_environment(command)
        from local import commands

        return commands.run(arguments) if arguments else commands.hand_over(command, rest)
    except Failure as failure:
        warn(f"error: {failure}")
        return 1
    except KeyboardInterrupt:
        warn("interrupted; the same command goes on where this one stopped")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("names", nargs="*", help="environments that venv makes")
    parser.add_argument("--service", default="", help="logs of this service alone")
    parser.add_argument("--follow", action="store_true", help="logs as they grow")
    parser.add_argument("--lines", type=int, default=30, help="of each log")
    parser.add_argument("--yes", action="store_true", help="clean without asking")
    parser.add_argument("--force", action="store_true", help="seed with a file that shrank by more than half")
    parser.add_argument(
        "--replay-rejects", action="store_true", help="seed with the corrected rejects instead of the files"
    )
    return parser


def _go_on_in_model_environment(command: str) -> None:
    """Replace this process by the same command in the model's environment, unless it already runs there."""
    if os.path.realpath(sys.prefix) == os.path.realpath(VENVS / "ml"):
        return
    python = python_of("ml")
    if command in MAKES_ENVIRONMENT or (python.exists() and command not in ONLY_LOOKS):
        with one_at_a_time(), contextlib.redirect_stdout(sys.stderr if command == "env" else sys.stdout):
            environments.ensure("ml")
    if not os.access(python, os.X_OK):
        raise Failure("no stack runs here; start one: make local-up, or in containers make up")
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    os.execve(python, [str(python), "-m", "local", *sys.argv[1:]], env)


def _clean(*, yes: bool) -> int:
    """Stop everything and delete `.local`: databases, models, logs, Python environments. The CSV files are kept."""
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
    return 0


sys.exit(main())
