"""What a campaign came to, by intention to treat: each customer counts in the arm that chance gave them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, NamedTuple

import numpy as np
import psycopg
from scipy.stats import norm

from ml.campaigns.profit import Floats
from ml.cli import CommandError
from ml.model_config import MIN_MEASURED_EVENTS
from ml.snapshots.catalogue import CHURN_DAYS
from ml.utils_io import sql

State = Literal["too_early", "too_few", "works", "no_effect_shown", "harms"]
CAMPAIGN = "select campaign_id, starts_on, save_rate from ops.campaigns where name = %s"
KNOWN_THROUGH = "select payments_known_through from ops.current_data"


class Estimate(NamedTuple):
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Arm:
    """One arm: customers, those who made no payment in the 60 days, and the mean spent in them (pesos a customer)."""

    customers: int
    churners: int
    mean_spent: float

    @property
    def churn(self) -> float:
        """Share of customers who churned."""
        return self.churners / self.customers


@dataclass(frozen=True)
class Results:
    """What is known of a campaign. While it is too early, there are no figures.

    `churn_reduction`: churn of control - churn of contact; `hoped_reduction`: as save rate and scores promised;
    `spend_gain`: mean spent of contact - that of control, pesos a customer; `profit`: pesos, of the whole contact arm;
    `cost`: pesos paid for contacts and offers.
    """

    campaign: str
    state: State
    known_from: date
    payments_known_through: date | None
    arms: dict[str, Arm]
    hoped_reduction: float | None = None
    churn_reduction: Estimate | None = None
    spend_gain: Estimate | None = None
    profit: Estimate | None = None
    cost: float | None = None


def results(conn: psycopg.Connection, name: str) -> Results:
    """Results of the campaign with the payments loaded now.

    Raises:
        CommandError: there is no campaign of this name.
    """
    row = conn.execute(CAMPAIGN, (name,)).fetchone()
    if row is None:
        raise CommandError(f"there is no campaign {name!r}; python -m ml.campaign list names those there are")
    campaign_id, starts_on, save_rate = row
    known_through = payments_known_through(conn)
    known_from = starts_on + timedelta(days=CHURN_DAYS)
    if known_through is None or known_from > known_through + timedelta(days=1):  # as for a label
        return Results(name, "too_early", known_from, known_through, {})
    parameters = {"campaign_id": campaign_id, "starts_on": starts_on, "churn_days": CHURN_DAYS}
    cursor = conn.execute(sql("campaign_outcomes"), parameters)
    columns = [column.name for column in cursor.description or ()]
    strata = [dict(zip(columns, values, strict=True)) for values in cursor.fetchall()]
    contact, control = ([of for of in strata if of["arm"] == arm] for arm in ("contact", "control"))
    arms = {"contact": _arm(contact), "control": _arm(control)}
    customers = _column(contact, "customers") + _column(control, "customers")
    scores = sum(of["mean_score"] * of["customers"] for of in strata)
    hoped = float(save_rate * scores / customers.sum())
    fewer = _difference(control, contact, "churned", customers)
    contacted = _column(contact, "customers")
    per_contact = _difference(contact, control, "worth", contacted)
    return Results(
        name,
        judge(arms, fewer, hoped),
        known_from,
        known_through,
        arms,
        hoped,
        fewer,
        _difference(contact, control, "spent", customers),
        Estimate(*(float(contacted.sum()) * part for part in per_contact)),
        float(sum(of["cost"] for of in contact)),
    )


def payments_known_through(conn: psycopg.Connection) -> date | None:
    """Last day whose payments are known, None if no files are loaded."""
    row = conn.execute(KNOWN_THROUGH).fetchone()
    return None if row is None else row[0]


def judge(arms: dict[str, Arm], churn_reduction: Estimate, hoped: float) -> State:
    """The state of a campaign whose 60 days are over.

    `too_few`: the interval contains both no effect and the one hoped for, or an arm would have fewer than
    MIN_MEASURED_EVENTS churners or stayers if both churned alike, so that the interval is not to be relied on.
    """
    customers = sum(arm.customers for arm in arms.values())
    churn = sum(arm.churners for arm in arms.values()) / customers
    smallest = min(arm.customers for arm in arms.values()) * min(churn, 1 - churn)
    contains_none = churn_reduction.low <= 0 <= churn_reduction.high
    if smallest < MIN_MEASURED_EVENTS or (contains_none and hoped <= churn_reduction.high):
        return "too_few"
    if contains_none:
        return "no_effect_shown"
    return "works" if churn_reduction.low > 0 else "harms"


def stratified_difference(
    of: tuple[Floats, Floats, Floats], minus: tuple[Floats, Floats, Floats], weights: Floats
) -> Estimate:
    """Mean of the first arm - mean of the second; an arm is (customers, means, variances) by stratum, as are `weights`.

    Neyman's estimate for a stratified experiment and its variance, the sum over strata of w^2 (s1^2 / n1 + s0^2 / n0),
    which is not too small on average whatever the effects (Imbens and Rubin 2015, Causal Inference, chapter 9); the
    interval is normal.
    """
    shares = weights / weights.sum()
    value = float(shares @ (of[1] - minus[1]))
    error = float(np.sqrt(shares**2 @ (of[2] / of[0] + minus[2] / minus[0])))
    reach = float(norm.ppf(0.975)) * error
    return Estimate(value, value - reach, value + reach)


def _difference(of: Sequence[dict[str, Any]], minus: Sequence[dict[str, Any]], what: str, weights: Floats) -> Estimate:
    first, second = (
        (_column(arm, "customers"), _column(arm, f"{what}_mean"), _column(arm, f"{what}_variance"))
        for arm in (of, minus)
    )
    return stratified_difference(first, second, weights)


def _arm(strata: Sequence[dict[str, Any]]) -> Arm:
    customers = sum(of["customers"] for of in strata)
    spent = sum(of["spent_mean"] * of["customers"] for of in strata)
    return Arm(customers, sum(of["churners"] for of in strata), spent / customers)


def _column(strata: Sequence[dict[str, Any]], name: str) -> Floats:
    return np.array([of[name] for of in strata], dtype=np.float64)
