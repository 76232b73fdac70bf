"""Finds what a killed supervisor, service or PostgreSQL left running, and ends it."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import psutil

from local.console import wait_until

MARK = "MELI_LOCAL_SERVICE"  # an environment variable of each service, by which its processes are found
KILL_S = 10


def marked(beginning: str) -> list[psutil.Process]:
    """Running processes with a mark that begins like this."""
    found = psutil.process_iter(["environ"])
    return [process for process in found if (process.info["environ"] or {}).get(MARK, "").startswith(beginning)]


def at_work_in(folder: Path) -> list[psutil.Process]:
    """Running processes whose working directory is `folder`: for a data directory, those of its PostgreSQL."""
    where = os.path.realpath(folder)
    return [process for process in psutil.process_iter(["cwd"]) if process.info["cwd"] == where]


def kill(find: Callable[[], list[psutil.Process]]) -> None:
    """Kill the processes that `find` finds until it finds none; it cannot find zombies."""

    def none_left() -> bool:
        left = find()
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        return not left

    wait_until(none_left, KILL_S)


def memory_bytes(pid: int) -> int:
    """Memory of a process and its descendants in bytes: proportional share (Linux), else resident set."""
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
            with contextlib.suppress(psutil.Error):  # it has ended, or belongs to another user
                total += process.memory_full_info().pss if psutil.LINUX else process.memory_info().rss
    return total
