"""Links from a page to another one."""

from typing import Any

import streamlit as st


def to(page: str, label: str, **query: Any) -> None:
    """A link to the page of that name (`this_week`, `customer`, …), with values for its address."""
    st.page_link(st.session_state["pages"][page], label=label, query_params={key: str(at) for key, at in query.items()})
