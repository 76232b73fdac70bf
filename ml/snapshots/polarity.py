"""Check the meaning of the churn flag of raw.evaluate against what its customers did last.

Customers who are going to stay away have, on average, paid less in the last days before the cutoff. The rank
correlation of the flag with those payments (Spearman, ties at their mean rank) must have the sign that
EVALUATE_CHURN_MEANS implies.
"""

from math import atanh, sqrt, tanh
from typing import Any

import psycopg

from ml.cli import CommandError
from ml.settings import settings
from ml.snapshots.coverage import CurrentData
from ml.utils_io import sql

LATE_DAYS = 30  # before the cutoff
MIN_CUSTOMERS = 30  # of each flag value; with fewer, the check is undecided
Z = 3.29  # two-sided 99.9 %: without any correlation, a correct setting would be stopped once in two thousand loads


def check(conn: psycopg.Connection, data: CurrentData) -> dict[str, Any]:
    """Verdict `confirmed` or `undecided`, with the correlation, its 99.9 % interval (Fisher's z) and the customers.

    Raises:
        CommandError: the interval lies wholly on the side that contradicts EVALUATE_CHURN_MEANS.
    """
    means = settings().evaluate_churn_means
    parameters = {"evaluate_cutoff": data.evaluate_cutoff, "late_days": LATE_DAYS}
    ((customers, flagged, correlation),) = conn.execute(sql("polarity_check"), parameters).fetchall()
    verdict: dict[str, Any] = {"verdict": "undecided", "evaluate_churn_means": means, "customers": customers}
    if min(flagged, customers - flagged) < MIN_CUSTOMERS or correlation is None:
        return verdict | {"reason": f"fewer than {MIN_CUSTOMERS} customers with either flag, or all alike"}
    centre = atanh(max(-0.999999, min(0.999999, correlation)))
    margin = Z / sqrt(customers - 3)
    low, high = tanh(centre - margin), tanh(centre + margin)
    verdict |= {"rank_correlation": round(correlation, 4), "low": round(low, 4), "high": round(high, 4)}
    if low <= 0 <= high:
        return verdict | {"reason": "the interval contains zero"}
    shown = "stayed_away" if high < 0 else "came_back"
    if shown != means:
        raise CommandError(
            f"EVALUATE_CHURN_MEANS={means} contradicts the data: customers with churn = 1 in EVALUATE.csv paid"
            f" {'less' if shown == 'stayed_away' else 'more'} than the others in the {LATE_DAYS} days before"
            f" {data.evaluate_cutoff} (rank correlation {correlation:.3f}, 99.9 % interval {low:.3f} to {high:.3f}), so"
            f" that churn = 1 means {shown}; set EVALUATE_CHURN_MEANS={shown} in .env (or load the EVALUATE.csv that"
            f" belongs to these payments, if {means} is right)"
        )
    return verdict | {"verdict": "confirmed"}
