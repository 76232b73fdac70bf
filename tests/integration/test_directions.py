"""What a person can imagine moves the probability the way they expect, on the sample; no score needs to be left out."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from ml.model_config import CATEGORICAL_FEATURES
from ml.snapshots.catalogue import BY_NAME, FEATURES, model_features
from ml.training.explanation import variance_inflation
from ml.training.holdout import fold
from ml.training.pipeline import fit

DAYS = [date(2019, 4, 7), date(2019, 4, 14), date(2019, 4, 21), date(2019, 4, 28), date(2019, 6, 30)]
USABLE = """
select * from features.churn_weekly_features
where days_since_activity < 60 and labeled_churn is not null and label_horizon_days between 60 and 67
order by snapshot_date, customer_id
"""
SHARES = np.linspace(0, 1, 21)
# Of the probability, from one payment to two. Of the sample's customers with one payment 52 % stay away, of those with
# two 34 %: a second payment alone, with all else as it was, cannot mean more.
LARGEST_STEP = 0.18


@pytest.fixture(scope="module")
def rows(new_database, seeded_template):
    """The rows with a usable label of the five closed snapshots."""
    database = new_database(seeded_template)
    for day in DAYS:
        built = database.run("ml.features", "--snapshot-date", str(day))
        assert built.returncode == 0, built.stderr
    with database.connect() as conn:
        found = conn.execute(USABLE)
        frame = pd.DataFrame(found.fetchall(), columns=[column.name for column in found.description])
    return frame.astype({each.name: float for each in FEATURES if each.name not in CATEGORICAL_FEATURES})


@pytest.fixture(scope="module", params=[DAYS, DAYS[-1:]], ids=["all closed Sundays", "June 30 alone"])
def trained(request, rows):
    """A version as training fits it on these snapshots, and its rows."""
    of_days = rows[rows["snapshot_date"].isin(request.param)]
    known = of_days.groupby("snapshot_date").count().gt(0).all()
    frame = of_days[[name for name in model_features(demographics=False) if known[name]]]
    churned = of_days["labeled_churn"].to_numpy(np.int8)
    return fit(frame, churned, fold(of_days["customer_id"].to_numpy(np.int64))), of_days


def probabilities(trained, frame):
    fitted, _ = trained
    return fitted.pipeline.predict_proba(frame[list(fitted.features)])[:, 1]


def test_no_score_is_against_its_direction_on_all_closed_sundays(trained):
    fitted, frame = trained
    if frame["snapshot_date"].nunique() > 1:
        assert fitted.left_out == {}
    assert set(fitted.left_out) <= {"visits_ml", "purchases_ml"}  # few rows, and other scores say nearly the same


def test_no_input_overlaps_with_the_others(trained):
    fitted, frame = trained
    assert variance_inflation(fitted.pipeline[:-1].transform(frame[list(fitted.features)])).max() <= 10


def test_each_feature_moves_the_probability_in_its_direction_over_its_range(trained):
    fitted, frame = trained
    some = frame.sample(100, random_state=1)
    numeric = [name for name in fitted.features if name not in CATEGORICAL_FEATURES]
    assert len(numeric) >= 8
    for name in numeric:
        range_of = frame[name].quantile(SHARES)
        moved = np.array([probabilities(trained, some.assign(**{name: value})) for value in range_of])
        steps = np.diff(moved, axis=0)
        sign = 1 if BY_NAME[name].direction == "more churn" else -1
        assert (sign * steps).min() >= 0, name
        if range_of.nunique() > 1 and BY_NAME[name].score_name not in fitted.left_out:
            assert (sign * steps).max() > 0, name


def person(days, amounts, visits, discount=0.0):
    """One customer by what they did: the days before the snapshot on which they paid, the amounts, the days visited."""
    days, amounts = np.array(days), np.array(amounts, dtype=float)
    in_30 = days <= 30
    gap = (days.max() - days.min()) / (len(days) - 1) if len(days) > 1 else np.nan
    return {
        "payments_7d": (days <= 7).sum(), "payments_30d": in_30.sum(), "payments_90d": len(days),
        "spent_7d": amounts[days <= 7].sum(), "spent_30d": amounts[in_30].sum(), "spent_90d": amounts.sum(),
        "spent_per_payment_90d": amounts.mean(), "total_discount_30d": discount * amounts[in_30].sum(),
        "spent_trend_90d": 3 * amounts[in_30].sum() / amounts.sum(), "payments_trend_90d": 3 * in_30.mean(),
        "mean_gap_90d": gap, "recency_to_gap_90d": days.min() / max(gap, 1),
        "days_since_activity": days.min(), "tenure_days": 90, "active_days_30d": len(set(days[in_30])),
        "active_weeks_90d": len({(day - 1) // 7 for day in days}), "segments_90d": 1,
        "mau_mp_1": visits, "mau_mp_2": visits, "mau_mp_3": visits, "days_since_login_mp": 31 - visits,
    }  # fmt: skip


def walk(trained, people):
    """The probability of each of `people`, who are like the median customer in all else."""
    fitted, frame = trained
    numeric = [name for name in fitted.features if name not in CATEGORICAL_FEATURES]
    typical = frame[numeric].median().to_dict() | {"tarjetas": "Credit Card"}
    return probabilities(trained, pd.DataFrame([typical | each for each in people]))


def never_rises(found):
    assert len(found) > 1
    assert np.diff(found).max() <= 0, found


@pytest.mark.parametrize("visits", [2, 8, 20])
def test_days_since_the_last_payment_raise_the_probability(trained, visits):
    for earlier in ([], [70], [61, 65, 80]):
        found = walk(trained, [person([day, *earlier], [100] * (1 + len(earlier)), visits) for day in range(59, 0, -1)])
        never_rises(found)


@pytest.mark.parametrize("visits", [2, 8, 20])
@pytest.mark.parametrize("last", [1, 10, 25, 45])
def test_one_payment_more_lowers_the_probability(trained, visits, last):
    """Added one by one, in the 90 days or in the last 30; on a new day, or on the day of the last payment."""
    for days in ([last, *range(last + 1, 90, 3)], [last, *range(30, 0, -1)], [last] * 10):
        people = [person(days[:count], [100] * count, visits) for count in range(1, len(days) + 1)]
        never_rises(walk(trained, people))


@pytest.mark.parametrize("visits", [2, 8, 20])
@pytest.mark.parametrize(("last", "other"), [(1, 1), (1, 45), (10, 60), (25, 25), (45, 60), (45, 89)])
def test_the_second_payment_is_no_jump(trained, visits, last, other):
    one, two = walk(trained, [person([last], [100], visits), person([last, other], [100, 100], visits)])
    assert 0 < one - two <= LARGEST_STEP


def test_the_mean_amount_moves_the_probability_one_way(trained):
    """Without discounts it does not move it; with them, more of them are more of what bargain hunters take."""
    for discount in (0, 0.1):
        people = [person([5, 20, 40], [amount] * 3, 8, discount) for amount in (1, 10, 100, 1_000, 10_000)]
        never_rises(walk(trained, people)[::-1])


def test_days_visited_lower_the_probability(trained):
    never_rises(walk(trained, [person([5, 20, 40], [100] * 3, visits) for visits in range(31)]))
