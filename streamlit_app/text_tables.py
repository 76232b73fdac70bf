"""A table of finished texts, which may hold a figure with its interval: `layout.table` is for plain values."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

NOTHING = "—"
# Streamlit writes its own alignment into each cell.
RIGHT = {"text-align": "right !important", "white-space": "nowrap"}
TEXT = {"min-width": "8rem"}  # on a phone a table scrolls; its words are not broken into letters


def show(rows: Sequence[dict[str, str]], numeric: Sequence[str] = ()) -> None:
    """One dictionary a row, its keys the columns, its values read as Markdown; those of `numeric` are right-aligned."""
    frame = pd.DataFrame(list(rows))
    heads: Any = {name: [{"selector": "th", "props": list(RIGHT.items())}] for name in numeric}
    shown = frame.style.hide(axis="index").set_table_styles(heads)
    numbers, words = pd.Index(numeric), frame.columns.difference(list(numeric))
    st.table(shown.set_properties(numbers, **RIGHT).set_properties(words, **TEXT))
