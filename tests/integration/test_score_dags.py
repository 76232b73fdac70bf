"""The training and scoring DAGs through Airflow, in the order that the README gives, and alone."""

import json

import pytest

from tests.integration.churn_rows import forget_models, production, scores
from tests.integration.conftest import ROOT

SNAPSHOT = "2019-05-26"
WEEKS = """
import json
from churn_train_register_m import TRAINING_PARAMS
weeks = TRAINING_PARAMS["lookback_weeks"]
print(json.dumps([weeks.value, weeks.schema["minimum"], weeks.schema["maximum"]]))
"""


@pytest.fixture
def registry(seeded, mlflow_uri):
    """An empty registry that the DAGs of this test write to."""
    seeded.extra_env["MLFLOW_TRACKING_URI"] = mlflow_uri
    return forget_models(mlflow_uri)


def test_training_takes_one_to_52_weeks_and_defaults_to_eight(airflow):
    done = airflow.python("-c", WEEKS, PYTHONPATH=f"{ROOT / 'airflow' / 'include'}:{ROOT / 'airflow' / 'dags'}")
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == [8, 1, 52]


def test_scoring_without_a_model_or_features_says_what_to_run_then_it_works(airflow, seeded, registry):
    refused = airflow.test("churn_batch_score_w", SNAPSHOT, seeded)
    assert refused.returncode == 1
    assert f"airflow dags test churn_train_register_m {SNAPSHOT}" in refused.stdout + refused.stderr

    trained = airflow.test("churn_train_register_m", "2019-05-31", seeded)
    assert trained.returncode == 0, trained.stdout[-4000:]
    assert production(registry) == ("1", ["1"])
    decisions = seeded.rows("select action, production_version, run_id <> 'shell' from ops.model_promotions")
    assert decisions == [("promote", "1", True)]

    without = airflow.test("churn_batch_score_w", SNAPSHOT, seeded)
    assert without.returncode == 1
    assert f"airflow dags test churn_feature_build_w {SNAPSHOT}" in without.stdout + without.stderr
    built = airflow.test("churn_feature_build_w", SNAPSHOT, seeded)
    assert built.returncode == 0, built.stdout[-4000:]
    scored = airflow.test("churn_batch_score_w", SNAPSHOT, seeded)
    assert scored.returncode == 0, scored.stdout[-4000:]
    rows = [row for row in scores(seeded) if str(row[1]) == SNAPSHOT]
    ((active,),) = seeded.rows(
        "select rows_built - rows_inactive_60d from ops.current_feature_builds where snapshot_date = %(day)s",
        {"day": SNAPSHOT},
    )
    assert len(rows) == active > 1000

    again = airflow.test("churn_train_register_m", "2019-05-31", seeded)
    assert again.returncode == 0, again.stdout[-4000:]
    assert production(registry) == ("1", ["1"])
    assert len(seeded.rows("select 1 from ops.model_promotions")) == 1
    assert [row for row in scores(seeded) if str(row[1]) == SNAPSHOT] == rows
