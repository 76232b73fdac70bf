"""`python -m ml.campaign`: who is assigned to which arm, and what is refused."""

import json
from datetime import date, timedelta

import psycopg
import pytest

from ml.campaign import create, listing
from ml.campaigns.candidates import Segment
from ml.campaigns.profit import Assumptions
from ml.cli import CommandError
from tests.integration import campaign_customers
from tests.integration.campaign_customers import ASSUMED, SNAPSHOT, request
from tests.integration.churn_rows import call
from tests.integration.conftest import PASSWORDS, Database

COMMAND = (
    "ml.campaign", "create", "--name", "June", "--snapshot-date", str(SNAPSHOT), "--contact-cost", "5",
    "--offer-cost", "20", "--save-rate", "0.25", "--margin", "0.5", "--control-share", "0.3",
)  # fmt: skip
ASSIGNED = """
select customer_id, arm, stratum, assigned.score, ops.campaign_draw(salt, customer_id), estado, tarjetas, spent_90d
from ops.campaign_assignments as assigned
join ops.campaigns using (campaign_id)
join features.churn_weekly_features using (snapshot_date, customer_id)
where name = %(name)s
"""
HELD_OUT = """
select customer_id from ops.churn_scoring
where snapshot_date = '2019-06-02' and ops.is_campaign_holdout(customer_id, %(share)s)
"""


@pytest.fixture(scope="module")
def scored_template(new_database, empty_template) -> str:
    database = new_database(empty_template)
    campaign_customers.score(database, 3000)
    return database.name


@pytest.fixture
def scored(new_database, scored_template: str) -> Database:
    """3,000 customers, scored, in no campaign yet."""
    return new_database(scored_template)


def assigned(database: Database, name: str = "June") -> list[tuple]:
    return database.rows(ASSIGNED, {"name": name})


def active(database: Database) -> int:
    ((customers,),) = database.rows("select count(*) from ops.churn_scoring")
    return customers


def test_arms_are_balanced_in_each_tenth_by_score(scored: Database) -> None:
    told = call(scored, create, request(customers=2000))
    rows = assigned(scored)
    assert (told["contact"], told["control"], len(rows)) == (1400, 600, 2000)
    by_stratum = {stratum: [row for row in rows if row[2] == stratum] for stratum in range(1, 11)}
    for stratum, members in by_stratum.items():
        assert [row[1] for row in members].count("control") == 60, stratum
        assert len(members) == 200
    for lower, upper in zip(range(1, 10), range(2, 11), strict=True):
        assert max(row[3] for row in by_stratum[lower]) <= min(row[3] for row in by_stratum[upper])
    means = {arm: sum(row[3] for row in rows if row[1] == arm) for arm in ("contact", "control")}
    assert means["contact"] / 1400 == pytest.approx(means["control"] / 600, abs=0.005)


def test_the_recorded_salt_gives_the_arms_again(scored: Database) -> None:
    call(scored, create, request(customers=2000))
    for stratum in range(1, 11):
        draws = sorted((row[4], row[1]) for row in assigned(scored) if row[2] == stratum)
        assert [arm for _, arm in draws] == ["control"] * 60 + ["contact"] * 140


def test_another_salt_gives_other_arms_to_the_same_customers(scored: Database, new_database, scored_template) -> None:
    other = new_database(scored_template)
    call(scored, create, request(customers=2000))
    call(other, create, request(customers=2000, salt="another"))
    first, second = ({row[0]: row[1] for row in assigned(of)} for of in (scored, other))
    assert first.keys() == second.keys()
    assert first != second


def test_the_most_profitable_customers_are_chosen(scored: Database) -> None:
    call(scored, create, request(customers=500))
    ((lowest,),) = scored.rows("select min(expected_profit) from ops.campaign_assignments")
    better = scored.rows(
        """
        select count(*) from ops.churn_scoring join features.churn_weekly_features using (snapshot_date, customer_id)
        where snapshot_date = '2019-06-02' and not ops.is_campaign_holdout(customer_id, 0.05)
            and score * 0.25 * spent_90d * 0.5 - 5 - 20 * (1 - score + score * 0.25) >= %(lowest)s - 1e-9
        """,
        {"lowest": lowest},
    )
    assert better == [(500,)]


