"""The crypto purchase history, with the errors of an operational table."""

from datetime import timedelta

import numpy as np
import pyarrow as pa

from sample_data.behaviour import Floats, Ints, Traits
from sample_data.draws import choice
from sample_data.periods import CRYPTO_DAYS, Calendar

SITES = {"ARGENTINA": 0.62, "BRASIL": 0.22, "MEXICO": 0.16}
COINS = {"BTC": 0.46, "ETH": 0.24, "USDC": 0.18, "LTC": 0.12}
HOLDER_ODDS = -2.3  # log odds of owning coins for a customer of average engagement
PURCHASES_MEAN = 36.0
FOREIGN_IDS = 2_000_000_000  # users of the other sites; some lie past 2^31

# US dollars at the ends of September 2018 … June 2019
PRICES = {
    "BTC": (6600, 6350, 4000, 3750, 3450, 3850, 4100, 5300, 8550, 10800),
    "ETH": (230, 198, 113, 133, 107, 136, 141, 162, 268, 292),
    "USDC": (1, 1, 1.01, 1.01, 1, 1, 1, 1, 1, 1),
    "LTC": (61, 50, 32, 30, 31, 46, 61, 73, 114, 122),
}
DAILY_CHANGE = {"BTC": 0.02, "ETH": 0.03, "USDC": 0.001, "LTC": 0.03}

SITE_TEXTS = (*SITES, "argentina", " ARGENTINA", "Brasil", "BRASIL ", "mexico", " Mexico ", "CHILE", "ARG")
COIN_TEXTS = (*COINS, "btc", " BTC", "Eth", "ETH ", "usdc", " Usdc ", "ltc", "LTC ", "BTCC", "PESO")
NULL = -1
RATES = {  # share of purchases with each kind of error
    "null": 0.0015,  # in each column
    "variant": 0.02,  # blanks or mixed case around a code
    "unknown": 0.001,  # a code that does not exist
    "impossible_date": 0.002,
    "other_format": 0.003,
    "future_date": 0.001,
    "not_positive_units": 0.003,
    "negative_price": 0.001,
    "duplicate": 0.01,
    "correction": 0.008,
}
IMPOSSIBLE_DATES = ("31/2/{}", "30/2/{}", "29/2/{}", "31/4/{}", "31/6/{}", "0/3/{}", "12/13/{}", "45/5/{}")
FORMATS = (
    "{d}/{m}/{y}", "{d:02}/{m:02}/{y}", " {d}/{m}/{y} ", "{y}-{m:02}-{d:02}", "{d}-{m}-{y}", "{d}.{m}.{y}",
    "{y}{m:02}{d:02}", "{d}/{m}/{y}T00:00", "{d}/{m}/{future}",
)  # fmt: skip
OTHER_FORMATS, FUTURE = (3, 8), 8  # of FORMATS: those that are not D/M/YYYY, and a mistyped year
YEARS_AHEAD = 90

RECORD = np.dtype([("user", "i8"), ("price", "f8"), ("units", "f8"), ("date", "i4"), ("site", "i1"), ("coin", "i1")])


def date_texts(calendar: Calendar) -> list[str]:
    """Every text that a record's `date` may point to: each day in each of FORMATS, then the impossible dates."""
    first = calendar.until - timedelta(days=CRYPTO_DAYS)
    days = [first + timedelta(days=day) for day in range(CRYPTO_DAYS)]
    texts = [
        form.format(d=day.day, m=day.month, y=day.year, future=day.year + YEARS_AHEAD)
        for form in FORMATS
        for day in days
    ]
    year = calendar.until.year if calendar.until.year % 4 else calendar.until.year - 1  # without a 29 February
    return texts + [form.format(year) for form in IMPOSSIBLE_DATES]


def draw_prices(rng: np.random.Generator) -> Floats:
    """Price of each coin on each day, in US dollars: a random path between the prices at the ends of months."""
    knots = np.linspace(0, CRYPTO_DAYS - 1, 10)
    paths = []
    for coin, ends in PRICES.items():
        trend = np.interp(np.arange(CRYPTO_DAYS), knots, np.log(ends))
        noise = np.cumsum(rng.standard_normal(CRYPTO_DAYS)) * DAILY_CHANGE[coin]
        noise -= np.interp(np.arange(CRYPTO_DAYS), knots, noise[knots.astype(np.int64)])
        paths.append(np.exp(trend + noise))
    return np.array(paths)


