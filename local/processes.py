"""Finds what a killed supervisor, service or PostgreSQL left running, and ends it."""

import contextlib
import os
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

MARK = "MELI_LOCAL_SERVICE"  # an environment variable of each service, by which its processes are found
END_S = 10


def marked(beginning: str) -> list[psutil.Process]:
    """Running processes with a mark that begins like this."""
    found = psutil.process_iter(["environ"])
    return [process for process in found if (process.info["environ"] or {}).get(MARK, "").startswith(beginning)]


def at_work_in(folder: Path) -> list[psutil.Process]:
    """Running processes whose working directory is `folder`: for a data directory, those of its PostgreSQL."""
    where = os.path.realpath(folder)
    return [process for process in psutil.process_iter(["cwd"]) if process.info["cwd"] == where]


def end(processes: Iterable[psutil.Process], *, patience_s: float = 0) -> None:
    """Ask the processes to end if `patience_s` > 0; kill those that remain, and wait until they are gone."""
    left = list(processes)
    for ask, seconds in ((psutil.Process.terminate, patience_s), (psutil.Process.kill, END_S)):
        if seconds:
            for process in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    ask(process)
            deadline = time.monotonic() + seconds
            while (left := [process for process in left if _lives(process)]) and time.monotonic() < deadline:
                time.sleep(0.05)


def _lives(process: psutil.Process) -> bool:
    """Whether it runs; zombies do not, although `psutil.wait_procs` would wait for them."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def memory_bytes(pid: int) -> int:
    """Memory of a process and its descendants in bytes: proportional share (Linux), else resident set."""
    total = 0
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return 0
    for process in family:
        try:
            total += process.memory_full_info().pss if psutil.LINUX else process.memory_info().rss
        except psutil.Error:
            continue  # it has ended, or belongs to another user
    return total