def test_the_universal_holdout_is_in_no_campaign(scored: Database) -> None:
    everyone = {**vars(ASSUMED), "contact_cost": 0, "offer_cost": 0}
    held_out = {customer for (customer,) in scored.rows(HELD_OUT, {"share": 0.05})}
    assert 100 < len(held_out) < 200
    told = call(scored, create, request(customers=None, assumptions=Assumptions(**everyone)))
    chosen = {row[0] for row in assigned(scored)}
    assert not chosen & held_out
    assert told["eligible"] == len(chosen) == active(scored) - len(held_out)


def test_the_share_of_the_universal_holdout_is_a_setting(scored: Database) -> None:
    smaller, larger = ({c for (c,) in scored.rows(HELD_OUT, {"share": share})} for share in (0.05, 0.2))
    assert smaller < larger
    told = call(scored, lambda: create(request(customers=500)), CAMPAIGN_HOLDOUT_SHARE="0.2")
    assert told["eligible"] == active(scored) - len(larger)
    assert scored.rows("select holdout_share from ops.campaigns") == [(0.2,)]


def test_the_universal_holdout_does_not_depend_on_that_of_the_training(scored: Database) -> None:
    rows = scored.rows(
        "select avg((ops.customer_bucket(id) < 200)::int)::float8 from generate_series(1, 100000) as id"
        " where ops.is_campaign_holdout(id, 0.05)"
    )
    assert rows[0][0] == pytest.approx(0.2, abs=0.02)


def test_the_draw_is_the_one_that_any_language_computes(scored: Database) -> None:
    from hashlib import sha256

    expected = int(sha256(b"a salt 1276").hexdigest()[:13], 16) / 2**52
    assert scored.rows("select ops.campaign_draw('a salt', 1276)") == [(expected,)]


def test_nobody_is_in_two_campaigns_at_a_time(scored: Database) -> None:
    call(scored, create, request(customers=1000))
    call(scored, create, request("July", customers=1000, starts_on=SNAPSHOT + timedelta(days=59)))
    first, second = ({row[0] for row in assigned(scored, name)} for name in ("June", "July"))
    assert len(first) == len(second) == 1000
    assert not first & second


def test_after_sixty_days_a_customer_may_be_in_another_campaign(scored: Database) -> None:
    call(scored, create, request(customers=1000))
    later = SNAPSHOT + timedelta(days=60)
    campaign_customers.score(scored, 3000, later)
    call(scored, create, request("August", customers=1000, snapshot_date=later))
    first, second = ({row[0] for row in assigned(scored, name)} for name in ("June", "August"))
    assert first & second


