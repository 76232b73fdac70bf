"""From the home page to one customer, in both languages, with numbers that are those of the database."""

import math
import re

import pytest
from playwright.sync_api import Page, expect

from ml.reports import week
from streamlit_app.formats import money, number, percent
from streamlit_app.texts import say
from tests.browser.pages import SNAPSHOT, address, metric, reload_until, settled

ACTIVE = """
    select customer_id, score from ops.churn_scoring
    where snapshot_date = '2019-05-26' order by score desc, customer_id limit 1
"""
SCORE_OF = "select score from ops.churn_scoring where customer_id = %(id)s and snapshot_date = '2019-05-26'"

HOSTILE = (
    "'; drop table raw.payments; --", "-1", "0", "NaN", "1.5", "9" * 400, "<img src=x onerror=alert(1)>", "**`x`**", " "
)  # fmt: skip


def search(page: Page, text: str, snapshot: str = "26 may 2019") -> None:
    """Search for a customer id at a snapshot, in Spanish."""
    settled(page)  # a page that is still being drawn may take back what is typed
    page.get_by_label(say("snapshot", "es")).click()
    page.get_by_role("option", name=snapshot).click()
    page.get_by_label(say("customer_id", "es")).first.fill(text)
    page.get_by_role("button", name=say("search", "es")).click()


@pytest.fixture(scope="module")
def active(scored) -> tuple[int, float]:
    """The customer most at risk in the stored scores, and that score."""
    return scored.rows(ACTIVE)[0]


@pytest.mark.parametrize("language", ["es", "en"])
def test_home_shows_what_is_at_stake_and_leads_to_the_customer(site, new_page, scored, language):
    with scored.connect() as conn:
        newest, _ = week.current_runs(conn, 2)
        stakes = week.at_stake(conn, newest.snapshot_date, 20)
    page = new_page(f"{site}/?lang={language}")
    expect(metric(page, "week_at_risk", language)).to_have_text(number(newest.predicted_churn, language))
    expect(metric(page, "week_at_stake", language)).to_have_text(money(stakes.total, language))
    table = page.get_by_test_id("stTable")
    expect(table.locator("tbody tr")).to_have_count(20)
    ids = table.locator("tbody tr td:first-of-type").all_inner_texts()
    assert ids == [str(one.customer_id) for one in stakes.customers]
    with page.context.expect_page() as opened:
        table.get_by_role("link", name=ids[0], exact=True).click()
    customer = opened.value
    expect(metric(customer, "probability", language)).to_have_text(percent(stakes.customers[0].score, language))
    expect(metric(customer, "week_at_stake", language)).to_have_text(money(stakes.customers[0].at_stake, language))


def test_a_customer_is_found_by_id_and_has_the_score_that_the_batch_stored(site, new_page, active):
    customer_id, score = active
    page = new_page(address(site, "customer"))
    search(page, str(customer_id))
    expect(metric(page, "probability")).to_have_text(percent(score, "es"))
    expect(metric(page, "decision")).to_have_text(say("churner", "es"))
    expect(metric(page, "customer_place")).to_have_text(re.compile(r"más que el 99,\d%"))  # nobody is above all
    assert f"id={customer_id}" in page.url  # which can be sent to somebody


def test_contributions_are_listed_and_their_sum_is_the_log_odds(site, new_page, active):
    page = new_page(address(site, "customer", "en", id=active[0], snapshot=SNAPSHOT))
    table = page.get_by_test_id("stTable").filter(has_text=say("customer_average", "en"))
    expect(table.locator("tbody tr")).to_have_count(7)  # the average customer, five groups, the sum
    parts = [float(text.replace("+", "")) for text in table.locator("tbody tr td:last-child").all_inner_texts()]
    expect(table).to_contain_text("Their last payment")
    assert sum(parts[:-1]) == pytest.approx(parts[-1], abs=0.06)  # each is rounded to two decimals
    assert 1 / (1 + math.exp(-parts[-1])) == pytest.approx(active[1], abs=0.005)


def test_the_language_can_be_switched_and_the_customer_stays(site, new_page, active):
    page = new_page(address(site, "customer", id=active[0], snapshot=SNAPSHOT))
    expect(metric(page, "probability")).to_be_visible()
    page.get_by_text("English").click()
    expect(metric(page, "probability", "en")).to_have_text(percent(active[1], "en"))
    assert "lang=en" in page.url


def test_a_slider_gives_another_probability_and_keeps_the_first_in_sight(site, new_page, active):
    page = new_page(address(site, "customer", id=active[0], snapshot=SNAPSHOT))
    shown = page.get_by_test_id("stMetric").filter(has_text=say("customer_if_before", "es", before=""))
    expect(shown.get_by_test_id("stMetricValue")).to_have_text(percent(active[1], "es"))
    slider = page.get_by_role("slider", name=say("customer_if_days", "es"))
    slider.focus()
    slider.press("Home")
    expect(shown.get_by_test_id("stMetricValue")).not_to_have_text(percent(active[1], "es"))
    expect(shown).to_contain_text(say("customer_if_before", "es", before=percent(active[1], "es")))
    expect(page.get_by_text("Con el último pago hace 1 días")).to_be_visible()  # which is one of the last 30 days


def test_without_a_customer_the_typical_one_is_the_start(site, new_page):
    page = new_page(address(site, "customer"))
    expect(page.get_by_text(say("customer_nobody", "es"))).to_be_visible()
    expect(metric(page, "probability")).to_contain_text("%")


