"""Charts of the model: calibration by tenth of the scores, and coefficients with their spread."""

from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from ml.reports.model import Card, Coefficient, Tenth
from streamlit_app.charts import HAPPENED, PREDICTED, QUIET, draw, percents
from streamlit_app.formats import number, percent, signed
from streamlit_app.layout import missing
from streamlit_app.model_words import KINDS, coefficient_interval, input_label
from streamlit_app.texts import say

ROW, LABEL = 26, 200  # pixels


def calibration(card: Card, language: str) -> None:
    """Mean score beside the share that churned, by tenth: out of time, then in time."""
    drawn = [kind for kind in KINDS if card.tenths.get(kind)]
    if not drawn:
        missing(say("model_calibration_missing", language))
        return
    st.caption(say("model_calibration_caption", language))
    for column, kind in zip(st.columns(2), drawn, strict=False):
        with column:
            draw(_calibration(card.tenths[kind], say(f"model_kind_{kind}", language), language), language)


def coefficients(card: Card, language: str) -> None:
    """Each coefficient as a dot with its interval, the largest first."""
    st.caption(say("model_coefficients_caption", language))
    if any(each.low is None for each in card.coefficients):
        st.caption(say("model_coefficients_without_spread", language))
    rows = _coefficient_rows(card.coefficients, "", language)
    order = rows["input"].tolist()
    y = alt.Y("input:N", sort=order, title=None, axis=alt.Axis(labelLimit=LABEL))
    base = alt.Chart(rows)
    bars = base.mark_rule(strokeWidth=2, color=PREDICTED).encode(x=alt.X("low:Q"), x2="high:Q", y=y)
    dots = base.mark_point(filled=True, size=70, color=PREDICTED, opacity=1).encode(
        x=alt.X("coefficient:Q", title=say("model_axis_coefficient", language)), y=y, tooltip=_tooltips(rows, language)
    )
    zero = alt.Chart(pd.DataFrame({"zero": [0]})).mark_rule(color=QUIET, strokeDash=[4, 4]).encode(x="zero:Q")
    draw((zero + bars + dots).properties(height=ROW * len(order) + 50), language)


def coefficients_of_two(cards: list[Card], language: str) -> None:
    """The coefficients of two versions, one below the other, told apart by colour and shape."""
    names = [say("model_version", language, version=card.version) for card in cards]
    parts = [_coefficient_rows(card.coefficients, name, language) for card, name in zip(cards, names, strict=True)]
    rows = pd.concat(parts, ignore_index=True)
    order = rows["input"].drop_duplicates().tolist()
    y = alt.Y("input:N", sort=order, title=None, axis=alt.Axis(labelLimit=LABEL))
    top = alt.Legend(orient="top", title=None)
    color = alt.Color(
        "version:N", sort=names, title=None, scale=alt.Scale(domain=names, range=[PREDICTED, HAPPENED]), legend=top
    )
    shape = alt.Shape(
        "version:N", sort=names, title=None, scale=alt.Scale(domain=names, range=["circle", "diamond"]), legend=top
    )
    offset = alt.YOffset("version:N", sort=names)
    base = alt.Chart(rows)
    bars = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q"), x2="high:Q", y=y, yOffset=offset, color=color)
    dots = base.mark_point(filled=True, size=60, opacity=1).encode(
        x=alt.X("coefficient:Q", title=say("model_axis_coefficient", language)),
        y=y,
        yOffset=offset,
        color=color,
        shape=shape,
        tooltip=_tooltips(rows, language),
    )
    zero = alt.Chart(pd.DataFrame({"zero": [0]})).mark_rule(color=QUIET, strokeDash=[4, 4]).encode(x="zero:Q")
    draw((zero + bars + dots).properties(height=1.3 * ROW * len(order) + 80), language)


def _calibration(tenths: list[Tenth], title: str, language: str) -> Any:
    predicted, happened = say("model_axis_predicted", language), say("model_axis_happened", language)
    rows = pd.DataFrame(
        {
            "mean_score": [each.mean_score for each in tenths],
            "churned": [each.churned for each in tenths],
            predicted: [percent(each.mean_score, language) for each in tenths],
            happened: [percent(each.churned, language) for each in tenths],
            say("model_axis_rows", language): [number(each.rows, language) for each in tenths],
        }
    )
    most = float(rows[["mean_score", "churned"]].max().max()) * 1.05
    scale = alt.Scale(domain=[0, most], nice=False)
    line = (
        alt.Chart(pd.DataFrame({"at": [0.0, most]}))
        .mark_line(color=QUIET, strokeDash=[4, 4])
        .encode(x=alt.X("at:Q", scale=scale), y=alt.Y("at:Q", scale=scale))
    )
    dots = (
        alt.Chart(rows, title=title)
        .mark_line(color=PREDICTED, point=alt.OverlayMarkDef(filled=True, size=60, color=PREDICTED))
        .encode(
            x=alt.X("mean_score:Q", scale=scale, axis=percents(predicted)),
            y=alt.Y("churned:Q", scale=scale, axis=percents(happened)),
            tooltip=[predicted, happened, say("model_axis_rows", language)],
        )
    )
    return alt.layer(line, dots).properties(height=300)


def _coefficient_rows(found: list[Coefficient], version: str, language: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "version": version,
            "input": [input_label(each.input, language) for each in found],
            "coefficient": [each.coefficient for each in found],
            "low": [each.coefficient if each.low is None else each.low for each in found],
            "high": [each.coefficient if each.high is None else each.high for each in found],
            "value": [signed(each.coefficient, language, 3) for each in found],
            "interval": [coefficient_interval(each, language) for each in found],
            "declared": [say(f"model_declared_{each.declared.replace(' ', '_')}", language) for each in found],
        }
    )


def _tooltips(rows: pd.DataFrame, language: str) -> list[alt.Tooltip]:
    titles = {"input": "model_input", "value": "model_coefficient", "interval": "model_interval"}
    titles["declared"] = "model_declared"
    versions = [alt.Tooltip("version:N", title="")] if rows["version"].iloc[0] else []
    return versions + [alt.Tooltip(f"{name}:N", title=say(key, language)) for name, key in titles.items()]
