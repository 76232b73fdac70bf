"""Estimates of a campaign's effect: against a whole experiment by hand, their coverage, and the state they lead to."""

import numpy as np
import pytest

from ml.campaigns.export import text_cell
from ml.campaigns.results import Arm, Estimate, judge, stratified_difference

LARGE = {"contact": Arm(4000, 1200, 0.0), "control": Arm(1000, 400, 0.0)}


def arm(*strata):
    return tuple(np.array(column, dtype=float) for column in zip(*strata, strict=True))


def test_strata_are_weighted_and_variances_added():
    found = stratified_difference(
        arm((100, 0.5, 0.25), (50, 0.2, 0.16)), arm((20, 0.4, 0.24), (10, 0.1, 0.09)), np.array([3, 1])
    )
    error = np.sqrt(0.75**2 * (0.25 / 100 + 0.24 / 20) + 0.25**2 * (0.16 / 50 + 0.09 / 10))
    assert found.value == pytest.approx(0.75 * 0.1 + 0.25 * 0.1)
    assert found.high - found.value == pytest.approx(1.959964 * error)
    assert found.value - found.low == pytest.approx(1.959964 * error)


def test_the_interval_contains_the_effect_in_95_of_100_experiments():
    random = np.random.default_rng(3)
    risk, effect, sizes = np.linspace(0.2, 0.7, 10), 0.1, (np.full(10, 140), np.full(10, 60))
    covered = 0
    for _ in range(2000):
        arms = []
        for customers, churn in zip(sizes, (risk - effect, risk), strict=True):
            mean = random.binomial(customers, churn) / customers
            arms.append((customers, mean, mean * (1 - mean) * customers / (customers - 1)))
        found = stratified_difference(arms[1], arms[0], sizes[0] + sizes[1])
        covered += found.low <= effect <= found.high
    assert 0.94 < covered / 2000 < 0.96


@pytest.mark.parametrize(
    ("interval", "state"),
    [
        ((0.05, 0.02, 0.08), "works"),
        ((0.15, 0.12, 0.18), "works"),
        ((-0.05, -0.08, -0.02), "harms"),
        ((0.0, -0.03, 0.03), "no_effect_shown"),
        ((0.05, -0.05, 0.15), "too_few"),
        ((-0.1, -0.3, 0.1), "too_few"),
    ],
)
def test_state_by_interval_when_a_tenth_was_hoped_for(interval, state):
    assert judge(LARGE, Estimate(*interval), 0.1) == state


@pytest.mark.parametrize(
    "arms",
    [
        {"contact": Arm(4000, 1200, 0.0), "control": Arm(20, 0, 0.0)},
        {"contact": Arm(500, 10, 0.0), "control": Arm(500, 40, 0.0)},
        {"contact": Arm(500, 490, 0.0), "control": Arm(500, 460, 0.0)},
    ],
    ids=["a small control arm", "few churners", "few stayers"],
)
def test_an_interval_of_few_events_is_not_relied_on(arms):
    assert judge(arms, Estimate(0.05, 0.02, 0.08), 0.1) == "too_few"


@pytest.mark.parametrize("text", ["=1+1", "+54 11", "-5", "@here", "\tx", "\rx"])
def test_text_that_a_spreadsheet_would_run_is_text(text):
    assert text_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["June", "50 % off", "Día de la madre", "a=b"])
def test_other_text_stays_as_it_is(text):
    assert text_cell(text) == text
