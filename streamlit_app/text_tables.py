"""A table of finished texts, which may hold a figure with its interval: `layout.table` is for plain values."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

NOTHING = "—"


def show(rows: Sequence[dict[str, str]], numeric: Sequence[str] = ()) -> None:
    """One dictionary a row, its keys the columns, its values read as Markdown; those of `numeric` are right-aligned."""
    shown = pd.DataFrame(list(rows)).style.hide(axis="index")
    st.table(shown.set_properties(subset=list(numeric), **{"text-align": "right"}))
