"""Charts of monitoring: promised and realized churn by week, and drift by feature and week."""

from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from ml.reports.monitoring import Drifted, Realized
from streamlit_app.charts import HAPPENED, PREDICTED, STATES, SYMBOLS, draw, percents
from streamlit_app.formats import day, number, percent
from streamlit_app.layout import missing
from streamlit_app.monitoring_words import subject_label
from streamlit_app.texts import say

ROW, LABEL = 24, 170  # pixels
NOT_COMPARED = "not_compared"


def realized(weeks: list[Realized], language: str) -> None:
    """Mean score beside the share that churned, and ROC AUC beside that in time, by snapshot."""
    st.subheader(say("monitoring_realized", language))
    measured = [each for each in weeks if each.mean_score is not None]
    if not measured:
        missing(say("monitoring_realized_none", language))
        return
    st.caption(say("monitoring_realized_caption", language))
    draw(_shares(measured, language), language)
    st.subheader(say("monitoring_roc_auc_title", language))
    st.caption(say("monitoring_roc_auc_caption", language))
    draw(_ranking(measured, language), language)


def drift(found: list[Drifted], language: str) -> None:
    """A heat map of the stability index and one of the share unknown; symbols say what colours say."""
    if not found:
        missing(say("monitoring_drift_none", language))
        return
    for check in ("drift", "share unknown"):
        of_check = [each for each in found if each.check_name == check]
        if not of_check:
            continue
        name = check.replace(" ", "_")
        st.subheader(say(f"monitoring_{name}", language))
        limit = percent(of_check[0].alert_above, language, 0)
        st.caption(say(f"monitoring_{name}_caption", language, limit=limit))
        draw(_heat_map(of_check, language), language)


def _shares(weeks: list[Realized], language: str) -> Any:
    names = [say("monitoring_promised", language), say("monitoring_happened", language)]
    rows = pd.DataFrame(
        [
            {
                "snapshot": each.snapshot_date.isoformat(),
                "what": name,
                "share": share,
                "low": each.churned - reach if name == names[1] else None,
                "high": each.churned + reach if name == names[1] else None,
                "day": day(each.snapshot_date, language),
                "shown": percent(share, language),
                "version": each.model_version,
                "customers": number(each.rows_measured, language),
            }
            for each in weeks
            for reach in [((each.calibration_high or 0.0) - (each.calibration_low or 0.0)) / 2]
            for name, share in zip(names, (each.mean_score or 0.0, each.churned), strict=True)
        ]
    )
    top = alt.Legend(orient="top", title=None, labelLimit=0, columns=1)
    color = alt.Color("what:N", scale=alt.Scale(domain=names, range=[PREDICTED, HAPPENED]), legend=top)
    shape = alt.Shape("what:N", scale=alt.Scale(domain=names, range=["circle", "square"]), legend=top)
    dash = alt.StrokeDash("what:N", scale=alt.Scale(domain=names, range=[[1, 0], [5, 4]]), legend=top)
    base = alt.Chart(rows).encode(x=_weeks(language))
    y = alt.Y("share:Q", axis=percents(say("monitoring_share", language)), scale=alt.Scale(zero=False))
    lines = base.mark_line().encode(y=y, color=color, strokeDash=dash)
    bars = base.mark_rule(strokeWidth=2).encode(y=alt.Y("low:Q"), y2="high:Q", color=color)
    dots = base.mark_point(filled=True, size=70, opacity=1).encode(
        y=y,
        color=color,
        shape=shape,
        tooltip=_tooltips(
            language, day="snapshot", what="what", shown="share", customers="customers", version="version"
        ),
    )
    return alt.layer(bars.transform_filter("isValid(datum.low)"), lines, dots).properties(height=300)


