"""What contacting customers is expected to gain, and how many of them it pays to contact."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.campaigns.refusals import OUT_OF_RANGE, Refused

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
POINTS = 300  # of a curve, evenly spaced; the cut-offs are added
# A curve goes on past the last of its cut-offs, but not over all customers: the best would be a dot at its left end.
REACH, LEAST_REACH = 4, 100  # times the largest cut-off; customers
MOST_PESOS = 1e12
UNSURE = {"half": 0.5, "expected": 1.0, "double": 2.0}  # what the save rate is multiplied by


@dataclass(frozen=True)
class Assumptions:
    """What a campaign costs and does. Money in pesos; `save_rate` and `margin` are shares, 0 to 1 and 0 to 10.

    `budget` bounds the expected costs, `capacity` the number of customers; None: no limit.

    Raises:
        Refused: a value is outside its range; the message names it.
    """

    contact_cost: float
    offer_cost: float
    save_rate: float
    margin: float
    budget: float | None = None
    capacity: int | None = None

    def __post_init__(self) -> None:
        for name, highest in (
            ("contact_cost", MOST_PESOS), ("offer_cost", MOST_PESOS), ("save_rate", 1), ("margin", 10),
            ("budget", MOST_PESOS), ("capacity", MOST_PESOS),
        ):  # fmt: skip
            in_range(name, getattr(self, name), 0, highest)


def in_range(name: str, value: Any, low: float, high: float) -> None:
    """Return if `value` is None or within [low, high].

    Raises:
        Refused: it is not, or is no number.
    """
    if value is not None and not low <= value <= high:
        raise Refused(OUT_OF_RANGE, field=name, value=float(value), low=float(low), high=float(high))


def expected_cost(score: Floats, save_rate: float, assumptions: Assumptions) -> Floats:
    """Pesos that contacting each customer is expected to cost: the contact, and the offer to whoever stays."""
    stays = 1 - score + score * save_rate
    return assumptions.contact_cost + assumptions.offer_cost * stays


def expected_profit(score: Floats, value: Floats, save_rate: float, assumptions: Assumptions) -> Floats:
    """Pesos that contacting each customer is expected to gain: p s v - c - o (1 - p + p s).

    p is the probability of churn, v what the customer is worth in pesos, s the save rate. The contact c is paid for
    everyone; the offer o is taken by all who stay: those who would have stayed anyway, and those who are saved. It is
    the profit of Neslin, Gupta, Kamakura, Lu and Mason (2006, Defection Detection, Journal of Marketing Research 43:
    204-211) for one customer, without fixed costs.
    """
    return score * save_rate * value - expected_cost(score, save_rate, assumptions)


@dataclass(frozen=True)
class Curve:
    """Expected profit at `Curves.contacted` with one save rate, and the best number of them up to `limit`."""

    save_rate: float
    profit: Floats
    best: int
    best_profit: float


@dataclass(frozen=True)
class Curves:
    """Cumulative profit by the number contacted, for the save rate assumed, half and double of it.

    `order`: positions of the customers, the one with the highest expected profit first, the same for all three curves:
    whom one contacts is decided before one knows the save rate. `contacted`: the numbers at which the curves are given,
    0 and the cut-offs among them, up to REACH times the largest. `limit`: the number that budget and capacity allow.
    `profit`: of each customer, in the order given by the caller.
    """

    order: Counts
    profit: Floats
    contacted: Counts
    limit: int
    by_save_rate: dict[str, Curve]

    @property
    def best(self) -> int:
        """The number of customers with the highest expected profit."""
        return self.by_save_rate["expected"].best


def curves(score: Floats, value: Floats, assumptions: Assumptions) -> Curves:
    """Order the customers by expected profit and sum it; both arrays have one number a customer.

    Twice the save rate is at most 1. Customers of equal profit stay in the order given.
    """
    profit = expected_profit(score, value, assumptions.save_rate, assumptions)
    order = np.argsort(-profit, kind="stable")
    score, value = score[order], value[order]
    limit = len(order) if assumptions.capacity is None else min(len(order), int(assumptions.capacity))
    if assumptions.budget is not None:
        costs = np.cumsum(expected_cost(score, assumptions.save_rate, assumptions))
        limit = min(limit, int(np.searchsorted(costs, assumptions.budget * (1 + 1e-12), side="right")))
    sums, best = {}, {}
    for name, times in UNSURE.items():
        save_rate = min(1.0, assumptions.save_rate * times)
        each = expected_profit(score, value, save_rate, assumptions)
        sums[name] = save_rate, np.concatenate([[0.0], np.cumsum(each)])
        best[name] = int(np.argmax(sums[name][1][: limit + 1]))
    reach = min(len(order), max(LEAST_REACH, REACH * max(best.values())))
    spaced = np.linspace(0, reach, POINTS + 1).astype(np.int64)
    contacted = np.unique(np.concatenate([spaced, list(best.values())]))
    by_save_rate = {
        name: Curve(save_rate, cumulated[contacted], best[name], float(cumulated[best[name]]))
        for name, (save_rate, cumulated) in sums.items()
    }
    return Curves(order, profit, contacted, limit, by_save_rate)
