"""Churn in the sample can be learned from the features, and cannot be read off any one of them."""

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.integration.conftest import Database

LAST_SNAPSHOT = date(2019, 5, 26)
SNAPSHOTS = [LAST_SNAPSHOT - timedelta(weeks=weeks) for weeks in range(7, -1, -1)]
ACTIVE_DAYS = 60
REPLICATES = 200
NOT_FEATURES = ["customer_id", "snapshot_date", "labeled_churn", "label_source", "label_horizon_days"]


@pytest.fixture(scope="module")
def active_rows(new_database: Callable[[str], Database], seeded_template: str) -> pd.DataFrame:
    """Labelled rows of the active cohort in the eight snapshots that the monthly training of May uses."""
    database = new_database(seeded_template)
    for snapshot in SNAPSHOTS:
        built = database.run("ml.features", "--snapshot-date", snapshot.isoformat())
        assert built.returncode == 0, built.stderr
    with database.connect() as conn:
        cursor = conn.execute("select * from features.churn_weekly_features order by snapshot_date, customer_id")
        rows = pd.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description])
    rows = rows[(rows.days_since_activity < ACTIVE_DAYS) & rows.labeled_churn.notna()]
    return rows.reset_index(drop=True)


@pytest.fixture(scope="module")
def numeric(active_rows: pd.DataFrame) -> pd.DataFrame:
    """The features that are numbers and that every snapshot knows."""
    features = active_rows.drop(columns=NOT_FEATURES)
    features = features.drop(columns=[name for name in features if features[name].dropna().map(type).eq(str).any()])
    known = features.notna().groupby(active_rows.snapshot_date).any().all()
    return features[known.index[known]].astype(float)


@pytest.fixture(scope="module")
def heldout_scores(active_rows: pd.DataFrame, numeric: pd.DataFrame) -> pd.DataFrame:
    """Customer, label, the score of a plain logistic regression and recency, for customers not trained on."""
    heldout = active_rows.customer_id % 3 == 0
    churned = active_rows.labeled_churn.astype(int)
    model = make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), LogisticRegression(max_iter=2000))
    model.fit(numeric[~heldout], churned[~heldout])
    return pd.DataFrame(
        {
            "customer_id": active_rows.customer_id[heldout],
            "churned": churned[heldout],
            "score": model.predict_proba(numeric[heldout])[:, 1],
            "recency": numeric.days_since_activity[heldout],
        }
    )


def test_churn_can_be_learned(heldout_scores: pd.DataFrame) -> None:
    assert 0.75 <= roc_auc_score(heldout_scores.churned, heldout_scores.score) <= 0.88


def test_model_beats_recency_beyond_its_interval(heldout_scores: pd.DataFrame) -> None:
    of_customer = list(heldout_scores.groupby("customer_id").indices.values())
    generator = np.random.default_rng(1)
    gains = []
    for _ in range(REPLICATES):
        drawn = heldout_scores.iloc[
            np.concatenate([of_customer[i] for i in generator.integers(0, len(of_customer), len(of_customer))])
        ]
        gains.append(roc_auc_score(drawn.churned, drawn.score) - roc_auc_score(drawn.churned, drawn.recency))
    low, high = np.percentile(gains, [2.5, 97.5])
    assert np.mean(gains) > high - low, (low, high)


def test_no_single_feature_tells_churn(active_rows: pd.DataFrame, numeric: pd.DataFrame) -> None:
    churned = active_rows.labeled_churn.astype(int)
    areas = {name: roc_auc_score(churned, numeric[name].fillna(numeric[name].median())) for name in numeric}
    assert {name: area for name, area in areas.items() if max(area, 1 - area) > 0.83} == {}


def test_churners_and_stayers_overlap_in_every_feature(active_rows: pd.DataFrame) -> None:
    churned = active_rows.labeled_churn == 1
    for name in active_rows.columns.drop(NOT_FEATURES):
        churners, stayers = active_rows[name][churned].dropna(), active_rows[name][~churned].dropna()
        if active_rows[name].dropna().map(type).eq(str).any():
            common = set(churners) & set(stayers)
            shares = churners.isin(common).mean(), stayers.isin(common).mean()
        elif len(churners):
            low, high = max(churners.min(), stayers.min()), min(churners.max(), stayers.max())
            shares = churners.between(low, high).mean(), stayers.between(low, high).mean()
        else:
            continue
        assert min(shares) > 0.9, name


def test_labels_from_payments_and_from_the_flag_agree(active_rows: pd.DataFrame) -> None:
    rates = active_rows.groupby("snapshot_date").labeled_churn.apply(lambda labels: labels.astype(int).mean())
    assert rates.between(0.12, 0.32).all(), rates
    assert set(active_rows.label_source) == {"observed", "evaluate"}
