"""How long the pages take with many scored customers: `.local/venv/test/bin/python -m bench.pages --customers 1000000`.

A real Chromium opens each page by its address in a new tab, once when nobody has yet and three times afterwards; then
it goes from page to page by the navigation. A page is there when the last thing on it has changed. By its address, the
customer's page shows somebody, and by the navigation the typical customer; a slider of somebody's what-if is moved.
"""

import argparse
import statistics
from datetime import date
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, sync_playwright

from bench.stack import owner, stack, timed
from streamlit_app.texts import say
from tests.browser.conftest import CHROMIUM, FIRST_PAGE_MS, FLAGS, served
from tests.browser.pages import address

SNAPSHOTS = [date(2019, 5, 19), date(2019, 5, 26)]
PAGES = ("this_week", "customer", "campaign", "batch", "model", "monitoring")
SOMEBODY = "select customer_id from ops.churn_scoring where score >= 0.5 order by score, customer_id limit 1"
VISITS, KEYS = 3, 10
WATCH = """
    window.changed = 0;
    new MutationObserver(() => { window.changed = performance.now() })
        .observe(document, {subtree: true, childList: true, characterData: true, attributes: true});
"""
# Seconds of the last change on a page with another title than before, once nothing has changed for a second.
THERE = """
    before => {
        const heading = document.querySelector("[data-testid=stHeading]");
        const state = document.querySelector("[data-testid=stApp]")?.dataset.testScriptState;
        const is_there = heading && heading.innerText !== before && state === "notRunning";
        return is_there && performance.now() - window.changed > 1000 && window.changed / 1000;
    }
"""
# From a key on a slider to another probability beside it, in ms.
AFTER_A_KEY = """
    label => {
        const shown = () => [...document.querySelectorAll("[data-testid=stMetric]")].filter(
            each => each.innerText.includes(label)).at(-1).innerText;
        const before = shown();
        window.answered = new Promise((resolve, reject) => {
            document.addEventListener("keydown", pressed => {
                setTimeout(() => reject(`still ${before}`), 10000);
                new MutationObserver((changes, observer) => {
                    if (shown() !== before) {
                        observer.disconnect();
                        resolve(performance.now() - pressed.timeStamp);
                    }
                }).observe(document.body, {subtree: true, childList: true, characterData: true});
            }, {once: true, capture: true});
        });
    }
"""


def there(tab: Page, before: str = "") -> float:
    """Seconds since the tab's address was opened at which the page was complete."""
    return float(tab.wait_for_function(THERE, arg=before, timeout=FIRST_PAGE_MS).json_value())


def opened(context: BrowserContext, url: str) -> tuple[Page, float]:
    """The page in a new tab, and the seconds until it was there."""
    tab = context.new_page()
    tab.goto(url)
    seconds = there(tab)
    if tab.get_by_test_id("stException").count():
        raise RuntimeError(f"{url}:\n{tab.inner_text('body')}")
    return tab, seconds


def walk(tab: Page) -> dict[str, list[float]]:
    """Seconds from the click on each page's link until it was there, in VISITS rounds."""
    seconds: dict[str, list[float]] = {page: [] for page in PAGES}
    for _ in range(VISITS):
        for page in (*PAGES[1:], PAGES[0]):  # the home page is open
            before = tab.get_by_test_id("stHeading").first.inner_text()
            started = tab.evaluate("performance.now() / 1000")
            tab.get_by_role("link", name=say(f"nav_{page}", "en")).first.click()
            seconds[page].append(there(tab, before) - started)
    return seconds


def what_if(tab: Page) -> list[float]:
    """Seconds from each of KEYS keys on the slider of days to the new probability."""
    label = say("probability", "en")
    slider = tab.get_by_role("slider", name=say("customer_if_days", "en"))
    seconds = []
    for _ in range(KEYS):
        tab.evaluate(AFTER_A_KEY, label)
        slider.press("ArrowRight")
        seconds.append(tab.evaluate("window.answered") / 1000)
        there(tab)
    return seconds


def main() -> None:
    """Score two snapshots, then visit every page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    with stack(parser.parse_args().customers, SNAPSHOTS) as env:
        timed(env, "ml.train:train", str(SNAPSHOTS[0]), "1")
        timed(env, "ml.promote:promote")
        for snapshot in SNAPSHOTS:
            timed(env, "ml.infer_batch:score", str(snapshot))
        with owner(env) as conn:
            ((customer_id,),) = conn.execute(SOMEBODY).fetchall()
        reader = {**env, "POSTGRES_USER": "meli_reader"}
        with served(Path(env["BENCH_FOLDER"]), reader) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            context = browser.new_context(locale="en-US")
            context.add_init_script(WATCH)
            for page in PAGES:
                query = {"id": customer_id, "snapshot": SNAPSHOTS[-1]} if page == "customer" else {}
                visits = [opened(context, address(url, page, "en", **query)) for _ in range(1 + VISITS)]
                first, *later = [seconds for _, seconds in visits]
                print(f"{page:12} first {first:6.2f} s, then {statistics.median(later):6.2f} s", flush=True)
                if page == "customer":
                    keys = what_if(visits[-1][0])
                    print(f"{'what-if':12} {statistics.median(keys):.3f} s, at most {max(keys):.3f} s", flush=True)
                for tab, _ in visits:
                    tab.close()
            home, _ = opened(context, address(url, PAGES[0], "en"))
            for page, seconds in walk(home).items():
                print(f"{page:12} by a click {statistics.median(seconds):6.2f} s", flush=True)
            browser.close()


if __name__ == "__main__":
    main()
