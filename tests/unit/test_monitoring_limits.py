"""False alerts in clean history, and planted changes: customers of the generator, whose future is known.

docs/monitoring.md has the figures of longer histories with all features.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import product

import numpy as np
import pandas as pd
import pytest

from ml.monitoring import realized
from ml.monitoring.drift import drift
from ml.training.holdout import fold, is_heldout
from ml.training.pipeline import Fitted, fit
from ml.training.reference import reference
from sample_data.behaviour import draw_traits, simulate
from sample_data.periods import Calendar

SEEDS, CUSTOMERS = (1, 2, 3), 6_500  # of which about 3,000 are active at a snapshot
CALENDAR = Calendar(date(2019, 7, 1), 540)
FEATURES = ["payments_90d", "days_since_activity", "tenure_days", "active_days_30d"]
TODAY = date(2019, 1, 6)  # stands in what to do alone
SETTLED = 180  # days of payments before the oldest training snapshot
WEEKS = range(SETTLED, CALENDAR.days + 1, 7)  # day numbers of the snapshots
LABEL_WEEKS, TRAINED_WEEKS, BETWEEN_TRAININGS = 9, 8, 4
FIRST = LABEL_WEEKS + TRAINED_WEEKS  # week of the first training


@dataclass(frozen=True)
class Version:
    """A model of some snapshots, and what monitoring knows of it."""

    fitted: Fitted
    reference: dict
    in_time_roc_auc: float


@cache
def history(seed):
    """The active cohort of each snapshot by its day number, with what it did in the 60 days from it."""
    random = np.random.default_rng(seed)
    traits = draw_traits(CUSTOMERS, random)
    payments = simulate(traits, CALENDAR, random).payments
    return {day: snapshot(payments, day) for day in WEEKS}


def snapshot(payments, day):
    """The features of the catalogue that follow from payments alone."""
    paid = payments[:, :day] > 0
    rows = pd.DataFrame(
        {
            "customer_id": np.arange(len(payments)) + 1,
            "payments_90d": payments[:, day - 90 : day].sum(axis=1).astype(float),
            "days_since_activity": np.where(paid.any(axis=1), paid[:, ::-1].argmax(axis=1) + 1.0, np.nan),
            "tenure_days": np.minimum(day - paid.argmax(axis=1), 90.0),
            "active_days_30d": paid[:, -30:].sum(axis=1).astype(float),
            "churned": (payments[:, day : day + 60].sum(axis=1) == 0).astype(np.int8),
        }
    )
    return rows[rows["days_since_activity"] < 60].reset_index(drop=True)


@cache
def trained(seed, week):
    """A version trained on the newest eight snapshots that are closed in the week of that number."""
    closed = WEEKS[week - FIRST : week - LABEL_WEEKS]
    rows = pd.concat([history(seed)[day] for day in closed])
    heldout = is_heldout(rows["customer_id"].to_numpy())
    own = rows[~heldout]
    fitted = fit(own[FEATURES], own["churned"].to_numpy(), fold(own["customer_id"].to_numpy()))
    scores = fitted.pipeline.predict_proba(rows[FEATURES])[:, 1]
    in_time = realized.figures(rows["churned"].to_numpy()[heldout], scores[heldout])["roc_auc"].value
    return Version(fitted, reference(own, FEATURES, scores[~heldout]), in_time)


def scored(version, rows):
    return rows.assign(score=version.fitted.pipeline.predict_proba(rows[FEATURES])[:, 1])


def calibration(subject, snapshots):
    """The finding that the SQL of `realized` gives, computed by pandas."""
    rows = pd.concat(snapshots)
    by_customer = (rows["score"] - rows["churned"]).groupby(rows["customer_id"].to_numpy()).agg(["sum", "size"])
    value = by_customer["sum"].sum() / len(rows)
    error = np.sqrt(((by_customer["sum"] - value * by_customer["size"]) ** 2).sum()) / len(rows)
    days = [TODAY + timedelta(weeks=week) for week in range(len(snapshots))]
    return realized.calibration_finding(TODAY, subject, days, value, error, len(by_customer))


def drifted(version, rows):
    return drift(rows, rows["score"], version.reference, SETTLED)


def came_to(version, closed):
    """Findings about the closed snapshots; `version` scored the newest."""
    newest = realized.figures(closed[-1]["churned"].to_numpy(), closed[-1]["score"].to_numpy())["roc_auc"]
    yield realized.roc_auc_finding(TODAY, TODAY, newest, version.in_time_roc_auc)
    yield calibration(realized.NEWEST, closed[-1:])
    yield calibration(realized.NEWEST_POOLED, closed[-realized.POOLED :])


def alerts(found):
    return [(each.check, each.subject) for each in found if each.state == "alert"]


def test_at_most_one_clean_week_in_twenty_has_a_false_alert():
    """As in operation: every fourth week a version is trained on what is known, and scores the weeks until the next."""
    weeks = []
    for seed in SEEDS:
        versions, snapshots = [], []
        for week in range(FIRST, len(WEEKS)):
            versions.append(trained(seed, week - (week - FIRST) % BETWEEN_TRAININGS))
            snapshots.append(scored(versions[-1], history(seed)[WEEKS[week]]))
            closed = snapshots[:-LABEL_WEEKS]
            found = [*drifted(versions[-1], snapshots[-1])]
            found += came_to(versions[len(closed) - 1], closed) if closed else []
            weeks.append(alerts(found))
    print(f"{sum(map(bool, weeks))} of {len(weeks)} weeks: {[each for each in weeks if each]}")
    assert len(weeks) == 105
    assert np.mean([bool(each) for each in weeks]) <= 0.05


def test_resampled_customers_of_the_training_give_no_alert():
    version, rows = trained(1, 30), history(1)[WEEKS[20]]
    drawn = [rows.sample(len(rows), replace=True, random_state=draw) for draw in range(100)]
    assert [alerts(drifted(version, scored(version, each))) for each in drawn] == [[]] * len(drawn)


@pytest.mark.parametrize("feature", ["payments_90d", "days_since_activity", "active_days_30d", "tenure_days"])
def test_a_shift_by_three_tenths_of_a_standard_deviation_in_one_feature_is_found(feature):
    """The deviation is that of the value as the model scales it, which for counts is the smaller shift."""
    version, states = trained(1, 30), []
    compress, back = {
        "payments_90d": (np.arctan, np.tan),
        "days_since_activity": (np.arcsinh, np.sinh),
    }.get(feature, (np.positive, np.positive))
    for draw in range(20):
        random = np.random.default_rng(draw)
        rows = history(1)[WEEKS[20]].sample(2_500, replace=True, random_state=draw)
        scaled = compress(rows[feature])
        sign = -1 if feature in ("payments_90d", "tenure_days") else 1  # they have an upper end
        moved = np.floor(back(scaled + sign * 0.3 * scaled.std()) + random.random(len(rows)))  # counts stay whole
        found = drifted(version, scored(version, rows.assign(**{feature: np.maximum(moved, 1)})))
        states += [each.state for each in found if (each.check, each.subject) == ("drift", feature)]
    assert len(states) == 20
    assert "ok" not in states
    assert states.count("alert") >= 18


def test_three_points_of_churn_are_found_at_three_thousand_active_customers():
    """Customers who would have stayed churn, or the other way round, in all of the closed snapshots."""
    found = []
    for seed, week in product(SEEDS, (FIRST, FIRST + 12)):
        version = trained(seed, week)
        closed = [scored(version, history(seed)[day]) for day in WEEKS[week : week + realized.POOLED]]
        assert 2_500 < np.mean([len(rows) for rows in closed]) < 3_500
        for draw, points in product(range(5), (0.03, -0.03)):
            luck = np.random.default_rng(draw).random(CUSTOMERS + 1)
            moved = [plant(rows, points, luck) for rows in closed]
            found.append(calibration(realized.NEWEST_POOLED, moved).state)
    print(found.count("alert"), "alerts,", found.count("warn"), "warnings of", len(found))
    assert found.count("alert") >= 0.85 * len(found)
    assert "ok" not in found


def plant(rows, points, luck):
    """The rows with churn higher by `points`, as a share of all of them; the same customers in every snapshot."""
    churned, lucky = rows["churned"] == 1, luck[rows["customer_id"]]
    if points > 0:
        return rows.assign(churned=(churned | (lucky < points / (1 - churned.mean()))).astype(np.int8))
    return rows.assign(churned=(churned & (lucky >= -points / churned.mean())).astype(np.int8))
