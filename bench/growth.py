"""What steps cost at several sizes: a table with exponents of growth, and peaks beside the compose file's limits."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bench import compose

MB = 1e6


@dataclass(frozen=True)
class Step:
    """A call with its arguments, and the service of the compose file whose memory it may take (None: no container)."""

    name: str
    service: str | None
    call: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measured:
    """Seconds of a step, CPU seconds of its process and its sessions, and peaks in bytes.

    The peaks are those of its process, of the cluster, and of the cluster in /dev/shm.
    """

    seconds: float
    cpu_seconds: float
    client: float
    server: float
    dev_shm: float


Figures = Mapping[str, Measured]  # by step


def exponent(sizes: tuple[int, int], seconds: tuple[float, float]) -> float:
    """x, where time grows as size to the power of x between two sizes."""
    return math.log(seconds[1] / seconds[0]) / math.log(sizes[1] / sizes[0])


def too_large(steps: Sequence[Step], figures: Figures) -> list[str]:
    """The peaks above the limits of the compose file."""
    found = []
    for step in steps:
        if measured := figures.get(step.name):
            for what, peak, limit in _peaks(step, measured):
                if limit is not None and peak > limit:
                    found.append(f"{step.name}: {what} {peak / MB:,.0f} MB of {limit / MB:,.0f} MB")
    return found


def faster_than(target: float, steps: Sequence[Step], by_size: Mapping[int, Figures]) -> list[str]:
    """The steps whose seconds grow with a larger exponent between two sizes."""
    found = []
    for step in steps:
        for n, m in pairwise(size for size in sorted(by_size) if step.name in by_size[size]):
            grown = exponent((n, m), (by_size[n][step.name].seconds, by_size[m][step.name].seconds))
            if grown > target:
                found.append(f"{step.name} {grown:.2f} from {n:,} to {m:,}")
    return found


def table(steps: Sequence[Step], by_size: Mapping[int, Figures]) -> Iterable[str]:
    """A line for each step: seconds and peaks at each size, exponents between the sizes."""
    sizes = sorted(by_size)
    yield "| step | " + " | ".join(f"{size:,}" for size in sizes) + " | exponent | of CPU |"
    yield "|---|" + "---|" * (len(sizes) + 2)
    for step in steps:
        cells, known = [], [size for size in sizes if step.name in by_size[size]]
        for size in sizes:
            of = by_size[size].get(step.name)
            cells.append(cell(of) if of else "")
        of_step = [(size, by_size[size][step.name]) for size in known]
        wall = _exponents([(size, of.seconds) for size, of in of_step])
        cpu = _exponents([(size, of.cpu_seconds) for size, of in of_step])
        yield f"| {step.name} | {' | '.join(cells)} | {wall} | {cpu} |"


def cell(of: Measured) -> str:
    """What a table says of a step."""
    return f"{of.seconds:,.1f} s, {of.cpu_seconds:,.1f} s CPU, {of.client / MB:,.0f} + {of.server / MB:,.0f} MB"


def _exponents(found: list[tuple[int, float]]) -> str:
    return ", ".join(f"{exponent((n, m), (first, second)):.2f}" for (n, first), (m, second) in pairwise(found))


def _peaks(step: Step, measured: Measured) -> list[tuple[str, float, int | None]]:
    return [
        ("process", measured.client, compose.memory_limit(step.service) if step.service else None),
        ("PostgreSQL", measured.server, compose.memory_limit("postgres")),
        ("/dev/shm", measured.dev_shm, compose.shared_memory_limit()),
    ]


def line(step: Step, measured: Measured) -> str:
    """Seconds and peaks of one step, each peak with its limit."""
    peaks = (
        f"{what} {peak / MB:,.0f} MB" + (f" of {limit / MB:,.0f}" if limit else "")
        for what, peak, limit in _peaks(step, measured)
    )
    return f"{measured.seconds:9.1f} s {measured.cpu_seconds:9.1f} s CPU  " + ", ".join(peaks)
