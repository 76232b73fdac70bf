"""Which snapshots are closed: nearly all of their active rows have a usable label, so that they can be measured on."""

from datetime import date, timedelta

import psycopg

from ml.snapshots.catalogue import CHURN_DAYS, TABLE
from ml.snapshots.coverage import CurrentData

CLOSED_SHARE = 0.99  # of the active rows; with fewer, customers who paid would be overrepresented

# The label of a customer who did not pay, which is known last: if it is not usable, the snapshot cannot be closed.
LAST_LABEL = """
select label_horizon_days, features.is_usable_label(%(snapshot_date)s, label_horizon_days, %(churn_days)s, %(as_of)s)
from features.churn_label(
    %(snapshot_date)s, %(payments_known_through)s, %(evaluate_cutoff)s, %(churn_days)s,
    1, false, 1::smallint, 'stayed_away'
)
"""
USABLE_SHARE = f"""
select avg(features.is_usable_label(snapshot_date, label_horizon_days, %(churn_days)s, %(as_of)s)::int)::float8
from {TABLE}
where snapshot_date = %(snapshot_date)s and days_since_activity < %(churn_days)s
"""


def open_by_dates(conn: psycopg.Connection, data: CurrentData, snapshot_date: date, as_of: date | None) -> str | None:
    """Why the loaded data cannot close the snapshot, whether or not it is built; None if they may.

    `as_of`: only labels whose last day was over on that date count; None: all that are known now.
    """
    parameters = {
        "snapshot_date": snapshot_date,
        "churn_days": CHURN_DAYS,
        "as_of": as_of,
        "payments_known_through": data.payments_known_through,
        "evaluate_cutoff": data.evaluate_cutoff,
    }
    ((horizon, is_usable),) = conn.execute(LAST_LABEL, parameters).fetchall()
    if is_usable:
        return None
    last_day = snapshot_date + timedelta(days=CHURN_DAYS - 1)
    if as_of is not None and last_day >= as_of:
        return f"open on {as_of}: its {CHURN_DAYS} days end on {last_day}"
    reason = f"open: its {CHURN_DAYS} days end on {last_day}, payments are known through {data.payments_known_through}"
    return reason if horizon is None else f"{reason}, and the churn flag speaks of {horizon} days"


def open_by_labels(conn: psycopg.Connection, snapshot_date: date, as_of: date | None) -> str | None:
    """Why the labels of a built snapshot do not close it, or None if they do; `as_of` as in `open_by_dates`."""
    parameters = {"snapshot_date": snapshot_date, "churn_days": CHURN_DAYS, "as_of": as_of}
    ((share,),) = conn.execute(USABLE_SHARE, parameters).fetchall()
    if share is None:
        return "no active customer"
    if share < CLOSED_SHARE:
        return f"open: {share:.1%} of the active rows have a usable label, {CLOSED_SHARE:.0%} are needed"
    return None
