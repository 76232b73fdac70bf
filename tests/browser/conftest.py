"""A real Chromium on a real Streamlit, over the PostgreSQL and MLflow of the integration tests."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.integration.conftest import (
    PASSWORDS,
    ROOT,
    Database,
    cluster,
    empty_template,
    free_port,
    mlflow_uri,
    new_database,
    seeded_template,
    wait_for_http,
)
from tests.integration.scored import scored_database

__all__ = ["cluster", "empty_template", "mlflow_uri", "new_database", "seeded_template"]

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
# No sandbox: it refuses to run as root. The others keep the browser from calling home.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
FIRST_PAGE_MS = 180_000  # the first visitor waits for the imports of MLflow and scikit-learn
expect.set_options(timeout=60_000)

Site = Callable[..., str]


@pytest.fixture(scope="session")
def start_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Start the app as the reader with other variables on top, and return its address once it answers."""
    with contextlib.ExitStack() as running:

        def start(database: Database, tracking_uri: str, **env: str) -> str:
            reader = {"POSTGRES_USER": "meli_reader", "POSTGRES_PASSWORD": PASSWORDS["READER_DB_PASSWORD"]}
            variables = {**database.env, **reader, "MLFLOW_TRACKING_URI": tracking_uri, **env}
            return running.enter_context(served(tmp_path_factory.mktemp("site"), variables))

        yield start


@contextlib.contextmanager
def served(folder: Path, env: dict[str, str]) -> Iterator[str]:
    """Run the app in `folder` with `env` on top of this process's variables; its address, once it answers."""
    port, log = free_port(), folder / "streamlit.log"
    command = [
        sys.executable, "-m", "streamlit", "run", str(ROOT / "streamlit_app" / "app.py"),
        "--server.address=127.0.0.1", f"--server.port={port}",
    ]  # fmt: skip
    with log.open("w") as out:
        server = subprocess.Popen(command, cwd=folder, env={**os.environ, **env}, stdout=out, stderr=out)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for_http(f"{url}/_stcore/health", server, log)
        yield url
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture(scope="session")
def scored(new_database: Callable[[str], Database], seeded_template: str, mlflow_uri: str) -> Database:
    """The sample with the scores of two Sundays, and a later snapshot without scores."""
    return scored_database(new_database, seeded_template, mlflow_uri)


@pytest.fixture(scope="session")
def site(start_site: Site, scored: Database, mlflow_uri: str) -> str:
    """The app with everything in place."""
    return start_site(scored, mlflow_uri)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A headless browser for the whole run."""
    if CHROMIUM is None:
        pytest.fail("no chromium found; install it (apt install chromium) or name it: CHROMIUM=/path/to/chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def new_page(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """Open an address with a browser of some language, width and theme, and watch every page that comes of it.

    Afterwards none may show a traceback, have complained in its console, or have asked anything of another machine.
    With SCREENSHOTS=<folder>, each page's last state is kept there.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def complain(message: ConsoleMessage) -> None:
        # Streamlit asks for its server below the page's own address first, and finds it at the root.
        if message.type == "error" and "/_stcore/" not in message.location["url"]:
            complaints.append(message.text)

    def watch(page: Page) -> None:
        page.on("console", complain)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))

    def leave_the_machine(asked: Request) -> None:
        if urlsplit(asked.url).hostname not in ("127.0.0.1", None):
            complaints.append(f"a request to {asked.url}")

    def open_page(url: str, locale: str = "es-AR", width: int = 1280, theme: str = "light") -> Page:
        context = chromium.new_context(
            locale=locale, viewport={"width": width, "height": 900}, color_scheme=theme, accept_downloads=True
        )
        context.on("page", watch)
        context.on("request", leave_the_machine)
        contexts.append(context)
        page = context.new_page()
        page.goto(url)
        drawn = page.get_by_test_id("stHeading").first
        with contextlib.suppress(AssertionError):
            expect(drawn).to_be_visible(timeout=FIRST_PAGE_MS)
        if network_changed():
            page.goto(url)
        expect(drawn).to_be_visible()
        return page

    def network_changed() -> bool:
        """Whether Chromium dropped its connections because an interface of this machine, Docker's say, came or went."""
        return any("ERR_NETWORK_CHANGED" in complaint for complaint in complaints)

    yield open_page
    for number, page in enumerate(page for context in contexts for page in context.pages):
        if folder := os.environ.get("SCREENSHOTS"):
            page.set_viewport_size({"width": page.viewport_size["width"], "height": 2200})
            page.screenshot(path=Path(folder) / f"{request.node.name}-{number}.png")
        assert page.get_by_test_id("stException").count() == 0
        assert "Traceback" not in page.inner_text("body")
    for context in contexts:
        context.close()
    assert network_changed() or complaints == []
