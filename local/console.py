"""What the commands print: a line for each step, with the time it took."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Failure(Exception):
    """Something the user can act on: the message names the thing, the value and the way out."""


def say(text: str = "") -> None:
    """Print a line at once, also into a pipe."""
    print(text, flush=True)


def warn(text: str) -> None:
    """Print a line on stderr."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(text: str) -> Iterator[list[str]]:
    """Print `text`, and at the end how long the block took, with the remarks that it appended to the list."""
    remarks: list[str] = []
    began = time.monotonic()
    print(f"{text:<58}", end=" ", flush=True)
    try:
        yield remarks
    except BaseException:
        say("failed")
        raise
    said = f"  {'; '.join(remarks)}" if remarks else ""
    say(f"{time.monotonic() - began:6.1f} s{said}")
