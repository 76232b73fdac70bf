"""`python -m ml.infer_batch`: what it writes, what others see meanwhile, and what it says when it cannot score."""

import json
import re
from datetime import date

import mlflow
import numpy as np
import pandas as pd
import psycopg
import pytest

import ml.infer_batch
from ml.cli import CommandError, Skip, TryLater
from ml.promote import promote
from ml.train import train
from tests.integration.churn_rows import call, fill, forget_models, record, scores
from tests.integration.faults import idle_reader, kill_inside, stopped_inside

SNAPSHOT = "2019-05-26"
COMMAND = ("ml.infer_batch", "--snapshot-date", SNAPSHOT)


@pytest.fixture(scope="module")
def shared(new_database, empty_template, mlflow_uri):
    """A database with features of two snapshots, and one version in production."""
    forget_models(mlflow_uri)
    database = new_database(empty_template)
    database.extra_env["MLFLOW_TRACKING_URI"] = mlflow_uri
    fill(database, SNAPSHOT, "2019-05-19")
    call(database, train, date.fromisoformat(SNAPSHOT), 2)
    call(database, promote)
    return database


@pytest.fixture
def scored(shared):
    """The shared database with the snapshot scored."""
    fill(shared, SNAPSHOT)
    score(shared)
    return shared


def score(database, snapshot=SNAPSHOT, **env):
    """Score in this process and return what the command would print."""
    return call(database, ml.infer_batch.score, date.fromisoformat(snapshot), **env)


def refuse(database, error, says, snapshot=SNAPSHOT, **env):
    """Scoring raises `error` with `says` in it, and leaves the scores as they were."""
    before = scores(database)
    with pytest.raises(error, match=re.escape(says)):
        score(database, snapshot, **env)
    assert scores(database) == before


def test_scores_are_the_versions_own(scored):
    client = mlflow.MlflowClient(scored.extra_env["MLFLOW_TRACKING_URI"])
    version = client.get_model_version_by_alias("churn-logreg", "production")
    features = json.loads(version.tags["numeric_features"]) + json.loads(version.tags["categorical_features"])
    found = scored.rows(
        f"select customer_id, {', '.join(features)} from features.churn_weekly_features"
        " where snapshot_date = %(day)s and days_since_activity < 60 order by customer_id",
        {"day": SNAPSHOT},
    )
    frame = pd.DataFrame([row[1:] for row in found], columns=features)
    mlflow.set_tracking_uri(scored.extra_env["MLFLOW_TRACKING_URI"])
    expected = mlflow.sklearn.load_model("models:/churn-logreg@production").predict_proba(frame)[:, 1]
    rows = scores(scored)
    assert [row[0] for row in rows] == [row[0] for row in found]
    np.testing.assert_allclose([row[2] for row in rows], expected, rtol=0, atol=1e-12)
    threshold = json.loads(version.tags["threshold"])
    assert [row[3] for row in rows] == [int(row[2] >= threshold) for row in rows]
    assert {row[4] for row in rows} == {version.version}


def test_every_customer_is_scored_or_counted_as_churned(scored):
    result = score(scored)
    ((active, churned),) = scored.rows(
        "select count(*) filter (where days_since_activity < 60), count(*) filter (where days_since_activity >= 60)"
        " from features.churn_weekly_features where snapshot_date = %(day)s",
        {"day": SNAPSHOT},
    )
    assert (result["scored"], result["excluded_already_churned"]) == (active, churned)
    assert churned > 0
    assert result["predicted_churn"] == sum(row[3] for row in scores(scored))


def test_rerun_gives_identical_rows(scored):
    before = scores(scored)
    score(scored)
    assert scores(scored) == before


def test_other_snapshots_are_left_alone(scored):
    score(scored, "2019-05-19")
    other = [row for row in scores(scored) if str(row[1]) == "2019-05-19"]
    score(scored)
    assert [row for row in scores(scored) if str(row[1]) == "2019-05-19"] == other
    with scored.connect() as conn:
        conn.execute("delete from ops.churn_scoring where snapshot_date = '2019-05-19'")


def test_customers_who_left_the_cohort_lose_their_score(scored):
    with scored.connect() as conn:
        ((gone,),) = conn.execute("select max(customer_id) from ops.churn_scoring").fetchall()
        conn.execute(
            "update features.churn_weekly_features set days_since_activity = 60, label_source = 'inactive_60d'"
            " where customer_id = %s and snapshot_date = %s",
            (gone, SNAPSHOT),
        )
        record(conn, SNAPSHOT)
    score(scored)
    assert gone not in {row[0] for row in scores(scored)}


