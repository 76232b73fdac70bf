"""`python -m ml.monitor` and its DAG on the sample: clean, with planted changes, with losses, killed, and run again."""

import json
import re
from datetime import date, timedelta

import mlflow
import numpy as np
import pytest
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from ml.cli import CommandError, Skip, TryLater
from ml.features import build_missing
from ml.infer_batch import score
from ml.monitor import monitor, ready
from ml.monitoring.snapshot import scored_rows
from ml.promote import promote
from ml.train import train
from tests.integration.churn_rows import call, forget_models
from tests.integration.faults import kill_inside

LAST = date(2019, 6, 30)
BEFORE = LAST - timedelta(weeks=1)
APRIL = [date(2019, 4, day) for day in (7, 14, 21, 28)]
CLOSED = [APRIL[-1], LAST]  # of those that are scored
COMMAND = ("ml.monitor", "--snapshot-date", str(LAST))
FINDINGS = """
select check_name, subject, value, warn_above, alert_above, state, detail, what_to_do, model_version
from ops.monitoring where snapshot_date = %(day)s order by 1, 2
"""
REALIZED = """
select snapshot_dates, slice, metric, value, low, high, rows_measured, churners, measured_at from ops.model_metrics
where kind = 'realized' order by 1, 2, 3
"""
OUTCOMES = """
select customer_id, score, labeled_churn
from ops.churn_scoring join features.churn_weekly_features using (customer_id, snapshot_date)
where snapshot_date = any(%(days)s) and label_horizon_days between 60 and 67
"""


@pytest.fixture(scope="module")
def sample(new_database, seeded_template, mlflow_uri):
    """The sample with two closed Sundays and the last four scored by a version of what was known on the last."""
    forget_models(mlflow_uri)
    database = new_database(seeded_template)
    database.extra_env["MLFLOW_TRACKING_URI"] = mlflow_uri
    call(database, build_missing, [*APRIL, *(LAST - timedelta(weeks=back) for back in range(4))])
    call(database, train, LAST, 8, LAST)
    call(database, promote)
    for day in (*CLOSED, *(LAST - timedelta(weeks=back) for back in (3, 2, 1))):
        call(database, score, day)
    return database


@pytest.fixture
def planted(sample):
    """Statements of the administrator whose changes, and what monitoring wrote, are gone after the test."""
    kept = ("features.churn_weekly_features", "ops.churn_scoring", "ops.scoring_runs")
    with sample.connect() as conn:
        for number, table in enumerate(kept):
            conn.execute(f"create table sandbox.kept_{number} as table {table}")
        yield lambda *statements: [conn.execute(statement) for statement in statements]
        conn.execute("delete from ops.model_metrics where kind = 'realized'")
        conn.execute("delete from ops.monitoring")
        for number, table in enumerate(kept):
            conn.execute(f"delete from {table}")
            conn.execute(f"insert into {table} overriding system value table sandbox.kept_{number}")
            conn.execute(f"drop table sandbox.kept_{number}")


def findings(database, day=LAST):
    return database.rows(FINDINGS, {"day": day})


def states(database, day=LAST):
    return {row[:2]: row[5] for row in findings(database, day)}


def test_the_clean_sample_has_no_alert_and_names_what_it_measured(sample):
    result = call(sample, monitor, LAST)
    assert result["findings"]["alert"] == 0 == len(result["alerts"])
    assert result["measured"] == CLOSED
    assert sum(result["findings"].values()) == len(findings(sample))
    assert {row[8] for row in findings(sample)} == {"1"}
    assert {check for check, _ in states(sample)} == {
        "age in days", "calibration", "drift", "load", "months behind", "roc_auc", "run that did not happen",
        "share unknown", "volume",
    }  # fmt: skip
    with sample.connect(user="meli_reader", password="reader") as reader:
        assert reader.execute("select count(*) from ops.monitoring").fetchall() == [(len(findings(sample)),)]
        assert reader.execute("select count(*) > 0 from ops.model_metrics").fetchall() == [(True,)]


def test_figures_are_those_of_an_independent_computation(sample):
    call(sample, monitor, LAST)
    rows = sample.rows(OUTCOMES, {"days": [LAST]})
    scores, churned = np.array([row[1] for row in rows]), np.array([row[2] for row in rows])
    stored = {metric: rest for days, name, metric, *rest in sample.rows(REALIZED) if (days, name) == ([LAST], "all")}
    expected = {
        "roc_auc": roc_auc_score(churned, scores),
        "log_loss": log_loss(churned, scores),
        "brier": brier_score_loss(churned, scores),
        "calibration": scores.mean() - churned.mean(),
    }
    assert {name: value for name, (value, *_) in stored.items()} == pytest.approx(expected)
    random = np.random.default_rng(1)
    drawn = [random.integers(0, len(rows), len(rows)) for _ in range(400)]
    for name, figure in (("roc_auc", roc_auc_score), ("brier", brier_score_loss)):
        low, high = np.quantile([figure(churned[draw], scores[draw]) for draw in drawn], (0.025, 0.975))
        assert stored[name][1:3] == pytest.approx([low, high], abs=0.2 * (high - low))
    assert stored["brier"][3:5] == [len(rows), churned.sum()]
    slices = {name for days, name, *_ in sample.rows(REALIZED) if days == [LAST]}
    assert {"spend=lowest quarter", "gender=female", "tenure=90 or more"} < slices


