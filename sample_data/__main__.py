"""`python -m sample_data --customers N --seed S --out DIR [--until YYYY-MM-DD]`."""

import argparse
import sys
from datetime import date
from pathlib import Path

from sample_data.generate import MAX_CUSTOMERS, Request, generate
from sample_data.outputs import OutputError
from sample_data.periods import DEFAULT_UNTIL


def main() -> None:
    """Parse the arguments, generate, say what was written; exit 1 with one line where that is refused."""
    parser = argparse.ArgumentParser(prog="python -m sample_data", description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=_customers, default=5_000, help="customers to generate (default 5000)")
    parser.add_argument("--seed", type=_seed, default=2019, help="the same seed gives the same files (default 2019)")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for the six files (default: this one)")
    parser.add_argument(
        "--until", type=_until, default=DEFAULT_UNTIL, help="first day without payments (default 2019-07-01)"
    )
    arguments = parser.parse_args()
    try:
        request = Request(arguments.customers, arguments.seed, arguments.until)
        manifest = generate(request, arguments.out, _show_progress)
    except (OutputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    for name, rows in manifest["rows"].items():
        print(f"{rows:>12,} rows  {arguments.out / name}")


def _show_progress(done: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done:,} customers", end="\r", file=sys.stderr)


def _customers(text: str) -> int:
    number = int(text)
    if not 1 <= number <= MAX_CUSTOMERS:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and {MAX_CUSTOMERS}")
    return number


def _seed(text: str) -> int:
    number = int(text)
    if not 0 <= number < 2**31:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and {2**31 - 1}")
    return number


def _until(text: str) -> date:
    try:
        until = date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date (expected YYYY-MM-DD)") from error
    if not 2000 <= until.year < 2100:
        raise argparse.ArgumentTypeError(f"{text} is not between 2000-01-01 and 2099-12-31")
    return until


if __name__ == "__main__":
    main()
