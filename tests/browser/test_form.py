"""The form as a person uses it, in both languages."""

import re
import time

import pytest
from playwright.sync_api import Page, expect

from streamlit_app.texts import number, percent, say

ACTIVE = """
    select customer_id, score from ops.churn_scoring
    where snapshot_date = '2019-05-26' order by score desc, customer_id limit 1
"""

HOSTILE = (
    "'; drop table raw.payments; --", "-1", "0", "NaN", "1.5", "9" * 400, "<img src=x onerror=alert(1)>", "**`x`**", " "
)  # fmt: skip


def search(page: Page, text: str, snapshot: str = "2019-05-26", language: str = "es") -> None:
    """Search for a customer id at a snapshot (ISO)."""
    shown = "/".join(reversed(snapshot.split("-"))) if language == "es" else snapshot
    page.get_by_label(say("snapshot", language)).click()
    page.get_by_role("option", name=shown).click()
    page.get_by_label(say("customer_id", language)).fill(text)
    page.get_by_role("button", name=say("search", language)).click()


def metric(page: Page, key: str, language: str = "es"):
    """Value of the metric whose label is the text `key`."""
    labelled = page.get_by_test_id("stMetric").filter(has_text=say(key, language))
    return labelled.get_by_test_id("stMetricValue")


@pytest.fixture(scope="module")
def active(scored) -> tuple[int, float]:
    """The customer most at risk in the stored scores, and that score."""
    return scored.rows(ACTIVE)[0]


@pytest.mark.parametrize(("locale", "language"), [("es-AR", "es"), ("en-US", "en"), ("fr-FR", "es")])
def test_first_words_follow_the_browsers_language(site, new_page, locale, language):
    page = new_page(site, locale=locale)
    expect(page.get_by_role("heading", name=say("title", language))).to_be_visible()


def test_newest_snapshot_is_offered_first(site, new_page):
    page = new_page(site)
    expect(page.get_by_label(say("snapshot", "es"))).to_have_value("30/06/2019")


@pytest.mark.parametrize("language", ["es", "en"])
def test_a_customer_gets_the_score_that_the_batch_stored(site, new_page, active, language):
    customer_id, score = active
    page = new_page(f"{site}/?lang={language}")
    search(page, str(customer_id), language=language)
    expect(metric(page, "probability", language)).to_have_text(percent(score, language))
    expect(metric(page, "decision", language)).to_have_text(say("churner", language))
    expect(metric(page, "version", language)).to_have_text("1")
    expect(page.get_by_text(f"{percent(score, language)} (")).to_be_visible()


def test_contributions_are_listed_and_their_sum_is_the_log_odds(site, new_page, active):
    page = new_page(f"{site}/?lang=en")
    search(page, str(active[0]), language="en")
    table = page.get_by_test_id("stTable")
    expect(table).to_contain_text(say("total", "en"))
    parts = [float(text.replace("+", "")) for text in table.locator("tbody tr td:last-child").all_inner_texts()]
    assert len(parts) == 7  # the average customer, five groups, the sum
    expect(table).to_contain_text("Their last payment")
    expect(page.get_by_text("Against the average customer")).to_be_visible()
    assert sum(parts[:-1]) == pytest.approx(parts[-1], abs=0.06)  # each is rounded to two decimals
    probability = float(metric(page, "probability", "en").inner_text().rstrip("%")) / 100
    assert 1 / (1 + 2.718281828 ** -parts[-1]) == pytest.approx(probability, abs=0.005)


def test_the_language_can_be_switched_and_the_customer_stays(site, new_page, active):
    page = new_page(site)
    search(page, str(active[0]))
    expect(metric(page, "probability")).to_be_visible()
    page.get_by_text("English").click()
    expect(metric(page, "probability", "en")).to_have_text(percent(active[1], "en"))
    assert page.url.endswith("?lang=en")


def test_changed_values_give_another_probability_and_say_so(site, new_page, active):
    page = new_page(site)
    search(page, str(active[0]))
    expect(metric(page, "probability")).to_have_text(percent(active[1], "es"))
    page.get_by_label("Días desde el último pago").fill("1")
    page.get_by_role("button", name=say("compute", "es")).click()
    expect(page.get_by_text("con los valores cambiados")).to_be_visible()
    expect(metric(page, "probability")).not_to_have_text(percent(active[1], "es"))
    expect(page.get_by_text(f"{percent(active[1], 'es')} (")).to_be_visible()


def test_values_by_hand_without_a_customer(site, new_page):
    page = new_page(site)
    expect(metric(page, "probability")).to_have_count(0)
    page.get_by_label("Días desde el último pago").fill("59")
    page.get_by_role("button", name=say("compute", "es")).click()
    expect(page.get_by_text(say("result_by_hand", "es"))).to_be_visible()
    expect(metric(page, "probability")).to_contain_text("%")


def test_negative_values_are_not_taken(site, new_page):
    page = new_page(site)
    days = page.get_by_label("Días desde el último pago")
    days.fill("-3")
    page.get_by_role("button", name=say("compute", "es")).click()
    assert days.evaluate("field => field.matches(':invalid') || field.getAttribute('aria-invalid') === 'true'")
    days.fill("59")
    page.get_by_role("button", name=say("compute", "es")).click()
    expect(metric(page, "probability")).to_contain_text("%")


