"""The promotion policy, measured on made-up customers: what goes into production, what never does, and what adds up."""

import re
import shutil
from collections import Counter
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

import ml.train
from ml.promotion_policy import LIMITS
from ml.store.promotions import History
from ml.training.comparison import Scored, compare, judge, plain_figures
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

    def judge(self, challenger, *candidates):
        return judge(self.measured, challenger, list(candidates) or [self.version])

    def auc(self, scored):
        return roc_auc_score(self.churned, scored.scores)

    def with_lower_auc(self, version, by, noise=None):
        """The version with noise on its log-odds, as much as lowers its ROC AUC on the held-out rows by `by`."""
        noise = self.random.standard_normal(len(self.churned)) if noise is None else noise
        wanted, low, high = self.auc(version) - by, 0.0, 3.0
        while high - low > 1e-4:
            middle = (low + high) / 2
            low, high = (middle, high) if self.auc(moved(version, middle * noise)) > wanted else (low, middle)
        return moved(version, high * noise)


def moved(version, by, *, threshold_too=False):
    """The version with other log-odds."""
    threshold = expit(logit(version.threshold) + by) if threshold_too else version.threshold
    return Scored(version.version, expit(logit(version.scores) + by), threshold)


@pytest.fixture(scope="module", params=[(5000, CHANGES), (20000, 10)], ids=["5000", "20000"])
def world(request):
    """As many customers as the sample has, and four times as many; and how many challengers to try."""
    customers, changes = request.param
    made = World(customers, seed=8)
    made.changes = changes
    return made


def test_the_small_world_is_as_large_as_the_sample():
    small = World(5000, seed=8)
    assert 3000 < len(small.measured) < 4000
    assert 0.15 < small.churned.mean() < 0.25


def test_most_refits_on_resampled_customers_are_promoted(world):
    found = Counter(world.judge(world.refit()).action for _ in range(world.changes))
    assert found["promote"] >= 0.8 * world.changes, found


