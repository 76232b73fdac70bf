"""Axes of charts as each language writes numbers and dates; Vega knows English alone. Colours with one meaning each."""

import json
from collections.abc import Iterable
from datetime import date
from typing import Any

import altair as alt
from babel.dates import format_date

from streamlit_app.formats import LOCALES

MORE, LESS, PLAIN = "#c05a2c", "#2f7ebc", "#7f96ad"  # raises the risk, lowers it, neither; they read on both themes
SEPARATORS = {
    "es": "replace(replace(replace(datum.label, ',', ';'), '.', ','), ';', '.')",
    "en": "datum.label",
}


def number_axis(language: str, **options: Any) -> alt.Axis:
    """An axis of numbers with the language's separators."""
    return alt.Axis(labelExpr=SEPARATORS[language], **options)


def date_axis(dates: Iterable[date], language: str, most: int = 12) -> alt.Axis:
    """An axis that names at most `most` of the dates, evenly spaced: 26 may (es), May 26 (en)."""
    listed = sorted(set(dates))
    shown = listed[:: max(1, -(-len(listed) // most))]
    pattern = "d MMM" if language == "es" else "MMM d"
    named = {each.isoformat(): format_date(each, pattern, locale=LOCALES[language]) for each in shown}
    words = json.dumps(named, ensure_ascii=False)
    moments = [alt.DateTime(year=each.year, month=each.month, date=each.day) for each in shown]
    return alt.Axis(values=moments, labelExpr=f"{words}[timeFormat(datum.value, '%Y-%m-%d')]", labelOverlap=True)
