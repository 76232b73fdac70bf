"""Customers: a list of those that meet some conditions, and all that is on record of one of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row
from psycopg.sql import SQL, Identifier

from ml.snapshots.catalogue import FEATURES as CATALOGUE

ROWS_BUILT = "select rows_built from ops.current_feature_builds where snapshot_date = %(snapshot_date)s"
SNAPSHOTS = "select snapshot_date from ops.current_feature_builds order by snapshot_date desc"
# An empty list of values means any.
LISTED = """
select
    score.customer_id, score.score, feature.spent_90d, feature.days_since_activity, feature.estado, feature.tarjetas,
    feature.rango_edad, count(*) over () as found
from ops.churn_scoring as score
join features.churn_weekly_features as feature using (customer_id, snapshot_date)
where
    snapshot_date = %(snapshot_date)s
    and score.score between %(least_score)s and %(most_score)s
    and feature.spent_90d >= %(least_spent)s
    and (feature.estado = any(%(estado)s) or %(estado)s::text[] = '{}')
    and (feature.tarjetas = any(%(tarjetas)s) or %(tarjetas)s::text[] = '{}')
    and (feature.rango_edad = any(%(rango_edad)s) or %(rango_edad)s::text[] = '{}')
order by score.score desc, score.customer_id
limit %(most)s
"""
VALUES = """
select
    array_agg(distinct estado order by estado) filter (where estado is not null),
    array_agg(distinct tarjetas order by tarjetas) filter (where tarjetas is not null),
    array_agg(distinct rango_edad order by rango_edad) filter (where rango_edad is not null)
from (
    select estado, tarjetas, rango_edad
    from features.churn_weekly_features
    where snapshot_date = %(snapshot_date)s
    group by estado, tarjetas, rango_edad
) as together
"""
FEATURES = """
select *
from features.churn_weekly_features
where customer_id = %(customer_id)s and snapshot_date = %(snapshot_date)s
"""
SCORE = """
select
    score.score, score.prediction, score.model_version, score.scored_at,
    (
        select avg((other.score < score.score)::int)::float8
        from ops.churn_scoring as other
        where other.snapshot_date = score.snapshot_date
    ) as share_below
from ops.churn_scoring as score
where customer_id = %(customer_id)s and snapshot_date = %(snapshot_date)s
"""
CUSTOMER_SNAPSHOTS = """
select snapshot_date
from features.churn_weekly_features
where customer_id = %(customer_id)s
order by snapshot_date desc
"""
PAYMENTS = """
select
    date_trunc('week', fecha)::date as week, count(*) as payments, coalesce(sum(spent), 0)::float8 as spent
