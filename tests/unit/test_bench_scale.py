"""What `python -m bench.scale` prints and refuses, without running a step."""

import tracemalloc
from datetime import date
from pathlib import Path

import pytest

from bench import compose
from bench.growth import Measured, Step, exponent, faster_than, table, too_large
from bench.memory import limited
from bench.scale import require_space
from sample_data.generate import BLOCK, Request, generate

STEP, OTHER = Step("load", "db-init", ""), Step("generate", None, "")


def measured(seconds: float, client: float = 1e6, server: float = 2e6, dev_shm: float = 0) -> Measured:
    return Measured(seconds, seconds**2, client, server, dev_shm)


@pytest.mark.parametrize(("seconds", "expected"), [((3, 30), 1), ((3, 300), 2), ((3, 3), 0), ((1, 10**0.5), 0.5)])
def test_exponent(seconds: tuple[float, float], expected: float) -> None:
    assert exponent((100_000, 1_000_000), seconds) == pytest.approx(expected)


def test_table_has_an_exponent_between_each_two_sizes() -> None:
    found = {10: {"load": measured(2)}, 100: {"load": measured(20)}, 1000: {"load": measured(20)}}
    *_, line = table([STEP], found)
    assert line == (
        "| load | 2.0 s, 4.0 s CPU, 1 + 2 MB | 20.0 s, 400.0 s CPU, 1 + 2 MB | 20.0 s, 400.0 s CPU, 1 + 2 MB"
        " | 1.00, 0.00 | 2.00, 0.00 |"
    )


def test_table_leaves_out_what_was_not_measured() -> None:
    found = {10: {"load": measured(2)}, 100: {"load": measured(20), "generate": measured(1)}}
    *_, generated, loaded = table([OTHER, STEP], found)
    assert generated == "| generate |  | 1.0 s, 1.0 s CPU, 1 + 2 MB |  |  |"
    assert loaded.endswith("| 1.00 | 2.00 |")


def test_steps_that_grow_faster_than_the_target_are_named() -> None:
    found = {10: {"load": measured(1)}, 100: {"load": measured(10)}, 1000: {"load": measured(120)}}
    assert faster_than(1.05, [OTHER, STEP], found) == ["load 1.08 from 100 to 1,000"]
    assert faster_than(1.1, [OTHER, STEP], found) == []


def test_peaks_above_a_limit_are_named() -> None:
    limits = [("process", compose.memory_limit("db-init")), ("PostgreSQL", compose.memory_limit("postgres"))]
    limits.append(("/dev/shm", compose.shared_memory_limit()))
    below = [limit for _, limit in limits]
    assert too_large([STEP], {"load": measured(1, *below)}) == []
    for place, (what, _) in enumerate(limits):
        peaks = [limit + 2e6 * (place == at) for at, limit in enumerate(below)]
        (found,) = too_large([STEP], {"load": measured(1, *peaks)})
        assert found.startswith(f"load: {what} ")


def test_generating_has_no_limit_of_its_own() -> None:
    assert too_large([OTHER], {"generate": measured(1, client=1e12)}) == []


def test_limits_and_settings_are_those_of_the_compose_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POSTGRES_MEMORY", raising=False)
    assert compose.memory_limit("postgres") == 2 * 2**30
    assert compose.memory_limit("db-init") == 1500 * 2**20
    monkeypatch.setenv("POSTGRES_MEMORY", "3g")
    assert compose.memory_limit("postgres") == 3 * 2**30
    assert "shared_buffers=256MB" in compose.postgres_settings()
    assert not [setting for setting in compose.postgres_settings() if "listen" in setting]


def test_a_folder_that_limits_no_memory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="does not limit memory"), limited(tmp_path, "group", 2**30):
        pass
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_limited_without_a_group() -> None:
    with limited(None, "group", 2**30) as before:
        assert before == []


@pytest.mark.parametrize("keeps_files", [True, False])
def test_too_little_room_on_the_disk_is_refused(tmp_path: Path, keeps_files: bool) -> None:
    csv_dir = tmp_path if keeps_files else None
    with pytest.raises(SystemExit, match=r"1,000,000,000,000 customers need about [\d,]+ GB in .* GB are free"):
        require_space(tmp_path, csv_dir, 10**12)
    require_space(tmp_path, csv_dir, 1)


def test_memory_of_the_generator_does_not_follow_the_customers(tmp_path: Path) -> None:
    """What NumPy holds at most: two blocks of customers, however many there are."""

    def peak(customers: int) -> int:
        tracemalloc.start()
        generate(Request(customers, 1, date(2019, 7, 1)), tmp_path / str(customers))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(10 * BLOCK) < 1.1 * peak(2 * BLOCK)
