"""What customers do: a latent process per customer that drives payments and app visits, past the end of the data.

Nothing here knows about features or labels. Each customer pays at an individual rate, more in some weeks than in
others, until they lose interest: payments become rarer and stop, and visits follow more slowly. A few come back. The
labels are what the process does next.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from sample_data.periods import PAYMENT_DAYS, Calendar

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

NEW_SHARE = 0.44  # customers who joined within the data; the others paid before its first day
JOIN_GROWTH = 0.0098  # growth per day of the number that joins, over PAYMENT_DAYS; slower over a longer history
SEASON_GROWTH = 0.003  # growth per day of everyone's rate, likewise
RATE_BASE, RATE_MEDIAN, RATE_SPREAD, RATE_MAX = 0.004, 0.0515, 1.41, 13.0  # payments per day, shifted log-normal
LIFETIME_MEDIAN, LIFETIME_SHAPE = 465.0, 0.85  # days from the first payment until interest is lost, Weibull
ENGAGEMENT_EFFECT = 1.5  # log lifetime per standard deviation of engagement
NEWCOMER_LIFETIME = 0.55
FADE_DAYS = 55.0  # longest time over which payments fade before they stop
RETURN_SHARE, RETURN_AFTER = 0.16, 60.0  # who comes back, and after how many days (mean)
RESIDUAL_RATE = 0.008  # rate of those who lost interest, relative to before


@dataclass(frozen=True)
class Traits:
    """Latent traits, one value per customer; standard normal unless said otherwise."""

    engagement: Floats
    marketplace: Floats
    thrift: Floats
    rate: Floats
    is_new: Bools

    @property
    def count(self) -> int:
        """Number of customers."""
        return len(self.rate)


@dataclass(frozen=True)
class Behaviour:
    """`payments[i, d]`: payments of customer i on day d; `interest[i, d]`: 0 (none) to 1, what visits follow."""

    first_day: Ints
    payments: Ints
    interest: npt.NDArray[np.float32]


def draw_traits(count: int, rng: np.random.Generator) -> Traits:
    """Traits of `count` customers."""
    engagement, own_rate, thrift, marketplace = rng.standard_normal((4, count))
    log_rate = np.log(RATE_MEDIAN) + RATE_SPREAD * (0.35 * engagement + np.sqrt(1 - 0.35**2) * own_rate)
    return Traits(
        engagement=engagement,
        marketplace=0.35 * engagement + np.sqrt(1 - 0.35**2) * marketplace,
        thrift=-0.3 * engagement + np.sqrt(1 - 0.3**2) * thrift,
        rate=np.minimum(RATE_BASE + np.exp(log_rate), RATE_MAX),
        is_new=rng.random(count) < NEW_SHARE,
    )


def simulate(traits: Traits, calendar: Calendar, rng: np.random.Generator) -> Behaviour:
    """Payments and interest of every customer from day 0 to the end of EVALUATE's two months.

    Every customer pays at least once within the data: this first payment is drawn, and the process starts there.
    """
    days = np.arange(calendar.horizon_end)
    first = _first_payment_day(traits, calendar, rng)
    factor = _interest(traits, first, days, rng)
    weeks = rng.standard_gamma(np.repeat(_regularity(traits.count, rng)[:, None], len(days) // 7 + 1, axis=1))
    weeks /= weeks.mean(axis=1, keepdims=True).clip(0.2)
    per_day = traits.rate[:, None] * np.repeat(weeks, 7, axis=1)[:, : len(days)]
    per_day *= factor
    per_day *= _season(calendar)
    per_day[days[None, :] <= first[:, None]] = 0
    payments = rng.poisson(per_day)
    payments[np.arange(traits.count), first] += 1
    return Behaviour(first_day=first, payments=payments, interest=factor)


def _first_payment_day(traits: Traits, calendar: Calendar, rng: np.random.Generator) -> Ints:
    """Day of the first payment within the data: newcomers join more and more often, others follow their rate."""
    uniform = rng.random(traits.count)
    growth = JOIN_GROWTH * (PAYMENT_DAYS / calendar.days)
    joined = np.log1p(uniform * np.expm1(growth * calendar.days)) / growth
    rate = traits.rate * 0.6
    resumed = -np.log1p(-uniform * -np.expm1(-rate * calendar.days)) / rate
    return np.minimum(np.where(traits.is_new, joined, resumed), calendar.days - 1).astype(np.int64)


def _interest(traits: Traits, first: Ints, days: Ints, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Interest by customer and day: 1, fading to `RESIDUAL_RATE` at the end of the customer's lifetime."""
    median = LIFETIME_MEDIAN * np.exp(ENGAGEMENT_EFFECT * traits.engagement - 0.2 * traits.thrift)
    median *= np.where(traits.is_new, NEWCOMER_LIFETIME, 1.0)
    lifetime = median * (rng.standard_exponential(traits.count) / np.log(2)) ** (1 / LIFETIME_SHAPE)
    end = (first + lifetime).astype(np.float32)
    fade = (1 + FADE_DAYS * rng.random(traits.count)).astype(np.float32)
    interest: npt.NDArray[np.float32] = (end[:, None] - days.astype(np.float32)) / fade[:, None]
    np.clip(interest, RESIDUAL_RATE, 1, out=interest)
    returns = end + rng.exponential(RETURN_AFTER, traits.count)
    returns[rng.random(traits.count) >= RETURN_SHARE] = np.inf
    interest[days[None, :] >= returns[:, None]] = 0.6
    return interest


def _regularity(count: int, rng: np.random.Generator) -> Floats:
    """Shape of the weekly variation: 0.3 (most weeks empty, some full) to 5 (every week alike)."""
    shape: Floats = np.clip(np.exp(0.7 + 0.6 * rng.standard_normal(count)), 0.3, 5.0)
    return shape


def _season(calendar: Calendar) -> Floats:
    """Relative rate of each day: fewer payments on Sundays, more after payday, slow growth."""
    days = pd.date_range(calendar.start, periods=calendar.horizon_end)
    weekday = np.array([1.04, 1.02, 1.0, 1.02, 1.1, 1.0, 0.82])[days.day_of_week]
    payday = np.where(days.day <= 10, 1.12, 0.95)
    growth = np.exp(SEASON_GROWTH * (PAYMENT_DAYS / calendar.days) * (np.arange(len(days)) - calendar.days))
    season: Floats = weekday * payday * growth
    return season
