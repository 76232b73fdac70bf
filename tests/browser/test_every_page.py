"""Every page as it looks: both languages, three widths, both themes, and the rules of accessibility."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from streamlit_app.texts import say
from tests.browser.pages import address, settled

PAGES = ("this_week", "customer", "campaign", "batch", "model", "monitoring")
SERIOUS = ("serious", "critical")
# Browsers let the keyboard reach an area that scrolls, such as a wide table on a phone; the rule does not know it.
OPTIONS = {"rules": {"scrollable-region-focusable": {"enabled": False}}}


@pytest.mark.parametrize("page_name", PAGES)
@pytest.mark.parametrize(
    ("width", "theme", "language"), [(390, "dark", "es"), (1280, "light", "en"), (1600, "dark", "en")]
)
def test_a_page_fits_its_window_and_can_be_used_by_all(site, new_page, page_name, width, theme, language):
    page = new_page(address(site, page_name, language), width=width, theme=theme)
    settled(page)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("each => each.scrollWidth <= each.clientWidth")
    found = Axe().run(page, options=OPTIONS).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"][:300]) for each in found if each["impact"] in SERIOUS] == []


@pytest.mark.parametrize(("locale", "language"), [("es-AR", "es"), ("en-US", "en"), ("fr-FR", "es")])
def test_first_words_follow_the_browsers_language(site, new_page, locale, language):
    page = new_page(site, locale=locale)
    expect(page.get_by_role("heading", name=say("week_title", language))).to_be_visible()


def test_a_person_goes_through_all_pages_and_keeps_the_language(site, new_page):
    page = new_page(site)
    page.get_by_text("English").click()
    for name in PAGES:
        page.get_by_role("link", name=say(f"nav_{name}", "en")).first.click()
        settled(page)
        assert page.url.endswith("?lang=en")
    expect(page.get_by_test_id("stSidebarNav").get_by_role("link")).to_have_count(len(PAGES))
