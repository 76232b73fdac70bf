"""What a campaign came to: planted effects are found, and nothing is said too early or from too few."""

import csv
import io
import json
from datetime import date, timedelta

import pytest

from ml.campaign import create, export, results
from ml.campaigns.profit import Assumptions
from ml.cli import CommandError
from tests.integration import campaign_customers
from tests.integration.campaign_customers import SNAPSHOT, request
from tests.integration.churn_rows import call
from tests.integration.churn_snapshots import run_sql
from tests.integration.conftest import Database

EVEN = "update features.churn_weekly_features set spent_90d = 1000"  # so that everyone is worth the same
CONTACT_COST, OFFER_COST, WORTH = 2.0, 10.0, 500.0
ASSUMED = Assumptions(contact_cost=CONTACT_COST, offer_cost=OFFER_COST, save_rate=0.25, margin=WORTH / 1000)


@pytest.fixture(scope="module")
def template(new_database, empty_template) -> str:
    """8,000 customers, of whom 6,000 are in a campaign: 4,200 contacted, 1,800 not; ten groups of 600."""
    database = new_database(empty_template)
    campaign_customers.score(database, 8000)
    run_sql(database, EVEN)
    call(database, create, request(assumptions=ASSUMED))
    return database.name


@pytest.fixture
def running(new_database, template: str) -> Database:
    """The campaign, before anyone has done anything."""
    return new_database(template)


def know_through(database: Database, day: date) -> None:
    with database.connect() as conn:
        conn.execute("update ops.raw_loads set payments_known_through = %s", (day,))


@pytest.mark.parametrize("seed", [1, 2])
def test_an_effect_of_ten_points_is_found(running: Database, seed: int) -> None:
    campaign_customers.live_on(running, "June", effect=0.10, seed=seed)
    found = call(running, results, "June")
    value, low, high = found["churn_reduction"]
    assert 0 < low < 0.10 < high
    assert high - low < 0.06
    assert found["state"] == "works"
    assert {arm: of["customers"] for arm, of in found["arms"].items()} == {"contact": 4200, "control": 1800}
    churn = {arm: of["churners"] / of["customers"] for arm, of in found["arms"].items()}
    assert value == pytest.approx(churn["control"] - churn["contact"])
    assert found["spend_gain"][0] == pytest.approx(100 * value)  # who stays pays 100 pesos


@pytest.mark.parametrize("seed", [1, 2])
def test_no_effect_is_shown_where_there_is_none(running: Database, seed: int) -> None:
    campaign_customers.live_on(running, "June", effect=0.0, seed=seed)
    found = call(running, results, "June")
    _, low, high = found["churn_reduction"]
    assert low < 0 < high < found["hoped_reduction"]
    assert found["state"] == "no_effect_shown"


def test_harm_is_found(running: Database) -> None:
    campaign_customers.live_on(running, "June", effect=-0.10)
    found = call(running, results, "June")
    assert found["churn_reduction"][2] < 0
    assert found["state"] == "harms"
    assert found["profit"][2] < 0


def test_profit_is_the_value_saved_less_what_was_paid(running: Database) -> None:
    campaign_customers.live_on(running, "June", effect=0.10)
    found = call(running, results, "June")
    stayed = 4200 - found["arms"]["contact"]["churners"]
    assert found["cost"] == pytest.approx(4200 * CONTACT_COST + stayed * OFFER_COST)
    value, low, high = found["profit"]
    saved = 4200 * found["churn_reduction"][0] * WORTH
    assert value == pytest.approx(saved - found["cost"])
    assert low < 4200 * 0.10 * WORTH - found["cost"] < high


def test_payments_outside_the_sixty_days_count_for_nothing(running: Database) -> None:
    campaign_customers.live_on(running, "June", effect=0.10)  # everyone pays the day before and the day after
    found = call(running, results, "June")
    assert found["arms"]["control"]["churners"] > 600
    assert found["arms"]["control"]["mean_spent"] < 100


@pytest.mark.parametrize(("known_through", "state"), [("2019-07-30", "too_early"), ("2019-07-31", "works")])
def test_too_early_until_the_sixty_days_are_known(running: Database, known_through: str, state: str) -> None:
    campaign_customers.live_on(running, "June", effect=0.10)
    know_through(running, date.fromisoformat(known_through))
    found = call(running, results, "June")
    assert found["state"] == state
    assert found["known_from"] == date(2019, 8, 1)
    assert (found["churn_reduction"] is None) == (found["arms"] == {}) == (state == "too_early")


def test_the_sixty_days_begin_with_the_campaign_and_not_with_the_snapshot(running: Database) -> None:
    starts_on = SNAPSHOT + timedelta(days=10)
    call(running, create, request("later", customers=1000, starts_on=starts_on))
    assert call(running, results, "later")["state"] == "too_early"
    know_through(running, starts_on + timedelta(days=59))
    campaign_customers.live_on(running, "later", effect=0.0)
    found = call(running, results, "later")
    assert found["state"] != "too_early"
    churn = {arm: of["churners"] / of["customers"] for arm, of in found["arms"].items()}
    assert 0.1 < min(churn.values()) <= max(churn.values()) < 0.5  # and not all, as before the first day


def test_too_few_customers_say_nothing(running: Database) -> None:
    call(running, create, request("small", customers=100))
    campaign_customers.live_on(running, "small", effect=0.10)
    found = call(running, results, "small")
    assert found["state"] == "too_few"


def test_command_prints_the_results(running: Database) -> None:
    campaign_customers.live_on(running, "June", effect=0.10)
    done = running.run("ml.campaign", "results", "--name", "June")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["state"] == "works"
    assert len(told["churn_reduction"]) == 3


def test_the_file_holds_the_contact_arm_and_tells_nothing_of_the_other(running: Database, tmp_path) -> None:
    file = tmp_path / "june.csv"
    told = call(running, export, "June", file)
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))
    arms = dict(running.rows("select customer_id, arm from ops.campaign_assignments"))
    assert {int(row["customer_id"]) for row in rows} == {customer for customer, arm in arms.items() if arm == "contact"}
    assert told["bytes"] == file.stat().st_size
    assert list(rows[0]) == ["campaign", "customer_id", "starts_on", "stratum", "score", "expected_profit"]
    assert "control" not in file.read_text(encoding="utf-8")
    assert [int(row["customer_id"]) for row in rows] == sorted(int(row["customer_id"]) for row in rows)


@pytest.mark.parametrize("name", ["=1+1", "+A1", "-A1", "@SUM(A1)"])
def test_no_cell_of_the_file_is_a_formula(running: Database, tmp_path, name: str) -> None:
    call(running, create, request(name, customers=100))
    file = tmp_path / "file.csv"
    call(running, export, name, file)
    for row in csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))):
        assert row["campaign"] == f"'{name}"
        assert row["expected_profit"].replace("-", "").replace(".", "").isdigit()


@pytest.mark.parametrize("name", ["nothing", "", "' or 1=1 --"])
def test_a_campaign_that_is_not_there_is_named(running: Database, tmp_path, name: str) -> None:
    for command in (results, lambda of: export(of, tmp_path / "none.csv")):
        with pytest.raises(CommandError, match=r"there is no campaign .*; python -m ml.campaign list"):
            call(running, command, name)
    assert not (tmp_path / "none.csv").exists()


def test_export_overwrites_nothing(running: Database, tmp_path) -> None:
    file = tmp_path / "june.csv"
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(CommandError, match="is not written: File exists; name another file"):
        call(running, export, "June", file)
    assert file.read_text(encoding="utf-8") == "mine"