def test_readers_see_whole_snapshots_only(scored):
    """Held between DELETE and COPY, then again until the commit: the old rows, never none, never some."""
    before = scored.rows("select count(*), min(scored_at) from ops.churn_scoring")
    with scored.connect() as conn:
        conn.execute("update features.churn_weekly_features set payments_90d = payments_90d + 5")  # other scores
    with (
        scored.connect() as blocker,
        scored.connect() as repeatable,
        scored.connect(user="meli_reader", password="reader") as reader,
    ):
        repeatable.execute("begin isolation level repeatable read")
        count = "select count(*), min(scored_at) from ops.churn_scoring"
        assert repeatable.execute(count).fetchall() == before
        blocker.execute("begin")
        blocker.execute("lock table features.churn_weekly_features in access exclusive mode")
        with stopped_inside(scored, *COMMAND, writes="ops.churn_scoring") as running:
            assert reader.execute(count).fetchall() == before
            blocker.execute("rollback")
        assert running.finish().returncode == 0
        assert repeatable.execute(count).fetchall() == before
        after = reader.execute(count).fetchall()
        assert after[0][0] == before[0][0]
        assert after[0][1] > before[0][1]


def test_idle_reader_holds_nobody_up(scored):
    with idle_reader(scored, "select count(*) from ops.churn_scoring"):
        score(scored)


def test_killed_inside_its_transaction_then_run_again(scored):
    complete = scores(scored)
    scored.rows("update ops.churn_scoring set score = 0.5 where snapshot_date = %(day)s returning 1", {"day": SNAPSHOT})
    before = scores(scored)
    kill_inside(scored, *COMMAND, writes="ops.churn_scoring", hold="ops.scoring_runs", within_s=0.05)
    assert scores(scored) == before != complete
    score(scored)
    assert scores(scored) == complete


def test_killed_while_it_waits_for_its_rows_then_run_again(scored):
    before = scores(scored)
    with scored.connect() as blocker:
        blocker.execute("begin")
        blocker.execute("lock table features.churn_weekly_features in access exclusive mode")
        with stopped_inside(scored, *COMMAND, writes="ops.churn_scoring") as running:
            running.kill()
            blocker.execute("rollback")
            assert running.outcome(scored) == "aborted"
    assert scores(scored) == before
    score(scored)
    assert scores(scored) == before


def test_two_runs_take_turns(scored):
    with scored.connect() as blocker:
        blocker.execute("begin")
        blocker.execute("lock table features.churn_weekly_features in access exclusive mode")
        with stopped_inside(scored, *COMMAND, writes="ops.churn_scoring") as first:
            blocker.execute("rollback")
            score(scored)
        assert first.finish().returncode == 0
    assert len(scores(scored)) == len({row[0] for row in scores(scored)})


def test_features_rebuilt_meanwhile_are_noticed(scored):
    with scored.connect() as conn:
        conn.execute("update ops.current_feature_builds set rows_built = rows_built + 1")
    refuse(scored, TryLater, "the features were rebuilt meanwhile; run again")


def test_unseen_category_is_scored_and_reported(scored):
    with scored.connect() as conn:
        conn.execute(
            "update features.churn_weekly_features set tarjetas = 'Cheque' where snapshot_date = %s"
            " and customer_id = (select max(customer_id) from ops.churn_scoring)",
            (SNAPSHOT,),
        )
    assert score(scored)["unseen_categories"] == {"tarjetas": ["Cheque"]}
    assert 0 <= scores(scored)[-1][2] <= 1


def missing(database, share):
    """Make a feature unknown for this share of the snapshot's customers, and another for all of them."""
    with database.connect() as conn:
        conn.execute(
            "update features.churn_weekly_features set tarjetas = null, mau_mp_1 = case when customer_id %% 100 >= %s"
            " then coalesce(mau_mp_1, 1) end where snapshot_date = %s",
            (100 * share, SNAPSHOT),
        )


def test_missing_features_stop_the_run_with_name_and_shares(scored):
    missing(scored, 0.6)
    says = r"cannot score 2019-05-26: mau_mp_1 is unknown for 6\d.\d% of the customers \(1\d.\d% in training\), "
    says += r"tarjetas is unknown for 100.0% of the customers \(\d+.\d% in training\); .* --allow-missing"
    before = scores(scored)
    with pytest.raises(CommandError, match=says):
        score(scored)
    assert scores(scored) == before


def test_missing_features_can_be_allowed_and_leave_a_mark(scored):
    missing(scored, 0.6)
    result = call(scored, lambda: ml.infer_batch.score(date.fromisoformat(SNAPSHOT), allow_missing=True))
    assert list(result["missing_features"]) == ["mau_mp_1", "tarjetas"]
    assert result["scored"] == len(scores(scored))
    ((_, state, recorded),) = scored.rows(
        "select scoring_run_id, state, missing_features from ops.scoring_runs order by 1 desc limit 1"
    )
    assert state == "missing_features"
    assert recorded["tarjetas"][0] == 1


def test_a_few_more_unknown_values_do_not_stop_it(scored):
    with scored.connect() as conn:
        conn.execute("update features.churn_weekly_features set mau_mp_1 = null where customer_id % 10 = 0")
    assert score(scored)["missing_features"] == {}


