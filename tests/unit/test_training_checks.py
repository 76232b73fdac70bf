"""Each check of a training's rows: it finds the fault that it is for, and is quiet without it."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from ml.cli import CommandError
from ml.training.checks import SEPARATING_AUC, check_training, separation

DAY = date(2019, 6, 30)
FEATURES = ("payments_30d", "days_since_activity", "spent_7d", "tarjetas")


def rows(first_id=0, n=4000, churned_share=0.25):
    """Customers of two snapshots, in whom more payments make churn rarer."""
    random = np.random.default_rng(first_id)
    activity = random.standard_normal(n)
    churned = (random.random(n) < 1 / (1 + np.exp(-np.log(churned_share / (1 - churned_share)) + activity))).astype(int)
    return pd.DataFrame(
        {
            "customer_id": first_id + np.arange(n),
            "snapshot_date": pd.to_datetime(["2019-04-28", "2019-06-30"])[np.arange(n) % 2],
            "label_source": pd.Categorical(np.array(["observed", "evaluate"])[np.arange(n) % 2]),
            "labeled_churn": churned,
            "payments_30d": np.floor(np.exp(activity + random.standard_normal(n))),
            "days_since_activity": np.floor(10 * np.exp(-activity / 2 + random.standard_normal(n))),
            "spent_7d": np.where(random.random(n) < 0.3, np.nan, random.random(n)),
            "tarjetas": pd.Categorical(random.choice(["Credit Card", "Ticket"], n)),
        }
    )


def check(fitted_on=None, heldout=None, day=DAY):
    fitted_on = rows() if fitted_on is None else fitted_on
    return check_training(fitted_on, rows(100_000, 1000) if heldout is None else heldout, day, FEATURES)


def refuse(says, fitted_on=None, **others):
    with pytest.raises(CommandError, match=says):
        check(fitted_on, **others)


def test_clean_rows_pass_without_a_word():
    assert check() == []


def test_a_feature_that_tells_the_labels():
    faulty = rows()
    faulty["spent_7d"] = faulty["labeled_churn"] + np.random.default_rng(1).normal(0, 0.4, len(faulty))
    refuse(r"labels of all snapshots follow from spent_7d alone \(ROC AUC 0\.9", faulty)


def test_a_feature_that_is_missing_for_churners():
    faulty = rows()
    faulty["spent_7d"] = np.where(faulty["labeled_churn"] == 1, np.nan, 1.0)
    refuse("follow from whether spent_7d is known alone", faulty)


def test_a_text_that_tells_the_labels():
    faulty = rows()
    faulty["tarjetas"] = pd.Categorical(np.where(faulty["labeled_churn"] == 1, "Ticket", "Credit Card"))
    refuse("follow from tarjetas alone", faulty)


def test_labels_of_one_snapshot_that_follow_from_recency():
    """As when an old flag is taken to speak of later days: in all rows together it would not show."""
    faulty = rows()
    redated = faulty["snapshot_date"] == "2019-06-30"
    faulty.loc[redated, "labeled_churn"] = (faulty.loc[redated, "days_since_activity"] > 15).astype(int)
    assert separation(faulty["days_since_activity"], faulty["labeled_churn"]) < SEPARATING_AUC
    refuse("labels of the snapshot 2019-06-30 follow from days_since_activity alone", faulty)


def test_customers_on_both_sides_of_the_split():
    refuse("1 customers are both trained on and held out, the first is 3999", heldout=rows(3999, 500))


def test_snapshots_after_the_date():
    refuse("rows of the snapshot 2019-06-30 lie after the date of the training, 2019-06-23", day=date(2019, 6, 23))


def test_labels_that_are_turned_over():
    faulty = rows()
    flagged = faulty["label_source"] == "evaluate"
    faulty.loc[flagged, "labeled_churn"] = 1 - faulty.loc[flagged, "labeled_churn"]
    refuse("labels of source evaluate paid more often before", faulty)


def test_one_class():
    refuse("one class only: 0 churners and 4000 stayers", rows().assign(labeled_churn=0))


def test_too_few_rows():
    refuse("too few rows", rows().head(100))


def test_one_sided_rows_are_a_warning():
    (warning,) = check(rows(n=20_000, churned_share=0.008))
    assert "of the rows to train on are churners: the rows are one-sided" in warning
