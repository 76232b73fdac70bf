"""What the page computes from a model version."""

import math

import numpy as np
import pandas as pd
import pytest

from ml.model_config import CATEGORICAL_FEATURES, NUMERIC_FEATURES
from ml.snapshots.catalogue import BY_NAME
from ml.training.pipeline import fit
from streamlit_app.model import Scorer

CATEGORIES = {
    "gender": ("female", "male"),
    "rango_edad": ("01", "02"),
    "tarjetas": ("Credit Card", "Ticket"),
    "estado": ("cordoba",),
}


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    rng = np.random.default_rng(7)
    size = 2000
    frame = pd.DataFrame({name: rng.gamma(2.0, 10.0, size) for name in NUMERIC_FEATURES})
    frame.loc[::5, "spent_ml"] = np.nan
    for name in CATEGORICAL_FEATURES:
        frame[name] = rng.choice(np.array([*CATEGORIES[name], None], dtype=object), size)
    risk = frame["days_since_activity"] + 8 * frame["spent_ml"].isna() - frame["spent_ml"].fillna(20) / 4
    churned = (risk + rng.normal(0, 10, size) > 20).astype(np.int8).to_numpy()
    fitted = fit(frame, churned, np.arange(size) % 5)
    numeric = tuple(name for name in NUMERIC_FEATURES if name in fitted.features)
    categories = {name: seen for name, seen in CATEGORIES.items() if name in fitted.features}
    return Scorer("1", 0.5, numeric, categories, {}, fitted.pipeline)


@pytest.mark.parametrize(
    "row",
    [
        {},
        dict.fromkeys(NUMERIC_FEATURES, 3.0) | {name: seen[0] for name, seen in CATEGORIES.items()},
        {"spent_ml": 1e12, "days_since_activity": 59, "estado": "atlantis", "gender": None},
    ],
    ids=["nothing known", "everything known", "extreme and unseen"],
)
def test_base_and_contributions_add_up_to_the_log_odds_of_the_probability(scorer, row):
    base, parts = scorer.contributions(row)
    probability = scorer.probability(row)
    assert set(parts) == {BY_NAME[name].group for name in (*scorer.numeric, *scorer.categories)}
    assert 1 / (1 + math.exp(-(base + sum(parts.values())))) == pytest.approx(probability, abs=1e-12)


def test_changing_one_value_changes_the_contribution_of_its_group_alone(scorer):
    before = scorer.contributions({"days_since_activity": 5})[1]
    after = scorer.contributions({"days_since_activity": 50})[1]
    assert [name for name in before if before[name] != after[name]] == ["recency"]


@pytest.mark.parametrize("stored", [None, math.nan, math.inf])
def test_what_is_not_a_finite_number_counts_as_not_known(scorer, stored):
    assert scorer.probability({"spent_ml": stored}) == scorer.probability({})


def test_many_rows_are_explained_as_each_by_itself(scorer):
    rows = [{"days_since_activity": 5, "estado": "cordoba"}, {"spent_ml": 40.0}, {}]
    average, added = scorer.explain(rows)
    assert [(average, parts) for parts in added.to_dict("records")] == [
        (pytest.approx(base), pytest.approx(parts)) for base, parts in map(scorer.contributions, rows)
    ]


def test_what_is_not_known_reaches_the_model_as_null(scorer):
    row = {**{name: [np.nan] for name in NUMERIC_FEATURES}, **{name: [None] for name in CATEGORICAL_FEATURES}}
    expected = scorer.pipeline.predict_proba(pd.DataFrame(row).astype(dict.fromkeys(CATEGORICAL_FEATURES, object)))[
        0, 1
    ]
    assert scorer.probability({}) == pytest.approx(expected, abs=1e-12)
