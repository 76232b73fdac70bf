"""Uploaded files against the scores of `ml.infer_batch`, on the sample."""

import csv
import io
from contextlib import contextmanager
from datetime import date

import pandas as pd
import pytest

import ml.infer_batch
from ml.cli import CommandError
from ml.promote import promote
from ml.reports.batch import Snapshot, snapshots
from ml.reports.connection import reading
from ml.scoring import upload, upload_rows
from ml.store import registry
from ml.train import train
from tests.integration.churn_rows import call, forget_models
from tests.integration.churn_snapshots import build
from tests.integration.conftest import PASSWORDS

SCORED, UNSCORED = date(2019, 5, 26), date(2019, 6, 2)
ACTIVE = """
select {columns} from features.churn_weekly_features
where snapshot_date = %(day)s and days_since_activity < 60 order by customer_id
"""


@pytest.fixture(scope="module")
def sample(new_database, seeded_template, mlflow_uri):
    """The sample with a version in production, one snapshot scored by it, and one with features alone."""
    forget_models(mlflow_uri)
    database = new_database(seeded_template)
    database.extra_env["MLFLOW_TRACKING_URI"] = mlflow_uri
    build(database, SCORED)
    call(database, train, SCORED, 2)
    call(database, promote)  # which scores the newest snapshot
    build(database, UNSCORED)
    return database


@pytest.fixture
def reader(sample):
    """What the UI's role gives a function that takes a connection, the version in production and its pipeline."""

    def run(function, *arguments):
        with registry.session() as client:
            version = registry.get(client, registry.production_version(client))
            pipeline = registry.load(version)
        with reading() as conn:
            return function(conn, version, pipeline, *arguments)

    role = {"POSTGRES_USER": "meli_reader", "POSTGRES_PASSWORD": PASSWORDS["READER_DB_PASSWORD"]}
    return lambda function, *arguments: call(sample, run, function, *arguments, **role)


@pytest.fixture
def score_ids(reader, tmp_path):
    def run(conn, version, pipeline, ids, day):
        path = tmp_path / "ids.csv"
        path.write_text("customer_id\n" + "".join(f"{one}\n" for one in ids), encoding="utf-8")
        return upload.score_ids(path, tmp_path, conn, day, version, pipeline)

    return lambda ids, day=SCORED: reader(run, list(ids), day)


def written(result) -> pd.DataFrame:
    return pd.read_csv(result.scores_file, dtype={"model_version": str}).set_index("customer_id")


def stored(database, day=SCORED) -> pd.DataFrame:
    rows = database.rows(
        "select customer_id, score, prediction, model_version from ops.churn_scoring where snapshot_date = %(day)s",
        {"day": day},
    )
    return pd.DataFrame(rows, columns=["customer_id", "score", "prediction", "model_version"]).set_index("customer_id")


def agree(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    assert len(found) == len(expected) > 1000
    found = found.loc[expected.index, list(expected)]
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=0, atol=1e-12)


def test_a_file_of_features_gives_the_scores_of_the_weekly_batch(sample, reader, tmp_path):
    def score(conn, version, pipeline):
        columns = ("customer_id", *version.features)
        path = tmp_path / "features.csv"
        with sample.connect() as admin, path.open("w", newline="", encoding="utf-8") as file:
            lines = csv.writer(file)
            lines.writerow(columns)
            lines.writerows(admin.execute(ACTIVE.format(columns=", ".join(columns)), {"day": SCORED}))
        return upload.score_features(path, tmp_path, version, pipeline)

    result = reader(score)
    assert (result.rejected, result.problems) == (0, [])
    assert result.unseen == call(sample, ml.infer_batch.score, SCORED)["unseen_categories"] != {}
    agree(written(result), stored(sample))


def test_a_snapshot_with_scores_gives_those_with_their_version_and_time(sample, score_ids):
    result = score_ids(stored(sample).index)
    agree(written(result), stored(sample))
    ((scored_at,),) = sample.rows("select distinct scored_at from ops.churn_scoring")
    assert (result.is_stored, result.scored_at, result.snapshot_date) == (True, scored_at, SCORED)
    assert set(written(result)["snapshot_date"]) == {"2019-05-26"}


