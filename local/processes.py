"""Detached processes known by pid files that outlive reboots, `kill -9` and reused process ids."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

MARK = "MELI_LOCAL_SERVICE"
LOG_LIMIT = 20_000_000  # bytes; a longer log is set aside as .1 when its service starts


@dataclass(frozen=True)
class Process:
    """A started service: `born` tells this process from a later one with the same id, `definition` what was started."""

    pid: int
    born: str
    definition: str

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return birth(self.pid) == self.born


def birth(pid: int) -> str | None:
    """When and in which boot process `pid` started; None if there is none or only its unreaped remains."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            return None
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
        return None if fields[0] in "ZX" else f"{boot} {fields[19]}"
    shown = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True).stdout.split()
    return None if not shown or shown[0].startswith("Z") else " ".join(shown[1:])


def read(pid_file: Path) -> Process | None:
    """The process that the file speaks of, if it still runs."""
    try:
        process = Process(**json.loads(pid_file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None  # never started, or the machine stopped while the file was written
    return process if process.alive else None


def start(
    pid_file: Path,
    command: list[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    log: Path,
    definition: str,
) -> Process:
    """Start `command` in a session of its own, its output in `log`, and write its pid file."""
    for folder in (pid_file.parent, log.parent):
        folder.mkdir(parents=True, exist_ok=True)
    set_aside(log)
    with log.open("ab") as out:
        child = subprocess.Popen(
            command,
            env={**env, MARK: str(pid_file)},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    process = Process(child.pid, birth(child.pid) or "", definition)
    draft = pid_file.with_suffix(".new")
    draft.write_text(json.dumps(asdict(process)), encoding="utf-8")
    draft.replace(pid_file)
    return process


def set_aside(log: Path) -> None:
    """Rename a log that has grown long."""
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))


def ask_to_stop(pid_file: Path) -> Process | None:
    """Send the process the signal to end, without waiting for it."""
    process = read(pid_file)
    if process is not None:
        _send(process.pid, signal.SIGTERM)
    return process


def stop(pid_file: Path, *, patience_s: float = 30) -> None:
    """End the process and all that it started: ask the first, then kill whatever is left, then forget the file."""
    process = ask_to_stop(pid_file)
    if process is not None:
        deadline = time.monotonic() + patience_s
        while process.alive and time.monotonic() < deadline:
            _reap(process.pid)
            time.sleep(0.1)
    end_remains(pid_file)
    pid_file.unlink(missing_ok=True)


def end_remains(pid_file: Path) -> None:
    """Kill what a service left behind: processes that carry its mark, in whatever session they are."""
    for _ in range(50):
        remains = list(marked(str(pid_file)))
        if not remains:
            return
        for pid in remains:
            _send(pid, signal.SIGKILL)
            _reap(pid)
        time.sleep(0.1)


def marked(mark: str) -> Iterator[int]:
    """Ids of the living processes that inherited this mark in their environment."""
    wanted = f"{MARK}={mark}"
    if Path("/proc/self/environ").exists():
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                environment = (folder / "environ").read_bytes().split(b"\0")
                if os.fsencode(wanted) in environment and birth(int(folder.name)):
                    yield int(folder.name)
        return
    shown = subprocess.run(["ps", "-axwwE", "-o", "pid=,command="], capture_output=True, text=True).stdout
    for line in shown.splitlines():
        pid, _, rest = line.strip().partition(" ")
        if f"{wanted} " in f"{rest} ":
            yield int(pid)


def descendants(pid: int) -> list[int]:
    """The process and all below it."""
    children: dict[int, list[int]] = {}
    if Path("/proc/self/stat").exists():
        for file in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = file.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(file.parent.name))
    else:
        shown = subprocess.run(["ps", "-axo", "ppid=,pid="], capture_output=True, text=True).stdout
        for line in shown.splitlines():
            parent, child = line.split()
            children.setdefault(int(parent), []).append(int(child))
    found = [pid]
    for ancestor in found:
        found.extend(children.get(ancestor, []))
    return found


def memory_bytes(pid: int) -> int:
    """Memory of one process: its proportional share (Linux), else its resident set."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    shown = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return int(shown) * 1024 if shown.isdigit() else 0


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
