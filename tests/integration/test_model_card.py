"""The model card of a version and its figures in `ops.model_metrics`, on the sample."""

import json
from dataclasses import dataclass
from datetime import date

import mlflow
import numpy as np
import pandas as pd
import psycopg
import pytest
from mlflow.tracking import MlflowClient
from sklearn.metrics import roc_auc_score

from ml.features import build_missing
from ml.promote import promote
from ml.train import train
from tests.integration.churn_rows import call, forget_models
from tests.integration.conftest import PASSWORDS, Database

APRIL, JUNE = date(2019, 4, 30), date(2019, 6, 30)
STORED = (
    "select kind, snapshot_dates::text[], slice, metric, value, low, high, rows_measured, churners"
    " from ops.model_metrics where model_version = %(version)s and kind in ('in_time', 'out_of_time')"
)
SECTIONS = (
    "In short", "Quality out of time", "Quality in time, on held-out customers", "Calibration by snapshot",
    "By slice, out of time", "By slice, in time", "The ceiling", "With and without demographics", "Data",
    "Coefficients", "Stability", "Assumptions", "Limits",
)  # fmt: skip


@dataclass
class Carded:
    """A version trained on April with another in production, measured out of time on June 30."""

    database: Database
    client: MlflowClient
    result: dict

    @property
    def version(self) -> str:
        return self.result["model_version"]

    @property
    def tags(self) -> dict[str, str]:
        return self.client.get_model_version("churn-logreg", self.version).tags

    def artifact(self, name: str) -> str:
        return mlflow.artifacts.load_text(f"runs:/{self.result['run_id']}/{name}")

    def stored(self, condition: str = "true") -> list[tuple]:
        return self.database.rows(f"{STORED} and {condition} order by metric_id", {"version": self.version})

    def figure(self, kind: str, metric: str, in_slice: str = "all") -> tuple[float, float, float]:
        ((value, low, high),) = self.database.rows(
            "select value, low, high from ops.model_metrics where model_version = %(version)s and kind = %(kind)s"
            " and metric = %(metric)s and slice = %(slice)s",
            {"version": self.version, "kind": kind, "metric": metric, "slice": in_slice},
        )
        return value, low, high

    def train_again(self) -> dict:
        return call(self.database, train, APRIL, 8)


@pytest.fixture(scope="module")
def carded(new_database, seeded_template, mlflow_uri):
    client = forget_models(mlflow_uri)
    database = new_database(seeded_template)
    database.extra_env["MLFLOW_TRACKING_URI"] = mlflow_uri
    call(database, build_missing, [JUNE])
    call(database, train, APRIL, 3)
    call(database, promote)
    return Carded(database, client, call(database, train, APRIL, 8))


@pytest.fixture(scope="module")
def card(carded):
    return carded.artifact("model_card.md")


def section(card: str, name: str) -> str:
    return card.split(f"\n## {name}\n")[1].split("\n## ")[0]


def test_every_section_is_there_and_out_of_time_comes_first(card):
    assert tuple(line.removeprefix("## ") for line in card.splitlines() if line.startswith("## ")) == SECTIONS
    before = card.split("\n## ")[0]
    assert "**For**" in before
    assert "**Not for**" in before


def test_the_figures_shown_are_the_rows_of_the_table(card, carded):
    for name, kind in (("Quality out of time", "out_of_time"), ("Quality in time, on held-out customers", "in_time")):
        for metric in ("roc_auc", "average_precision", "log_loss", "brier", "calibration", "calibration_error"):
            value, low, high = carded.figure(kind, metric)
            assert f"| {value:.4f} | {low:.4f} to {high:.4f} |" in section(card, name), (kind, metric)
    for kind, day in (("out_of_time", "2019-06-30"), ("in_time", "2019-04-07"), ("in_time", "2019-04-28")):
        value, low, high = carded.figure(kind, "calibration", f"snapshot={day}")
        assert f"{value:+.3f} ({low:+.3f} to {high:+.3f})" in section(card, "Calibration by snapshot")
    for kind in ("out_of_time", "in_time"):
        value, low, high = carded.figure(kind, "roc_auc", "spend=lowest quarter")
        assert f"| {value:.3f} ({low:.3f} to {high:.3f}) |" in section(card, f"By slice, {kind.replace('_', ' ')}")
    for name, gain in (("The ceiling", "ceiling"), ("With and without demographics", "demographics")):
        for kind in ("out_of_time", "in_time"):
            for metric in ("roc_auc", "log_loss"):
                value, low, high = carded.figure(kind, f"{gain}_{metric}_gain")
                low, high = sorted((low, high) if value >= 0 else (-low, -high))
                said = f"{'better' if value >= 0 else 'worse'} by {abs(value):.4f} ({low:.4f} to {high:.4f})"
                zero = "contains" if low <= 0 <= high else "excludes"
                assert f"{said}; the interval {zero} zero" in section(card, name)


