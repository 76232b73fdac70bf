"""The generator repeats itself for a seed and never touches a file that it did not write."""

import fcntl
import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from sample_data import generate as generation
from sample_data.generate import FILES, Request, generate
from sample_data.outputs import MANIFEST, WORK_DIR, OutputError, digest

ROOT = Path(__file__).resolve().parents[2]
REQUEST = Request(500, 3, date(2019, 7, 1))
OTHER = Request(300, 4, date(2019, 7, 1))


def digests(folder: Path) -> dict[str, str]:
    return {str(file): digest(folder / file) for file in FILES}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sample_data", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_same_seed_same_files(tmp_path: Path) -> None:
    generate(REQUEST, tmp_path / "a")
    generate(REQUEST, tmp_path / "b")
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


def test_other_seed_other_files(tmp_path: Path) -> None:
    generate(REQUEST, tmp_path / "a")
    generate(Request(500, 4, date(2019, 7, 1)), tmp_path / "b")
    a, b = digests(tmp_path / "a"), digests(tmp_path / "b")
    assert all(a[name] != b[name] for name in a)


def test_one_customer(tmp_path: Path) -> None:
    manifest = generate(Request(1, 0, date(2019, 7, 1)), tmp_path)
    assert manifest["rows"]["EVALUATE.csv"] == 1
    assert manifest["rows"]["PAYMENTS.csv"] >= 1


def test_own_files_are_replaced(tmp_path: Path) -> None:
    generate(REQUEST, tmp_path)
    generate(OTHER, tmp_path)
    generate(OTHER, tmp_path / "fresh")
    assert digests(tmp_path) == digests(tmp_path / "fresh")
    assert not (tmp_path / WORK_DIR).exists()


def test_a_deleted_file_comes_back(tmp_path: Path) -> None:
    generate(REQUEST, tmp_path)
    before = digests(tmp_path)
    (tmp_path / "EVALUATE.csv").unlink()
    generate(REQUEST, tmp_path)
    assert digests(tmp_path) == before


@pytest.mark.parametrize("file", FILES, ids=str)
def test_a_file_of_the_users_is_kept(tmp_path: Path, file: Path) -> None:
    generate(REQUEST, tmp_path)
    with (tmp_path / file).open("a") as users:
        users.write("1\n")
    before = digests(tmp_path)
    with pytest.raises(OutputError, match=f"{file.name} in .*Move it away"):
        generate(OTHER, tmp_path)
    assert digests(tmp_path) == before


def test_files_without_a_manifest_are_kept(tmp_path: Path) -> None:
    generate(REQUEST, tmp_path)
    (tmp_path / MANIFEST).unlink()
    with pytest.raises(OutputError, match=r"PAYMENTS\.csv, ACTIVE_USER\.csv"):
        generate(OTHER, tmp_path)


def test_a_file_that_arrives_during_the_run_is_kept(tmp_path: Path) -> None:
    def drop_a_file(_: int) -> None:
        (tmp_path / "EVALUATE.csv").write_text("mine\n", encoding="utf-8")

    with pytest.raises(OutputError, match=r"EVALUATE\.csv"):
        generate(REQUEST, tmp_path, drop_a_file)
    assert [path.name for path in tmp_path.iterdir()] == ["EVALUATE.csv"]


def test_a_damaged_manifest_is_named(tmp_path: Path) -> None:
    generate(REQUEST, tmp_path)
    (tmp_path / MANIFEST).write_text("{", encoding="utf-8")
    with pytest.raises(OutputError, match=r"manifest\.json is damaged"):
        generate(OTHER, tmp_path)


def test_a_failed_run_leaves_the_old_files(tmp_path: Path) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    generate(REQUEST, tmp_path)
    before = digests(tmp_path)
    with pytest.raises(OSError, match="No space left"):
        generate(OTHER, tmp_path, fail)
    assert digests(tmp_path) == before
    assert not (tmp_path / WORK_DIR).exists()


def test_a_run_killed_among_the_moves_can_be_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The third move never happens, as if the process had ended there."""
    generate(REQUEST, tmp_path)
    move, moved = Path.replace, []

    def stop_at_third(self: Path, target: Path) -> Path:
        if WORK_DIR in self.parts:
            moved.append(target)
            if len(moved) == 3:
                raise KeyboardInterrupt
        return move(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", stop_at_third)
        with pytest.raises(KeyboardInterrupt):
            generate(OTHER, tmp_path)
    generate(OTHER, tmp_path)
    generate(OTHER, tmp_path / "fresh")
    assert digests(tmp_path) == digests(tmp_path / "fresh")


def test_what_a_killed_run_left_is_cleared(tmp_path: Path) -> None:
    left = tmp_path / WORK_DIR / "payments"
    left.mkdir(parents=True)
    (left / "0").write_bytes(b"half a record")
    generate(REQUEST, tmp_path)
    generate(REQUEST, tmp_path / "fresh")
    assert digests(tmp_path) == digests(tmp_path / "fresh")


def test_two_runs_in_one_folder(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    try:
        with pytest.raises(OutputError, match="another run"):
            generate(REQUEST, tmp_path)
    finally:
        os.close(folder)


def test_the_command_says_what_it_wrote(tmp_path: Path) -> None:
    done = run("--customers", "50", "--seed", "3", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / MANIFEST).read_text(encoding="utf-8"))["rows"]
    for name, count in rows.items():
        assert f"{count:,} rows  {tmp_path / name}" in done.stdout


def test_the_command_refuses_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "PAYMENTS.csv").write_text("mine\n", encoding="utf-8")
    refused = run("--customers", "50", "--out", str(tmp_path))
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: PAYMENTS.csv in ")
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--customers", "0"), "0 is not between 1 and"),
        (("--customers", "many"), "invalid"),
        (("--seed", "-1"), "-1 is not between 0 and"),
        (("--until", "2019-02-30"), "'2019-02-30' is not a date"),
        (("--until", "1999-01-01"), "1999-01-01 is not between 2000-01-01 and"),
    ],
)
def test_bad_arguments(tmp_path: Path, arguments: tuple[str, str], message: str) -> None:
    refused = run(*arguments, "--out", str(tmp_path))
    assert refused.returncode == 2
    assert message in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_ids_stay_apart_for_the_largest_request() -> None:
    assert generation.MAX_CUSTOMERS < generation.LAST_ID - generation.FIRST_ID
    ids = generation.customer_ids(REQUEST, 0, 1_000_000)
    assert len(set(ids.tolist())) == 1_000_000