def test_a_huge_value_is_named_as_unusual(site, new_page):
    page = new_page(site)
    page.get_by_label("Descuentos, últimos 30 días").fill("1e300")
    page.get_by_role("button", name=say("compute", "es")).click()
    expect(page.get_by_text("Fuera del 98 % central")).to_contain_text("Descuentos, últimos 30 días")
    expect(metric(page, "probability")).to_contain_text("%")


def test_an_already_churned_customer_gets_the_reason_and_no_number(site, new_page, scored):
    ((customer_id, days),) = scored.rows(
        "select customer_id, days_since_activity from features.churn_weekly_features"
        " where snapshot_date = '2019-05-26' and days_since_activity >= 60 order by 1 limit 1"
    )
    page = new_page(site)
    search(page, str(customer_id))
    expect(page.get_by_text("Este cliente ya abandonó")).to_contain_text(number(days, "es", 0))
    expect(metric(page, "probability")).to_have_count(0)


@pytest.mark.parametrize(("days", "numbers"), [("59", 1), ("60", 0)])
def test_sixty_days_without_a_payment_by_hand_are_no_number_either(site, new_page, days, numbers):
    page = new_page(site)
    page.get_by_label("Días desde el último pago").fill(days)
    page.get_by_role("button", name=say("compute", "es")).click()
    expect(page.get_by_text(say("result_by_hand", "es"))).to_be_visible()
    expect(page.get_by_text("Este cliente ya abandonó")).to_have_count(1 - numbers)
    expect(metric(page, "probability")).to_have_count(numbers)


def test_a_snapshot_without_scores_says_what_to_run(site, new_page, scored):
    ((customer_id,),) = scored.rows(
        "select customer_id from features.churn_weekly_features"
        " where snapshot_date = '2019-06-30' and days_since_activity < 60 order by 1 limit 1"
    )
    page = new_page(site)
    search(page, str(customer_id), snapshot="2019-06-30")
    expect(page.get_by_text("airflow dags test churn_batch_score_w 2019-06-30")).to_be_visible()
    expect(metric(page, "probability")).to_contain_text("%")


def test_a_customer_of_another_snapshot_is_pointed_to_it(site, new_page, scored):
    ((customer_id,),) = scored.rows(
        "select customer_id from features.churn_weekly_features group by 1"
        " having min(snapshot_date) = '2019-06-30' order by 1 limit 1"
    )
    page = new_page(site)
    search(page, str(customer_id))
    expect(page.get_by_text("sí las tiene al 30/06/2019")).to_be_visible()


def test_a_customer_nobody_knows(site, new_page):
    page = new_page(site)
    search(page, "9223372036854775807")
    expect(page.get_by_text("no está en los datos")).to_be_visible()
    expect(metric(page, "probability")).to_have_count(0)


def test_what_is_no_customer_id_is_refused_and_shown_as_typed(site, new_page, active):
    page = new_page(site)
    search(page, str(active[0]))
    expect(metric(page, "probability")).to_be_visible()
    for typed in HOSTILE:
        search(page, typed)
        refusal = page.get_by_test_id("stAlert").filter(has_text="no es un id de cliente")
        expect(refusal).to_contain_text(typed.replace("`", "'").strip()[:79])
        expect(metric(page, "probability")).to_have_count(0)


def test_a_category_that_training_never_saw_is_named(site, new_page, scored, active):
    category = "<img src=x onerror=alert(1)> ![atlantis](http://127.0.0.1:9/x.png)"
    change = "update features.churn_weekly_features set tarjetas = %(card)s where customer_id = %(id)s returning 1"
    ((before,),) = scored.rows(
        "select tarjetas from features.churn_weekly_features"
        " where customer_id = %(id)s and snapshot_date = '2019-05-26'",
        {"id": active[0]},
    )
    scored.rows(change, {"card": category, "id": active[0]})
    page = new_page(site)
    search(page, str(active[0]))
    expect(page.get_by_text("el modelo no vio")).to_contain_text(category)
    expect(page.get_by_test_id("stTable")).to_contain_text(category)
    expect(page.get_by_test_id("stMain").locator("img")).to_have_count(0)
    expect(metric(page, "probability")).to_contain_text("%")
    scored.rows(change, {"card": before, "id": active[0]})


def test_another_version_in_production_is_followed_without_a_restart(site, new_page, scored, mlflow_uri, active):
    page = new_page(site)
    search(page, str(active[0]))
    expect(metric(page, "version")).to_have_text("1")
    for command in (
        ("ml.train", "--snapshot-date", "2019-05-26", "--lookback-weeks", "1"),
        ("ml.promote", "--version", "2", "--force", "--why", "a test"),
    ):
        done = scored.run(*command, MLFLOW_TRACKING_URI=mlflow_uri)
        assert done.returncode == 0, done.stderr
    try:
        press_until(page, say("compute", "es"), "en Production está ahora la 2")
        expect(metric(page, "version")).to_have_text("2")
    finally:
        done = scored.run("ml.promote", "--rollback", "--why", "a test", MLFLOW_TRACKING_URI=mlflow_uri)
        assert done.returncode == 0, done.stderr
    press_until(page, say("compute", "es"), re.compile("Modelo churn-logreg, versión 1"))


def press_until(page: Page, button: str, text: str | re.Pattern[str]) -> None:
    """Press the button again and again until the text shows; the page may use the previous version for ten seconds."""
    deadline = time.monotonic() + 300
    while not page.get_by_text(text).is_visible():
        assert time.monotonic() < deadline, f"{text} did not show"
        page.get_by_role("button", name=button).click()
        page.wait_for_timeout(500)