def draw_purchases(ids: Ints, traits: Traits, prices: Floats, rng: np.random.Generator) -> tuple[Ints, np.ndarray]:
    """Purchases of the customers who own coins, with copies and corrections: day of arrival and record of each."""
    holders = np.flatnonzero(rng.random(len(ids)) < 1 / (1 + np.exp(-HOLDER_ODDS - 0.6 * traits.engagement)))
    counts = 1 + rng.poisson(rng.exponential(PURCHASES_MEAN - 1, len(holders)))
    site = np.repeat(choice(SITES, rng.random(len(holders))), counts)
    user = np.repeat(ids[holders], counts)
    user = np.where(site == 0, user, FOREIGN_IDS + user)
    day = (CRYPTO_DAYS * rng.random(len(user)) ** 0.8).astype(np.int64)
    coin = choice(COINS, rng.random(len(user)))
    price = np.round(prices[coin, day] * np.exp(0.006 * rng.standard_normal(len(user))), 4)
    amount = 40 * np.exp(1.1 * rng.standard_normal(len(user)))

    records = np.empty(len(user), RECORD)
    records["user"], records["site"], records["coin"], records["price"] = user, site, coin, price
    records["units"] = np.maximum(np.round(amount / price, 6), 0.0001)
    records["date"] = np.where(rng.random(len(user)) < 0.25, CRYPTO_DAYS, 0) + day
    _soil(records, day, rng)

    again = np.flatnonzero(rng.random(len(user)) < RATES["duplicate"])
    corrected = np.flatnonzero(rng.random(len(user)) < RATES["correction"])
    copies, corrections = records[again], records[corrected]
    corrections["price"] = np.round(corrections["price"] * np.exp(0.05 * rng.standard_normal(len(corrected))), 4)
    later_copies = day[again] + rng.integers(0, 3, len(again))
    later_corrections = day[corrected] + np.where(
        rng.random(len(corrected)) < 0.85, rng.integers(0, 5, len(corrected)), rng.integers(5, 30, len(corrected))
    )
    arrival = np.concatenate([day, later_copies, later_corrections])
    return np.minimum(arrival, CRYPTO_DAYS - 1), np.concatenate([records, copies, corrections])


def to_table(records: np.ndarray, dates: pa.Array) -> pa.Table:
    """Rows of the CSV file; `dates` are the `date_texts`."""
    return pa.table(
        {
            "site_id": pa.array(SITE_TEXTS).take(_with_nulls(records["site"])),
            "user_id": _with_nulls(records["user"]),
            "purchase_date": dates.take(_with_nulls(records["date"])),
            "crypto_type": pa.array(COIN_TEXTS).take(_with_nulls(records["coin"])),
            "purchase_price": pa.array(records["price"], from_pandas=True),
            "purchase_units": pa.array(records["units"], from_pandas=True),
        }
    )


def _soil(records: np.ndarray, day: Ints, rng: np.random.Generator) -> None:
    """Spoil a few records in place; a record may be hit more than once."""

    def hit(kind: str) -> np.ndarray:
        return np.flatnonzero(rng.random(len(records)) < RATES[kind])

    for column, plain in (("site", len(SITES)), ("coin", len(COINS))):
        rows = hit("variant")
        codes = records[column][rows]
        records[column][rows] = plain + 2 * codes + rng.integers(0, 2, len(rows))
        rows = hit("unknown")
        records[column][rows] = 3 * plain + rng.integers(0, 2, len(rows))
    rows = hit("variant")
    records["date"][rows] = 2 * CRYPTO_DAYS + day[rows]
    rows = hit("other_format")
    records["date"][rows] = rng.integers(*OTHER_FORMATS, len(rows)) * CRYPTO_DAYS + day[rows]
    rows = hit("future_date")
    records["date"][rows] = FUTURE * CRYPTO_DAYS + day[rows]
    rows = hit("impossible_date")
    records["date"][rows] = len(FORMATS) * CRYPTO_DAYS + rng.integers(0, len(IMPOSSIBLE_DATES), len(rows))
    rows = hit("not_positive_units")
    records["units"][rows] *= -rng.integers(0, 2, len(rows))
    records["price"][hit("negative_price")] *= -1
    for column in ("site", "user", "date", "coin"):
        records[column][hit("null")] = NULL
    for column in ("price", "units"):
        records[column][hit("null")] = np.nan


def _with_nulls(values: np.ndarray) -> pa.Array:
    return pa.array(values, mask=values == NULL)
