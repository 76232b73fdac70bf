"""The pipeline's fit: its scores and their directions, NULL however it is spelled, the threshold."""

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, log_loss, roc_auc_score

from ml.model_config import REGULARISATION_CANDIDATES
from ml.snapshots.catalogue import BY_NAME, model_features
from ml.training.explanation import contributions, inputs, variance_inflation
from ml.training.pipeline import best_f1_threshold, directions, fit

FEATURES = model_features(demographics=True)


def frame_of(rows: int, seed: int) -> pd.DataFrame:
    """Every feature, drawn independently; a fifth of the visits and a third of the personal details are not known."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({name: random.gamma(1.0, 5.0, rows) for name in FEATURES if BY_NAME[name].direction})
    frame["days_since_activity"] = random.integers(1, 60, rows).astype(float)
    frame["tenure_days"] = np.minimum(random.integers(1, 180, rows), 90).astype(float)
    frame["has_inversion"] = random.integers(0, 2, rows).astype(float)
    frame.loc[random.random(rows) < 0.2, ["mau_mp_1", "mau_ml_1"]] = np.nan
    frame.loc[random.random(rows) < 0.4, ["spent_ml", "frequency_ml"]] = np.nan
    for name, categories in (
        ("gender", ["male", "female", "Unknown"]),
        ("rango_edad", ["02", "03", "04"]),
        ("tarjetas", ["Credit Card", "Ticket", "Debit Card"]),
        ("estado", ["buenos aires"] * 14 + ["capital federal"] * 9 + [f"provincia {k}" for k in range(9)]),
    ):
        frame[name] = random.choice(np.array(categories, dtype=object), rows)
    frame.loc[random.random(rows) < 0.3, ["gender", "rango_edad", "tarjetas", "estado"]] = None
    return frame


def labels_of(frame: pd.DataFrame, seed: int) -> np.ndarray:
    """Churn that follows each numeric feature in its declared direction."""
    log_odds = pd.Series(-1.0, index=frame.index)
    for name in (name for name in FEATURES if BY_NAME[name].direction):
        known = np.arcsinh(frame[name]).fillna(np.arcsinh(frame[name]).median())
        sign = 1 if BY_NAME[name].direction == "more churn" else -1
        log_odds += sign * 0.5 * (known - known.mean())
    for name in ("mau_mp_1", "spent_ml"):
        log_odds += 0.8 * (frame[name].isna() - frame[name].isna().mean())
    return (np.random.default_rng(seed).random(len(frame)) < 1 / (1 + np.exp(-log_odds))).astype(np.int8)


@pytest.fixture(scope="module")
def frame():
    return frame_of(4000, 1)


@pytest.fixture(scope="module")
def fitted(frame):
    churned = labels_of(frame, 2)
    return fit(frame, churned, np.arange(4000) % 5), churned


def test_every_score_and_mark_keeps_its_direction(fitted):
    assert fitted[0].left_out == {}
    of_numbers = {each.name for each in inputs(fitted[0].pipeline)} & set(directions())
    assert of_numbers == set(directions())
    coefficients = dict(
        zip((each.name for each in inputs(fitted[0].pipeline)), fitted[0].pipeline[-1].coef_[0], strict=True)
    )
    assert {name for name in directions() if coefficients[name] > 0} == {
        name for name, direction in directions().items() if direction == "more churn"
    }


def test_a_score_against_its_direction_is_left_out_with_the_reason_and_the_rest_is_fitted(frame):
    turned = frame.assign(
        tenure_days=np.where(frame["tenure_days"] == 90, 1.0, 90.0)
    )  # now more of it means more churn
    result = fit(turned, labels_of(frame, 2), np.arange(4000) % 5)
    assert set(result.left_out) == {"tenure_days"}
    assert result.left_out["tenure_days"].endswith("but more of it should mean less churn")
    assert set(FEATURES) - set(result.features) == {"tenure_days"}
    assert "tenure_days" not in {each.name for each in inputs(result.pipeline)}
    assert roc_auc_score(labels_of(frame, 2), result.out_of_fold) > 0.7


def test_a_mark_against_its_direction_is_left_out_and_its_feature_stays(frame):
    churned = labels_of(frame, 2)
    churned[frame["mau_mp_1"].isna()] = 0
    result = fit(frame, churned, np.arange(4000) % 5)
    assert "mau_mp_1_unknown" in result.left_out
    assert "mau_mp_1" in result.features


def test_a_score_takes_the_members_that_a_version_has(frame, fitted):
    result = fit(frame.drop(columns=["mau_mp_1", "mau_mp_3"]), fitted[1], np.arange(4000) % 5)
    names = [each.name for each in inputs(result.pipeline)]
    assert "visits_mp" in names
    assert "mau_mp_1_unknown" not in names


def test_no_input_follows_from_the_others_even_with_the_personal_details(frame, fitted):
    assert variance_inflation(fitted[0].pipeline[:-1].transform(frame)).max() < 5


def test_inputs_are_centred_so_the_intercept_is_the_average_customers(frame, fitted):
    np.testing.assert_allclose(fitted[0].pipeline[:-1].transform(frame).mean(axis=0), 0, atol=1e-9)


def test_contributions_of_the_groups_sum_to_the_log_odds(frame, fitted):
    average, groups = contributions(fitted[0].pipeline, frame)
    assert set(groups) == {BY_NAME[name].group for name in FEATURES}
    np.testing.assert_allclose(average + groups.sum(axis=1), fitted[0].pipeline.decision_function(frame), atol=1e-9)


def test_c_has_the_lowest_log_loss_on_customers_left_out(fitted):
    result, churned = fitted
    assert tuple(result.log_losses) == REGULARISATION_CANDIDATES
    chosen = result.pipeline[-1].C
    assert result.log_losses[chosen] == min(result.log_losses.values())
    assert result.log_losses[chosen] == pytest.approx(log_loss(churned, result.out_of_fold))


def test_the_same_rows_give_the_same_bits(frame, fitted):
    again = fit(frame, fitted[1], np.arange(4000) % 5)
    np.testing.assert_array_equal(again.pipeline[-1].coef_, fitted[0].pipeline[-1].coef_)
    np.testing.assert_array_equal(again.out_of_fold, fitted[0].out_of_fold)


def test_the_pickled_pipeline_loads_without_this_project(frame, fitted, tmp_path):
    with (tmp_path / "pipeline.pkl").open("wb") as file:
        pickle.dump((fitted[0].pipeline, frame.head(3)), file)
    code = (
        "import pickle, sys; sys.modules['ml'] = None; pipeline, rows = pickle.load(open('pipeline.pkl', 'rb'));"
        " print(*pipeline.predict_proba(rows)[:, 1].tolist())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    expected = fitted[0].pipeline.predict_proba(frame.head(3))[:, 1]
    assert [float(text) for text in done.stdout.split()] == pytest.approx(expected.tolist(), abs=1e-12)


def test_null_text_scores_alike_as_none_nan_or_category(fitted):
    pipeline = fitted[0].pipeline
    frame = frame_of(500, 3)
    expected = pipeline.predict_proba(frame)
    for texts in ("category", "str"):
        other = frame.astype({"gender": texts, "estado": texts}).where(frame.notna())
        np.testing.assert_array_equal(pipeline.predict_proba(other), expected)
    nan = frame.assign(**{name: frame[name].astype(object).where(frame[name].notna(), np.nan) for name in ["gender"]})
    np.testing.assert_array_equal(pipeline.predict_proba(nan), expected)


def test_a_category_never_seen_counts_as_not_known(fitted):
    frame = frame_of(500, 3)
    unseen, unknown = frame.assign(tarjetas="Cheque", estado="atlantis"), frame.assign(tarjetas=None, estado=None)
    np.testing.assert_array_equal(*(fitted[0].pipeline.predict_proba(rows) for rows in (unseen, unknown)))


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
    frame = frame[["tarjetas", "estado"]]  # without directions, by which all rows choose the scores
    noise = fit(frame, churned, np.arange(400) % 5)
    assert roc_auc_score(churned, noise.pipeline.predict_proba(frame)[:, 1]) > 0.6
    assert roc_auc_score(churned, noise.out_of_fold) < 0.58
