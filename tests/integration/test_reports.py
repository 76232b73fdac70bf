"""What the pages read: equal to the same figures by hand, for the sample and for nothing."""

from datetime import date, timedelta

import pytest

from ml.reports import customers, monitoring, week
from ml.reports.customers import Conditions
from tests.integration.churn_rows import forget_models
from tests.integration.conftest import PASSWORDS
from tests.integration.scored import scored_database

SNAPSHOT, BEFORE = date(2019, 5, 26), date(2019, 5, 19)


@pytest.fixture(scope="module")
def scored(new_database, seeded_template, mlflow_uri):
    """The sample with scores."""
    forget_models(mlflow_uri)
    return scored_database(new_database, seeded_template, mlflow_uri)


@pytest.fixture(scope="module")
def conn(scored):
    """A connection as the reader."""
    with scored.connect("meli_reader", PASSWORDS["READER_DB_PASSWORD"]) as connection:
        yield connection


def test_runs_are_the_newest_first(conn, scored):
    runs = week.current_runs(conn, 5)
    assert [run.snapshot_date for run in runs] == [SNAPSHOT, BEFORE]
    assert [run.rows_scored for run in runs] == [
        scored.rows("select count(*) from ops.churn_scoring where snapshot_date = %(d)s", {"d": day})[0][0]
        for day in (SNAPSHOT, BEFORE)
    ]
    assert len(week.current_runs(conn, 1)) == 1


def test_payments_at_stake_are_spending_times_probability(conn, scored):
    found = week.at_stake(conn, SNAPSHOT, 20)
    by_hand = {
        customer: score * spent
        for customer, score, spent in scored.rows(
            "select customer_id, score, spent_90d from ops.churn_scoring"
            " join features.churn_weekly_features using (customer_id, snapshot_date) where snapshot_date = %(d)s",
            {"d": SNAPSHOT},
        )
    }
    assert found.total == pytest.approx(sum(by_hand.values()))
    most = sorted(by_hand, key=lambda customer: (-by_hand[customer], customer))[:20]
    assert [one.customer_id for one in found.customers] == most
    assert all(one.row["customer_id"] == one.customer_id for one in found.customers)


def test_freshness_is_the_newest_of_each_step(conn):
    fresh = monitoring.freshness(conn)
    assert (fresh.payments_known_through, fresh.built_snapshot) == (date(2019, 6, 30), date(2019, 6, 30))
    assert (fresh.scored_snapshot, fresh.monitored_snapshot) == (SNAPSHOT, None)


def test_without_any_data_there_is_nothing_and_no_failure(database):
    with database.connect("meli_reader", PASSWORDS["READER_DB_PASSWORD"]) as empty:
        assert week.current_runs(empty, 2) == []
        assert week.at_stake(empty, SNAPSHOT, 20) == week.AtStake(0.0, ())
        assert set(vars(monitoring.freshness(empty)).values()) == {None}
        assert week.open_alerts(empty) == []
        assert customers.snapshots(empty) == []
        assert customers.values(empty, SNAPSHOT) == customers.Values((), (), ())
        assert customers.listed(empty, SNAPSHOT, Conditions(), 50) == ([], 0)
        assert customers.customer(empty, 1, SNAPSHOT) is None
        assert customers.customer_snapshots(empty, 1) == []
        assert customers.payments_by_week(empty, 1) == []
        assert customers.past(empty, 1) == []
        assert customers.typical(empty, SNAPSHOT) is None


def test_customers_are_listed_by_all_conditions_together(conn, scored):
    conditions = Conditions(0.1, 0.6, 500.0, ("buenos aires", "cordoba"), ("Credit Card",), ("04.Entre 31 y 35 años",))
    found, count = customers.listed(conn, SNAPSHOT, conditions, 10)
    by_hand = scored.rows(
        "select s.customer_id from ops.churn_scoring s join features.churn_weekly_features f"
        " using (customer_id, snapshot_date) where snapshot_date = '2019-05-26' and s.score >= 0.1 and s.score <= 0.6"
        " and spent_90d >= 500 and estado in ('buenos aires', 'cordoba') and tarjetas = 'Credit Card'"
        " and rango_edad = '04.Entre 31 y 35 años' order by s.score desc, 1"
    )
    assert [one["customer_id"] for one in found] == [customer for (customer,) in by_hand[:10]]
    assert count == len(by_hand) > 10


def test_without_conditions_every_scored_customer_is_meant(conn, scored):
    found, count = customers.listed(conn, SNAPSHOT, Conditions(), 50)
    assert len(found) == 50
    assert [(count,)] == scored.rows("select count(*) from ops.churn_scoring where snapshot_date = '2019-05-26'")


def test_what_can_be_chosen_is_what_the_snapshot_has(conn, scored):
    offered = customers.values(conn, SNAPSHOT)
    for name in ("estado", "tarjetas", "rango_edad"):
        there = scored.rows(f"select distinct {name} from features.churn_weekly_features where {name} is not null")
        assert set(getattr(offered, name)) <= {value for (value,) in there}
        assert getattr(offered, name)


def test_a_customer_has_their_place_among_all(conn, scored):
    scores = scored.rows("select customer_id, score from ops.churn_scoring where snapshot_date = '2019-05-26'")
    customer_id, score = max(scores, key=lambda row: row[1])
    found = customers.customer(conn, customer_id, SNAPSHOT)
    assert found is not None
    assert found.stored is not None
    assert found.stored.score == score
    below = sum(other < score for _, other in scores)
    assert found.stored.share_below == pytest.approx(below / len(scores))
    assert not found.already_churned


def test_payments_of_a_week_and_past_scores_are_those_on_record(conn, scored):
    ((customer_id,),) = scored.rows(
        "select customer_id from ops.churn_scoring where snapshot_date = '2019-05-26' order by score limit 1"
    )
    who = {"c": customer_id}
    weeks = customers.payments_by_week(conn, customer_id)
    paid = scored.rows("select fecha, spent from raw.payments where cus_cust_id_buy = %(c)s", who)
    assert sum(one["payments"] for one in weeks) == len(paid)
    assert sum(one["spent"] for one in weeks) == pytest.approx(float(sum(spent for _, spent in paid)))
    assert {one["week"] for one in weeks} == {on - timedelta(days=on.weekday()) for on, _ in paid}
    past = customers.past(conn, customer_id)
    assert [one["snapshot_date"] for one in past if one["score"] is not None] == [BEFORE, SNAPSHOT]
    assert past[-1]["snapshot_date"] == date(2019, 6, 30)
    assert {one["labeled_churn"] for one in past if one["score"] is not None} <= {0, 1}


def test_the_typical_customer_is_the_median_of_the_active_ones(conn, scored):
    typical = customers.typical(conn, SNAPSHOT)
    ((days, card),) = scored.rows(
        "select percentile_disc(0.5) within group (order by days_since_activity),"
        " mode() within group (order by tarjetas) from features.churn_weekly_features"
        " where snapshot_date = '2019-05-26' and days_since_activity < 60"
    )
    assert (typical["days_since_activity"], typical["tarjetas"]) == (days, card)
