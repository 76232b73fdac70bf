"""Command line of the local stack, called by the Makefile: `python -m local COMMAND`.

Any supported Python can run this file. It creates the model's environment if there is none, and continues in it.
"""

import contextlib
import os
import shutil
import subprocess
import sys

from local import environments
from local.console import Failure, say, step, warn
from local.environments import FOREIGN, STATE, VENVS, one_at_a_time, python_of

MAKES_ENVIRONMENT = ("demo", "up", "env")
ONLY_LOOKS = ("psql", "airflow", "ml", "runs")


def main() -> int:
    """Run one command; a failure that the user can correct is printed and gives exit code 1."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # uv does not compile: each process would do it for itself
    command, *rest = sys.argv[1:] or [""]
    try:
        match command:
            case "uv":
                environments.uv(*rest)
            case "venv":
                with one_at_a_time():
                    environments.ensure(*rest)
            case "clean":
                _clean(yes="--yes" in rest)
            case "runs" if not python_of("ml").exists():
                return 1
            case _:
                _go_on_in_model_environment(command)
                from local import commands

                return commands.run(command, *rest)
    except Failure as failure:
        warn(f"error: {failure}")
        return 1
    except KeyboardInterrupt:
        warn("interrupted; the same command goes on where this one stopped")
        return 130
    return 0


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
    env = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    os.execve(python, [str(python), "-m", "local", *sys.argv[1:]], env)


def _clean(*, yes: bool) -> None:
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


sys.exit(main())
