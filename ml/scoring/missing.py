"""Features of a version that a snapshot does not have, or knows of far fewer customers than the training did."""

import json
from datetime import date

import psycopg
from psycopg.sql import SQL, Identifier

from ml.snapshots.catalogue import CHURN_DAYS, TABLE
from ml.store.registry import ChurnVersion

# More customers without a value than in training, as a share of all. Between snapshots of the sample the shares vary
# by up to 0.04, because older months are known of fewer customers.
MORE_MISSING = 0.10

SHARES = """
select {missing_shares} from {table} where snapshot_date = %(snapshot_date)s and days_since_activity < %(churn_days)s
"""
MISSING_SHARE = "avg(({} is null)::int)::float8"


def missing_features(
    conn: psycopg.Connection, snapshot_date: date, version: ChurnVersion
) -> dict[str, tuple[float, float]]:
    """Features without any value, or missing for more than MORE_MISSING above the training's share: (here, training).

    A version without the tag `training_missing_shares` is checked for features without any value alone.
    """
    in_training: dict[str, float] = json.loads(version.tags.get("training_missing_shares", "{}"))
    columns = SQL(", ").join(SQL(MISSING_SHARE).format(Identifier(name)) for name in version.features)
    query = SQL(SHARES).format(missing_shares=columns, table=Identifier(*TABLE.split(".")))
    (shares,) = conn.execute(query, {"snapshot_date": snapshot_date, "churn_days": CHURN_DAYS}).fetchall()
    return {
        name: (here, in_training.get(name, 0.0))
        for name, here in zip(version.features, shares, strict=True)
        if here == 1 or here > in_training.get(name, 1.0) + MORE_MISSING
    }


def described(missing: dict[str, tuple[float, float]]) -> str:
    """The features with both shares, for a message."""
    return ", ".join(
        f"{name} is unknown for {here:.1%} of the customers ({before:.1%} in training)"
        for name, (here, before) in missing.items()
    )
