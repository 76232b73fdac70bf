"""`python -m ml.backtest`: each Sunday by a model of what was known on it, on a longer history."""

from datetime import date

import mlflow
import pytest

from ml.backtest import backtest
from ml.cli import CommandError
from sample_data.generate import Request
from tests.integration import generated
from tests.integration.churn_rows import call

REQUEST = Request(3_000, 7, date(2019, 7, 1), days=365)
UNTIL = date(2018, 12, 23)


@pytest.fixture(scope="module")
def history(new_database, empty_template, mlflow_uri, tmp_path_factory):
    """A year of payments; 2018-12-02 is the first Sunday on which the labels of another are known."""
    database = new_database(empty_template)
    database.extra_env["MLFLOW_TRACKING_URI"] = mlflow_uri
    generated.load(database, REQUEST, tmp_path_factory.mktemp("history"))
    return database


@pytest.fixture(scope="module")
def result(history):
    return call(history, backtest, UNTIL, 8)


def test_each_sunday_is_measured_by_what_was_known_on_it(result):
    assert [row["sunday"] for row in result["sundays"]] == ["2018-12-02", "2018-12-09", "2018-12-16", "2018-12-23"]
    assert [row["training"] for row in result["sundays"]] == [
        "2018-09-30 to 2018-09-30",
        "2018-09-30 to 2018-10-07",
        "2018-09-30 to 2018-10-14",
        "2018-09-30 to 2018-10-21",
    ]
    assert "2018-09-30: open on 2018-11-25: its 60 days end on 2018-11-28" in result["passed_over"]["2018-11-25"]


def test_the_model_beats_the_baselines_and_its_probabilities_are_right(result):
    for row in result["sundays"]:
        assert row["roc_auc"] > row["recency_roc_auc"] > 0.6
        assert row["recency_frequency_roc_auc"] > row["recency_roc_auc"]
        assert row["roc_auc_low"] < row["roc_auc"] < row["roc_auc_high"]
        assert abs(row["calibration"]) < 0.04


def test_figures_are_rows_and_the_table_and_plot_are_in_mlflow(result, history):
    stored = history.rows(
        "select value, low, high, rows_measured from ops.model_metrics"
        " where kind = 'backtest' and metric = 'roc_auc' and slice = 'all' order by snapshot_dates"
    )
    assert [value for value, *_ in stored] == [row["roc_auc"] for row in result["sundays"]]
    mlflow.set_tracking_uri(history.extra_env["MLFLOW_TRACKING_URI"])
    files = {file.path for file in mlflow.MlflowClient().list_artifacts(result["run_id"])}
    assert files >= {"backtest.csv", "backtest.md", "backtest.png"}
    assert mlflow.artifacts.load_text(f"runs:/{result['run_id']}/backtest.md").count("\n| 2018-12-") == 4


def test_a_second_backtest_replaces_its_rows(result, history):
    count = "select count(*) from ops.model_metrics"
    before = history.rows(count)
    assert call(history, backtest, UNTIL, 8)["sundays"] == result["sundays"]
    assert history.rows(count) == before


def test_nothing_to_measure_says_why(history):
    with pytest.raises(CommandError, match=r"no Sunday can be measured: .*2018-10-07: no snapshot up to 2018-10-07"):
        call(history, backtest, date(2018, 10, 7), 8)
