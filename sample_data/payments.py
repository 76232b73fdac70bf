"""Segment, seller and amounts of each payment: the columns of PAYMENTS.csv other than date and buyer."""

import numpy as np
import pyarrow as pa

from sample_data.behaviour import Behaviour, Floats, Ints, Traits
from sample_data.periods import Calendar

SEGMENTS = ("Cellphone Recharge", "Transport", "Instore", "Utilities", "Money Transfer", "Other Single Players")
RECHARGE, TRANSPORT, INSTORE, UTILITIES, TRANSFER, OTHER = range(6)
SEGMENT_SHARE = np.array([0.312, 0.252, 0.246, 0.105, 0.085])
OTHER_SHARE = 4e-6
LOYALTY = 7.0  # how much of a customer's payments fall into one segment: inverse scale of the Dirichlet draw

BIG_SELLERS = np.array([89_012_447, 152_300_918, 201_774_035, 260_591_882])  # two recharges, transport, utilities
BIG_SELLER_SHARE = np.array([0.997, 0.997, 0, 0.99, 0, 0])  # of each of SEGMENTS
SELLERS_PER_CUSTOMER = 0.46  # shops, and as many people who receive transfers
SELLER_ID_STEP, SELLER_ID_SPAN = 196_613_581, 448_300_003

ROUND_AMOUNTS = np.array([20, 30, 50, 100, 150, 200, 300, 500.0])  # what recharges and transport cards are topped up by
RECHARGE_ODDS = np.array([0.05, 0.08, 0.2, 0.3, 0.12, 0.15, 0.06, 0.04])
TRANSPORT_ODDS = np.array([0.04, 0.05, 0.17, 0.34, 0.13, 0.19, 0.06, 0.02])
AMOUNT_MEDIAN = np.array([0, 0, 240.0, 950.0, 1400.0, 400.0])
AMOUNT_SPREAD = np.array([0, 0, 0.95, 0.8, 1.35, 1.0])
AMOUNT_MAX = 500_000.0
DISCOUNT_RATES = np.array([0.1, 0.2, 0.3, 0.5])
DISCOUNT_CAP = 120.0

RECORD = np.dtype([("buyer", "i8"), ("seller", "i8"), ("spent", "f8"), ("discount", "f8"), ("segment", "i1")])


def draw_payments(
    ids: Ints, traits: Traits, behaviour: Behaviour, calendar: Calendar, customers: int, rng: np.random.Generator
) -> tuple[Ints, np.ndarray]:
    """Day and record of each payment. The number of sellers follows that of all `customers`."""
    counts = behaviour.payments[:, : calendar.days]
    owner, day = (np.repeat(index, counts[counts > 0]) for index in np.nonzero(counts))
    cumulative = np.cumsum(_segment_preferences(traits, rng)[:, :-1], axis=1)
    segment = (rng.random(len(owner))[:, None] > cumulative[owner]).sum(axis=1)
    segment[rng.random(len(owner)) < OTHER_SHARE] = OTHER
    records = np.empty(len(owner), RECORD)
    records["buyer"] = ids[owner]
    records["segment"] = segment
    records["seller"] = _sellers(segment, max(1, int(SELLERS_PER_CUSTOMER * customers)), rng)
    records["spent"] = _amounts(segment, traits.engagement[owner], rng)
    records["discount"] = _discounts(records["spent"], segment, traits.thrift[owner], rng)
    return day, records


def to_table(day: np.datetime64, records: np.ndarray) -> pa.Table:
    """Rows of PAYMENTS.csv for the payments of one day."""
    return pa.table(
        {
            "FECHA": np.full(len(records), day),
            "CUS_CUST_ID_SEL": records["seller"],
            "CUS_CUST_ID_BUY": records["buyer"],
            "SPENT": records["spent"],
            "TPV_SEGMENT_DETAIL": pa.array(SEGMENTS).take(pa.array(records["segment"])),
            "DESCUENTO": records["discount"],
        }
    )


def _segment_preferences(traits: Traits, rng: np.random.Generator) -> Floats:
    """Share of each segment in a customer's payments; most customers use one or two."""
    alpha = SEGMENT_SHARE * 5 / LOYALTY
    weights = rng.standard_gamma(np.broadcast_to(alpha, (traits.count, 5))) + 1e-12
    shares: Floats = weights / weights.sum(axis=1, keepdims=True)
    return shares


def _sellers(segment: Ints, sellers: int, rng: np.random.Generator) -> Ints:
    """The four big ones take recharges, transport and utilities; shops and people, some more than others, the rest."""
    uniform, to_big = rng.random((2, len(segment)))
    shop = (sellers * uniform**2.2).astype(np.int64)
    person = sellers + (sellers * uniform**1.3).astype(np.int64)
    index = np.where(segment == TRANSFER, person, shop)
    ids = 1_276 + (index * SELLER_ID_STEP + 77_003) % SELLER_ID_SPAN
    big = np.zeros(len(segment), np.int64)
    big[segment == RECHARGE] = np.where(uniform[segment == RECHARGE] < 0.6, 0, 1)
    big[segment == TRANSPORT] = 2
    big[segment == UTILITIES] = 3
    return np.where(to_big < BIG_SELLER_SHARE[segment], BIG_SELLERS[big], ids)


def _amounts(segment: Ints, engagement: Floats, rng: np.random.Generator) -> Floats:
    """Round amounts for top-ups, log-normal ones with cents otherwise, a few with four decimals or zero."""
    uniform, shape = rng.random((2, len(segment)))
    recharge = ROUND_AMOUNTS[np.searchsorted(np.cumsum(RECHARGE_ODDS)[:-1], uniform)]
    transport = ROUND_AMOUNTS[np.searchsorted(np.cumsum(TRANSPORT_ODDS)[:-1], uniform)]
    log_amount = rng.standard_normal(len(segment)) * AMOUNT_SPREAD[segment] + 0.12 * engagement
    free = np.minimum(AMOUNT_MEDIAN[segment] * np.exp(log_amount), AMOUNT_MAX)
    free = np.where(shape < 0.04, np.round(free, 4), np.round(free, 2))
    spent = np.where(segment == RECHARGE, recharge, np.where(segment == TRANSPORT, transport, free))
    return np.where(shape > 0.9985, 0.0, spent)


def _discounts(spent: Floats, segment: Ints, thrift: Floats, rng: np.random.Generator) -> Floats:
    """Part of the price, capped; thrifty customers look for discounts, top-ups have few."""
    uniform, rate = rng.random((2, len(spent)))
    chance = 1 / (1 + np.exp(1.6 - 0.9 * thrift))
    chance *= np.array([0.7, 0.5, 1.6, 0.8, 0.3, 1.0])[segment]
    off = np.minimum(spent * DISCOUNT_RATES[(rate * len(DISCOUNT_RATES)).astype(np.int64)], DISCOUNT_CAP)
    return np.where(uniform < chance, np.round(off, 4), 0.0)