def test_rows_are_the_figures_of_the_run(carded):
    logged = [tuple(row.values()) for row in json.loads(carded.artifact("figures.json"))["rows"]]
    assert carded.stored() == logged
    metrics = carded.client.get_run(carded.result["run_id"]).data.metrics
    for kind, prefix in (("in_time", "heldout"), ("out_of_time", "out_of_time")):
        for metric in ("roc_auc", "ceiling_log_loss_gain", "demographics_roc_auc_gain"):
            ends = ("", "_low", "_high")
            assert carded.figure(kind, metric) == tuple(metrics[f"{prefix}_{metric}{end}"] for end in ends)


def test_a_slice_is_measured_on_its_held_out_customers(carded):
    model = mlflow.sklearn.load_model(f"models:/churn-logreg/{carded.version}")
    features = json.loads(carded.tags["numeric_features"]) + json.loads(carded.tags["categorical_features"])
    rows = carded.database.rows(
        f"select labeled_churn, {', '.join(features)} from features.churn_weekly_features"
        " where gender = 'female' and snapshot_date < '2019-05-01' and days_since_activity < 60"
        " and ops.customer_bucket(customer_id) < 200"
    )
    frame = pd.DataFrame(rows, columns=["labeled_churn", *features])
    numbers = json.loads(carded.tags["numeric_features"])
    scores = model.predict_proba(frame[features].astype(dict.fromkeys(numbers, float)))[:, 1]
    assert carded.figure("in_time", "roc_auc", "gender=female")[0] == pytest.approx(
        roc_auc_score(frame["labeled_churn"], scores)
    )
    assert carded.figure("in_time", "calibration", "gender=female")[0] == pytest.approx(
        np.mean(scores) - frame["labeled_churn"].mean()
    )


def test_few_churners_are_said_in_the_card_and_have_no_row(card, carded):
    said = "| gender = Unknown | 117 |  | 23.9 % | too few: 28 churned, 89 stayed |  |"
    assert said in section(card, "By slice, in time")
    assert carded.stored("slice = 'gender=Unknown' and kind = 'in_time'") == []


def test_data_coefficients_and_stability_are_the_versions_own(card, carded):
    data = section(card, "Data")
    assert f"Digest of the data: {carded.tags['data_digest']}." in data
    assert "Snapshots: 2019-04-07, 2019-04-14, 2019-04-21, 2019-04-28." in data
    assert "Left out: 2019-03-31: outside the covered range" in data
    assert "days to 2019-06-26, which the date of this training could not know: it is retrospective." in data
    observed = [json.loads(carded.tags[f"{part}_label_counts"])["observed"] for part in ("training", "heldout")]
    counts = [f"{counts[label]:,}" for counts in observed for label in ("1", "0")]
    assert f"| observed | {' | '.join(counts)} |" in data
    model = mlflow.sklearn.load_model(f"models:/churn-logreg/{carded.version}")
    for coefficient in model[-1].coef_[0]:
        assert f"| {coefficient:+.3f} |" in section(card, "Coefficients")
    stability = section(card, "Stability")
    assert "Version 1 was in production when this one was trained." in stability
    assert f"is {carded.figure('in_time', 'production_rank_correlation')[0]:.4f}." in stability
    assert f"both flag {100 * carded.figure('in_time', 'production_flagged_overlap')[0]:.1f} %." in stability


def test_without_a_version_in_production_the_card_says_so(carded):
    run_id = carded.client.get_model_version("churn-logreg", "1").run_id
    first = mlflow.artifacts.load_text(f"runs:/{run_id}/model_card.md")
    assert "There was no version in production when this one was trained." in first
    assert "production_rank_correlation" not in mlflow.artifacts.load_text(f"runs:/{run_id}/figures.json")


def test_a_rerun_adds_nothing(carded):
    before = carded.database.rows("select * from ops.model_metrics order by 1")
    assert carded.train_again()["created"] is False
    assert carded.database.rows("select * from ops.model_metrics order by 1") == before


@pytest.mark.parametrize("lost", ["true", "slice = 'all' and kind = 'in_time'"])
def test_a_rerun_completes_rows_that_are_missing(carded, lost):
    before = carded.stored()
    with carded.database.connect() as conn:
        conn.execute(f"delete from ops.model_metrics where model_version = %s and {lost}", (carded.version,))
    assert carded.stored() != before
    assert carded.train_again()["created"] is False
    assert carded.stored() == before


def test_a_rerun_replaces_rows_of_another_version_of_that_number(carded):
    """As after MLflow's database is lost, and versions are counted from 1 again."""
    before = carded.stored()
    with carded.database.connect() as conn:
        conn.execute("update ops.model_metrics set value = 0.5 where model_version = %s", (carded.version,))
        conn.execute("update ops.model_metrics set slice = 'estado=atlantis' where slice = 'estado=others'")
    carded.train_again()
    assert carded.stored() == before


def test_the_reader_reads_the_rows_and_cannot_change_them(carded):
    with carded.database.connect("meli_reader", PASSWORDS["READER_DB_PASSWORD"]) as conn:
        assert conn.execute("select count(*) > 0 from ops.model_metrics").fetchone() == (True,)
        conn.execute("set default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("delete from ops.model_metrics")


def test_a_column_by_which_figures_are_sliced_alone_makes_no_new_version(carded):
    with carded.database.connect() as conn:
        conn.execute("update features.churn_weekly_features set spent_90d = spent_90d + 1, gender = 'male'")
    assert carded.train_again() == {**carded.result, "created": False}
