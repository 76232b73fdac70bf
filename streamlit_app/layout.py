"""What every page is laid out with: its head, rows of figures, tables, and what is said where there is nothing."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from streamlit_app.texts import say

# Streamlit writes its own alignment into each cell.
RIGHT = {"text-align": "right !important"}


class Figure(NamedTuple):
    """One figure with its name; `change` against the time before, `help` says what it is."""

    label: str
    value: str
    help: str = ""
    change: str | None = None


def head(title: str, caption: str) -> None:
    """The page's title, and one sentence that says what it answers."""
    st.title(title)
    st.caption(caption)


def figures(shown: Sequence[Figure]) -> None:
    """The figures beside each other; one below the other on a phone."""
    for column, one in zip(st.columns(len(shown)), shown, strict=True):
        column.metric(one.label, one.value, one.change, delta_color="off", help=one.help or None, border=True)


def table(rows: pd.DataFrame, formats: dict[Any, Any] | None = None) -> None:
    """A table: its texts are read as Markdown, its numbers are aligned right and written by `formats[column]`."""
    numeric = list(rows.select_dtypes("number"))
    st.table(to_the_right(rows.style.format(formats or {}, na_rep="").hide(axis="index"), numeric))


def to_the_right(shown: Styler, names: Sequence[Any]) -> Styler:
    """The columns `names` and their headings at the right."""
    heads: Any = {name: [{"selector": "th", "props": list(RIGHT.items())}] for name in names}
    return shown.set_table_styles(heads).set_properties(pd.Index(names), **RIGHT)


def missing(text: str) -> None:
    """What is missing, and what to type so that it is there."""
    st.info(text, icon=":material/info:")


def as_of(language: str, **parts: str) -> None:
    """As of when a page's figures are and by which version, from `parts` (snapshot, version, scored)."""
    told = [say(f"as_of_{name}", language, value=value) for name, value in parts.items() if value]
    st.caption(" · ".join(told))
