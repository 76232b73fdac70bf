"""A backup of the running stack, put into an empty one beside it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.stack.harness import AirflowApi, Stack

Tried = Callable[[str, str], None]
FIGURES = (
    "select (select count(*) from raw.payments), (select count(*) from features.churn_weekly_features),"
    " (select count(*) from ops.churn_scoring), (select count(*) from ops.bt_crypto_events)"
)


@pytest.fixture(scope="module")
def restored(trained: Stack, tmp_path_factory: pytest.TempPathFactory, tried: Tried) -> Iterator[Stack]:
    """A second stack, on other ports and under another name, with the first one's backup; the first keeps running."""
    trained.airflow("connections", "delete", "backed_up", check=False)
    trained.airflow("connections", "add", "backed_up", "--conn-uri", "postgres://u:secret@h:1/d")
    folder = tmp_path_factory.mktemp("second")
    for path in (folder, *list(folder.parents)[:2]):
        path.chmod(0o755)
    archive = folder / "backup.tar"
    trained.run("make", "backup", f"FILE={archive}")
    second = Stack.make(folder, f"{trained.project}-2")
    try:
        second.run("make", "restore", f"FILE={archive}", "YES=1", timeout=1800)
        tried("backup of the running stack, restored into an empty one beside it", f"{archive.stat().st_size} bytes")
        yield second
    finally:
        second.compose("down", "--volumes", "--rmi", "local", check=False)


def test_tables_are_the_same(trained: Stack, restored: Stack) -> None:
    assert restored.rows(FIGURES) == trained.rows(FIGURES)


def test_scoring_works_at_once(restored: Stack) -> None:
    before = restored.rows("select count(*), round(sum(score)::numeric, 6) from ops.churn_scoring")
    restored.airflow("dags", "test", "churn_batch_score_w", "2019-05-26")
    assert restored.rows("select count(*), round(sum(score)::numeric, 6) from ops.churn_scoring") == before


def test_connections_can_be_read_with_the_restored_key(restored: Stack) -> None:
    assert "secret" in restored.airflow("connections", "get", "backed_up", "-o", "json").stdout


def test_history_of_runs_is_there_and_the_login_is_that_of_its_own_env(trained: Stack, restored: Stack) -> None:
    api = AirflowApi(restored)
    assert api.call("dags/churn_train_register_m/dagRuns")["total_entries"] > 0


def test_both_stacks_run_side_by_side(trained: Stack, restored: Stack) -> None:
    assert trained.healthy("airflow-webserver")
    assert restored.healthy("airflow-webserver")


def test_damaged_archive_changes_nothing(trained: Stack, tmp_path: Path) -> None:
    archive = tmp_path / "damaged.tar"
    trained.run("make", "backup", f"FILE={archive}")
    content = bytearray(archive.read_bytes())
    middle = content.index(b"PGDMP") + 2000
    content[middle : middle + 8] = b"\0" * 8
    archive.write_bytes(content)
    refused = trained.run("make", "restore", f"FILE={archive}", "YES=1", check=False)
    assert refused.returncode != 0
    assert "damaged" in refused.stderr
    assert trained.healthy("postgres")
