"""Customers imagined by the sliders: whatever is chosen, the contract of the features accepts what follows from it."""

import random

import pytest
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier

from ml.contracts.check import check
from ml.contracts.contract import Rule
from ml.snapshots import what_if
from ml.snapshots.catalogue import BY_NAME, CHURN_DAYS, limit_conditions
from ml.snapshots.what_if import Imagined

SNAPSHOT = "2019-06-30"


@pytest.fixture(scope="module")
def built(new_database, seeded_template):
    """The sample with the features of one snapshot."""
    database = new_database(seeded_template)
    done = database.run("ml.features", "--snapshot-date", SNAPSHOT)
    assert done.returncode == 0, done.stderr
    return database


@pytest.fixture(scope="module")
def rows(built):
    """The active customers of the snapshot."""
    with built.connect() as conn, conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "select * from features.churn_weekly_features where snapshot_date = %s and days_since_activity < %s"
            " order by customer_id",
            (SNAPSHOT, CHURN_DAYS),
        ).fetchall()


def drawn(rng: random.Random) -> Imagined:
    """Anything that the sliders can be set to, together or against each other."""
    visited = rng.choice([None, rng.randint(0, 31)])
    return Imagined(rng.randint(1, 59), rng.randint(0, 200), rng.randint(1, 300), rng.choice([0.0, 12.5, 1e9]), visited)


def test_the_contract_accepts_every_customer_that_can_be_entered(built, rows):
    rng = random.Random(5)
    assignments = SQL(", ").join(SQL("{} = {}").format(Identifier(name), SQL(f"%({name})s")) for name in BY_NAME)
    update = SQL("update features.churn_weekly_features set {}").format(assignments)
    update += SQL(", label_source = null, labeled_churn = null, label_horizon_days = null")
    update += SQL(" where snapshot_date = %(snapshot_date)s and customer_id = %(customer_id)s")
    with built.connect() as conn:
        conn.autocommit = False
        for row in rows:
            conn.execute(update, {**row, **what_if.features(row, drawn(rng))})
        limits = [Rule(expect=condition) for condition in limit_conditions()]
        bindings = {"snapshot_date": SNAPSHOT, "churn_days": CHURN_DAYS}
        counted = check(conn, "churn_weekly_features", bindings=bindings, rules=limits)
        conn.rollback()
    assert counted.rows_checked >= len(rows) > 3000


def test_a_customer_who_is_not_changed_is_the_same(rows):
    for row in rows:
        assert what_if.features(row, what_if.imagined(row)) == {name: row[name] for name in BY_NAME}


@pytest.mark.parametrize(
    ("wanted", "days", "in_30", "in_90"),
    [
        (Imagined(45, 9, 4, 10.0, 3), 45, 0, 4),  # no payment in the last 30 days
        (Imagined(5, 0, 4, 10.0, 3), 5, 1, 4),  # the last payment is one of them
        (Imagined(5, 20, 4, 10.0, 3), 5, 20, 20),  # the 90 days contain the 30
        (Imagined(0, -1, -1, -5.0, 40), 1, 1, 1),
        (Imagined(400, 2, 2, 10.0, None), 59, 0, 2),
    ],
)
def test_what_cannot_be_is_corrected(wanted, days, in_30, in_90):
    then = wanted.possible()
    assert (then.days_since_activity, then.payments_30d, then.payments_90d) == (days, in_30, in_90)
    assert then.spent_per_payment >= 0
    assert then.visited_days in (None, 3, 31)


def test_more_days_without_a_payment_change_what_follows_from_them(rows):
    row = next(each for each in rows if each["payments_30d"] >= 5 and each["days_since_activity"] <= 7)
    start = what_if.imagined(row)
    later = what_if.features(row, Imagined(40, 0, start.payments_90d, start.spent_per_payment, start.visited_days))
    for name in (
        "payments_7d",
        "payments_30d",
        "spent_30d",
        "active_days_30d",
        "total_discount_30d",
        "payments_trend_90d",
    ):
        assert later[name] == 0, name
    assert later["spent_90d"] == pytest.approx(row["spent_90d"])
    assert later["plata_cuenta_1"] == row["plata_cuenta_1"]
