"""The population stability index, what noise it is allowed, and what it finds."""

import numpy as np
import pandas as pd
import pytest

from ml.monitoring.drift import drift, noise, stability_index
from ml.training.reference import distribution, reference

FEATURES = ("payments_90d", "visits", "tarjetas")


def customers(seed, n=3_000, shift=0.0, unknown=0.1):
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "payments_90d": np.floor(np.exp(1 + random.standard_normal(n) + shift)),
            "visits": np.where(random.random(n) < unknown, np.nan, random.integers(0, 31, n)),
            "tarjetas": pd.Categorical(random.choice(["Credit Card", "Ticket", "ATM"], n, p=[0.7, 0.28, 0.02])),
        }
    )


def scores(rows):
    return pd.Series(1 / (1 + np.exp(np.log1p(rows["payments_90d"]) - 1)))


@pytest.fixture(scope="module")
def trained():
    rows = customers(0, 10_000)
    return reference(rows, FEATURES, scores(rows).to_numpy())


def states(rows, trained):
    return {(found.check, found.subject): found.state for found in drift(rows, scores(rows), trained)}


def test_equal_distributions_have_index_zero_and_it_is_the_textbooks():
    assert stability_index([0.2, 0.8], [0.2, 0.8]) == 0
    expected = (0.3 - 0.2) * np.log(0.3 / 0.2) + (0.7 - 0.8) * np.log(0.7 / 0.8)
    assert stability_index([0.2, 0.8], [0.3, 0.7]) == pytest.approx(expected)


def test_noise_covers_samples_of_one_distribution():
    random = np.random.default_rng(1)
    shares = np.full(10, 0.1)
    found = [
        stability_index(random.multinomial(4000, shares) / 4000, random.multinomial(1000, shares) / 1000)
        for _ in range(2000)
    ]
    assert np.mean(np.array(found) > noise(10, 1000, 4000)) <= 0.002
    assert max(found) > noise(10, 1000, 4000) / 2


def test_a_distribution_has_the_deciles_and_their_shares():
    found = distribution(pd.Series([0, 0, 0, 0, 0, 0, 0, 5, 6, np.nan]))
    assert found["missing"] == pytest.approx(0.1)
    assert sum(found["shares"]) == pytest.approx(1)
    assert len(found["shares"]) == len(found["edges"]) + 1


def test_clean_samples_are_quiet(trained):
    for seed in range(1, 101):
        assert set(states(customers(seed), trained).values()) == {"ok"}, seed


def test_a_shift_by_three_tenths_of_a_standard_deviation_is_found(trained):
    found = [states(customers(seed, shift=0.3), trained) for seed in range(1, 21)]
    assert all(each["drift", "payments_90d"] != "ok" for each in found)
    assert sum(each["drift", "payments_90d"] == "alert" for each in found) >= 18
    assert {each["drift", "visits"] for each in found} == {"ok"}


def test_more_unknown_values_are_found(trained):
    assert states(customers(1, unknown=0.17), trained)["share unknown", "visits"] == "warn"
    assert states(customers(1, unknown=0.25), trained)["share unknown", "visits"] == "alert"


def test_a_category_that_becomes_frequent_is_found(trained):
    rows = customers(1)
    rows["tarjetas"] = rows["tarjetas"].where(rows.index % 5 != 0, "ATM")
    assert states(rows, trained)["drift", "tarjetas"] == "alert"


def test_a_value_that_many_have_is_a_part_by_itself():
    found = distribution(pd.Series([0] * 7 + [5, 6, 7]))
    assert found["shares"][1] == 0.7  # zeros alone, between those below zero and those above


def test_what_follows_from_the_age_of_the_history_is_not_compared():
    """Neither the feature nor the scores of a version that takes it."""
    then, now = customers(0).assign(tenure_days=30.0), customers(1).assign(tenure_days=90.0)
    young, settled = (reference(then, (name,), scores(then).to_numpy()) for name in ("tenure_days", "payments_90d"))

    def found(trained, history_days):
        found = drift(now, scores(now) / 2, trained, history_days)
        return {each.subject: (each.state, each.detail) for each in found if each.check == "drift"}

    why = "not compared: the training has 179 days of payments before it, 180 are needed"
    assert found(young, 179) == {"tenure_days": ("ok", why), "score": ("ok", why)}
    assert {state for state, _ in found(young, 180).values()} == {"alert"}
    assert found(settled, 179)["score"][0] == "alert"


def test_a_feature_without_any_value_is_unknown_and_does_not_drift(trained):
    found = states(customers(1).assign(visits=np.nan), trained)
    assert (found["drift", "visits"], found["share unknown", "visits"]) == ("ok", "alert")
