"""Links from one page to another."""

from datetime import date

import streamlit as st


def to(page: str, label: str) -> None:
    """A link to the page of that name (`this_week`, `customer`, …)."""
    st.page_link(st.session_state["pages"][page], label=label)


def customer(customer_id: int, snapshot_date: date, language: str) -> str:
    """A customer's id as a Markdown link to their page, which opens in another tab.

    It names the page in the query, which `app.py` follows: an address below the root would first be asked of the server
    under two names, of which one is not found.
    """
    return f"[{customer_id}](./?page=customer&id={customer_id}&snapshot={snapshot_date}&lang={language})"
