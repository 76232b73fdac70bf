"""What charts share: numbers and dates as the language writes them, colours with a meaning, and how they are shown."""

from collections.abc import Mapping
from typing import Any

import altair as alt
import streamlit as st
from babel.dates import get_day_names, get_month_names

from streamlit_app.formats import LOCALES

# Each reads on white and on near-black; a shape or a symbol always says the same.
PREDICTED, HAPPENED, QUIET = "#3b82c4", "#d97706", "#8a8f98"
MORE, LESS = "#d97706", "#3b82c4"  # raises the risk, lowers it
STATES = {"ok": "#3b82c4", "warn": "#d97706", "alert": "#d6336c"}
SYMBOLS = {"ok": "", "warn": "▲", "alert": "✖"}


def percents(title: str, grid: bool = True) -> alt.Axis:
    """An axis of shares, 0 to 1, as percentages."""
    return alt.Axis(title=title, labelExpr="format(datum.value * 100, '.3~g') + '%'", grid=grid)


def draw(chart: Any, language: str) -> None:
    """Show a chart as wide as its place, with numbers and dates of the language."""
    st.altair_chart(chart.configure(locale=_locale(language)), theme="streamlit")


def _locale(language: str) -> alt.Locale:
    locale = LOCALES[language]
    symbols = locale.number_symbols["latn"]
    months = {width: list(get_month_names(width, locale=locale).values()) for width in ("wide", "abbreviated")}
    days = {width: _sunday_first(get_day_names(width, locale=locale)) for width in ("wide", "abbreviated")}
    return alt.Locale(
        number=alt.NumberLocale(
            decimal=symbols["decimal"], thousands=symbols["group"], grouping=[3], currency=["$", ""]
        ),
        time=alt.TimeLocale(
            dateTime="%x, %X",
            date="%d/%m/%Y" if language == "es" else "%m/%d/%Y",
            time="%H:%M",
            periods=["AM", "PM"],
            days=days["wide"],
            shortDays=days["abbreviated"],
            months=months["wide"],
            shortMonths=months["abbreviated"],
        ),
    )


def _sunday_first(names: Mapping[int, str]) -> list[str]:
    """Babel counts from Monday."""
    return [names[number] for number in (6, 0, 1, 2, 3, 4, 5)]
