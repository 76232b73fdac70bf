"""Slices of customers: they share out the rows, and a slice whose probabilities are off shows it."""

import numpy as np
import pandas as pd
import pytest

from ml.training.evaluation import evaluate
from ml.training.slices import SLICE_COLUMNS, slices

CUSTOMERS = 4_000


@pytest.fixture(scope="module")
def rows():
    """Two snapshots of customers whose true probability of churn is `truth`."""
    random = np.random.default_rng(1)
    customer = np.tile(np.arange(CUSTOMERS), 2)
    n = len(customer)
    states = ["buenos aires", "capital federal", "cordoba", "mendoza", "santa fe", "salta", "jujuy", None]
    frame = pd.DataFrame(
        {
            "customer_id": customer,
            "snapshot_date": np.repeat(pd.to_datetime(["2019-04-07", "2019-04-14"]), CUSTOMERS),
            "label_source": pd.Categorical(random.choice(["observed", "evaluate"], n)),
            "days_since_activity": random.integers(1, 60, n),
            "spent_90d": np.where(random.random(n) < 0.3, 0.0, random.gamma(1, 900, n)),
            "tenure_days": random.integers(1, 91, n),
            "tarjetas": pd.Categorical(random.choice(["Credit Card", "Debit Card"], n)),
            "estado": random.choice(np.array(states, dtype=object), n, p=[0.3, 0.2, 0.15, 0.1, 0.1, 0.06, 0.04, 0.05]),
            "rango_edad": "02",
            "gender": random.choice(np.array(["male", "female", None], dtype=object), n),
            "truth": random.beta(2, 6, n),
        }
    )
    return frame.assign(labeled_churn=(random.random(n) < frame["truth"]).astype(np.int8))


def test_each_row_is_in_one_slice_of_each_column(rows):
    masks = dict(slices(rows[list(SLICE_COLUMNS)]))
    columns = {name.split("=")[0] for name in masks}
    assert columns == {"tarjetas", "spend", "tenure", "estado", "rango_edad", "gender"}
    for column in columns:
        of_column = [mask for name, mask in masks.items() if name.startswith(f"{column}=")]
        np.testing.assert_array_equal(np.sum(of_column, axis=0), np.ones(len(rows)))


def test_slices_are_what_their_names_say(rows):
    masks = dict(slices(rows))
    assert [name for name in masks if name.startswith("estado")] == [
        f"estado={name}"
        for name in (
            "buenos aires", "capital federal", "cordoba", "mendoza", "santa fe", "not on file", "others"
        )
    ]  # fmt: skip
    np.testing.assert_array_equal(masks["gender=not on file"], rows["gender"].isna())
    np.testing.assert_array_equal(masks["tenure=31 to 60"], rows["tenure_days"].between(31, 60))
    np.testing.assert_array_equal(masks["tenure=90 or more"], rows["tenure_days"] == 90)
    np.testing.assert_array_equal(masks["spend=lowest quarter"], rows["spent_90d"] == 0, "equal sums are in one slice")
    assert masks["spend=highest quarter"].mean() == pytest.approx(0.25, abs=0.001)


@pytest.mark.parametrize("number", [0, 1, 3])
def test_few_rows_have_slices_too(rows, number):
    few = rows.head(number)
    assert all(len(mask) == number for _, mask in slices(few))


def test_a_slice_in_which_the_probabilities_are_off_shows_it_and_the_others_do_not(rows):
    scores = rows["truth"] + np.where(rows["tarjetas"] == "Debit Card", 0.1, 0.0)
    groups = evaluate(rows, scores.to_numpy()).groups
    off, right = (groups[f"tarjetas={card}"].figures["calibration"] for card in ("Debit Card", "Credit Card"))
    assert off.low < 0.1 < off.high
    assert off.low > 0.08
    assert right.low < 0 < right.high
    assert groups["snapshot=2019-04-14"].rows == CUSTOMERS
    assert [str(day) for day in groups["snapshot=2019-04-14"].snapshots] == ["2019-04-14"]


def test_a_slice_with_few_churners_says_so_and_has_no_row(rows):
    few = rows.assign(tarjetas=np.where(rows["customer_id"] < 20, "Ticket", "Credit Card"))
    evaluation = evaluate(few, few["truth"].to_numpy())
    group = evaluation.groups["tarjetas=Ticket"]
    assert group.not_measurable == (
        f"not measurable: {group.churners} churners and {40 - group.churners} stayers, 30 of each are needed"
    )
    assert "tarjetas=Ticket" not in {row["slice"] for row in evaluation.rows("in_time")}
