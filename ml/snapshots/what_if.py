"""A customer imagined with other behaviour; what follows from a change is derived, so that nothing contradicts it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml.snapshots.catalogue import BY_NAME, CHURN_DAYS

LONGEST = CHURN_DAYS - 1  # days since the last payment; who has not paid for longer has churned and has no score


@dataclass(frozen=True)
class Imagined:
    """What one can imagine of a customer: days, numbers of payments, pesos a payment, days visited (None: unknown).

    What cannot be is corrected: the days since the last payment hold, and the numbers of payments follow.
    """

    days_since_activity: int
    payments_30d: int
    payments_90d: int
    spent_per_payment: float
    visited_days: int | None

    def possible(self) -> "Imagined":
        """The nearest customer that can exist: a payment 45 days ago is none of the last 30 days, but one of the 90."""
        days = min(max(self.days_since_activity, 1), LONGEST)
        in_30 = 0 if days > 30 else max(self.payments_30d, 1)
        visited = None if self.visited_days is None else min(max(self.visited_days, 0), 31)
        return Imagined(days, in_30, max(self.payments_90d, in_30, 1), max(self.spent_per_payment, 0.0), visited)


def imagined(row: Mapping[str, Any]) -> Imagined:
    """What a row of features says of the same things, as far as it can be."""
    spent, payments = row["spent_90d"], row["payments_90d"]
    each = float(spent) / payments if payments else 0.0
    return Imagined(row["days_since_activity"], row["payments_30d"], payments, each, row["mau_mp_1"]).possible()


def features(row: Mapping[str, Any], wanted: Imagined) -> dict[str, Any]:
    """The features of `row` with what is `wanted` of it: what follows from the changes is derived, the rest stays.

    Derived as if the payments were spread evenly over the days that they can lie in, each of the same amount; the share
    of discounts and the days with payments a payment stay those of `row`.
    """
    want = wanted.possible()
    if want == imagined(row) and row["days_since_activity"] <= LONGEST:
        return {name: row.get(name) for name in BY_NAME}
    days, in_30, in_90 = want.days_since_activity, want.payments_30d, want.payments_90d
    in_7 = 0 if days > 7 else max(1, round(in_30 * 7 / 30))
    tenure = max(int(row["tenure_days"]), days, 31 if in_90 > in_30 else 1)
    before_30 = row["payments_30d"]
    days_each = row["active_days_30d"] / before_30 if before_30 else 1.0
    active_days = min(max(1, round(in_30 * days_each)), in_30, 31 - days) if in_30 else 0
    gap = (tenure - days) / (in_90 - 1) if in_90 > 1 else None
    weeks = (13 if in_90 > in_30 else 5) - (days - 1) // 7
    changed = {
        "days_since_activity": days,
        "payments_7d": in_7,
        "payments_30d": in_30,
        "payments_90d": in_90,
        "spent_7d": in_7 * want.spent_per_payment,
        "spent_30d": in_30 * want.spent_per_payment,
        "spent_90d": in_90 * want.spent_per_payment,
        "spent_per_payment_90d": want.spent_per_payment,
        "total_discount_30d": in_30 * row["total_discount_30d"] / before_30 if before_30 else 0.0,
        "spent_trend_90d": 3 * in_30 / in_90 if want.spent_per_payment else None,
        "payments_trend_90d": 3 * in_30 / in_90,
        "mean_gap_90d": gap,
        "recency_to_gap_90d": None if gap is None else days / max(gap, 1.0),
        "tenure_days": tenure,
        "active_days_30d": active_days,
        "active_weeks_90d": min(max(int(row["active_weeks_90d"]), 1), in_90, weeks),
        "segments_90d": min(max(int(row["segments_90d"]), 1), in_90),
        "mau_mp_1": want.visited_days,
    }
    return {name: changed.get(name, row.get(name)) for name in BY_NAME}
