"""Features, labels, versions and scores are those of PostgreSQL, bit for bit where both compute them."""

import json
import os
import subprocess
from collections.abc import Callable
from typing import NamedTuple

import pytest
from pyarrow import parquet

from tests.integration.churn_snapshots import run_sql
from tests.integration.conftest import ROOT, Database
from tests.spark.conftest import NewDatabase, lake_of, load

# The monthly files know March to May: months of the first are not all in them, of the last none that counts.
SNAPSHOTS = ("2019-04-07", "2019-05-26", "2019-07-01")
TRAINED, SCORED = "2019-04-07", "2019-05-26"
BUILD_ALL = """
import json, sys
from datetime import date
from ml.features import build
for day in sys.argv[1:]:
    print(json.dumps(build(date.fromisoformat(day)), default=str))
"""
# What files may hold: absent amounts and texts, quotes, separators and line breaks in texts, ids beyond 32 bits,
# customers in one file alone, amounts with more decimals than pesos have. (Sums from 9e11 pesos on are not exact in
# double precision, on either engine.)
DIRT = (
    "update raw.payments set spent = null where cus_cust_id_buy % 7 = 0",
    "update raw.payments set descuento = null, tpv_segment_detail = null where cus_cust_id_buy % 11 = 0",
    "update raw.payments set tpv_segment_detail = 'Transport ' where cus_cust_id_buy % 13 = 0",
    "update raw.payments set spent = 9999999999.99995 where cus_cust_id_buy % 17 = 0",
    "update raw.payments set spent = 0.00005, descuento = 0 where cus_cust_id_buy % 19 = 0",
    "update raw.active_user set mau_mp_1 = null, last_login_mp_date_1 = null where cus_cust_id_buy % 3 = 0",
    "update raw.dinero_cuenta set plata_cuenta_1 = null, inversion = null where cus_cust_id_buy % 5 = 0",
    "update raw.dinero_cuenta set plata_cuenta_2 = 123456789012.3456 where cus_cust_id_buy % 7 = 0",
    """update raw.demograficos set estado = E'ca"to,rc\\ne;', gender = '' where cus_cust_id_buy % 4 = 0""",
    "update raw.demograficos set tarjetas = 'ñandú \\N' where cus_cust_id_buy % 9 = 0",
    "update raw.marketplace_data set recency_ml = null where cus_cust_id_buy % 6 = 0",
    "update raw.marketplace_data set spent_ml = null, frequency_ml = null where cus_cust_id_buy % 8 = 0",
    "delete from raw.evaluate where cus_cust_id_buy % 10 = 0",
    "delete from raw.active_user where cus_cust_id_buy % 21 = 0",
    "delete from raw.marketplace_data where cus_cust_id_buy % 2 = 0",
    "insert into raw.payments select fecha, null, 4000000000 + cus_cust_id_buy, spent, 'X', 1 from raw.payments"
    " where cus_cust_id_buy % 23 = 0",
    "insert into raw.payments select * from raw.payments where cus_cust_id_buy % 29 = 0",
    "insert into raw.active_user values (5000000000, 1, 2, 3, 4, 5, 6, '2019-05-31', null)",
)
ROWS = """
select count(*), md5(string_agg(f::text, E'\\n' order by customer_id))
from features.churn_weekly_features as f where snapshot_date = %(day)s
"""
BUILD = """
select rows_built, rows_inactive_60d, sources, feature_sql_digest, label_sources, labels_known_through, labels_rule
from ops.current_feature_builds where snapshot_date = %(day)s
"""
LOCATION = "select location, rows_built from ops.current_feature_builds where snapshot_date = %(day)s"
SCORES = "select customer_id, score, prediction from ops.churn_scoring where snapshot_date = %(day)s order by 1"
RUN = """
select model_version, state, missing_features, threshold, rows_scored, rows_excluded, predicted_churn
from ops.scoring_runs where snapshot_date = %(day)s and replaced_at is null
"""


# What is trained and scored are the rows compared before: one set of files will do.
ON_THE_SAMPLE = pytest.mark.parametrize("both", ["sample"], indirect=True)


class Both(NamedTuple):
    """The same data on both engines."""

    postgres: Database
    spark: Database


