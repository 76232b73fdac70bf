"""Takes the README's pictures of the pages from a running stack: `make screenshots`."""

import sys
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from streamlit_app.texts import LANGUAGES
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.pages import address, settled

OUT = Path(__file__).resolve().parents[2] / "docs" / "img"
PAGES = ("this_week", "customer", "campaign")
WIDTH, HEIGHT = 1280, 860


def main() -> None:
    """Command line: `python -m tests.browser.screenshots http://127.0.0.1:8501`."""
    (site,) = sys.argv[1:]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for language in LANGUAGES:
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            page.goto(f"{site}/?lang={language}")
            first = page.get_by_test_id("stTable").locator("tbody tr td:first-of-type").first
            expect(first).to_be_visible(timeout=180_000)
            customer = {"id": first.inner_text()}
            for name in PAGES:
                page.goto(address(site, name, language, **(customer if name == "customer" else {})))
                expect(page.get_by_test_id("stHeading").first).to_be_visible()
                settled(page)
                expect(page.get_by_test_id("stSkeleton")).to_have_count(0)  # what stands in for parts not yet loaded
                page.evaluate("document.fonts.ready")
                page.screenshot(path=OUT / f"{name}.{language}.png")
        browser.close()


if __name__ == "__main__":
    main()