@pytest.mark.parametrize("threshold_too", [False, True])
def test_shifted_log_odds_are_never_promoted(world, threshold_too):
    shifts = [(-1) ** change * 0.3 for change in range(world.changes // 2)]
    found = Counter(world.judge(moved(world.refit(), shift, threshold_too=threshold_too)).action for shift in shifts)
    assert found["promote"] == 0, found


def test_a_lower_auc_is_never_promoted(world):
    found = Counter(world.judge(world.with_lower_auc(world.version, 0.01)).action for _ in range(world.changes))
    assert found["promote"] == 0, found
    assert found["keep"] > 0.9 * world.changes, found


@pytest.mark.parametrize("worsening", ["noise", "shift"])
def test_twenty_versions_each_a_little_worse_do_not_add_up(worsening):
    world = World(5000, seed=8)
    noise = world.random.standard_normal(len(world.churned))
    chain = [
        world.with_lower_auc(world.version, 0.001 * step, noise) if worsening == "noise"
        else moved(world.version, 0.03 * step)
        for step in range(1, 21)
    ]  # fmt: skip
    best_auc, best_loss = world.auc(world.version), log_loss(world.churned, world.version.scores)
    by_the_best, by_the_last = [world.version], [world.version]
    for challenger in chain:
        for promoted, candidates in ((by_the_best, by_the_best), (by_the_last, by_the_last[-1:])):
            if world.judge(challenger, *candidates).action == "promote":
                promoted.append(challenger)
    assert len(by_the_best) > 1, "some are promoted, or the test shows nothing"
    assert world.auc(by_the_best[-1]) >= best_auc - LIMITS["roc_auc"]
    assert log_loss(world.churned, by_the_best[-1].scores) <= best_loss + LIMITS["log_loss"]
    assert log_loss(world.churned, by_the_last[-1].scores) > best_loss + LIMITS["log_loss"], "the last alone would"


def test_twenty_refits_in_a_row_are_not_locked_out_by_the_luckiest():
    world = World(20000, seed=8)
    promoted = [world.version]
    for _ in range(20):
        challenger = world.refit()
        if world.judge(challenger, *promoted).action == "promote":
            promoted.append(challenger)
    assert len(promoted) >= 17


def test_figures_are_those_of_scikit_learn():
    random = np.random.default_rng(5)
    scores = random.random(500).round(1).clip(0.01, 0.99)  # many equal scores
    churned = (random.random(500) < scores).astype(np.int8)
    found = plain_figures(churned, Scored("1", scores, 0.5))
    assert found == pytest.approx(
        {
            "log_loss": log_loss(churned, scores),
            "roc_auc": roc_auc_score(churned, scores),
            "calibration": scores.mean() - churned.mean(),
            "share_flagged": (scores >= 0.5).mean(),
        }
    )


def test_identical_versions_have_no_loss_and_the_sign_says_who_is_better(world):
    same = compare(world.churned, world.measured["customer_id"].to_numpy(), world.version, world.version)
    assert {(f.loss.low, f.loss.value, f.loss.high) for f in same.values()} == {(0, 0, 0)}
    worse = world.with_lower_auc(world.version, 0.05)
    better = world.judge(world.version, worse)
    assert better.figures["roc_auc"].loss.value == pytest.approx(-0.05, abs=0.001)
    assert better.figures["log_loss"].loss.high < 0
    assert better.action == "promote"


def test_far_fewer_or_more_flagged_customers_are_for_a_person_to_accept(world):
    said = world.judge(Scored("3", world.version.scores, world.version.threshold / 2))
    assert said.action == "keep"
    assert re.match(
        r"worse than version fit in share_flagged; losses: log_loss \+0.0000 \(.*, limit 0.1\)$", said.reason
    )


@pytest.mark.parametrize("name", ["log_loss", "roc_auc", "calibration"])
def test_each_limit_alone_keeps_a_worse_version_out(monkeypatch, world, name):
    for other in set(LIMITS) - {name}:
        monkeypatch.setitem(LIMITS, other, 1.0)
    worse = {"roc_auc": partial(world.with_lower_auc, by=0.01)}.get(name, partial(moved, by=-0.5))
    said = world.judge(worse(world.version))
    assert (said.action, said.reason.split(";")[0]) == ("keep", f"worse than version fit in {name}")


def test_too_few_rows_are_inconclusive(world):
    few, noise = world.measured[:300], np.random.default_rng(1).standard_normal(300)
    theirs = Scored("2", world.version.scores[:300], world.version.threshold)
    ours = moved(theirs, 0.2 * noise)
    said = judge(few, ours, [theirs])
    assert (said.action, said.reference) == ("inconclusive", "2")
    assert said.reason.startswith("not shown to be as good as version 2 in ")
    said = judge(few[:20], Scored("3", ours.scores[:20], 0.5), [Scored("2", theirs.scores[:20], 0.5)])
    assert said.action == "inconclusive"
    assert said.reason.startswith("not measurable on 20 held-out rows with ")


def test_what_was_withdrawn_is_not_gone_back_to_though_it_lies_deeper_in_the_stack():
    history = History()
    for version in ("1", "2", "1"):
        history.push(version)
    assert history.standing == ["2", "1"]
    history.go_back_to("2", datetime(2019, 5, 26))
    assert (history.production, history.standing, set(history.withdrawn)) == ("2", ["2"], {"1"})
    history.push("1")
    assert (history.standing, history.withdrawn) == (["2", "1"], {})


@pytest.mark.parametrize(
    ("name", "before", "after", "is_the_same"),
    [
        ("promotion_policy.py", '"log_loss": 0.005', '"log_loss": 0.05', True),
        ("training/model_card.py", "## In short", "## Summary", True),
        ("model_config.py", "FOLDS = 5", "FOLDS = 4", False),
    ],
)
def test_another_limit_or_card_makes_no_new_version(monkeypatch, tmp_path, name, before, after, is_the_same):
    """`code_digest` is part of what makes a version; a constant of the model changes it."""
    package = tmp_path / "ml"
    shutil.copytree(ROOT / "ml", package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(ml.train, "__file__", str(package / "train.py"))
    digest = ml.train.code_digest()
    text = (package / name).read_text()
    assert before in text
    (package / name).write_text(text.replace(before, after))
    assert (ml.train.code_digest() == digest) is is_the_same


@pytest.mark.parametrize(("feature", "is_the_same"), [("tenure_days", False), ("active_days_30d", True)])
def test_another_maximum_makes_a_new_version_where_the_model_takes_it(monkeypatch, feature, is_the_same):
    digest, known = ml.train.code_digest(), ml.train.catalogue.BY_NAME[feature]
    monkeypatch.setitem(ml.train.catalogue.BY_NAME, feature, replace(known, maximum=known.maximum - 1))
    assert (ml.train.code_digest() == digest) is is_the_same
