"""A new feature, spent_14d, one of its places forgotten at a time: the build names it; and columns matched by name."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.churn_snapshots import build, rows, run_sql
from tests.integration.conftest import ROOT

T = "2019-05-26"
CATALOGUE, FEATURES_SQL = "ml/snapshots/catalogue.py", "airflow/include/sql/features_churn.sql"
IN_CATALOGUE = CATALOGUE, [("(7, 30, 90)", "(7, 14, 30, 90)")]
IN_SQL = (
    FEATURES_SQL,
    [
        (
            "    sum(spent) / 10000 as",
            "    sum(spent) filter (where days_before <= 14) / 10000 as spent_14d,\n        sum(spent) / 10000 as",
        ),
        ("        mean_gap_90d\n", "        mean_gap_90d,\n        coalesce(spent_14d, 0) as spent_14d\n"),
        ("    spent_7d, spent_30d, spent_90d,", "    spent_7d, spent_14d, spent_30d, spent_90d,"),
    ],
)
ADD_COLUMN = "alter table features.churn_weekly_features add column spent_14d double precision"


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A copy of the pipeline."""
    for folder in ("ml", "airflow/include"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def edit(checkout: Path, name: str, replacements: list[tuple[str, str]]) -> None:
    text = (checkout / name).read_text(encoding="utf-8")
    for old, new in replacements:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    (checkout / name).write_text(text, encoding="utf-8")


def run(checkout: Path, database) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ml.features", "--snapshot-date", T],
        cwd=checkout,
        env={**os.environ, **database.env},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        ([IN_CATALOGUE], f"{FEATURES_SQL} does not give spent_14d, which {CATALOGUE} names"),
        ([IN_SQL], f"{CATALOGUE} does not name spent_14d, which {FEATURES_SQL} gives"),
        ([IN_CATALOGUE, IN_SQL], "table features.churn_weekly_features has no spent_14d yet; add it: make local-up"),
    ],
    ids=["not in the SQL", "not in the catalogue", "not in the table"],
)
def test_a_feature_that_is_forgotten_somewhere_is_an_error_that_says_where(seeded, checkout, edits, message):
    for name, replacements in edits:
        edit(checkout, name, replacements)
    done = run(checkout, seeded)
    assert done.returncode == 1
    assert message in done.stderr
    assert rows(seeded, T) == {}


def test_a_feature_in_all_its_places_is_built(seeded, checkout):
    for name, replacements in (IN_CATALOGUE, IN_SQL):
        edit(checkout, name, replacements)
    run_sql(seeded, ADD_COLUMN)
    assert run(checkout, seeded).returncode == 0
    assert all(row["spent_7d"] <= row["spent_14d"] <= row["spent_30d"] for row in rows(seeded, T).values())


def test_the_order_of_the_columns_in_the_sql_says_nothing(seeded, checkout):
    build(seeded, T)
    before = rows(seeded, T)
    edit(checkout, FEATURES_SQL, [("    spent_7d, spent_30d, spent_90d,", "    spent_30d, spent_7d, spent_90d,")])
    assert run(checkout, seeded).returncode == 0
    assert rows(seeded, T) == before