from raw.payments
where cus_cust_id_buy = %(customer_id)s
group by week
order by week
"""
PAST = """
select feature.snapshot_date, score.score, score.model_version, feature.labeled_churn, feature.label_source
from features.churn_weekly_features as feature
left join ops.churn_scoring as score using (customer_id, snapshot_date)
where feature.customer_id = %(customer_id)s
order by feature.snapshot_date
"""
# At most about so many customers are looked at to find the typical one.
TYPICAL_ROWS = 20_000
TYPICAL = SQL("""
select {columns}
from features.churn_weekly_features tablesample system (%(percent)s) repeatable (0)
where snapshot_date = %(snapshot_date)s and label_source is distinct from 'inactive_60d'
""")
MEDIAN, MOST_FREQUENT = (
    SQL("percentile_disc(0.5) within group (order by {column}) as {column}"),
    SQL("mode() within group (order by {column}) as {column}"),
)


@dataclass(frozen=True)
class Conditions:
    """Which scored customers to list; probabilities 0 to 1, pesos in 90 days; an empty sequence means any value."""

    least_score: float = 0.0
    most_score: float = 1.0
    least_spent: float = 0.0
    estado: Sequence[str] = ()
    tarjetas: Sequence[str] = ()
    rango_edad: Sequence[str] = ()


@dataclass(frozen=True)
class Values:
    """The provinces, means of payment and age groups that a snapshot has, in alphabetical order."""

    estado: tuple[str, ...]
    tarjetas: tuple[str, ...]
    rango_edad: tuple[str, ...]


@dataclass(frozen=True)
class StoredScore:
    """What the weekly batch stored; `share_below` is the share of all scored customers with a lower probability."""

    score: float
    prediction: int
    model_version: str
    scored_at: datetime
    share_below: float


@dataclass(frozen=True)
class Customer:
    """One row of `features.churn_weekly_features`, and the stored score if the batch has scored it."""

    customer_id: int
    snapshot_date: date
    row: dict[str, Any] = field(repr=False)
    stored: StoredScore | None

    @property
    def already_churned(self) -> bool:
        """Whether the row is outside the active cohort, the only rows trained on and scored."""
        return bool(self.row["label_source"] == "inactive_60d")


def snapshots(conn: psycopg.Connection) -> list[date]:
    """Snapshot dates that have features, newest first."""
    return [found for (found,) in conn.execute(SNAPSHOTS)]


def values(conn: psycopg.Connection, snapshot_date: date) -> Values:
    """What can be chosen from at a snapshot."""
    found = conn.execute(VALUES, {"snapshot_date": snapshot_date}).fetchone() or ()
    return Values(*(tuple(each or ()) for each in found))


def listed(
    conn: psycopg.Connection, snapshot_date: date, conditions: Conditions, most: int
) -> tuple[list[dict[str, Any]], int]:
    """The first `most` scored customers that meet the conditions, most at risk first, and how many meet them."""
    chosen = {name: list(getattr(conditions, name)) for name in ("estado", "tarjetas", "rango_edad")}
    limits = {name: getattr(conditions, name) for name in ("least_score", "most_score", "least_spent")}
    with conn.cursor(row_factory=dict_row) as rows:
        found = rows.execute(LISTED, {"snapshot_date": snapshot_date, "most": most, **chosen, **limits}).fetchall()
    return found, found[0]["found"] if found else 0


def customer(conn: psycopg.Connection, customer_id: int, snapshot_date: date) -> Customer | None:
    """The customer as of `snapshot_date`, or None when they have no features there."""
    where = {"customer_id": customer_id, "snapshot_date": snapshot_date}
    with conn.cursor(row_factory=dict_row) as rows:
        features = rows.execute(FEATURES, where).fetchone()
    if features is None:
        return None
    with conn.cursor(row_factory=class_row(StoredScore)) as scores:
        return Customer(customer_id, snapshot_date, features, scores.execute(SCORE, where).fetchone())


def customer_snapshots(conn: psycopg.Connection, customer_id: int) -> list[date]:
    """Snapshot dates at which the customer has features, newest first."""
    return [found for (found,) in conn.execute(CUSTOMER_SNAPSHOTS, {"customer_id": customer_id})]


def payments_by_week(conn: psycopg.Connection, customer_id: int) -> list[dict[str, Any]]:
    """The weeks (Mondays) in which the customer paid: week, payments, spent (pesos)."""
    with conn.cursor(row_factory=dict_row) as rows:
        return rows.execute(PAYMENTS, {"customer_id": customer_id}).fetchall()


def past(conn: psycopg.Connection, customer_id: int) -> list[dict[str, Any]]:
    """Every snapshot of the customer, oldest first: its score if there is one, and the label: what then happened."""
    with conn.cursor(row_factory=dict_row) as rows:
        return rows.execute(PAST, {"customer_id": customer_id}).fetchall()


def typical(conn: psycopg.Connection, snapshot_date: date) -> dict[str, Any] | None:
    """The median of each feature, of texts the most frequent one, among a part of the active customers, or None.

    Not a customer that exists: put it through `ml.snapshots.what_if` before a model sees it.
    """
    columns = SQL(", ").join(
        (MOST_FREQUENT if one.role == "categorical" else MEDIAN).format(column=Identifier(one.name))
        for one in CATALOGUE
    )
    with conn.cursor(row_factory=dict_row) as rows:
        built = rows.execute(ROWS_BUILT, {"snapshot_date": snapshot_date}).fetchone()
        if built is None or not built["rows_built"]:
            return None
        percent = min(100.0, 100.0 * TYPICAL_ROWS / built["rows_built"])
        row = rows.execute(
            TYPICAL.format(columns=columns), {"snapshot_date": snapshot_date, "percent": percent}
        ).fetchone()
    return row if row is not None and row["days_since_activity"] is not None else None