def test_customers_are_picked_from_a_list(site, new_page, scored):
    page = new_page(address(site, "customer", "en", snapshot=SNAPSHOT))
    page.get_by_text(say("customer_find", "en")).click()
    page.get_by_label(say("customer_spent", "en")).fill("20000")
    page.get_by_role("button", name=say("customer_list", "en")).click()
    ((count,),) = scored.rows(
        "select count(*) from ops.churn_scoring join features.churn_weekly_features using (customer_id, snapshot_date)"
        " where snapshot_date = '2019-05-26' and spent_90d >= 20000"
    )
    expect(page.get_by_text(f"{number(count, 'en')} customers meet this")).to_be_visible()


def test_an_already_churned_customer_gets_the_reason_and_no_number(site, new_page, scored):
    ((customer_id, days),) = scored.rows(
        "select customer_id, days_since_activity from features.churn_weekly_features"
        " where snapshot_date = '2019-05-26' and days_since_activity >= 60 order by 1 limit 1"
    )
    page = new_page(address(site, "customer", id=customer_id, snapshot=SNAPSHOT))
    expect(page.get_by_text("Este cliente ya abandonó")).to_contain_text(number(days, "es", 0))
    settled(page)
    expect(metric(page, "probability")).to_have_count(0)


def test_a_snapshot_without_scores_says_what_to_run(site, new_page, scored):
    ((customer_id,),) = scored.rows(
        "select customer_id from features.churn_weekly_features"
        " where snapshot_date = '2019-06-30' and days_since_activity < 60 order by 1 limit 1"
    )
    page = new_page(address(site, "customer", id=customer_id, snapshot="2019-06-30"))
    expect(page.get_by_text("airflow dags test churn_batch_score_w 2019-06-30")).to_be_visible()
    expect(metric(page, "probability")).to_contain_text("%")


def test_a_customer_of_another_snapshot_is_pointed_to_it(site, new_page, scored):
    ((customer_id,),) = scored.rows(
        "select customer_id from features.churn_weekly_features group by 1"
        " having min(snapshot_date) = '2019-06-30' order by 1 limit 1"
    )
    page = new_page(address(site, "customer", id=customer_id, snapshot=SNAPSHOT))
    expect(page.get_by_text("sí las tiene al 30 jun 2019")).to_be_visible()


def test_a_customer_nobody_knows(site, new_page):
    page = new_page(address(site, "customer", id=9223372036854775807))
    expect(page.get_by_text("no está en los datos")).to_be_visible()


def test_what_is_no_customer_id_is_refused_and_shown_as_typed(site, new_page):
    page = new_page(address(site, "customer"))
    for typed in HOSTILE:
        search(page, typed)
        if not typed.strip():
            expect(page.get_by_text(say("customer_nobody", "es"))).to_be_visible()
            continue
        refusal = page.get_by_test_id("stAlert").filter(has_text="no es un id de cliente")
        shown = typed.replace("`", "'").strip()
        expect(refusal.locator("code")).to_have_text(shown if len(shown) <= 80 else f"{shown[:79]}…")
        settled(page)
        expect(metric(page, "probability")).to_have_count(0)


@pytest.mark.parametrize("snapshot", ["nonsense", "2019-13-01", "9999-12-31", "'; --"])
def test_an_address_with_another_date_shows_the_newest_snapshot(site, new_page, snapshot):
    page = new_page(address(site, "customer", snapshot=snapshot))
    expect(page.get_by_label(say("snapshot", "es"))).to_have_value("30 jun 2019")


def test_a_category_that_training_never_saw_is_named(site, new_page, scored, active):
    category = "<img src=x onerror=alert(1)> ![atlantis](http://127.0.0.1:9/x.png)"
    change = "update features.churn_weekly_features set tarjetas = %(card)s where customer_id = %(id)s returning 1"
    ((before,),) = scored.rows(
        "select tarjetas from features.churn_weekly_features"
        " where customer_id = %(id)s and snapshot_date = '2019-05-26'",
        {"id": active[0]},
    )
    scored.rows(change, {"card": category, "id": active[0]})
    page = new_page(address(site, "customer", id=active[0], snapshot=SNAPSHOT))
    expect(page.get_by_text("el modelo no vio")).to_contain_text(category)
    expect(page.get_by_test_id("stTable").first).to_contain_text(category)
    expect(page.get_by_test_id("stMain").locator("img")).to_have_count(0)
    scored.rows(change, {"card": before, "id": active[0]})


def test_another_version_in_production_is_followed_without_a_restart(site, new_page, scored, mlflow_uri, active):
    page = new_page(address(site, "customer", id=active[0], snapshot=SNAPSHOT))
    expect(page.get_by_text(say("as_of_version", "es", value=1))).to_be_visible()
    for command in (
        ("ml.train", "--snapshot-date", "2019-05-26", "--lookback-weeks", "1"),
        ("ml.promote", "--version", "2", "--force", "--why", "a test"),
    ):
        done = scored.run(*command, MLFLOW_TRACKING_URI=mlflow_uri)
        assert done.returncode == 0, done.stderr
    try:
        reload_until(page, say("as_of_version", "es", value=2))
        ((score,),) = scored.rows(SCORE_OF, {"id": active[0]})  # the newest scored snapshot is scored again
        expect(metric(page, "probability")).to_have_text(percent(score, "es"))
    finally:
        done = scored.run("ml.promote", "--rollback", "--why", "a test", MLFLOW_TRACKING_URI=mlflow_uri)
        assert done.returncode == 0, done.stderr
    reload_until(page, say("as_of_version", "es", value=1))
