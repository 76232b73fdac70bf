"""Parquet files below LAKE_URL, in a folder of this machine."""

from pathlib import Path

import pyarrow as pa
import pytest

from ml.cli import CommandError, TryLater
from ml.settings import settings
from ml.store import lake

FOLDER = "raw/payments/abc"


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An empty lake."""
    monkeypatch.setenv("LAKE_URL", f"file://{tmp_path}/lake")
    settings.cache_clear()
    yield tmp_path / "lake"
    settings.cache_clear()


def write(folder: str, *numbers: int) -> None:
    batch = pa.record_batch({"a": numbers, "b": [str(n) for n in numbers]})
    lake.write(folder, pa.RecordBatchReader.from_batches(batch.schema, [batch]))


def read(folder: str) -> list[int]:
    return [n for batch in lake.read(folder, ["a"]) for n in batch["a"].to_pylist()]


def test_rows_come_back_in_their_order():
    write(FOLDER, 3, 1, 2)
    assert read(FOLDER) == [3, 1, 2]
    assert lake.is_complete(FOLDER)
    assert lake.require(FOLDER, "raw.payments") == FOLDER


def test_many_rows_become_several_files_in_their_order(root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lake, "ROWS_PER_FILE", 10)
    monkeypatch.setattr(lake, "ROWS_PER_GROUP", 5)
    write(FOLDER, *range(100))
    assert len(list((root / FOLDER).glob("*.parquet"))) == 10
    assert read(FOLDER) == list(range(100))


def test_folder_that_was_not_written_to_its_end_is_none(root: Path):
    write(FOLDER, 1)
    (root / FOLDER / "_SUCCESS").unlink()
    assert not lake.is_complete(FOLDER)
    with pytest.raises(CommandError, match=r"raw\.payments as it is loaded is not below LAKE_URL=.*make seed"):
        lake.require(FOLDER, "raw.payments")
    write(FOLDER, 2)
    assert read(FOLDER) == [2]


def test_only_the_folder_named_stays(root: Path):
    for name in ("abc", "old", "killed"):
        write(f"raw/payments/{name}", 1)
    write("raw/evaluate/other", 1)
    lake.delete_others(FOLDER)
    assert sorted(str(found.relative_to(root)) for found in root.glob("raw/*/*")) == ["raw/evaluate/other", FOLDER]
    lake.delete_with_siblings(FOLDER)
    assert not (root / "raw" / "payments").exists()


def test_files_that_are_gone_are_tried_again_later(root: Path):
    with pytest.raises(TryLater, match="LAKE_URL="):
        read("raw/payments/none")


def test_spark_calls_s3_by_another_name(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LAKE_URL", "s3://bucket/lake/")
    settings.cache_clear()
    assert lake.url(FOLDER) == f"s3a://bucket/lake/{FOLDER}"