@pytest.mark.parametrize(
    ("segment", "holds"),
    [
        (Segment(tarjetas=("Credit Card",)), lambda row: row[6] == "Credit Card"),
        (Segment(tarjetas=("Credit Card", "Ticket")), lambda row: row[6] in ("Credit Card", "Ticket")),
        (Segment(min_score=0.4, max_score=0.6), lambda row: 0.4 <= row[3] <= 0.6),
        (Segment(min_spent_90d=1000), lambda row: row[7] >= 1000),
    ],
)
def test_only_customers_of_the_segment_are_chosen(scored: Database, segment: Segment, holds) -> None:
    call(scored, create, request(customers=None, segment=segment))
    rows = assigned(scored)
    assert len(rows) > 100
    assert all(holds(row) for row in rows)
    ((recorded,),) = scored.rows("select segment from ops.campaigns")
    assert {name: tuple(value) if isinstance(value, list) else value for name, value in recorded.items()} == (
        segment.conditions
    )


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ({"name": ""}, "name is ''"),
        ({"name": " June"}, "neither begins nor ends with a space"),
        ({"name": "June\nJuly"}, "one line of text"),
        ({"name": "J" * 81}, "name has 81 characters; give at most 80"),
        ({"control_share": 0.0}, "control_share is 0; give a number between 0 and 1"),
        ({"control_share": 1.0}, "control_share is 1"),
        ({"control_share": float("nan")}, "control_share is nan"),
        ({"customers": 0}, "customers is 0; give a number from 1"),
        ({"customers": -5}, "customers is -5"),
        ({"customers": 999_999}, "this segment, the budget and the capacity allow 27"),
        ({"starts_on": date(2019, 6, 1)}, "starts_on is 2019-06-01; the scores of 2019-06-02 speak of the 60 days"),
        ({"starts_on": date(2019, 8, 1)}, "up to 2019-07-31: give one of them"),
        ({"snapshot_date": date(2019, 5, 26)}, "no scores for 2019-05-26; score it: make airflow"),
        ({"scoring_run_id": 99}, "were replaced meanwhile, by version 7"),
        ({"segment": {"estado": ("Atlantis",)}}, "nobody scored at 2019-06-02 is left for this segment"),
        ({"segment": {"min_score": 0.9, "max_score": 0.1}}, "min_score 0.9 is above max_score 0.1"),
        ({"segment": {"min_score": -0.1}}, "min_score is -0.1; give a number from 0 to 1"),
        ({"segment": {"min_spent_90d": float("inf")}}, "min_spent_90d is inf"),
        ({"customers": 40}, "40 customers with a control share of 0.3 are too few"),
        ({"customers": 100, "control_share": 0.01}, "are too few: each of 10 groups by score needs 2"),
        ({"customers": 100, "control_share": 0.99}, "100 customers with a control share of 0.99 are too few"),
        ({"who": "A\x00na"}, "give one line of text"),
        ({"assumptions": {"save_rate": 1.5}}, "save_rate is 1.5; give a number from 0 to 1"),
        ({"assumptions": {"contact_cost": -1}}, "contact_cost is -1"),
        ({"assumptions": {"offer_cost": float("nan")}}, "offer_cost is nan"),
        ({"assumptions": {"margin": 11}}, "margin is 11; give a number from 0 to 10"),
        ({"assumptions": {"budget": -1}}, "budget is -1"),
        ({"assumptions": {"capacity": 100}, "customers": 200}, "allow 100 at most"),
        ({"assumptions": {"contact_cost": 1e11}, "customers": None}, "no customer is worth contacting"),
        ({"assumptions": {"budget": 0}, "customers": None}, "no customer is worth contacting"),
    ],
    ids=str,
)
def test_refused_with_the_reason_and_nothing_recorded(scored: Database, stated: dict, words: str) -> None:
    def attempt() -> dict:
        values = dict(stated)
        if "assumptions" in values:
            values["assumptions"] = Assumptions(**{**vars(ASSUMED), **values["assumptions"]})
        if "segment" in values:
            values["segment"] = Segment(**values["segment"])
        return create(request(**{"customers": 500, **values}))

    with pytest.raises(CommandError) as refused:
        call(scored, attempt)
    assert words in str(refused.value)
    assert scored.rows("select from ops.campaigns") == scored.rows("select from ops.campaign_assignments") == []


def test_a_name_is_given_once(scored: Database) -> None:
    call(scored, create, request(customers=500))
    with pytest.raises(CommandError, match="campaign 'June' exists; choose another name"):
        call(scored, create, request(customers=500))


def test_everyone_may_be_taken_already(scored: Database) -> None:
    free = Assumptions(contact_cost=0, offer_cost=0, save_rate=1, margin=1)
    call(scored, create, request(customers=None, assumptions=free))
    with pytest.raises(CommandError, match="the others are held out, or in another campaign"):
        call(scored, create, request("again", customers=500))


