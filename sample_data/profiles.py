"""What is known about customers beside their payments: app visits, balances, demographics, marketplace purchases."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sample_data.behaviour import Behaviour, Floats, Ints, Traits
from sample_data.periods import Calendar, add_months

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
UNTRACKED_SHARE, GAP_SHARE = 0.07, 0.02  # customers whose visits are not recorded, ever or in one month
BALANCE_MAX = 1_600_000.0
NULL = -1  # in integer columns on their way to Arrow


@dataclass(frozen=True)
class Visits:
    """Days with a visit in months -1, -2, -3 (index 0, 1, 2; NULL: neither app was opened) and last visits in -1."""

    mp: list[Ints]
    ml: list[Ints]
    last_mp: Ints
    last_ml: Ints


def draw_visits(traits: Traits, behaviour: Behaviour, calendar: Calendar, rng: np.random.Generator) -> Visits:
    """App visits follow interest, and payments bring some; they outlast interest, so they do not give it away."""
    count = traits.count
    mp_rate = 0.3 * np.exp(
        0.35 * traits.engagement + 0.2 * np.log(traits.rate / 0.04) + 0.45 * rng.standard_normal(count)
    )
    ml_rate = 0.3 * np.exp(0.6 * traits.marketplace + 0.5 * rng.standard_normal(count))
    installed = np.where(traits.is_new, behaviour.first_day - rng.exponential(25, count), -np.inf)
    registered = np.where(rng.random(count) < 0.5, installed, -np.inf)
    untracked = rng.random(count) < UNTRACKED_SHARE
    mp, ml, last = [], [], []
    for back in (1, 2, 3):
        first, end = calendar.month(back)
        days = np.arange(first, end)
        interest = behaviour.interest[:, first:end]
        paid = behaviour.payments[:, first:end] > 0
        mp_chance = (1 - np.exp(-mp_rate[:, None] * (0.25 + 0.75 * interest))) * (days >= installed[:, None])
        ml_chance = (1 - np.exp(-ml_rate[:, None] * (0.6 + 0.4 * interest))) * (days >= registered[:, None])
        on_mp = (rng.random(paid.shape) < mp_chance) | (paid & (rng.random(paid.shape) < 0.8))
        on_ml = rng.random(paid.shape) < ml_chance
        missing = untracked | ~(on_mp.any(axis=1) | on_ml.any(axis=1)) | (rng.random(count) < GAP_SHARE)
        mp.append(np.where(missing, NULL, on_mp.sum(axis=1)))
        ml.append(np.where(missing, NULL, on_ml.sum(axis=1)))
        if back == 1:
            for visited in (on_mp, on_ml):
                day = end - 1 - np.argmax(visited[:, ::-1], axis=1)
                last.append(np.where(visited.any(axis=1) & ~missing, day, NULL))
    return Visits(mp, ml, *last)


def active_user_table(ids: Ints, visits: Visits, calendar: Calendar) -> pa.Table:
    """Rows of ACTIVE_USER.csv."""
    columns = {"CUS_CUST_ID_BUY": pa.array(ids)}
    for back in (3, 2, 1):
        columns[f"MAU_MP_{back}"] = _written_as_float(visits.mp[back - 1])
        columns[f"MAU_ML_{back}"] = _written_as_float(visits.ml[back - 1])
    columns["last_login_mp_date_1"] = _dates(visits.last_mp, calendar)
    columns["last_login_ml_date_1"] = _dates(visits.last_ml, calendar)
    return pa.table(columns)


def balances_table(
    ids: Ints, traits: Traits, behaviour: Behaviour, calendar: Calendar, rng: np.random.Generator
) -> pa.Table:
    """Rows of DINERO_CUENTA.csv, for the customers with an account."""
    count = traits.count
    investment = ordered_choice(INVESTMENTS, traits.engagement + 0.5 * traits.rate.clip(0, 1), 0.35, rng)
    investing = investment == list(INVESTMENTS).index("investing")
    wealth = rng.standard_normal(count)
    columns: dict[str, pa.Array] = {"CUS_CUST_ID_BUY": _float_ids(ids)}
    for back in (1, 2):
        first, end = calendar.month(back)
        interest = behaviour.interest[:, first:end].mean(axis=1) * (end > behaviour.first_day)
        holds = rng.random(count) < 1 / (1 + np.exp(1.15 - 1.1 * interest - 0.3 * traits.engagement - 1.6 * investing))
        size = np.clip(0.85 * wealth + 0.53 * rng.standard_normal(count), -4, 3.85)
        balance = np.minimum(np.exp(6.75 + 1.9 * size + 0.5 * investing), BALANCE_MAX)
        balance = np.where(holds, np.round(balance, 2), 0.0)
        missing = (rng.random(count) < 0.015) | ((behaviour.first_day >= end) & (rng.random(count) < 0.1))
        columns[f"PLATA_CUENTA_{back}"] = pa.array(balance, mask=missing if back == 2 else None)
    columns["INVERSION"] = pa.array(list(INVESTMENTS)).take(pa.array(investment, mask=rng.random(count) < 0.02))
    return pa.table(columns).filter(pa.array(rng.random(count) < BALANCE_COVERAGE))


def marketplace_table(ids: Ints, traits: Traits, calendar: Calendar, rng: np.random.Generator) -> pa.Table:
    """Rows of MARKETPLACE_DATA.csv: totals of the half year before the last payment's month."""
    buys = rng.random(traits.count) < 1 / (1 + np.exp(-0.29 - 0.9 * traits.marketplace))
    chosen = np.flatnonzero(buys)
    affinity = traits.marketplace[chosen]
    last_payment = calendar.epoch_day(0) + 180
    newest = np.datetime64(last_payment, "D").astype("datetime64[M]").astype("datetime64[D]")
    newest_day = int(newest.astype(np.int64))
    oldest = add_months(newest.item(), -6)
    span = (newest.item() - oldest).days
    frequency = np.minimum(1 + rng.poisson(rng.exponential(np.exp(0.9 + 0.8 * affinity))), 106)
    age = np.minimum(span * rng.random(len(chosen)) ** (1 + 0.5 * np.log(frequency)), span).astype(np.int64)
    spent = np.round(frequency * 900 * np.exp(1.1 * rng.standard_normal(len(chosen))), 2)
    columns = {
        "CUS_CUST_ID_BUY": pa.array(ids[chosen]),
        "SPENT_ML": pa.array(spent),
        "RECENCY_ML": pa.array((newest_day - age).astype(np.int32)).cast(pa.date32()),
        "FREQUENCY_ML": pa.array(frequency),
    }
    return pa.table(columns)