def test_pooled_calibration_draws_customers_with_all_their_rows(sample):
    call(sample, monitor, LAST)
    of_customer = {}
    for customer, scored, churned in sample.rows(OUTCOMES, {"days": CLOSED}):
        of_customer.setdefault(customer, []).append(scored - churned)
    sums, sizes = (np.array([each(of) for of in of_customer.values()]) for each in (sum, len))
    random = np.random.default_rng(1)
    drawn = [random.integers(0, len(sums), len(sums)) for _ in range(1000)]
    low, high = np.quantile([sums[draw].sum() / sizes[draw].sum() for draw in drawn], (0.05, 0.95))
    detail = next(row[6] for row in findings(sample) if row[1] == "newest 13 closed snapshots")
    found = [float(number) for number in re.findall(r"[+-]0\.\d{3}", detail)]
    assert found == pytest.approx([sums.sum() / sizes.sum(), low, high], abs=0.0016)
    assert f"2 snapshots from 2019-04-28 to 2019-06-30: mean score - share that churned {found[0]:+.3f}" in detail


def test_a_rerun_gives_the_same_rows_and_report_and_measures_nothing_again(sample):
    first = call(sample, monitor, LAST)
    before, figures = findings(sample), sample.rows(REALIZED)
    again = call(sample, monitor, LAST)
    assert again == {**first, "measured": []}
    assert (findings(sample), sample.rows(REALIZED)) == (before, figures)


def test_the_report_is_one_page_that_asks_nothing_of_the_network(sample):
    result = call(sample, monitor, LAST)
    mlflow.set_tracking_uri(sample.extra_env["MLFLOW_TRACKING_URI"])
    page = mlflow.artifacts.load_text(f"runs:/{result['run_id']}/monitoring/2019-06-30.html")
    assert page.count("<img alt='' src='data:image/png;base64,") == 2
    assert not re.search(r"https?://|<script|<link", page)
    assert "tenure_days: not compared: the training has 96 days of payments before it, 180 are needed" in page
    runs = mlflow.search_runs(experiment_names=["churn-logreg monitoring"], output_format="list")
    assert [run.info.run_id for run in runs if run.data.tags["snapshot_date"] == "2019-06-30"] == [result["run_id"]]


def test_planted_drift_is_found_and_named(sample, planted):
    planted(f"update features.churn_weekly_features set payments_90d = payments_90d + 1 where snapshot_date = '{LAST}'")
    result = call(sample, monitor, LAST)
    assert states(sample)["drift", "payments_90d"] == "alert"
    assert [each["subject"] for each in result["alerts"]] == ["payments_90d"]
    assert "train again" in result["alerts"][0]["what_to_do"]


def test_more_customers_than_are_needed_are_a_fixed_sample(sample):
    columns = ("customer_id", "score")
    with sample.connect() as conn:
        every, some, again = (scored_rows(conn, LAST, columns, rows) for rows in (10**6, 500, 500))
    ((count,),) = sample.rows("select count(*) from ops.churn_scoring where snapshot_date = %(day)s", {"day": LAST})
    assert len(every) == count > 2000
    assert 350 < len(some) < 650
    assert set(some["customer_id"]) == set(again["customer_id"]) < set(every["customer_id"])


def test_a_feature_without_a_value_is_unknown_and_does_not_drift(sample, planted):
    planted(f"update features.churn_weekly_features set mau_mp_1 = null where snapshot_date = '{LAST}'")
    result = call(sample, monitor, LAST)
    assert [(each["check"], each["subject"]) for each in result["alerts"]] == [("share unknown", "mau_mp_1")]
    assert ("drift", "mau_mp_1", 0.0) in [row[:3] for row in findings(sample)]


def test_three_points_more_churn_are_found_and_change_the_figures(sample, planted):
    before = call(sample, monitor, LAST)
    planted(
        "update features.churn_weekly_features set labeled_churn = 1"
        " where labeled_churn = 0 and label_horizon_days is not null and customer_id % 1000 < 60"
    )
    result = call(sample, monitor, LAST)
    assert result["measured"] == before["measured"] == CLOSED
    assert {each["check"] for each in result["alerts"]} <= {"calibration", "roc_auc"}
    assert all("dags test churn_train_register_m 2019-06-30" in each["what_to_do"] for each in result["alerts"])
    assert states(sample)["calibration", "newest 13 closed snapshots"] == "alert"


