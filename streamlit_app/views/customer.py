"""One customer: the risk, its reasons, what they did, and what would be if they behaved otherwise."""

import math
from datetime import date
from functools import partial
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from ml.model_config import ACTIVE_DAYS
from ml.reports import customers
from ml.reports.connection import reading
from ml.reports.customers import Conditions, Customer, StoredScore
from ml.snapshots import what_if
from ml.snapshots.catalogue import BY_NAME
from ml.snapshots.feature import GROUPS
from streamlit_app import charts, customer_history, failures, inputs, layout, links
from streamlit_app.formats import day, minute, money, number, percent, signed
from streamlit_app.layout import Figure
from streamlit_app.model import Scorer, production_scorer
from streamlit_app.texts import code, feature_label, say

LISTED = 50
MOST_PESOS = 1e9
CATEGORIES = ("estado", "tarjetas", "rango_edad")


@st.cache_data(max_entries=8, ttl=600, show_spinner=False)
def values(snapshot_date: date) -> customers.Values:
    """What a snapshot's customers can be filtered by."""
    with reading() as conn:
        return customers.values(conn, snapshot_date)


@st.cache_data(max_entries=8, ttl=600, show_spinner=False)
def typical(snapshot_date: date) -> dict[str, Any] | None:
    """The typical customer of a snapshot."""
    with reading() as conn:
        return customers.typical(conn, snapshot_date)


def page(language: str) -> None:
    """Draw the page for the customer and snapshot that the address names (`?id=…&snapshot=…`)."""
    layout.head(say("customer_title", language), say("customer_intro", language))
    with reading() as conn:
        dates = customers.snapshots(conn)
    if not dates:
        layout.missing(say("no_snapshots", language))
        return
    named = st.query_params.get("snapshot", "")
    snapshot_date = next((each for each in dates if each.isoformat() == named), dates[0])
    _search(dates, snapshot_date, language)
    _pick(snapshot_date, language)
    typed = st.query_params.get("id", "").strip()
    found = _find(typed, snapshot_date, language) if typed else None
    if found is not None:
        _customer(found, language)
    elif not typed:
        _typical(snapshot_date, language)


def _search(dates: list[date], snapshot_date: date, language: str) -> None:
    """The form that names a customer; what it says goes into the address, so that a result can be sent to others."""
    with st.form("lookup", border=False):
        left, right, button = st.columns([2, 2, 1], vertical_alignment="bottom")
        typed = left.text_input(
            say("customer_id", language),
            value=st.query_params.get("id", ""),
            placeholder=say("customer_id_hint", language),
        )
        chosen = right.selectbox(
            say("snapshot", language),
            dates,
            index=dates.index(snapshot_date),
            format_func=lambda each: day(each, language),
        )
        sent = button.form_submit_button(say("search", language), width="stretch")
    if sent:
        st.query_params.update({"id": typed, "snapshot": chosen.isoformat()})
        st.rerun()


def _pick(snapshot_date: date, language: str) -> None:
    """Customers that meet some conditions, for those who have no id."""
    with st.expander(say("customer_find", language)):
        offered = values(snapshot_date)
        with st.form("conditions", border=False):
            least, most = st.slider(say("customer_risk", language), 0, 100, (0, 100))
            spent = st.number_input(say("customer_spent", language), 0.0, MOST_PESOS, 0.0, step=1000.0, format="%.0f")
            chosen = {
                name: column.multiselect(
                    feature_label(name, language), getattr(offered, name), placeholder=say("customer_any", language)
                )
                for name, column in zip(CATEGORIES, st.columns(len(CATEGORIES)), strict=True)
            }
            sent = st.form_submit_button(say("customer_list", language))
        if not sent:
            return
        with reading() as conn:
            conditions = Conditions(least / 100, most / 100, spent, **chosen)
            found, count = customers.listed(conn, snapshot_date, conditions, LISTED)
        if not found:
            st.info(say("customer_none_listed", language, snapshot=day(snapshot_date, language)))
            return
        counted = number(count, language)
        st.caption(say("customer_listed", language, found=counted, shown=len(found)))
        columns = [say("customer_id", language), say("probability", language)]
        columns += [feature_label(name, language) for name in ("spent_90d", "days_since_activity", *CATEGORIES)]
        rows = [
            (
                links.customer(one["customer_id"], snapshot_date, language),
                one["score"], one["spent_90d"], one["days_since_activity"],
                *("" if one[name] is None else code(one[name]) for name in CATEGORIES),
            )
            for one in found
        ]  # fmt: skip
        formats = {
            columns[1]: partial(percent, language=language),
            columns[2]: partial(money, language=language),
            columns[3]: partial(number, language=language),
        }
        layout.table(pd.DataFrame(rows, columns=columns), formats)


