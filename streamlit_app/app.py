"""The pages for people who decide: `streamlit run streamlit_app/app.py`."""

import sys
from collections.abc import Callable
from pathlib import Path

# Streamlit itself adds this file's folder only.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import streamlit as st

from streamlit_app import failures
from streamlit_app.texts import DEFAULT_LANGUAGE, LANGUAGES, say
from streamlit_app.views import batch, campaign, customer, model, monitoring, this_week

# Address below the root, what draws it, icon (Material Symbols, which Streamlit ships). The first is the home page.
PAGES: tuple[tuple[str, Callable[[str], None], str], ...] = (
    ("this_week", this_week.page, ":material/home:"),
    ("customer", customer.page, ":material/person_search:"),
    ("campaign", campaign.page, ":material/campaign:"),
    ("batch", batch.page, ":material/upload_file:"),
    ("model", model.page, ":material/insights:"),
    ("monitoring", monitoring.page, ":material/monitor_heart:"),
)

# Streamlit tells in English that Enter sends what was typed.
QUIET = "<style>[data-testid=InputInstructions] { display: none }</style>"


def choose_language() -> str:
    """The language chosen on the page and kept in the URL as `?lang=`; initially the browser's, else Spanish."""
    codes = list(LANGUAGES)
    if "language" not in st.session_state:  # a new session, or a click on another page that cut the last run short
        accepted = st.context.headers.get("Accept-Language") or ""
        first = st.session_state.get("last_language") or st.query_params.get("lang") or accepted[:2].lower()
        st.session_state["language"] = first if first in codes else DEFAULT_LANGUAGE
    chosen = st.sidebar.radio(
        say("language", DEFAULT_LANGUAGE), codes, format_func=LANGUAGES.get, horizontal=True, key="language"
    )
    st.session_state["last_language"] = chosen
    if st.query_params.get("lang") != chosen:
        st.query_params["lang"] = chosen
    return str(chosen)


def main() -> None:
    """Draw the page that the address names."""
    st.set_page_config(page_title="Meli ML Flow", page_icon="📉", layout="wide")
    language = choose_language()
    st.html(QUIET)

    def drawn(draw: Callable[[str], None]) -> Callable[[], None]:
        def run() -> None:
            with failures.told(language):
                draw(language)

        return run

    pages = [
        st.Page(drawn(draw), title=say(f"nav_{name}", language), icon=icon, url_path=name, default=name == "this_week")
        for name, draw, icon in PAGES
    ]
    by_name = dict(zip((name for name, _, _ in PAGES), pages, strict=True))
    st.session_state["pages"] = by_name
    current = st.navigation(pages)
    asked = dict(st.query_params)
    if (wanted := asked.pop("page", None)) in by_name:  # as `links` writes an address
        st.switch_page(by_name[wanted], query_params=asked)
    current.run()


main()
