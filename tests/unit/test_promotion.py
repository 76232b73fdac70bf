"""The promotion policy, measured on made-up customers: what goes into production, what never does, and what adds up."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from ml.training.comparison import Scored
from ml.training.pipeline import best_f1_threshold

ROOT = Path(__file__).resolve().parents[2]
SNAPSHOTS, ACTIVE, HELDOUT = 5, 0.7, 0.2  # five Sundays, 70 % of the customers active at each, 20 % held out
CHANGES = 50


class World:
    """Customers with ten features that last from week to week, and a fifth of whom churn, as in the sample."""

    def __init__(self, customers, seed):
        self.random = np.random.default_rng(seed)
        lasting = self.random.standard_normal((customers, 10))
        customer = np.repeat(np.arange(customers), SNAPSHOTS)
        kept = self.random.random(len(customer)) < ACTIVE
        self.features = 0.8 * lasting[customer] + 0.6 * self.random.standard_normal((len(customer), 10))
        meaning = np.array([-1.1, 0.6, -0.3, 0.2, -0.2, 0.1, 0.1, 0.05, 0.0, 0.0])
        stays_the_same = 0.5 * self.random.standard_normal(customers)[customer]
        churns = expit(-1.75 + self.features @ meaning + stays_the_same)
        self.rows = pd.DataFrame(
            {"customer_id": customer, "labeled_churn": (self.random.random(len(customer)) < churns).astype(np.int8)}
        )
        heldout = customer < customers * HELDOUT
        self.heldout, self.training = kept & heldout, np.flatnonzero(kept & ~heldout)
        self.measured = self.rows[self.heldout].reset_index(drop=True)
        self.churned = self.measured["labeled_churn"].to_numpy()
        self.version = self.fit(self.training)

    def fit(self, rows):
        churned = self.rows["labeled_churn"].to_numpy()[rows]
        model = LogisticRegression().fit(self.features[rows], churned)
        threshold, _ = best_f1_threshold(churned, model.predict_proba(self.features[rows])[:, 1])
        return Scored("fit", model.predict_proba(self.features[self.heldout])[:, 1], threshold)

    def refit(self):
        """The version fitted to training customers drawn with replacement."""
        customer = self.rows["customer_id"].to_numpy()[self.training]
        starts = np.flatnonzero(np.diff(customer, prepend=-1))
        rows_of = np.split(self.training, starts[1:])
        return self.fit(np.concatenate([rows_of[i] for i in self.random.integers(0, len(rows_of), len(rows_of))]))

    def with_auc_lower_by(self, loss, version):
        """The version with noise on its log-odds, as much as lowers its ROC AUC on the held-out rows by `loss`."""
        noise, clean = self.random.standard_normal(len(version.scores)), logit(version.scores)
        wanted = roc_auc_score(self.churned, version.scores) - loss
        low, high = 0.0, 3.0
        for _ in range(25):
            middle = (low + high) / 2
            is_better = roc_auc_score(self.churned, clean + middle * noise) > wanted
            low, high = (middle, high) if is_better else (low, middle)
        return Scored("noisy", expit(clean + high * noise), version.threshold)


def shifted(version, by, *, threshold_too=False):
    threshold = expit(logit(version.threshold) + by) if threshold_too else version.threshold
    return Scored("shifted", expit(logit(version.scores) + by), threshold)
