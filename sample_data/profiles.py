"""What is known about customers apart from payments: app visits, balances, marketplace purchases, churn flag."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sample_data.behaviour import Behaviour, Bools, Ints, Traits
from sample_data.draws import ordered_choice
from sample_data.periods import Calendar

INVESTMENTS = {
    "banned": 0.002,
    "rejected": 0.004,
    "non_eligible": 0.03,
    "disabled": 0.01,
    "disable_pending": 0.004,
    "pending": 0.13,
    "eligible": 0.435,
    "warmup": 0.245,
    "investing": 0.14,
}
BALANCE_COVERAGE = 0.9569
UNTRACKED_SHARE = 0.06  # customers whose visits are never recorded
ONE_APP_GAP, GAP_SHARE = 0.65, 0.015  # months without a record, for visitors of one app and of both
BALANCE_MAX = 1_600_000.0


def active_user_table(
    ids: Ints, traits: Traits, behaviour: Behaviour, calendar: Calendar, rng: np.random.Generator
) -> pa.Table:
    """Rows of ACTIVE_USER.csv: days with a visit in each month, empty where neither app was opened.

    Visits follow interest and payments; they last longer than interest, so that they do not reveal it.
    """
    count = traits.count
    mp_rate = 0.33 * np.exp(
        0.35 * traits.engagement + 0.2 * np.log(traits.rate / 0.04) + 0.35 * rng.standard_normal(count)
    )
    ml_rate = 0.3 * np.exp(0.6 * traits.marketplace + 0.5 * rng.standard_normal(count))
    installed = np.where(traits.is_new, behaviour.first_day - rng.exponential(50, count), -np.inf)
    registered = np.where(rng.random(count) < 0.6, installed, -np.inf)
    untracked = rng.random(count) < UNTRACKED_SHARE
    columns: dict[str, pa.Array] = {"CUS_CUST_ID_BUY": pa.array(ids)}
    for back in (1, 2, 3):
        first, end = calendar.month(back)
        days = np.arange(first, end)
        interest = behaviour.interest[:, first:end]
        paid = behaviour.payments[:, first:end] > 0
        mp_chance = (1 - np.exp(-mp_rate[:, None] * (0.2 + 0.8 * interest))) * (days >= installed[:, None])
        ml_chance = (1 - np.exp(-ml_rate[:, None] * (0.6 + 0.4 * interest))) * (days >= registered[:, None])
        on_mp = (rng.random(paid.shape) < mp_chance) | (paid & (rng.random(paid.shape) < 0.8))
        on_ml = rng.random(paid.shape) < ml_chance
        apps = on_mp.any(axis=1).astype(np.int64) + on_ml.any(axis=1)
        missing = untracked | (rng.random(count) < np.array([1.0, ONE_APP_GAP, GAP_SHARE])[apps])
        for app, visited in (("mp", on_mp), ("ml", on_ml)):
            columns[f"MAU_{app.upper()}_{back}"] = _written_as_float(visited.sum(axis=1), missing)
            if back == 1:
                last = end - 1 - np.argmax(visited[:, ::-1], axis=1)
                columns[f"last_login_{app}_date_1"] = _dates(last, calendar, missing | ~visited.any(axis=1))
    return pa.table(columns).select(
        [
            "CUS_CUST_ID_BUY", "MAU_MP_3", "MAU_ML_3", "MAU_MP_2", "MAU_ML_2", "MAU_MP_1", "MAU_ML_1",
            "last_login_mp_date_1", "last_login_ml_date_1",
        ]
    )  # fmt: skip


def balances_table(
    ids: Ints, traits: Traits, behaviour: Behaviour, calendar: Calendar, rng: np.random.Generator
) -> pa.Table:
    """Rows of DINERO_CUENTA.csv, for the customers with an account."""
    count = traits.count
    investment = ordered_choice(INVESTMENTS, traits.engagement + 0.5 * traits.rate.clip(0, 1), 0.45, rng)
    investing = investment == list(INVESTMENTS).index("investing")
    wealth = rng.standard_normal(count)
    columns: dict[str, pa.Array] = {"CUS_CUST_ID_BUY": _written_as_float(ids)}
    for back in (1, 2):
        first, end = calendar.month(back)
        interest = behaviour.interest[:, first:end].mean(axis=1) * (end > behaviour.first_day)
        holds = rng.random(count) < 1 / (1 + np.exp(1.15 - 1.1 * interest - 0.3 * traits.engagement - 1.6 * investing))
        size = np.clip(0.85 * wealth + 0.53 * rng.standard_normal(count), -4, 3.85)
        balance = np.minimum(np.exp(6.81 + 1.9 * size + 0.5 * investing), BALANCE_MAX)
        balance = np.where(holds, np.round(balance, 2), 0.0)
        missing = (rng.random(count) < 0.018) | ((behaviour.first_day >= end) & (rng.random(count) < 0.1))
        columns[f"PLATA_CUENTA_{back}"] = pa.array(balance, mask=missing if back == 2 else None)
    columns["INVERSION"] = pa.array(list(INVESTMENTS)).take(pa.array(investment, mask=rng.random(count) < 0.02))
    return pa.table(columns).filter(pa.array(rng.random(count) < BALANCE_COVERAGE))


def marketplace_table(ids: Ints, traits: Traits, calendar: Calendar, rng: np.random.Generator) -> pa.Table:
    """Rows of MARKETPLACE_DATA.csv: totals of the half year before the last payment's month."""
    buys = rng.random(traits.count) < 1 / (1 + np.exp(-0.29 - 0.9 * traits.marketplace))
    chosen = np.flatnonzero(buys)
    affinity = traits.marketplace[chosen]
    oldest, newest = calendar.month(6)[0], calendar.month(0)[0]
    frequency = np.minimum(1 + rng.poisson(rng.exponential(np.exp(0.9 + 0.8 * affinity))), 106)
    age = np.round((newest - oldest) * rng.random(len(chosen)) ** (1 + 0.5 * np.log(frequency))).astype(np.int64)
    spent = np.round(frequency * 900 * np.exp(1.1 * rng.standard_normal(len(chosen))), 2)
    columns = {
        "CUS_CUST_ID_BUY": pa.array(ids[chosen]),
        "SPENT_ML": pa.array(spent),
        "RECENCY_ML": _dates(newest - age, calendar),
        "FREQUENCY_ML": pa.array(frequency),
    }
    return pa.table(columns)


def evaluate_table(ids: Ints, behaviour: Behaviour, calendar: Calendar) -> pa.Table:
    """Rows of EVALUATE.csv: 1 where the customer makes no payment in the two months after the data."""
    stays_away = behaviour.payments[:, calendar.days :].sum(axis=1) == 0
    return pa.table({"CUS_CUST_ID_BUY": ids, "churn": _written_as_float(stays_away.astype(np.int64))})


def _written_as_float(values: Ints, missing: Bools | None = None) -> pa.Array:
    """Integers as the real files write them: `3.0`."""
    return pc.binary_join_element_wise(pa.array(values, mask=missing).cast(pa.string()), "0", ".")


def _dates(days: Ints, calendar: Calendar, missing: Bools | None = None) -> pa.Array:
    return pa.array(np.datetime64(calendar.start) + days, mask=missing)