def _find(text: str, snapshot_date: date, language: str) -> Customer | None:
    """The customer named by `text`, or None after showing on the page why there is none."""
    customer_id = inputs.customer_id(text)
    if customer_id is None:
        st.error(say("bad_id", language, value=code(text), largest=number(inputs.LARGEST_ID, language, 0)))
        return None
    with reading() as conn:
        found = customers.customer(conn, customer_id, snapshot_date)
        elsewhere = [] if found else customers.customer_snapshots(conn, customer_id)
    if found is None and elsewhere:
        dates = ", ".join(day(each, language) for each in elsewhere)
        known = {"customer": customer_id, "snapshot": day(snapshot_date, language), "found": dates}
        st.warning(say("other_snapshots", language, **known))
    elif found is None:
        st.warning(say("unknown_customer", language, customer=customer_id))
    return found


def _customer(found: Customer, language: str) -> None:
    who = {"customer": found.customer_id, "snapshot": day(found.snapshot_date, language)}
    st.subheader(say("result_customer", language, **who))
    if found.already_churned:
        days = number(found.row["days_since_activity"], language, 0)
        st.warning(say("already_churned", language, days=days, limit=ACTIVE_DAYS))
    else:
        scorer = None
        with failures.told(language):
            scorer = production_scorer()
            _score(scorer, found, language)
        if scorer is None or found.stored is None or found.stored.model_version != scorer.version:
            _stored(found, scorer, language)
        if scorer is not None:
            _cautions(scorer, found.row, language)
            _reasons(scorer, found.row, language)
            _what_if(scorer, found.row, str(found.customer_id), language)
    customer_history.show(found.customer_id, language)


def _typical(snapshot_date: date, language: str) -> None:
    st.subheader(say("customer_nobody", language))
    st.caption(say("customer_nobody_help", language, snapshot=day(snapshot_date, language)))
    row = typical(snapshot_date)
    if row is not None:
        row = what_if.features(row, what_if.imagined(row))
        scorer = production_scorer()
        _what_if(scorer, row, "typical", language)
        _reasons(scorer, row, language)


def _score(scorer: Scorer, found: Customer, language: str) -> None:
    probability = scorer.probability(found.row)
    stored = found.stored
    place = say("customer_no_place", language)
    if stored is not None:
        below = math.floor(stored.share_below * 1000) / 1000  # above nobody who is not below
        place = say("customer_place_value", language, share=percent(below, language))
    spent = found.row["spent_90d"]
    layout.figures(
        [
            Figure(say("probability", language), percent(probability, language)),
            Figure(
                say("decision", language), say("churner" if probability >= scorer.threshold else "stayer", language)
            ),
            Figure(say("customer_place", language), place, say("customer_place_help", language)),
            Figure(
                say("week_at_stake", language),
                money(probability * spent, language),
                say("customer_stake_help", language, spent=money(spent, language)),
            ),
        ]
    )
    scored = "" if stored is None else minute(stored.scored_at, language)
    layout.as_of(language, snapshot=day(found.snapshot_date, language), version=scorer.version, scored=scored)


def _stored(found: Customer, scorer: Scorer | None, language: str) -> None:
    """The score that the weekly batch stored, where the page shows another or none."""
    stored: StoredScore | None = found.stored
    if stored is None:
        st.info(say("batch_missing", language, snapshot=found.snapshot_date))
        return
    told = {"version": stored.model_version, "scored_at": minute(stored.scored_at, language)}
    line = say("batch_line", language, score=percent(stored.score, language), **told)
    if scorer is not None:
        line += " " + say("batch_other_version", language, stored=stored.model_version, current=scorer.version)
    st.info(line)


def _cautions(scorer: Scorer, row: dict[str, Any], language: str) -> None:
    unusual = []
    for name, seen in scorer.categories.items():
        if row[name] is not None and row[name] not in seen:
            st.warning(say("warn_unseen", language, feature=feature_label(name, language), value=code(row[name])))
    for name, (low, high) in scorer.ranges.items():
        value = row.get(name)
        if value is not None and not low <= value <= high:
            limits = f"{number(low, language)} … {number(high, language)}"
            unusual.append(f"{feature_label(name, language)}: {number(value, language)} ({limits})")
    if unusual:
        st.caption(say("unusual", language, values="; ".join(unusual)).replace("$", "\\$"))


