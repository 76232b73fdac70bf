"""campaign"""

import streamlit as st

from streamlit_app.texts import say


def page(language: str) -> None:
    """Draw the page."""
    st.title(say("nav_campaign", language))