def _ranking(weeks: list[Realized], language: str) -> Any:
    names = [say("monitoring_came_to", language), say("monitoring_in_time", language)]
    rows = pd.DataFrame(
        [
            {
                "snapshot": each.snapshot_date.isoformat(),
                "what": name,
                "auc": value,
                "low": each.roc_auc_low if name == names[0] else None,
                "high": each.roc_auc_high if name == names[0] else None,
                "day": day(each.snapshot_date, language),
                "shown": number(value, language, 3),
                "version": each.model_version,
            }
            for each in weeks
            for name, value in zip(names, (each.roc_auc, each.roc_auc_in_time), strict=True)
            if value is not None
        ]
    )
    top = alt.Legend(orient="top", title=None, labelLimit=0, columns=1)
    color = alt.Color("what:N", scale=alt.Scale(domain=names, range=[PREDICTED, HAPPENED]), legend=top)
    shape = alt.Shape("what:N", scale=alt.Scale(domain=names, range=["circle", "diamond"]), legend=top)
    base = alt.Chart(rows).encode(x=_weeks(language))
    low = alt.Y("low:Q", title=say("monitoring_roc_auc", language), scale=alt.Scale(zero=False))
    bars = base.mark_rule(strokeWidth=2).encode(y=low, y2="high:Q", color=color)
    dots = base.mark_point(filled=True, size=80, opacity=1).encode(
        y=alt.Y("auc:Q", scale=alt.Scale(zero=False)),
        color=color,
        shape=shape,
        tooltip=_tooltips(language, day="snapshot", what="what", shown="roc_auc", version="version"),
    )
    return alt.layer(bars.transform_filter("isValid(datum.low)"), dots).properties(height=240)


def _heat_map(found: list[Drifted], language: str) -> Any:
    rows = pd.DataFrame(
        [
            {
                "week": day(each.snapshot_date, language),
                "feature": subject_label(each.subject, language),
                "state": state,
                "full": 1.0 if state in ("warn", "alert") else each.value / each.alert_above,
                "symbol": "·" if state == NOT_COMPARED else SYMBOLS[state],
                "value": number(each.value, language, 3),
                "warn_above": number(each.warn_above, language, 3),
                "alert_above": number(each.alert_above, language, 3),
                "said": say(f"monitoring_state_{state}", language),
                "version": each.model_version,
            }
            for each in found
            for state in [each.state if each.is_compared else NOT_COMPARED]
        ]
    )
    weeks = rows["week"].drop_duplicates().tolist()
    worst = rows.assign(worst=[each.value / each.alert_above for each in found]).groupby("feature")["worst"].max()
    order = worst.sort_values(ascending=False).index.tolist()
    states = [*STATES, NOT_COMPARED]
    x = alt.X("week:O", sort=weeks, title=None, axis=alt.Axis(labelAngle=-45, labelOverlap="greedy"))
    y = alt.Y("feature:N", sort=order, title=None, axis=alt.Axis(labelLimit=LABEL))
    colors = alt.Scale(domain=states, range=[*STATES.values(), "transparent"])
    shown = {name: name for name in ("feature", "value", "warn_above", "alert_above", "version")}
    shown |= {"week": "snapshot", "said": "state"}
    cells = (
        alt.Chart(rows)
        .mark_rect(stroke="#8a8f98", strokeWidth=0.3)
        .encode(
            x=x,
            y=y,
            color=alt.Color("state:N", scale=colors, legend=None),
            opacity=alt.Opacity("full:Q", scale=alt.Scale(domain=[0, 1], range=[0.08, 1]), legend=None),
            tooltip=_tooltips(language, **shown),
        )
    )
    inks = alt.Scale(domain=states, range=["#8a8f98", "#000000", "#ffffff", "#8a8f98"])
    ink = alt.Color("state:N", scale=inks, legend=None)
    symbols = alt.Chart(rows).mark_text(fontWeight="bold").encode(x=x, y=y, text="symbol:N", color=ink)
    return alt.layer(cells, symbols).resolve_scale(color="independent").properties(height=ROW * len(order) + 90)


def _weeks(language: str) -> alt.X:
    """Days as they are in the database: a time of the reader's own zone would move them."""
    axis = alt.Axis(format="%d %b %Y", labelOverlap="greedy", tickCount="week")
    return alt.X("snapshot:T", scale=alt.Scale(type="utc"), title=say("monitoring_snapshot", language), axis=axis)


def _tooltips(language: str, **columns: str) -> list[alt.Tooltip]:
    titles = {"what": " "}
    return [
        alt.Tooltip(f"{name}:N", title=titles.get(key) or say(f"monitoring_{key}", language))
        for name, key in columns.items()
    ]
