"""The page of campaigns: what it computes, what it creates, what it says of earlier ones, and what it refuses."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from ml.campaign import create
from ml.campaigns.profit import Assumptions, expected_profit
from ml.settings import settings
from streamlit_app.formats import money, number
from streamlit_app.texts import LANGUAGES, say
from tests.integration import campaign_customers
from tests.integration.campaign_customers import request
from tests.integration.churn_rows import call
from tests.integration.conftest import PASSWORDS, Database

ELIGIBLE = """
select score, spent_90d, tarjetas
from ops.churn_scoring join features.churn_weekly_features using (snapshot_date, customer_id)
where snapshot_date = '2019-06-02' and not ops.is_campaign_holdout(customer_id, 0.05)
"""


@pytest.fixture(scope="module")
def template(new_database, empty_template) -> str:
    database = new_database(empty_template)
    campaign_customers.score(database, 3000)
    return database.name


@pytest.fixture
def database(new_database, template: str) -> Database:
    return new_database(template)


@pytest.fixture
def open_page(database: Database, monkeypatch) -> Callable[..., AppTest]:
    """Draw the page in a language, as the role that only reads."""
    reader = {"POSTGRES_USER": "meli_reader", "POSTGRES_PASSWORD": PASSWORDS["READER_DB_PASSWORD"]}
    for name, value in {**database.env, **reader}.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    st.cache_data.clear()
    st.cache_resource.clear()

    def draw(language: str) -> None:
        from streamlit_app import failures
        from streamlit_app.views import campaign

        with failures.told(language):
            campaign.page(language)

    def opened(language: str = "es") -> AppTest:
        return whole(AppTest.from_function(draw, args=(language,), default_timeout=120).run())

    yield opened
    settings.cache_clear()


def whole(app: AppTest) -> AppTest:
    assert not app.exception
    return app


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def submit(app: AppTest, name: str, who: str = "Ana", **values: Any) -> AppTest:
    app.text_input(key="campaign_new_name").set_value(name)
    app.text_input(key="campaign_who").set_value(who)
    for key, value in values.items():
        next(each for each in app.number_input if each.key.startswith(f"campaign_{key}")).set_value(value)
    return whole(next(each for each in app.button if each.form_id == "campaign_form").click().run())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_figures_are_those_of_the_formula(open_page, database: Database, language: str) -> None:
    app = open_page(language)
    app.number_input(key="campaign_save_rate").set_value(40.0)
    app.number_input(key="campaign_contact_cost").set_value(7.0)
    whole(app.run())
    rows = database.rows(ELIGIBLE)
    score, spent = ([row[i] for row in rows] for i in (0, 1))
    profit = expected_profit(np.array(score), np.array(spent) * 0.3, 0.4, Assumptions(7, 100, 0.4, 0.3))
    shown = metrics(app)
    assert shown[say("campaign_candidates", language)] == number(len(rows), language)
    assert shown[say("campaign_best", language)] == number(int((profit > 0).sum()), language)
    assert shown[say("campaign_best_profit", language)] == money(profit[profit > 0].sum(), language)


def test_a_segment_and_a_capacity_bound_the_customers(open_page, database: Database) -> None:
    app = open_page("en")
    app.multiselect(key="campaign_tarjetas").set_value(["Credit Card"])
    app.number_input(key="campaign_capacity").set_value(100)
    whole(app.run())
    cards = sum(row[2] == "Credit Card" for row in database.rows(ELIGIBLE))
    shown = metrics(app)
    assert shown[say("campaign_candidates", "en")] == number(cards, "en")
    assert shown[say("campaign_best", "en")] == "100"


def test_a_campaign_is_created_as_stated_and_shown(open_page, database: Database) -> None:
    app = open_page("es")
    app.multiselect(key="campaign_tarjetas").set_value(["Credit Card"])
    whole(app.run())
    app = submit(app, "Junio", customers=400, control_share=25.0)
    assert [each.value for each in app.success] == [
        say("campaign_created", "es", name="`Junio`", contact="300", control="100")
    ]
    ((segment, customers, created_by),) = database.rows("select segment, customers, created_by from ops.campaigns")
    assert (segment, customers, created_by) == ({"tarjetas": ["Credit Card"]}, 400, "Ana")
    arms = database.rows("select arm, count(*) from ops.campaign_assignments group by arm order by arm")
    assert arms == [("contact", 300), ("control", 100)]
    assert app.selectbox(key="campaign_shown").value == "Junio"
    cards = sum(row[2] == "Credit Card" for row in database.rows(ELIGIBLE))
    assert metrics(app)[say("campaign_candidates", "es")] == number(cards - 400, "es")  # they are taken


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("", {}, ("el nombre es", "name is")),
        ("June", {"customers": 40}, ("son muy pocos", "are too few")),
        ("June", {"customers": 0}, ("dá un número de 1", "give a number from 1")),
        ("June", {"customers": 10_000}, ("permiten", "allow")),
        ("June", {"control_share": 0.0}, ("la parte de control es 0", "control_share is 0")),
        ("June", {"control_share": 100.0}, ("la parte de control es 1", "control_share is 1")),
        ("taken", {}, ("la campaña `taken` ya existe", "campaign `taken` exists")),
        ("[x](http://a)*", {"customers": 40}, ("son muy pocos", "are too few")),
    ],
)
def test_what_cannot_be_created_is_said_in_a_sentence(
    open_page, database: Database, language: str, name: str, values: dict, words: tuple[str, str]
) -> None:
    call(database, create, request("taken", customers=300))
    settings.cache_clear()
    app = submit(open_page(language), name, **{"customers": 500, **values})
    (said,) = [each.value for each in app.error]
    assert words[list(LANGUAGES).index(language)] in said
    assert database.rows("select name from ops.campaigns") == [("taken",)]


def test_scores_replaced_since_the_page_was_drawn_are_not_used_unseen(open_page, database: Database) -> None:
    app = open_page("en")
    with database.connect() as conn:
        conn.execute("update ops.scoring_runs set replaced_at = now()")
        conn.execute(campaign_customers.RUN, {"day": "2019-06-02"})
    app = submit(app, "June", customers=500)
    assert "were replaced meanwhile" in app.error[0].value
    assert database.rows("select from ops.campaigns") == []
    app = submit(app, "June", customers=500)
    assert database.rows("select scoring_run_id from ops.campaigns") == [(2,)]


def test_who_creates_it_must_be_said(open_page, database: Database) -> None:
    app = submit(open_page("en"), "June", who="  ")
    assert [each.value for each in app.error] == [say("campaign_who_needed", "en")]
    assert database.rows("select from ops.campaigns") == []


def test_a_wrong_password_of_the_role_is_named(open_page, database: Database, monkeypatch) -> None:
    monkeypatch.setenv("CAMPAIGN_DB_PASSWORD", "wrong")
    settings.cache_clear()
    app = submit(open_page("en"), "June", customers=500)
    assert "refused the connection of `meli_campaign`" in app.error[0].value


@pytest.mark.parametrize(("effect", "state"), [(0.25, "works"), (-0.25, "harms")])
def test_the_result_is_said_in_words_and_figures(open_page, database: Database, effect: float, state: str) -> None:
    call(database, create, request("June", customers=2500, control_share=0.4))
    campaign_customers.live_on(database, "June", effect)
    settings.cache_clear()
    app = open_page("en")
    assert any(each.value.startswith(f"**{say(f'campaign_state_{state}', 'en')}.**") for each in app.markdown)
    avoided = float(metrics(app)[say("campaign_reduction", "en")])
    assert avoided == pytest.approx(100 * effect, abs=8)


def test_too_early_is_said_with_the_day(open_page, database: Database) -> None:
    call(database, create, request("June", customers=500))
    with database.connect() as conn:
        conn.execute("update ops.raw_loads set payments_known_through = '2019-07-01'")
    settings.cache_clear()
    app = open_page("en")
    assert any("from Aug 1, 2019" in each.value for each in app.markdown)


def test_without_scores_the_page_says_what_to_type(open_page, database: Database) -> None:
    with database.connect() as conn:
        conn.execute("delete from ops.scoring_runs")
    app = open_page("es")
    assert [each.value for each in app.info] == [say("campaign_no_scores", "es")]


def test_a_segment_without_anyone_says_so_and_offers_nothing(open_page) -> None:
    app = open_page("en")
    app.number_input(key="campaign_min_spent_90d").set_value(1e12)
    whole(app.run())
    assert say("campaign_nobody", "en") in [each.value for each in app.info]
    assert not [each for each in app.button if each.form_id == "campaign_form"]


def test_who_came_through_the_gateway_to_look_is_not_offered_to_create(open_page, monkeypatch) -> None:
    monkeypatch.setenv("APP_LOGIN", "gateway")
    settings.cache_clear()
    app = open_page("en")
    assert say("campaign_viewer", "en") in [each.value for each in app.info]
    assert not [each for each in app.button if each.form_id == "campaign_form"]
    assert metrics(app)  # planning is for everybody