def test_missing_scores_are_a_run_that_did_not_happen(sample, planted):
    planted(
        *(f"delete from {table} where snapshot_date = '{LAST}'" for table in ("ops.churn_scoring", "ops.scoring_runs"))
    )
    result = call(sample, monitor, LAST)
    assert result["model_version"] is None
    assert [(each["subject"], each["detail"]) for each in result["alerts"]] == [
        ("churn_batch_score_w", "no result for 2019-06-30")
    ]
    assert "dags test churn_batch_score_w 2019-06-30" in result["alerts"][0]["what_to_do"]
    assert states(sample)["run that did not happen", "churn_batch_score_w"] == "alert"
    assert call(sample, ready, LAST) == {"model_version": None}
    with pytest.raises(TryLater, match="no scores for 2019-06-30 yet"):
        call(sample, lambda: ready(LAST), PIPELINE_RUN_TYPE="scheduled")


def test_a_week_that_was_missed_before_is_a_warning(sample, planted):
    planted(f"delete from ops.scoring_runs where snapshot_date = '{BEFORE}'")
    found = call(sample, monitor, LAST)["warnings"]
    assert [(each["subject"], each["detail"]) for each in found] == [
        ("churn_batch_score_w", "no result for 2019-06-23")
    ]


def test_weeks_before_the_first_scored_one_are_not_missed(sample, planted):
    """A training has built Sundays of April, and none between them and the first that the scheduler ran."""
    first = LAST - timedelta(weeks=3)
    planted(f"delete from ops.scoring_runs where snapshot_date < '{first}'")
    call(sample, monitor, first)
    found = states(sample, first)
    assert {found["run that did not happen", dag] for dag in ("churn_feature_build_w", "churn_batch_score_w")} == {"ok"}


def test_killed_inside_its_transaction_then_run_again(sample, planted):
    call(sample, monitor, LAST)
    complete = findings(sample)
    planted("delete from ops.model_metrics where kind = 'realized'", "update ops.monitoring set state = 'warn'")
    before = findings(sample)
    kill_inside(sample, *COMMAND, writes="ops.model_metrics", hold="ops.monitoring")
    assert findings(sample) == before != complete
    assert sample.rows(REALIZED) == []
    call(sample, monitor, LAST)
    assert findings(sample) == complete


def test_outside_the_covered_range(sample):
    with pytest.raises(CommandError, match="outside the covered range 2019-04-01 to 2019-07-01"):
        call(sample, monitor, date(2019, 12, 1))
    with pytest.raises(Skip, match="outside the covered range"):
        call(sample, lambda: monitor(date(2019, 12, 1)), PIPELINE_RUN_TYPE="scheduled")


# What the task does without a lasting alert, and the runs that it has asked for.
ASKED = """
import json
from types import SimpleNamespace
from airflow.dag_processing.dagbag import DagBag
from airflow.models.dagrun import DagRun
from airflow.sdk.exceptions import AirflowSkipException
from airflow.utils.session import create_session
quiet = SimpleNamespace(xcom_pull=lambda task_ids: {"lasting_alerts": []})
try:
    DagBag().dags["churn_monitor_w"].get_task("ask_for_training").execute({"ti": quiet})
except AirflowSkipException as skipped:
    said = str(skipped)
with create_session() as session:
    runs = [[run.dag_id, run.run_id, run.conf] for run in session.query(DagRun) if "monitoring__" in run.run_id]
    print(json.dumps([said, runs]))
"""


def test_dag_asks_for_a_training_if_an_alert_lasts_two_weeks(airflow, sample, planted):
    assert airflow.run("dags", "reserialize").returncode == 0
    planted(
        "update features.churn_weekly_features set payments_90d = payments_90d + 1 where snapshot_date > '2019-06-20'"
    )
    assert call(sample, monitor, LAST)["lasting_alerts"] == []
    call(sample, monitor, BEFORE)
    done = airflow.test("churn_monitor_w", str(LAST), sample)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "1 alert at snapshot 2019-06-30: drift of payments_90d" in done.stdout + done.stderr
    found = airflow.python("-c", ASKED)
    assert found.returncode == 0, found.stderr[-2000:]
    said, runs = json.loads(found.stdout.splitlines()[-1])
    conf = {"snapshot_date": "2019-06-30", "as_of": "2019-06-30"}
    assert runs == [["churn_train_register_m", "monitoring__2019-06-30", conf]]
    assert said == "no alert that training can cure was there a week before too"


def test_a_version_without_its_training_reference_is_one_finding(sample):
    """Last: the files of the version are lost."""
    client = mlflow.MlflowClient(sample.extra_env["MLFLOW_TRACKING_URI"])
    version = client.get_model_version("churn-logreg", "1")
    files = client.get_run(version.run_id).info.artifact_uri
    get_artifact_repository(files).delete_artifacts("training_reference.json")
    result = call(sample, monitor, LAST)
    assert (result["findings"]["warn"], result["warnings"][0]["check"]) == (1, "training reference")
    assert "version 1 has no training_reference.json: drift is not known" in result["warnings"][0]["detail"]
    assert not [check for check, _ in states(sample) if check in ("drift", "share unknown")]
