"""Quality figures against cases counted by hand, and their intervals."""

from dataclasses import astuple

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from ml.model_config import MIN_MEASURED_EVENTS
from ml.training.metrics import figures, gain, gain_over, measure


@pytest.fixture
def scored():
    random = np.random.default_rng(3)
    scores = random.random(4000).round(2)  # many equal scores
    churned = (random.random(4000) < scores).astype(np.int8)
    return churned, scores, np.repeat(np.arange(500), 8)


def test_a_weight_counts_as_so_many_rows(scored):
    churned, _, _ = scored
    scores = np.random.default_rng(6).random(4000)
    weights = np.random.default_rng(4).integers(0, 4, 4000)
    weighted = figures(churned, scores, weights.astype(float))
    repeated = figures(np.repeat(churned, weights), np.repeat(scores, weights))
    for name in ("roc_auc", "average_precision", "brier", "log_loss"):
        assert weighted[name] == pytest.approx(repeated[name], abs=1e-9), name
    for name in ("calibration_error", "lift_top_decile"):  # a row's weight is not divided between two tenths
        assert weighted[name] == pytest.approx(repeated[name], abs=0.01), name


def test_weighted_figures_are_those_of_scikit_learn(scored):
    churned, scores, _ = scored
    weights = np.random.default_rng(4).integers(0, 4, 4000).astype(float)
    scores = np.clip(scores, 0.005, 0.995)
    found = figures(churned, scores, weights)
    for name, theirs in (
        ("roc_auc", roc_auc_score),
        ("average_precision", average_precision_score),
        ("brier", brier_score_loss),
        ("log_loss", log_loss),
    ):
        assert found[name] == pytest.approx(theirs(churned, scores, sample_weight=weights), abs=1e-12), name


def test_calibration_error_is_the_mean_gap_of_ten_equal_groups():
    scores = np.repeat(np.arange(10) / 10, 10)
    churned = np.concatenate([[1] * k + [0] * (10 - k) for k in range(10)]).astype(np.int8)
    assert figures(churned, scores)["calibration_error"] == pytest.approx(0)
    assert figures(churned, scores + 0.05)["calibration_error"] == pytest.approx(0.05)


def test_lift_compares_the_top_tenth_with_everyone():
    scores = np.linspace(1, 0, 100)
    churned = np.zeros(100, dtype=np.int8)
    churned[:5] = 1  # half of the top ten, 5 % of all
    assert figures(churned, scores)["lift_top_decile"] == pytest.approx(10)


def test_interval_holds_the_value_and_widens_when_rows_repeat_customers(scored):
    churned, scores, customers = scored
    by_customer = measure(churned, scores, customers)["roc_auc"]
    assert by_customer.low < by_customer.value < by_customer.high
    repeated = measure(np.tile(churned, 4), np.tile(scores, 4), np.tile(customers, 4))["roc_auc"]
    as_if_independent = measure(np.tile(churned, 4), np.tile(scores, 4), np.arange(16000))["roc_auc"]
    assert repeated.high - repeated.low == pytest.approx(by_customer.high - by_customer.low, rel=0.05)
    assert as_if_independent.high - as_if_independent.low < 0.7 * (repeated.high - repeated.low)


def test_few_events_are_not_measured(scored):
    churned, scores, customers = scored
    churned = np.zeros_like(churned)
    churned[: MIN_MEASURED_EVENTS - 1] = 1
    assert measure(churned, scores, customers) == {}
    churned[MIN_MEASURED_EVENTS] = 1
    assert measure(churned, scores, customers)["roc_auc"].value == pytest.approx(roc_auc_score(churned, scores))


def test_gain_over_another_score_has_its_own_interval(scored):
    churned, scores, customers = scored
    gain = gain_over(churned, scores, np.random.default_rng(5).random(4000), customers)
    assert gain["roc_auc"].value == pytest.approx(0.5, abs=0.05)
    assert 0.2 < gain["roc_auc_gain"].low < gain["roc_auc_gain"].high < 0.45
    nothing = gain_over(churned, scores, scores, customers)["roc_auc_gain"]
    assert (nothing.low, nothing.value, nothing.high) == (0, 0, 0)


def test_gain_of_another_model_is_paired(scored):
    churned, truth, customers = scored
    truth = np.clip(truth, 0.005, 0.995)
    worse = np.clip(truth + np.random.default_rng(5).normal(0, 0.05, 4000), 0.005, 0.995)
    found = gain(churned, worse, truth, customers)
    of_worse, of_truth = (measure(churned, scores, customers) for scores in (worse, truth))
    for name in ("roc_auc", "log_loss"):
        assert astuple(found[name]) == pytest.approx(astuple(of_truth[name])), "the same draws"
        assert found[f"{name}_gain"].low > 0
        width = found[f"{name}_gain"].high - found[f"{name}_gain"].low
        assert width < 0.5 * (of_truth[name].high - of_truth[name].low)
    assert found["roc_auc_gain"].value == pytest.approx(of_truth["roc_auc"].value - of_worse["roc_auc"].value)
    assert found["log_loss_gain"].value == pytest.approx(of_worse["log_loss"].value - of_truth["log_loss"].value)
