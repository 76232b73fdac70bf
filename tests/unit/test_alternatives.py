"""What is fitted beside a version: the ceiling finds what a logistic regression cannot, and else nothing."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from ml.settings import settings
from ml.training.alternatives import ceiling, fit_alternatives, sample
from ml.training.evaluation import evaluate
from ml.training.holdout import fold
from ml.training.metrics import gain
from ml.training.pipeline import fit
from tests.unit.test_pipeline import FEATURES, frame_of, labels_of

ROWS, HALF = 16_000, 8_000


@pytest.fixture(scope="module")
def rows():
    random = np.random.default_rng(1)
    frame = pd.DataFrame(random.standard_normal((ROWS, 3)), columns=["a", "b", "c"])
    return frame.assign(customer_id=np.arange(ROWS) // 2, card=pd.Categorical(random.choice(["x", "y"], ROWS)))


def gain_of_ceiling(rows, log_odds):
    churned = (np.random.default_rng(2).random(ROWS) < expit(np.asarray(log_odds))).astype(np.int8)
    rows = rows.assign(labeled_churn=churned)
    trained, measured = rows[:HALF], rows[HALF:]
    linear = LogisticRegression().fit(trained[["a", "b", "c"]], churned[:HALF])
    trees = ceiling(trained, ["a", "b", "c", "card"])
    scores, other = (
        model.predict_proba(measured[columns])[:, 1]
        for model, columns in ((linear, ["a", "b", "c"]), (trees, ["a", "b", "c", "card"]))
    )
    return gain(churned[HALF:], scores, other, measured["customer_id"].to_numpy())


@pytest.mark.parametrize("planted", ["an interaction", "a bend", "a card that matters to some"])
def test_the_ceiling_gains_from_what_a_logistic_regression_cannot_see(rows, planted):
    log_odds = {
        "an interaction": rows["a"] * rows["b"],
        "a bend": rows["a"] ** 2 - 1,
        "a card that matters to some": np.where(rows["card"] == "x", rows["a"], -rows["a"]),
    }[planted]
    found = gain_of_ceiling(rows, log_odds - 1)
    assert found["roc_auc_gain"].low > 0.05
    assert found["log_loss_gain"].low > 0.02


def test_the_ceiling_gains_nothing_where_a_logistic_regression_is_right(rows):
    found = gain_of_ceiling(rows, rows["a"] - 0.5 * rows["b"] - 1)
    assert found["roc_auc_gain"].high < 0.002
    assert found["log_loss_gain"].high < 0.001


@pytest.fixture(scope="module")
def trained():
    """Rows in which churn follows the numbers, and gender more than any."""
    frame = frame_of(4_000, 1)
    churned = labels_of(frame, 2)
    random = np.random.default_rng(5)
    churned = np.where((frame["gender"] == "male") & (random.random(4_000) < 0.6), 1, churned).astype(np.int8)
    return frame.assign(
        customer_id=np.arange(4_000),
        snapshot_date=pd.Timestamp("2019-04-07"),
        label_source="observed",
        spent_90d=1.0,
        labeled_churn=churned,
    )


@pytest.mark.parametrize(("setting", "max_rows"), [("no", 4_000), ("yes", 4_000), ("no", 2_000)])
def test_demographics_gain_the_same_whichever_the_version_uses(trained, monkeypatch, setting, max_rows):
    monkeypatch.setenv("MODEL_DEMOGRAPHICS", setting)
    settings.cache_clear()
    used = [name for name in FEATURES if setting == "yes" or name not in ("gender", "rango_edad", "estado")]
    version = fit(trained[used], trained["labeled_churn"].to_numpy(), fold(trained["customer_id"].to_numpy()))
    found = fit_alternatives(version, trained, sample(trained, max_rows))
    settings.cache_clear()
    assert "gender" not in found.models["without_demographics"][1]
    assert "gender" in found.models["with_demographics"][1]
    ours, theirs = ("with", "without") if setting == "yes" else ("without", "with")
    assert (found.models[f"{ours}_demographics"][0] is version.pipeline) is (max_rows == len(trained))
    assert found.models[f"{theirs}_demographics"][0] is not version.pipeline
    figures = evaluate(trained, version.probabilities(trained), found.scores(trained)).beside
    assert figures["demographics_roc_auc_gain"].low > 0.02
    assert figures["demographics_roc_auc_gain"].value == pytest.approx(
        figures["with_demographics_roc_auc"].value - figures["without_demographics_roc_auc"].value
    )
    assert figures["demographics_log_loss_gain"].value == pytest.approx(
        figures["without_demographics_log_loss"].value - figures["with_demographics_log_loss"].value
    )


def test_a_sample_keeps_customers_whole(rows):
    assert sample(rows, ROWS) is rows
    some = sample(rows, 4_000)
    assert len(some) == pytest.approx(4_000, rel=0.1)
    assert (some.groupby("customer_id").size() == 2).all()
