"""What the tests of all pages do with them."""

import contextlib
import re
import time

from playwright.sync_api import Locator, Page, expect

from streamlit_app.texts import say

SNAPSHOT = "2019-05-26"


def address(site: str, page: str, language: str = "es", **query: object) -> str:
    """Where a page is, with values for its address."""
    asked = "".join(f"&{key}={value}" for key, value in query.items())
    return f"{site}/?page={page}&lang={language}{asked}"


def metric(page: Page, key: str, language: str = "es") -> Locator:
    """The first figure whose label is the text `key`."""
    labelled = page.get_by_test_id("stMetric").filter(has_text=say(key, language))
    return labelled.first.get_by_test_id("stMetricValue")


def settled(page: Page) -> None:
    """Wait until the page has finished what it computes."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def words(key: str, language: str = "es") -> str:
    """The beginning of a text as it is read, up to its first value."""
    names = ("name", "address", "user", "database", "variable", "reason", "version", "score", "scored_at")
    return say(key, language, **dict.fromkeys(names, "\0")).split("\0")[0].strip("* ")


def reload_until(page: Page, text: str | re.Pattern[str]) -> None:
    """Reload until the text shows; a page may use the previous version for ten seconds."""
    deadline = time.monotonic() + 300
    shown = page.get_by_text(text).first
    while time.monotonic() < deadline:
        page.goto(page.url)
        with contextlib.suppress(AssertionError):
            expect(shown).to_be_visible(timeout=15_000)
            return
    raise AssertionError(f"{text} did not show")
