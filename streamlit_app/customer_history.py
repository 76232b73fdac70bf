"""What a customer did: payments by week, and at each snapshot the score that was stored and what then happened."""

from functools import partial
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from ml.reports import customers
from ml.reports.connection import reading
from streamlit_app import charts, layout
from streamlit_app.formats import day, money, percent
from streamlit_app.texts import say


def show(customer_id: int, language: str) -> None:
    """Payments by week, the stored scores as a line with what then happened, and the same as a table."""
    st.subheader(say("customer_history", language))
    st.caption(say("customer_history_help", language))
    with reading() as conn:
        weeks, past = customers.payments_by_week(conn, customer_id), customers.past(conn, customer_id)
    rows = [one for one in past if one["score"] is not None]
    known = [*(one["week"] for one in weeks), *(one["snapshot_date"] for one in rows)]
    first, last = min(known), max(known)
    span = alt.Scale(domain=[alt.DateTime(year=at.year, month=at.month, date=at.day) for at in (first, last)])

    def dated(field: str, title: str) -> alt.X:
        return alt.X(field, title=title, scale=span, axis=alt.Axis(format="%-d %b"))

    week, payments, spent = (say(f"customer_{name}", language) for name in ("week", "payments", "spent_week"))
    paid = pd.DataFrame(weeks).assign(
        at=pd.to_datetime([one["week"] for one in weeks]),
        day=[day(one["week"], language) for one in weeks],
        told=[money(one["spent"], language) for one in weeks],
    )
    bars = alt.Chart(paid).mark_bar(color=charts.QUIET)
    bars = bars.encode(
        x=dated("at:T", week),
        y=alt.Y("payments:Q", title=payments, axis=alt.Axis(tickMinStep=1)),
        tooltip=[
            alt.Tooltip(f"{name}:N", title=title)
            for name, title in (("day", week), ("payments", payments), ("told", spent))
        ],
    )
    charts.draw(bars.properties(height=180), language)
    if not rows:
        st.caption(say("customer_no_scores", language))
        return
    snapshot, score, version, then = (
        say(name, language) for name in ("snapshot", "probability", "version", "customer_then")
    )
    scored = pd.DataFrame(rows)[["snapshot_date", "score", "model_version"]].assign(
        at=pd.to_datetime([one["snapshot_date"] for one in rows]),
        day=[day(one["snapshot_date"], language) for one in rows],
        told=[percent(one["score"], language) for one in rows],
        then=[_then(one, language) for one in rows],
    )
    base = alt.Chart(scored).encode(
        x=dated("at:T", snapshot),
        y=alt.Y(
            "score:Q",
            scale=alt.Scale(domain=[0, 1]),
            axis=charts.percents(say("week_score", language)),
        ),
    )
    points = base.mark_point(size=70, filled=True, color=charts.QUIET).encode(
        shape=alt.Shape("then:N", title=then, legend=alt.Legend(orient="top")),
        tooltip=[
            alt.Tooltip(f"{name}:N", title=title)
            for name, title in (("day", snapshot), ("told", score), ("then", then))
        ],
    )
    charts.draw((base.mark_line(color=charts.QUIET) + points).properties(height=280), language)
    table = scored[["day", "score", "model_version", "then"]].iloc[::-1]
    table.columns = pd.Index([snapshot, score, version, then])
    layout.table(table, {score: partial(percent, language=language)})


def _then(one: dict[str, Any], language: str) -> str:
    if one["label_source"] == "inactive_60d":
        return say("customer_then_gone", language)
    return say(
        {0: "customer_then_stayed", 1: "customer_then_left"}.get(one["labeled_churn"], "customer_then_unknown"),
        language,
    )
