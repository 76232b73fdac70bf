"""`python -m ml.campaign`: who is assigned to which arm, what the campaign came to, and what is refused."""

import pytest

from ml.campaign import create, results
from tests.integration import campaign_customers
from tests.integration.campaign_customers import request
from tests.integration.churn_rows import call
from tests.integration.conftest import Database


@pytest.fixture
def scored(database: Database) -> Database:
    campaign_customers.score(database, 8000)
    return database


def test_an_effect_of_ten_points_is_found(scored: Database) -> None:
    call(scored, create, request())
    campaign_customers.live_on(scored, "June", effect=0.10)
    found = call(scored, results, "June")
    value, low, high = found["churn_reduction"]
    assert found["state"] == "works"
    assert 0 < low < 0.10 < high
    assert high - low < 0.06
    churn = {arm: of["churners"] / of["customers"] for arm, of in found["arms"].items()}
    assert value == pytest.approx(churn["control"] - churn["contact"], abs=0.001)


def test_no_effect_is_found_where_there_is_none(scored: Database) -> None:
    call(scored, create, request())
    campaign_customers.live_on(scored, "June", effect=0.0)
    found = call(scored, results, "June")
    _, low, high = found["churn_reduction"]
    assert low < 0 < high < found["hoped_reduction"]
    assert found["state"] == "no_effect_shown"
