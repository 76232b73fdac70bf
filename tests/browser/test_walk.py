"""From the home page to a customer, to a campaign, to the file of whom to contact: every number is that of `ml`."""

import csv
from datetime import date
from pathlib import Path

from playwright.sync_api import expect

from ml.campaigns.candidates import candidates
from ml.campaigns.profit import Assumptions, curves
from ml.reports import week
from ml.utils_io import connect
from streamlit_app.formats import money, number, percent
from streamlit_app.texts import say
from streamlit_app.views.campaign import CONTROL, DEFAULTS
from tests.browser.pages import SNAPSHOT, address, metric, settled
from tests.integration.churn_rows import call

NAME = "=retención & más <b>mayo</b>"
ARMS = """
select arm, array_agg(customer_id) from ops.campaign_assignments join ops.campaigns using (campaign_id)
where name = %(name)s group by arm
"""


def planned():
    """The curves for everyone, with the assumptions that the page begins with."""
    snapshot = date.fromisoformat(SNAPSHOT)
    with connect(application_name="test") as conn:
        rows = candidates(conn, snapshot, snapshot)
    assumed = Assumptions(
        DEFAULTS["contact_cost"], DEFAULTS["offer_cost"], *(DEFAULTS[n] / 100 for n in ("save_rate", "margin"))
    )
    return curves(rows["score"].to_numpy(), rows["spent_90d"].to_numpy() * assumed.margin, assumed)


def test_from_home_to_the_file_of_a_campaign(site, new_page, scored):
    with scored.connect() as conn:
        newest, _ = week.current_runs(conn, 2)
        most = week.at_stake(conn, newest.snapshot_date, 1).customers[0]
    page = new_page(f"{site}/?lang=en")
    expect(metric(page, "week_at_risk", "en")).to_have_text(number(newest.predicted_churn, "en"))
    with page.context.expect_page() as opened:
        page.get_by_test_id("stTable").get_by_role("link", name=str(most.customer_id), exact=True).click()
    customer = opened.value
    expect(metric(customer, "probability", "en")).to_have_text(percent(most.score, "en"))

    customer.get_by_role("link", name=say("nav_campaign", "en")).first.click()
    curve = call(scored, planned)
    expect(metric(customer, "campaign_candidates", "en")).to_have_text(number(len(curve.order), "en"))
    expect(metric(customer, "campaign_best", "en")).to_have_text(number(curve.best, "en"))
    best_profit = curve.by_save_rate["expected"].best_profit
    expect(metric(customer, "campaign_best_profit", "en")).to_have_text(money(best_profit, "en"))
    settled(customer)
    customer.get_by_label(say("campaign_name", "en"), exact=True).fill(NAME)
    customer.get_by_label(say("campaign_who", "en")).fill("Ana")
    customer.get_by_role("button", name=say("campaign_submit", "en"), exact=True).click()
    expect(customer.get_by_test_id("stAlert").filter(has_text=NAME)).to_be_visible()

    arms = dict(scored.rows(ARMS, {"name": NAME}))
    assert len(arms["contact"]) + len(arms["control"]) == curve.best
    assert abs(len(arms["control"]) - curve.best * CONTROL / 100) <= 10  # each of ten strata is rounded
    with customer.expect_download() as started:
        customer.get_by_role("button", name=say("campaign_download", "en")).click()
    with Path(started.value.path()).open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert sorted(int(line["customer_id"]) for line in lines) == sorted(arms["contact"])
    assert {line["campaign"] for line in lines} == {f"'{NAME}"}  # a spreadsheet takes it for a text


def test_a_click_on_another_page_while_one_is_drawn_keeps_the_language(site, new_page):
    for customer_id in (1, 2, 3, 4):  # a slow browser lost it in half of them
        page = new_page(address(site, "customer", "en", id=customer_id, snapshot=SNAPSHOT))
        page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 6})
        page.get_by_role("link", name=say("nav_campaign", "en")).first.click()
        expect(page.get_by_test_id("stMetric").first).to_be_visible()
        settled(page)
        expect(page.get_by_role("heading", level=1)).to_have_text(say("campaign_title", "en"))
        assert "lang=en" in page.url
        page.close()
