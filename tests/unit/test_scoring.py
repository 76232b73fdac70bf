"""The batch scorer against the pipeline's own predict_proba."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline

from ml.bulk_read import Block
from ml.scoring import Scorer
from ml.training.pipeline import best_f1_threshold, fit

FEATURES = ("spent_7d", "days_since_activity", "mau_mp_1", "gender", "estado")


def frame_of(rows, seed, extra_state=None):
    random = np.random.default_rng(seed)
    states = [f"provincia {k}" for k in range(32)] + [None, *([extra_state] if extra_state else [])]
    return pd.DataFrame(
        {
            "spent_7d": random.lognormal(3, 2, rows),
            "days_since_activity": random.integers(1, 60, rows).astype(float),
            "mau_mp_1": np.where(random.random(rows) < 0.2, np.nan, random.integers(0, 32, rows)),
            "gender": random.choice(np.array(["male", "female", "Unknown", None], dtype=object), rows),
            "estado": random.choice(np.array(states, dtype=object), rows),
        }
    )


def block_of(frame, scorer):
    codes = {
        name: np.array([coded.code(None if pd.isna(value) else value) for value in frame[name]], dtype=np.int32)
        for name, coded in scorer.text.items()
    }
    return Block(np.arange(len(frame)), frame[scorer.numeric].to_numpy(dtype=float).T, codes)


@pytest.fixture(scope="module")
def fitted():
    frame = frame_of(3000, 1)
    leaves = np.random.default_rng(2).random(3000) < frame["days_since_activity"].to_numpy() / 60
    churned = leaves.astype(np.int8)
    return fit(frame, churned, np.arange(3000) % 5), churned


def test_scores_equal_predict_proba(fitted):
    pipeline = fitted[0].pipeline
    scorer = Scorer(pipeline, FEATURES)
    for seed in (3, 4):
        frame = frame_of(2500, seed, extra_state="una provincia nueva")
        expected = pipeline.predict_proba(frame)[:, 1]
        np.testing.assert_allclose(scorer(block_of(frame, scorer)), expected, rtol=0, atol=1e-12)
    assert scorer.by_category
    seen = {"gender": ["male", "female", "Unknown"], "estado": [f"provincia {k}" for k in range(32)]}
    assert scorer.unseen(seen) == {"estado": ["una provincia nueva"]}


def test_a_column_of_nulls_scores_as_missing(fitted):
    frame = frame_of(50, 5).assign(mau_mp_1=np.nan, gender=None)
    scorer = Scorer(fitted[0].pipeline, FEATURES)
    scores = scorer(block_of(frame, scorer))
    np.testing.assert_allclose(scores, fitted[0].pipeline.predict_proba(frame)[:, 1], atol=1e-12)


def test_a_pipeline_of_another_build_scores_by_its_own_predict_proba(fitted):
    wrapped = make_pipeline("passthrough", *[step for _, step in fitted[0].pipeline.steps])
    frame = frame_of(100, 6)
    scorer = Scorer(wrapped, FEATURES)
    assert not scorer.by_category
    np.testing.assert_array_equal(scorer(block_of(frame, scorer)), wrapped.predict_proba(frame)[:, 1])


def test_a_scorer_that_would_differ_falls_back(fitted, monkeypatch):
    monkeypatch.setattr(Scorer, "_fast", lambda self, matrix, codes: np.full(len(matrix), 0.5))
    frame = frame_of(100, 7)
    scorer = Scorer(fitted[0].pipeline, FEATURES)
    np.testing.assert_array_equal(scorer(block_of(frame, scorer)), fitted[0].pipeline.predict_proba(frame)[:, 1])
    assert not scorer.by_category


def test_threshold_has_the_highest_f1(fitted):
    scores = fitted[0].out_of_fold.round(2)
    churned = fitted[1]
    threshold, f1 = best_f1_threshold(churned, scores)
    every = {t: f1_score(churned, scores >= t) for t in np.unique(scores)}
    assert f1 == pytest.approx(max(every.values()))
    assert every[threshold] == pytest.approx(f1)


def test_out_of_fold_scores_come_from_models_without_the_fold():
    """Labels of noise: a model that had seen its own rows would rank them better than chance."""
    random = np.random.default_rng(8)
    frame = frame_of(400, 9).assign(estado=[f"s{k % 60}" for k in range(400)])
    churned = random.integers(0, 2, 400).astype(np.int8)
    noise = fit(frame, churned, np.arange(400) % 5)
    from sklearn.metrics import roc_auc_score

    assert roc_auc_score(churned, noise.pipeline.predict_proba(frame)[:, 1]) > 0.6
    assert roc_auc_score(churned, noise.out_of_fold) < 0.58
