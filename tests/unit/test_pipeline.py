"""The pipeline's fit: NULL however it is spelled, the threshold, and scores out of fold."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from ml.training.pipeline import best_f1_threshold, fit


def frame_of(rows, seed):
    random = np.random.default_rng(seed)
    states = np.array([*(f"provincia {k}" for k in range(32)), None], dtype=object)
    return pd.DataFrame(
        {
            "spent_7d": random.lognormal(3, 2, rows),
            "days_since_activity": random.integers(1, 60, rows).astype(float),
            "mau_mp_1": np.where(random.random(rows) < 0.2, np.nan, random.integers(0, 32, rows)),
            "gender": random.choice(np.array(["male", "female", "Unknown", None], dtype=object), rows),
            "estado": random.choice(states, rows),
        }
    )


@pytest.fixture(scope="module")
def fitted():
    frame = frame_of(3000, 1)
    leaves = np.random.default_rng(2).random(3000) < frame["days_since_activity"].to_numpy() / 60
    churned = leaves.astype(np.int8)
    return fit(frame, churned, np.arange(3000) % 5), churned


def test_null_text_scores_alike_as_none_nan_or_category(fitted):
    pipeline = fitted[0].pipeline
    frame = frame_of(500, 3)
    expected = pipeline.predict_proba(frame)
    for texts in ("category", "str"):
        other = frame.astype({"gender": texts, "estado": texts}).where(frame.notna())
        np.testing.assert_array_equal(pipeline.predict_proba(other), expected)
    nan = frame.assign(**{name: frame[name].astype(object).where(frame[name].notna(), np.nan) for name in ["gender"]})
    np.testing.assert_array_equal(pipeline.predict_proba(nan), expected)


def test_threshold_has_the_highest_f1(fitted):
    scores = fitted[0].out_of_fold.round(2)
    churned = fitted[1]
    threshold, f1 = best_f1_threshold(churned, scores)
    every = {t: f1_score(churned, scores >= t) for t in np.unique(scores)}
    assert f1 == pytest.approx(max(every.values()))
    assert every[threshold] == pytest.approx(f1)


def test_threshold_where_the_highest_scores_are_stayers():
    churned = np.array([0, 0, 1, 1, 0, 0], dtype=np.int8)
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.2, 0.1])
    assert best_f1_threshold(churned, scores) == (0.6, pytest.approx(2 / 3))


def test_out_of_fold_scores_come_from_models_without_the_fold():
    """Labels of noise: a model that had seen its own rows would rank them better than chance."""
    random = np.random.default_rng(8)
    frame = frame_of(400, 9).assign(estado=[f"s{k % 60}" for k in range(400)])
    churned = random.integers(0, 2, 400).astype(np.int8)
    noise = fit(frame, churned, np.arange(400) % 5)
    assert roc_auc_score(churned, noise.pipeline.predict_proba(frame)[:, 1]) > 0.6
    assert roc_auc_score(churned, noise.out_of_fold) < 0.58
