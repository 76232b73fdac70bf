"""What the page Model reads, compared with the registry, the pipeline and the tables."""

import json
from datetime import UTC, date, datetime

import mlflow
import pytest
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from ml.cli import CommandError
from ml.promote import promote
from ml.reports import model as report
from ml.store import registry
from ml.train import train
from ml.training.explanation import inputs
from tests.integration.churn_rows import call, fill, forget_models
from tests.integration.conftest import PASSWORDS

TRAINED, LATER = "2019-05-19", "2019-05-26"


@pytest.fixture(scope="module")
def trained(new_database, empty_template, mlflow_uri):
    """Version 1, measured out of time too, in production; version 2 compared with it."""
    forget_models(mlflow_uri)
    database = new_database(empty_template)
    database.extra_env["MLFLOW_TRACKING_URI"] = mlflow_uri
    fill(database, "2019-05-12", TRAINED, LATER)
    call(database, train, date.fromisoformat(TRAINED), 2)
    call(database, promote)
    call(database, train, date.fromisoformat(LATER), 3)
    call(database, promote)
    return database


def asked(database, function, *arguments):
    """What a function of the report gives with a client of the registry."""

    def ask():
        with registry.session() as client:
            return function(client, *arguments)

    return call(database, ask)


@pytest.fixture
def conn(trained):
    with trained.connect("meli_reader", PASSWORDS["READER_DB_PASSWORD"]) as reader:
        yield reader


def test_versions_are_the_registered_ones_newest_first(trained):
    client = mlflow.MlflowClient(trained.extra_env["MLFLOW_TRACKING_URI"])
    runs = {number: client.get_model_version("churn-logreg", number).run_id for number in ("2", "1")}
    assert list(asked(trained, report.versions).items()) == list(runs.items())


def test_the_card_is_that_of_the_tags_and_the_rows(trained):
    card = asked(trained, report.card, "1")
    tags = mlflow.MlflowClient(trained.extra_env["MLFLOW_TRACKING_URI"]).get_model_version("churn-logreg", "1").tags
    assert card.training_snapshots == [date(2019, 5, 12), date(2019, 5, 19)]
    assert list(card.features) == json.loads(tags["numeric_features"]) + json.loads(tags["categorical_features"])
    assert (card.threshold, card.data_digest) == (json.loads(tags["threshold"]), tags["data_digest"])
    ((rows, churners),) = trained.rows(
        "select count(*), sum(labeled_churn) from features.churn_weekly_features where snapshot_date <= '2019-05-19'"
        " and days_since_activity < 60 and label_horizon_days between 60 and 67"
        " and ops.customer_bucket(customer_id) >= 200"
    )
    assert (card.training_rows, card.training_churners) == (rows, churners)
    assert abs((datetime.now(UTC) - card.registered_at).total_seconds()) < 3600
    assert card.is_retrospective


def test_coefficients_are_those_of_the_pipeline_largest_first_within_their_spread(trained):
    card = asked(trained, report.card, "1")
    pipeline = call(trained, lambda: _pipeline("1"))
    stored = dict(zip((each.name for each in inputs(pipeline)), pipeline[-1].coef_[0], strict=True))
    assert {each.input: each.coefficient for each in card.coefficients} == pytest.approx(stored)
    sizes = [abs(each.coefficient) for each in card.coefficients]
    assert sizes == sorted(sizes, reverse=True)
    assert all(each.low < each.coefficient < each.high for each in card.coefficients)
    declared = {each.input: each.declared for each in card.coefficients}
    assert declared["days_since_activity"] == "more churn"


def test_calibration_by_tenth_adds_up_to_the_error_on_record(trained, conn):
    card = asked(trained, report.card, "1")
    measured = {(each.kind, each.slice, each.metric): each for each in report.figures(conn, "1")}
    assert set(card.tenths) == {"in_time", "out_of_time"}
    for kind, tenths in card.tenths.items():
        rows = sum(each.rows for each in tenths)
        error = sum(abs(each.mean_score - each.churned) * each.rows for each in tenths) / rows
        assert len(tenths) == 10
        assert rows == measured[kind, "all", "calibration_error"].rows_measured
        assert error == pytest.approx(measured[kind, "all", "calibration_error"].value)


def test_figures_are_the_rows_of_the_version(trained, conn):
    stored = trained.rows(
        "select kind, slice, metric, value, low, high from ops.model_metrics where model_version = '1'"
        " and kind in ('in_time', 'out_of_time') order by metric_id"
    )
    found = report.figures(conn, "1")
    assert [(each.kind, each.slice, each.metric, each.value, each.low, each.high) for each in found] == stored
    assert {each.kind for each in found} == {"in_time", "out_of_time"}
    assert report.figures(conn, "99") == []


def test_decisions_are_the_newest_first_with_their_figures(trained, conn):
    newest, first = report.promotions(conn, 10)
    assert (first.action, first.challenger_version, first.champion_version) == ("promote", "1", None)
    assert (newest.challenger_version, newest.champion_version, newest.reference_version) == ("2", "1", "1")
    ((figures,),) = trained.rows("select figures from ops.model_promotions where challenger_version = '2'")
    assert newest.figures == figures
    assert set(figures) == {"log_loss", "roc_auc", "calibration", "share_flagged"}
    assert report.promotions(conn, 1) == [newest]


def test_an_unknown_version_is_named(trained):
    with pytest.raises(CommandError, match="churn-logreg has no version '99'"):
        asked(trained, report.card, "99")


def test_a_version_from_before_charts_were_logged_has_coefficients_without_spread(trained):
    """Last: its file is deleted."""
    before = asked(trained, report.card, "2")
    files = mlflow.MlflowClient(trained.extra_env["MLFLOW_TRACKING_URI"]).get_run(before.run_id).info.artifact_uri
    mlflow.set_tracking_uri(trained.extra_env["MLFLOW_TRACKING_URI"])
    get_artifact_repository(files).delete_artifacts("description.json")
    after = asked(trained, report.card, "2")
    assert [each.input for each in after.coefficients] == [each.input for each in before.coefficients]
    assert {(each.low, each.high) for each in after.coefficients} == {(None, None)}
    assert after.tenths == {}


def _pipeline(number):
    with registry.session() as client:
        return registry.load(registry.get(client, number))
