"""Output of the commands: a line for each step, with the time it took; the output of a program only if it fails."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Failure(RuntimeError):
    """A failure that the user can correct: the message names the thing, the value and the remedy."""


def say(text: str = "") -> None:
    """Print a line at once, also into a pipe."""
    print(text, flush=True)


def warn(text: str) -> None:
    """Print a line on stderr."""
    print(text, file=sys.stderr, flush=True)


def run(command: list[str], complaint: str, *, given: str = "", **options: Any) -> str:
    """Run a program with `given` as its input and return what it printed; `options` are those of `subprocess.run`.

    If it fails, the `Failure` says `complaint` and the end of the output.
    """
    done = subprocess.run(command, input=given, capture_output=True, text=True, errors="replace", **options)
    if done.returncode != 0:
        raise Failure(f"{complaint}:\n{(done.stdout + done.stderr)[-3000:].strip()}")
    return str(done.stdout)


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition becomes true within so many seconds."""
    deadline = time.monotonic() + seconds
    while not (holds := condition()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return holds


@contextmanager
def step(text: str) -> Iterator[list[str]]:
    """Print `text`, and at the end how long the block took, with the remarks that it added to the list."""
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
