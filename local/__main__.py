"""Command line of the local stack, called by the Makefile: `python -m local COMMAND`."""

import argparse
import sys

from local import environments
from local.console import Failure, warn


def main() -> int:
    """Run one command; a failure that the user can act on is printed and gives exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    venvs = commands.add_parser("venv", help="make or update Python environments")
    venvs.add_argument("names", nargs="+", choices=sorted(environments.LOCKS))
    commands.add_parser("locks", help="resolve the requirement files anew")
    arguments = parser.parse_args()
    try:
        if arguments.command == "venv":
            environments.ensure(*arguments.names)
        elif arguments.command == "locks":
            environments.compile_locks()
    except Failure as failure:
        warn(f"error: {failure}")
        return 1
    return 0


sys.exit(main())
