"""`python -m bench.scale` runs every step, and sees rows that were lost."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.scale import STEPS, lost
from sample_data.outputs import MANIFEST
from tests.integration.conftest import ROOT, Database, postgres_bin_dir

SNAPSHOT = "2019-05-26"


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    env = {**os.environ, "BENCH_POSTGRES_BIN": str(postgres_bin_dir()), "TMPDIR": str(folder)}
    command = [sys.executable, "-m", "bench.scale", *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_every_step_runs_and_nothing_is_left(tmp_path: Path) -> None:
    running = start(tmp_path, "--customers", "2000")
    printed, _ = running.communicate()
    assert running.returncode == 0, printed
    lines = printed.splitlines()
    for step in STEPS:
        assert any(line.startswith(f"| {step.name} | ") for line in lines), printed
    assert "nothing lost" in printed
    assert "all peaks are below" in lines[-1]
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_of_a_run_that_is_ended(tmp_path: Path) -> None:
    running = start(tmp_path, "--customers", "2000")
    assert running.stdout is not None
    assert "generate" in running.stdout.readline()
    running.terminate()
    printed, _ = running.communicate()
    assert running.returncode != 0, printed
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def built(new_database: Callable[[str], Database], seeded_template: str) -> Database:
    """The sample, loaded, with one snapshot."""
    database = new_database(seeded_template)
    done = database.run("ml.features", "--snapshot-date", SNAPSHOT)
    assert done.returncode == 0, done.stderr
    return database


@pytest.fixture(scope="module")
def in_files() -> dict[str, int]:
    rows: dict[str, int] = json.loads((ROOT / MANIFEST).read_text(encoding="utf-8"))["rows"]
    return rows


def test_nothing_is_lost_of_the_sample(built: Database, in_files: dict[str, int]) -> None:
    with built.connect() as conn:
        assert lost(conn, in_files) == []


def test_a_row_that_was_not_loaded_is_seen(built: Database, in_files: dict[str, int]) -> None:
    rows = in_files["EVALUATE.csv"]
    with built.connect() as conn:
        assert lost(conn, {**in_files, "EVALUATE.csv": rows + 1}) == [
            f"EVALUATE.csv, rows in the file: {rows} instead of {rows + 1}"
        ]


@pytest.mark.parametrize(
    ("table", "condition", "what"),
    [
        ("raw.payments", "fecha = '2019-06-30'", "payments"),
        ("staging.customers", "first_payment_date = '2019-06-30'", "customers with a payment"),
        ("features.churn_weekly_features", "days_since_activity = 1", f"features at {SNAPSHOT}"),
    ],
)
def test_lost_rows_are_seen(built: Database, in_files: dict[str, int], table: str, condition: str, what: str) -> None:
    with built.connect() as conn, conn.transaction(force_rollback=True):
        conn.execute("set local session_replication_role = replica")
        assert conn.execute(f"delete from {table} where {condition}").rowcount > 0
        assert [found.split(":")[0] for found in lost(conn, in_files)] == [what]