def runs(database):
    """Number, version and whether its scores were replaced, of each run for the snapshot."""
    return database.rows(
        "select scoring_run_id, model_version, replaced_at is not null from ops.scoring_runs"
        " where snapshot_date = %(day)s order by 1",
        {"day": SNAPSHOT},
    )


def test_replaced_scores_stay_in_the_history_and_an_identical_rerun_adds_nothing(scored):
    first, known = scores(scored), len(runs(scored))
    history = "select count(*) from ops.churn_scoring_history"
    [(kept,)] = scored.rows(history)
    assert not score(scored)["is_new"]
    assert len(runs(scored)) == known
    assert scored.rows(history) == [(kept,)]
    with scored.connect() as conn:
        conn.execute("update features.churn_weekly_features set payments_90d = payments_90d + 5")
    assert score(scored)["is_new"]
    old, new = runs(scored)[-2:]
    assert (old[2], new[2]) == (True, False)
    in_history = scored.rows(
        "select customer_id, score, prediction from ops.churn_scoring_history where scoring_run_id = %(run)s"
        " order by 1",
        {"run": old[0]},
    )
    assert in_history == [(row[0], row[2], row[3]) for row in first]
    assert scores(scored) != first


def test_features_of_replaced_data_are_reported(scored):
    assert score(scored)["stale_sources"] == []
    with scored.connect() as conn:
        conn.execute('update ops.current_feature_builds set sources = sources || \'{"payments": "older"}\'')
    assert score(scored)["stale_sources"] == ["payments"]


def test_nobody_active(scored):
    with scored.connect() as conn:
        conn.execute("update features.churn_weekly_features set days_since_activity = 80")
        record(conn, SNAPSHOT)
    refuse(scored, CommandError, "no active customer at 2019-05-26: all 1500 have churned already; nothing to score")


def test_missing_snapshot_says_how_to_build_it(scored):
    says = "no features for 2019-06-02; build them: airflow dags test churn_feature_build_w 2019-06-02"
    refuse(scored, CommandError, says, "2019-06-02")


def test_scheduled_run_waits_for_its_features(scored):
    refuse(scored, TryLater, "no features for 2019-06-02 yet", "2019-06-02", PIPELINE_RUN_TYPE="scheduled")


def test_date_outside_the_covered_range(scored):
    says = "outside the covered range 2019-04-01 to 2019-08-01"
    refuse(scored, CommandError, says, "2019-12-01")
    refuse(scored, Skip, says, "2019-12-01", PIPELINE_RUN_TYPE="scheduled")


@pytest.mark.parametrize(
    ("snapshot", "env", "code", "says"),
    [
        ("2019-06-02", {}, 1, "error: no features for 2019-06-02; build them:"),
        ("2019-06-02", {"PIPELINE_RUN_TYPE": "scheduled"}, 75, "error: no features for 2019-06-02 yet"),
        ("2019-12-01", {"PIPELINE_RUN_TYPE": "scheduled"}, 99, "skipped: snapshot date 2019-12-01 is outside"),
        ("26/05/2019", {}, 2, "'26/05/2019' is not a date (expected YYYY-MM-DD)"),
        (SNAPSHOT, {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}, 75, "MLflow at http://127.0.0.1:9 does not answer"),
        (SNAPSHOT, {"POSTGRES_PORT": "9"}, 75, "error: PostgreSQL: "),
        (SNAPSHOT, {"POSTGRES_PASSWORD": "wrong"}, 75, "error: PostgreSQL: "),
        (SNAPSHOT, {"POSTGRES_PORT": "five"}, 1, "POSTGRES_PORT='five'"),
    ],
)
def test_command_line_says_why_and_ends_with_a_code_for_it(scored, snapshot, env, code, says):
    before = scores(scored)
    done = scored.run("ml.infer_batch", "--snapshot-date", snapshot, **env)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert scores(scored) == before


def test_column_that_the_table_lost(scored):
    with scored.connect() as conn:
        conn.execute("alter table features.churn_weekly_features rename tarjetas to was_tarjetas")
    try:
        refuse(scored, CommandError, "version 1 takes tarjetas, which features.churn_weekly_features no longer has")
    finally:
        with scored.connect() as conn:
            conn.execute("alter table features.churn_weekly_features rename was_tarjetas to tarjetas")


def test_reader_role_cannot_write_scores(scored):
    with scored.connect(user="meli_reader", password="reader") as reader:
        reader.execute("set session characteristics as transaction read write")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("delete from ops.churn_scoring")


def test_no_model_says_how_to_train_one(database, mlflow_uri):
    """Last: it empties the registry that the other tests share."""
    forget_models(mlflow_uri)
    fill(database, SNAPSHOT, customers=50)
    says = "'production'; train one: airflow dags test churn_train_register_m 2019-05-26"
    refuse(database, CommandError, says, MLFLOW_TRACKING_URI=mlflow_uri)
