"""ENGINE=spark says what is missing, and what is killed leaves nothing half-written."""

import json
import shutil
from collections.abc import Callable

import psutil
import pytest

from tests.integration import faults
from tests.integration.conftest import Database
from tests.integration.faults import Running, wait_until
from tests.spark.conftest import NewDatabase, lake_of, load

DAY = "2019-05-26"
FEATURES = ("ml.features", "--snapshot-date", DAY)
ROWS = "select md5(string_agg(f::text, '' order by customer_id)) from features.churn_weekly_features as f"
BUILDS = "select build_id, location from ops.feature_builds order by 1"


@pytest.fixture
def not_loaded(new_database: NewDatabase, seeded_template: str, on_spark: Callable[[Database], Database]) -> Database:
    """The sample in PostgreSQL alone."""
    return on_spark(new_database(seeded_template))


@pytest.fixture
def loaded(not_loaded: Database) -> Database:
    """The sample in PostgreSQL and as Parquet."""
    assert load(not_loaded).returncode == 0
    return not_loaded


def folders(database: Database) -> list[str]:
    """The builds below LAKE_URL, whether or not they count."""
    return [str(found.relative_to(lake_of(database))) for found in lake_of(database).glob("features/*/*/build=*")]


def test_driver_killed_while_the_cluster_computes_leaves_nothing_and_a_rerun_is_whole(
    loaded: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(faults, "TIMEOUT_S", 600)  # Java starts slowly beside other work
    running = Running(loaded, *FEATURES)
    running.wait_for(lambda: folders(loaded), "a folder that Spark writes to")
    children = psutil.Process(running.process.pid).children(recursive=True)
    assert any(child.name() == "java" for child in children)
    running.process.kill()  # the driver alone: Java and its workers must end by themselves
    wait_until(lambda: not any(child.is_running() for child in children), "the end of Java")
    assert loaded.rows(BUILDS) == []
    assert loaded.rows(ROWS) == [(None,)]

    assert loaded.run(*FEATURES).returncode == 0
    ((_, location),) = loaded.rows(BUILDS)
    assert folders(loaded) == [location]
    whole = loaded.rows(ROWS)
    done = loaded.run(*FEATURES)
    assert done.returncode == 0, done.stderr
    assert loaded.rows(ROWS) == whole
    ((_, moved),) = loaded.rows(BUILDS)  # the same build, in files of its own
    assert folders(loaded) == [moved] != [location]


def test_damaged_files_are_tried_again_later_and_written_anew_by_a_load(loaded: Database):
    (payments,) = lake_of(loaded).glob("raw/payments/*")
    (file,) = payments.glob("*.parquet")
    file.write_bytes(b"PAR1" + bytes(1000) + file.read_bytes()[1004:])
    done = loaded.run(*FEATURES)
    assert done.returncode == 75, (done.returncode, done.stderr)
    assert done.stderr.splitlines()[-1].startswith("error: Spark at local[2]: ")
    assert loaded.rows(BUILDS) == []

    shutil.rmtree(payments)
    done = loaded.run(*FEATURES)
    assert done.returncode == 1
    assert "raw.payments as it is loaded is not below LAKE_URL" in done.stderr.splitlines()[-1]
    assert load(loaded).stdout.count("written to") == 1
    assert loaded.run(*FEATURES).returncode == 0


def test_a_new_load_replaces_the_files_of_the_last(loaded: Database):
    before = {file.name for file in lake_of(loaded).glob("raw/*/*")}
    loaded.rows("update ops.raw_loads set file_digest = 'another' where table_name = 'raw.evaluate' returning 1")
    done = load(loaded)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("written to") == 1
    after = {file.name for file in lake_of(loaded).glob("raw/*/*")}
    assert len(before - after) == len(after - before) == 1


def test_no_address_of_a_lake_and_an_unreachable_store_are_named(not_loaded: Database):
    for url in ("", "lake", "ftp://host/lake", "s3://", "file://host/lake"):
        done = load(not_loaded, LAKE_URL=url)
        assert done.returncode == 1
        assert f"LAKE_URL={url!r}: expected s3://bucket/folder or file:///folder" in done.stderr
    done = load(not_loaded, LAKE_URL="s3://bucket/lake", S3_ENDPOINT_URL="http://127.0.0.1:9")
    assert done.returncode == 1
    assert "LAKE_URL=s3://bucket/lake: " in done.stderr


def test_snapshot_that_postgresql_built_is_not_scored_on_spark(not_loaded: Database, mlflow_uri: str):
    built = {"ENGINE": "postgres", "MLFLOW_TRACKING_URI": mlflow_uri}
    for command in (FEATURES, ("ml.train", "--snapshot-date", DAY, "--lookback-weeks", "1")):
        assert not_loaded.run(*command, **built).returncode == 0
    newest = json.loads(not_loaded.run("ml.promote", "--force", "--why", "test", **built).stdout.splitlines()[-1])
    assert newest["production_version"]
    done = not_loaded.run("ml.infer_batch", "--snapshot-date", DAY, MLFLOW_TRACKING_URI=mlflow_uri)
    assert done.returncode == 1
    assert f"the features for {DAY} were built by PostgreSQL" in done.stderr.splitlines()[-1]