def test_a_snapshot_without_scores_gives_those_that_the_batch_would_store(sample, score_ids, monkeypatch):
    monkeypatch.setattr(upload_rows, "BATCH", 1024)
    ids = [one for (one,) in sample.rows(ACTIVE.format(columns="customer_id"), {"day": UNSCORED})]
    result = score_ids(ids, UNSCORED)
    assert (result.is_stored, result.scored) == (False, len(ids))
    call(sample, ml.infer_batch.score, UNSCORED)
    try:
        agree(written(result), stored(sample, UNSCORED))
    finally:
        sample.rows("delete from ops.churn_scoring where snapshot_date = '2019-06-02' returning 1")
        sample.rows("delete from ops.scoring_runs where snapshot_date = '2019-06-02' returning 1")


@pytest.mark.parametrize("day", [SCORED, UNSCORED], ids=["stored", "computed"])
def test_customers_without_features_or_churned_already_are_named_and_have_no_score(sample, score_ids, day):
    (active,), (churned,) = sample.rows(
        "select min(customer_id) from features.churn_weekly_features"
        " where snapshot_date = %(day)s group by days_since_activity >= 60 order by days_since_activity >= 60",
        {"day": day},
    )
    result = score_ids([2**63 - 1, churned, active, "x", active], day)
    said = [(found.row, found.column, found.expected.en.split(":")[0]) for found in result.problems]
    assert said == [
        (2, "customer_id", "a customer with features at the snapshot"),
        (3, "customer_id", "fewer than 60 days since the last payment"),
        (5, "customer_id", "a whole number from 1 to 9223372036854775807"),
        (6, "customer_id", "each customer once; already in row 4"),
    ]
    assert list(written(result).index) == [active]
    assert (result.rows, result.scored, result.rejected) == (5, 1, 4)


def test_no_customer_of_a_file_has_a_score(score_ids):
    result = score_ids([2**62], UNSCORED)
    assert (result.scored, result.rejected) == (0, 1)
    assert written(result).empty


def test_a_stored_score_that_is_missing_is_not_made_up(sample, score_ids):
    ids = stored(sample).index[:3]
    with sample.connect() as conn:
        removed = conn.execute(
            "delete from ops.churn_scoring where customer_id = %s returning *", (int(ids[1]),)
        ).fetchall()
        result = score_ids(ids)
        conn.cursor().executemany("insert into ops.churn_scoring values (%s, %s, %s, %s, %s, %s)", removed)
    assert [found.row for found in result.problems] == [3]
    assert "airflow dags test churn_batch_score_w 2019-05-26" in result.problems[0].expected.es


def test_a_snapshot_without_features_says_how_to_build_them(score_ids):
    with pytest.raises(CommandError, match="no features for 2019-05-05; build them: airflow dags test"):
        score_ids([1], date(2019, 5, 5))


def test_a_snapshot_that_lacks_a_feature_is_not_scored(sample, score_ids):
    with without_visits(sample), pytest.raises(CommandError, match=r"cannot score 2019-06-02: mau_mp_1 is unknown"):
        score_ids([1], UNSCORED)


@contextmanager
def without_visits(database):
    """The snapshot without scores has lost a feature of the version."""
    with database.connect() as conn:
        conn.execute("create table lost as select customer_id, mau_mp_1 from features.churn_weekly_features"
                     " where snapshot_date = '2019-06-02'")  # fmt: skip
        conn.execute("update features.churn_weekly_features set mau_mp_1 = null where snapshot_date = '2019-06-02'")
        yield
        conn.execute("update features.churn_weekly_features as f set mau_mp_1 = lost.mau_mp_1 from lost"
                     " where f.customer_id = lost.customer_id and f.snapshot_date = '2019-06-02'")  # fmt: skip
        conn.execute("drop table lost")


def test_the_snapshots_on_offer_say_which_version_scored_them(reader):
    assert reader(lambda conn, *_: snapshots(conn))[:2] == [Snapshot(UNSCORED, None), Snapshot(SCORED, "1")]


def test_the_template_can_be_scored(reader, tmp_path):
    def score(conn, version, pipeline):
        path = tmp_path / "template.csv"
        path.write_bytes(upload.template(version, decimal_comma=True).encode())
        return upload.score_features(path, tmp_path, version, pipeline)

    result = reader(score)
    assert (result.scored, result.problems) == (1, [])
    (row,) = csv.DictReader(io.StringIO(result.scores_file.read_text(encoding="utf-8")), delimiter=";")
    assert 0 < float(row["score"].replace(",", ".")) < 1
