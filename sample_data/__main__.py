"""`python -m sample_data --customers N --seed S --out DIR [--until YYYY-MM-DD] [--days N]`."""

import argparse
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

from sample_data.generate import MAX_CUSTOMERS, MAX_DAYS, Request, generate
from sample_data.outputs import OutputError
from sample_data.periods import DEFAULT_UNTIL, PAYMENT_DAYS


def main() -> None:
    """Parse the arguments, generate, say what was written; exit 1 with one line where that is refused."""
    parser = argparse.ArgumentParser(
        prog="python -m sample_data",
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--customers", type=_between(1, MAX_CUSTOMERS), default=5_000, help="customers to generate")
    parser.add_argument("--seed", type=_between(0, 2**31 - 1), default=2019, help="the same seed gives the same files")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for the seven files")
    parser.add_argument("--until", type=_until, default=DEFAULT_UNTIL, help="first day without payments")
    parser.add_argument("--days", type=_between(PAYMENT_DAYS, MAX_DAYS), default=PAYMENT_DAYS, help="days of payments")
    arguments = parser.parse_args()
    try:
        request = Request(arguments.customers, arguments.seed, arguments.until, arguments.days)
        manifest = generate(request, arguments.out, _show_progress)
    except (OutputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    for name, rows in manifest["rows"].items():
        print(f"{rows:>12,} rows  {arguments.out / name}")


def _show_progress(done: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done:,} customers", end="\r", file=sys.stderr)


def _between(lowest: int, highest: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not lowest <= int(text) <= highest:
            raise argparse.ArgumentTypeError(f"{text} is not between {lowest} and {highest}")
        return int(text)

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