def evaluate_table(ids: Ints, behaviour: Behaviour, first_day: int, end_day: int) -> pa.Table:
    """Rows of EVALUATE.csv: 1 where the customer makes no payment from `first_day` up to `end_day` (excluded)."""
    stays_away = ~behaviour.payments[:, first_day:end_day].any(axis=1)
    return pa.table({"CUS_CUST_ID_BUY": pa.array(ids), "churn": _written_as_float(stays_away.astype(np.int64))})


def choice(shares: dict[str, float], count: int, rng: np.random.Generator) -> Ints:
    """Index into `shares` for `count` customers, drawn by share."""
    edges = np.cumsum(list(shares.values()))
    return np.searchsorted(edges[:-1] / edges[-1], rng.random(count), side="right")


def ordered_choice(
    shares: dict[str, float], towards_last: Floats, correlation: float, rng: np.random.Generator
) -> Ints:
    """Like `choice`, where a higher `towards_last` makes the later entries of `shares` likelier; shares are kept.

    The rank among these customers decides, so that the shares hold in every block.
    """
    score = correlation * towards_last / towards_last.std() if len(towards_last) > 1 else 0 * towards_last
    score = score + np.sqrt(1 - correlation**2) * rng.standard_normal(len(towards_last))
    rank = (np.argsort(np.argsort(score)) + rng.random(len(score))) / len(score)
    edges = np.cumsum(list(shares.values()))
    return np.searchsorted(edges[:-1] / edges[-1], rank, side="right")


def _written_as_float(values: Ints) -> pa.Array:
    """Small non-negative integers as the real files write them: `3.0`; NULL stays empty."""
    texts = pa.array([f"{value}.0" for value in range(int(max(values.max(initial=0), 0)) + 1)])
    return texts.take(pa.array(values, mask=values == NULL))


def _float_ids(ids: Ints) -> pa.Array:
    return pc.binary_join_element_wise(pa.array(ids).cast(pa.string()), "0", ".")


def _dates(days: Ints, calendar: Calendar) -> pa.Array:
    epoch = (days + calendar.epoch_day()).astype(np.int32)
    return pa.array(epoch, mask=days == NULL).cast(pa.date32())
