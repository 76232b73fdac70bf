"""A table of finished texts, which may hold a figure with its interval: `layout.table` is for plain values."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from streamlit_app.layout import to_the_right

NOTHING, NO_BREAK = "—", "\u00a0"
NARROW, WIDE, LONG = "7rem", "14rem", 60  # on a phone a table scrolls, for columns are at least so wide; characters


def show(rows: Sequence[dict[str, str]], numeric: Sequence[str] = ()) -> None:
    """One dictionary a row, its keys the columns, its values read as Markdown; those of `numeric` are right-aligned."""
    frame = pd.DataFrame(list(rows))
    for name in numeric:
        frame[name] = frame[name].str.replace(" ", NO_BREAK)
    shown = to_the_right(frame.style.hide(axis="index"), numeric)
    for name in frame.columns.difference(list(numeric)):
        width = WIDE if frame[name].str.len().max() > LONG else NARROW
        shown = shown.set_properties(pd.Index([name]), **{"min-width": width})
    st.table(shown)
