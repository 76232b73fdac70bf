"""Memory and CPU of a PostgreSQL cluster and of a step's processes, and limits by groups of processes (cgroups)."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

EVERY_S = 0.25
LIMIT_FILES = ("memory.max", "memory.limit_in_bytes")  # of the second and the first version of cgroups
DYNAMIC = "/dev/shm/PostgreSQL."


@dataclass
class ServerMemory:
    """Most bytes seen at one moment: of all processes of a cluster, and of the segments that they share in /dev/shm.

    The first is the proportional set size, anonymous and shared memory together: a page of the shared buffers, or of a
    segment, counts once, however many processes have touched it. The kernel's file cache is not part of it.
    """

    peak: int = 0
    peak_in_dev_shm: int = 0

    def look(self, data_dir: Path) -> None:
        """Take the sizes of now into account."""
        total, segments = 0, dict[str, int]()
        for pid in server_processes(data_dir):
            with suppress(psutil.Error, OSError):  # it has ended
                segments |= dynamic_segments(pid)
                total += psutil.Process(pid).memory_full_info().pss
        self.peak, self.peak_in_dev_shm = max(self.peak, total), max(self.peak_in_dev_shm, sum(segments.values()))


def cpu_seconds_of_sessions(data_dir: Path) -> float:
    """CPU seconds of the sessions and parallel workers that have ended since the cluster was started."""
    times = psutil.Process(server_processes(data_dir)[0]).cpu_times()
    return float(times.children_user + times.children_system)


def server_processes(data_dir: Path) -> list[int]:
    """The postmaster of a cluster and its children."""
    pid = (data_dir / "postmaster.pid").read_text(encoding="utf-8").split()[0]
    # Not psutil's children(), which looks at every process of the machine.
    return [int(pid), *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split())]


def dynamic_segments(pid: int) -> dict[str, int]:
    """Bytes of each segment in /dev/shm that a process of PostgreSQL has mapped."""
    found = {}
    for line in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines():
        if DYNAMIC in line:
            first, end = line.split(maxsplit=1)[0].split("-")
            found[line.split(maxsplit=5)[5]] = int(end, 16) - int(first, 16)
    return found


@dataclass
class OwnProcesses:
    """Most bytes at one moment (proportional set size), and CPU seconds by process, of all that this process started.

    Processes of the cluster are not among them. What a process does after the last look is not counted.
    """

    peak: int = 0
    seconds: dict[int, float] = field(default_factory=dict)

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds of all of them."""
        return sum(self.seconds.values())

    def look(self, data_dir: Path) -> None:
        """Take the sizes of now into account."""
        total, others = 0, server_processes(data_dir)
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error, OSError):  # it has ended
                if process.pid not in others:
                    times = process.cpu_times()
                    self.seconds[process.pid] = times.user + times.system
                    total += process.memory_full_info().pss
        self.peak = max(self.peak, total)


@contextmanager
def watched(data_dir: Path) -> Iterator[ServerMemory]:
    """Look at the cluster's memory EVERY_S seconds until the block ends."""
    memory = ServerMemory()
    with _every(lambda: memory.look(data_dir)):
        yield memory


@contextmanager
def processes_of(data_dir: Path) -> Iterator[OwnProcesses]:
    """Look at the processes that this one started, without the cluster, EVERY_S seconds until the block ends."""
    own = OwnProcesses()
    with _every(lambda: own.look(data_dir)):
        yield own


@contextmanager
def _every(look: Callable[[], None]) -> Iterator[None]:
    done = threading.Event()

    def watch() -> None:
        while True:
            look()
            if done.wait(EVERY_S):
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


@contextmanager
def limited(parent: Path | None, name: str, limit: int | None) -> Iterator[list[str]]:
    """A new group below the cgroup `parent` that may take `limit` bytes; gives what runs a command in it if put before.

    Without a parent or a limit, nothing is limited and nothing is put before.

    Raises:
        OSError: no group can be made there, or processes are left in it.
    """
    if parent is None or limit is None:
        yield []
        return
    group = parent / name
    group.mkdir(exist_ok=True)  # a run that was killed may have left it
    try:
        if not (files := [group / file for file in LIMIT_FILES if (group / file).exists()]):
            raise OSError(f"{parent} does not limit memory; name the folder of a cgroup whose memory is controlled")
        files[0].write_text(str(limit))
        yield ["sh", "-c", 'echo $$ > "$0"; exec "$@"', str(group / "cgroup.procs")]
    finally:
        group.rmdir()


def join(before: list[str], pids: list[int]) -> None:
    """Move running processes into the group of `limited`."""
    for pid in pids if before else []:
        with suppress(ProcessLookupError):  # it has ended
            Path(before[-1]).write_text(str(pid))
