"""How much coefficients vary over refits, and how far two versions agree."""

import numpy as np
import pandas as pd
import pytest

from ml.training.holdout import fold
from ml.training.pipeline import fit
from ml.training.stability import agreement, coefficient_spread
from tests.unit.test_pipeline import FEATURES, frame_of, labels_of

NUMBERS = [name for name in FEATURES if name not in ("gender", "rango_edad", "tarjetas", "estado")]


@pytest.fixture(scope="module")
def rows():
    frame = frame_of(3_000, 1)[NUMBERS]
    return frame.assign(customer_id=np.arange(3_000), labeled_churn=labels_of(frame, 2))


@pytest.fixture(scope="module")
def pipeline(rows):
    return fit(rows[NUMBERS], rows["labeled_churn"].to_numpy(), fold(rows["customer_id"].to_numpy())).pipeline


def test_the_spread_is_that_of_versions_fitted_to_other_customers(rows, pipeline):
    found = coefficient_spread(pipeline, rows, len(rows)).set_index("input")
    assert found["coefficient"].tolist() == pipeline[-1].coef_[0].tolist()
    others = []
    for seed in range(10, 22):
        frame = frame_of(3_000, seed)[NUMBERS]
        scores = pipeline[:-1].transform(frame)
        others.append(type(pipeline[-1])(**pipeline[-1].get_params()).fit(scores, labels_of(frame, seed)).coef_[0])
    assert found["deviation"].mean() == pytest.approx(np.std(others, axis=0, ddof=1).mean(), rel=0.25)
    assert (found["low"] < found["coefficient"]).all()


def test_the_same_customers_many_times_are_no_more_certain(rows, pipeline):
    once = coefficient_spread(pipeline, rows, len(rows))["deviation"].mean()
    repeated = pd.concat([rows] * 4, ignore_index=True)
    assert coefficient_spread(pipeline, repeated, len(repeated))["deviation"].mean() == pytest.approx(once, rel=0.1)
    as_if_others = repeated.assign(customer_id=np.arange(len(repeated)))
    assert coefficient_spread(pipeline, as_if_others, len(repeated))["deviation"].mean() < 0.6 * once


def test_the_deviation_of_a_sample_is_scaled_to_all_rows(rows, pipeline):
    of_all = coefficient_spread(pipeline, rows, len(rows))["deviation"]
    of_a_third = coefficient_spread(pipeline, rows[rows["customer_id"] % 3 == 0], len(rows))["deviation"]
    assert of_a_third.mean() == pytest.approx(of_all.mean(), rel=0.2)


def test_agreement_is_of_ranks_and_of_who_is_flagged():
    ours = np.array([0.1, 0.2, 0.3, 0.4])
    assert agreement(ours, 0.3, ours / 2, 0.15) == {"rank_correlation": pytest.approx(1), "flagged_overlap": 1}
    assert agreement(ours, 0.3, 1 - ours, 0.85) == {"rank_correlation": pytest.approx(-1), "flagged_overlap": 0}
    assert agreement(ours, 0.2, ours, 0.4)["flagged_overlap"] == pytest.approx(1 / 3)
    assert agreement(ours, 0.9, ours, 0.9)["flagged_overlap"] == 1