def result(done: subprocess.CompletedProcess[str]) -> dict:
    """The JSON line of a command that succeeded."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def build_all(database: Database) -> list[dict]:
    """What `ml.features` says of each of SNAPSHOTS; one process, so that Java starts once."""
    done = subprocess.run(
        [database.python, "-c", BUILD_ALL, *SNAPSHOTS],
        cwd=ROOT,
        env={**os.environ, **database.env},
        capture_output=True,
        text=True,
        timeout=1100,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module", params=["sample", "dirty"])
def both(
    request: pytest.FixtureRequest,
    new_database: NewDatabase,
    seeded_template: str,
    on_spark: Callable[[Database], Database],
) -> Both:
    """The sample, as it is and with what real files hold, in a database for each engine."""
    made = Both(new_database(seeded_template), on_spark(new_database(seeded_template)))
    if request.param == "dirty":
        for database in made:
            run_sql(database, *DIRT)
    loaded = load(made.spark)
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.count("written to") == 7, loaded.stdout
    return made


@pytest.fixture(scope="module")
def built(both: Both) -> Both:
    """Three snapshots on each engine."""
    on_postgres, on_spark = (build_all(database) for database in both)
    assert on_postgres == on_spark
    return both


@pytest.mark.parametrize("day", SNAPSHOTS)
def test_rows_and_records_of_a_snapshot_are_equal(built: Both, day: str):
    on_postgres, on_spark = (database.rows(ROWS, {"day": day}) for database in built)
    assert on_postgres == on_spark
    assert on_postgres[0][0] > 3000
    assert built.postgres.rows(BUILD, {"day": day}) == built.spark.rows(BUILD, {"day": day})


def test_snapshots_reach_beyond_the_monthly_files(built: Both):
    """Otherwise the comparison above would say nothing about months that the files lack."""
    for database in built:
        known = dict(
            database.rows("select snapshot_date::text, count(mau_mp_1) from features.churn_weekly_features group by 1")
        )
        assert known["2019-07-01"] == 0
        assert known["2019-05-26"] > 0


def test_a_snapshot_is_one_folder_with_its_rows(built: Both):
    for day in SNAPSHOTS:
        ((location, rows),) = built.spark.rows(LOCATION, {"day": day})
        folder = lake_of(built.spark) / location
        assert folder.parent.name == f"snapshot_date={day}"
        assert [found.name for found in folder.parent.iterdir()] == [folder.name]
        assert parquet.ParquetDataset(folder).read(["customer_id"]).num_rows == rows > 3000


@ON_THE_SAMPLE
def test_training_gives_the_same_version_and_scoring_the_same_scores(built: Both, mlflow_uri: str):
    mlflow = {"MLFLOW_TRACKING_URI": mlflow_uri}
    train = ("ml.train", "--snapshot-date", TRAINED, "--lookback-weeks", "1")
    trained = [result(database.run(*train, **mlflow)) for database in built]
    assert trained[0]["data_digest"] == trained[1]["data_digest"]
    assert [trained[0]["created"], trained[1]["created"]] == [True, False]
    assert trained[0]["model_version"] == trained[1]["model_version"]
    promote = ("ml.promote", "--force", "--version", trained[0]["model_version"], "--why", "parity")
    promoted = built.postgres.run(*promote, **mlflow)
    assert promoted.returncode == 0, promoted.stderr

    score = ("ml.infer_batch", "--snapshot-date", SCORED)
    told = [result(database.run(*score, **mlflow)) for database in built]
    assert told[0] == told[1]
    on_postgres, on_spark = (database.rows(SCORES, {"day": SCORED}) for database in built)
    assert len(on_postgres) == told[0]["scored"] > 1000
    assert [(customer, prediction) for customer, _, prediction in on_postgres] == [
        (customer, prediction) for customer, _, prediction in on_spark
    ]
    assert max(abs(a[1] - b[1]) for a, b in zip(on_postgres, on_spark, strict=True)) <= 1e-12
    assert built.postgres.rows(RUN, {"day": SCORED}) == built.spark.rows(RUN, {"day": SCORED})
    assert not list(lake_of(built.spark).glob("ops/churn_scoring/snapshot_date=*"))

    again = result(built.spark.run(*score, **mlflow))
    assert again == told[1] | {"is_new": False}


@ON_THE_SAMPLE
def test_features_that_a_snapshot_lacks_stop_the_run_as_on_postgresql(built: Both, mlflow_uri: str):
    stopped = [
        database.run("ml.infer_batch", "--snapshot-date", "2019-07-01", MLFLOW_TRACKING_URI=mlflow_uri)
        for database in built
    ]
    assert [done.returncode for done in stopped] == [1, 1], [done.stderr for done in stopped]
    messages = [done.stderr.splitlines()[-1] for done in stopped]
    assert messages[0] == messages[1]
    assert "mau_mp" in messages[0]
    assert all(not database.rows(SCORES, {"day": "2019-07-01"}) for database in built)
