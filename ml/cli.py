"""Shared by all commands of this package: argument types, exit codes, and one JSON line on stdout."""

import argparse
import json
import sys
from collections.abc import Callable
from datetime import date
from typing import Any

import psycopg
from pydantic import ValidationError


class CommandError(Exception):
    """A failure that the user can correct: the message names the thing, the value and the remedy."""

    exit_code = 1


class TryLater(Exception):
    """Something is not there yet or cannot be reached; the same command may succeed later."""

    exit_code = 75  # sysexits' EX_TEMPFAIL: a retry may succeed


class Skip(Exception):
    """There is nothing to do for this date, which is not a failure; the message gives the reason."""

    exit_code = 99  # Airflow's BashOperator turns this code into a skipped task


def iso_date(text: str) -> date:
    """Parse `YYYY-MM-DD`; anything else is an argparse error that shows the expected form."""
    try:
        parsed = date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date (expected YYYY-MM-DD)") from error
    if parsed.isoformat() != text:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date (expected YYYY-MM-DD)")
    return parsed


def run(command: Callable[[], dict[str, Any]]) -> None:
    """Run `command`, print its result as the last stdout line (JSON, read by XCom) and exit.

    Exit codes: 0 done, 1 failed, 75 failed but a retry may succeed, 99 skipped; all but 0 with one line on stderr.
    """
    try:
        result = command()
    except (CommandError, TryLater, Skip) as error:
        print(f"{'skipped' if isinstance(error, Skip) else 'error'}: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except psycopg.OperationalError as error:
        print(f"error: PostgreSQL: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(TryLater.exit_code)
    except ValidationError as error:
        for problem in error.errors():
            variable = ".".join(str(part) for part in problem["loc"]).upper()
            print(f"error: {variable}={problem['input']!r}: {problem['msg']}", file=sys.stderr)
        sys.exit(1)
    print(json.dumps(result, default=str, sort_keys=True))