def _reasons(scorer: Scorer, row: dict[str, Any], language: str) -> None:
    """The contribution of each group as bars, and as a table whose rows sum to the log-odds of the probability."""
    st.subheader(say("contributions", language))
    st.caption(say("contributions_help", language))
    average, parts = scorer.contributions(row)
    names = {group: getattr(GROUPS[group], language) for group in parts}
    adds, label = say("customer_adds", language), say("customer_group", language)
    bars = pd.DataFrame(
        [(names[group], part, signed(part, language)) for group, part in parts.items()],
        columns=["group", "adds", "text"],
    )
    base = alt.Chart(bars).encode(y=alt.Y("group:N", sort="-x", title=None, axis=alt.Axis(labelLimit=220)))
    drawn = base.mark_bar(size=16).encode(
        x=alt.X("adds:Q", title=adds),
        color=alt.condition("datum.adds > 0", alt.value(charts.MORE), alt.value(charts.LESS)),
        tooltip=[alt.Tooltip("group:N", title=label), alt.Tooltip("text:N", title=adds)],
    )
    charts.draw(drawn.properties(height=40 * len(bars) + 40), language)
    inputs_of = {group: [name for name in scorer.features if BY_NAME[name].group == group] for group in parts}
    rows = [(say("customer_average", language), "", average)]
    for group, part in sorted(parts.items(), key=lambda one: -abs(one[1])):
        told = (f"{feature_label(name, language)}: {_as_text(row.get(name), language)}" for name in inputs_of[group])
        rows.append((names[group], "; ".join(told).replace("$", "\\$"), part))
    rows.append((say("customer_sum", language), "", average + sum(parts.values())))
    columns = [label, say("customer_values", language), adds]
    layout.table(pd.DataFrame(rows, columns=columns), {adds: partial(signed, language=language)})


def _as_text(value: Any, language: str) -> str:
    if value is None:
        return say("unknown", language)
    return code(value) if isinstance(value, str) else number(value, language)  # tables interpret Markdown


@st.fragment
def _what_if(scorer: Scorer, row: dict[str, Any], who: str, language: str) -> None:
    """Sliders for what a person can imagine; a fragment, so that a slider computes one probability and nothing else."""
    st.subheader(say("customer_what_if", language))
    st.caption(say("customer_what_if_help", language))
    start = what_if.imagined(row)
    left, right = st.columns(2, gap="large")

    def slider(column: Any, name: str, low: int, high: int, value: int) -> int:
        return int(column.slider(say(name, language), low, high, value, key=f"{name}-{who}"))

    days = slider(left, "customer_if_days", 1, what_if.LONGEST, start.days_since_activity)
    in_30 = slider(left, "customer_if_30", 0, max(60, 2 * start.payments_30d), start.payments_30d)
    in_90 = slider(left, "customer_if_90", 1, max(120, 2 * start.payments_90d), start.payments_90d)
    spent = left.number_input(
        say("customer_if_spent", language), 0.0, MOST_PESOS, start.spent_per_payment,
        step=100.0, format="%.0f", key=f"spent-{who}",
    )  # fmt: skip
    visited = left.select_slider(
        say("customer_if_visited", language), [None, *range(32)], start.visited_days,
        format_func=lambda each: say("unknown", language) if each is None else str(each), key=f"visited-{who}",
    )  # fmt: skip
    wanted = what_if.Imagined(days, in_30, in_90, spent, visited)
    then = wanted.possible()
    probability, before = scorer.probability(what_if.features(row, wanted)), scorer.probability(row)
    right.metric(
        say("probability", language),
        percent(probability, language),
        say("customer_if_before", language, before=percent(before, language)),
        delta_color="off",
        delta_arrow="off",
        border=True,
    )
    right.metric(
        say("decision", language),
        say("churner" if probability >= scorer.threshold else "stayer", language),
        border=True,
    )
    if (then.payments_30d, then.payments_90d) != (in_30, in_90):
        corrected = {"days": days, "in_30": then.payments_30d, "in_90": then.payments_90d}
        right.info(say("customer_if_corrected", language, **corrected))