def test_create_says_what_it_did_and_list_shows_it(scored: Database) -> None:
    done = scored.run(*COMMAND, "--customers", "1000", "--tarjetas", "Credit Card", "--who", "Ana")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["campaign"], told["contact"], told["control"]) == ("June", 700, 300)
    (listed,) = call(scored, listing)["campaigns"]
    assert (listed["contact"], listed["control"], listed["created_by"]) == (700, 300, "Ana")
    assert listed["expected_profit"] == pytest.approx(told["expected_profit"], abs=10)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--customers", "many"), 2, "invalid int value: 'many'"),
        (("--starts-on", "31/05/2019"), 2, "is not a date (expected YYYY-MM-DD)"),
        (("--save-rate", "a quarter"), 2, "invalid float value"),
        (("--save-rate", "2"), 1, "error: save_rate is 2; give a number from 0 to 1"),
        (("--min-score", "nan"), 1, "error: min_score is nan"),
    ],
)
def test_command_says_what_is_wrong_in_one_line(scored: Database, arguments, code: int, words: str) -> None:
    done = scored.run(*COMMAND, *arguments)
    assert done.returncode == code
    assert words in done.stderr.splitlines()[-1]


def test_command_without_the_role_s_password_may_be_tried_again(scored: Database) -> None:
    done = scored.run(*COMMAND, CAMPAIGN_DB_PASSWORD="wrong")
    assert done.returncode == 75
    assert "meli_campaign" in done.stderr


@pytest.fixture
def campaign_role(scored: Database):
    with scored.connect("meli_campaign", PASSWORDS["CAMPAIGN_DB_PASSWORD"]) as conn:
        yield conn


@pytest.mark.parametrize("role", ["meli_campaign", "meli_pipeline", "meli_reader", "meli_notebook"])
def test_no_role_changes_what_is_recorded(scored: Database, role: str) -> None:
    call(scored, create, request(customers=500))
    password = {
        "meli_pipeline": "PIPELINE",
        "meli_campaign": "CAMPAIGN",
        "meli_reader": "READER",
        "meli_notebook": "NOTEBOOK",
    }
    with scored.connect(role, PASSWORDS[f"{password[role]}_DB_PASSWORD"]) as conn:
        conn.execute("set default_transaction_read_only = off")
        for statement in (
            "update ops.campaign_assignments set arm = 'control'",
            "delete from ops.campaign_assignments",
            "truncate ops.campaign_assignments",
            "update ops.campaigns set starts_on = starts_on + 1",
            "delete from ops.campaigns",
            "truncate ops.campaigns cascade",
            "drop table ops.campaign_assignments",
            "alter table ops.campaigns disable trigger all",
            "select ops.ensure_column('ops.campaigns', 'x', 'int')",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(statement)
    assert len(assigned(scored)) == 500


@pytest.mark.parametrize("role", ["PIPELINE", "READER", "NOTEBOOK"])
def test_no_other_role_creates_campaigns(scored: Database, role: str) -> None:
    with scored.connect(f"meli_{role.lower()}", PASSWORDS[f"{role}_DB_PASSWORD"]) as conn:
        conn.execute("set default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("insert into ops.campaign_assignments values (1, 1, 'contact', 1, 0.5, 1, 1)")


def test_the_role_of_campaigns_adds_to_no_other_table(scored: Database, campaign_role) -> None:
    tables = scored.rows(
        "select format('%I.%I', schemaname, tablename) from pg_tables"
        " where schemaname in ('raw', 'staging', 'features', 'ops') and tablename !~ '^campaign'"
    )
    assert len(tables) > 15
    for (table,) in tables:
        for statement in (f"insert into {table} default values", f"update {table} set x = 1", f"delete from {table}"):
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedColumn)):
                campaign_role.execute(statement)
    for statement in (
        "select count(*) from raw.payments", "create table ops.mine ()",
        "create schema mine", "create role mine", "set role meli_pipeline",
        "select ops.ensure_snapshot_partition('ops.churn_scoring', '2019-06-09')",
    ):  # fmt: skip
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            campaign_role.execute(statement)
