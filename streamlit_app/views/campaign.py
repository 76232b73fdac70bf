"""Plans a campaign by what it is expected to gain, creates it, and shows what earlier ones came to."""

from datetime import date, timedelta
from typing import Any

import pandas as pd
import psycopg
import streamlit as st

from ml.campaign import create
from ml.campaigns.candidates import CATEGORIES, Segment, candidates
from ml.campaigns.create import LONGEST_NAME, Request
from ml.campaigns.listing import campaigns
from ml.campaigns.profit import Assumptions, Curves, curves
from ml.campaigns.refusals import Refused
from ml.campaigns.results import payments_known_through
from ml.reports import campaign as report
from ml.reports.connection import reading
from ml.reports.week import ScoringRun, current_runs
from ml.settings import settings
from ml.snapshots.catalogue import CHURN_DAYS
from streamlit_app import campaign_results
from streamlit_app.access import may_change
from streamlit_app.campaign_chart import profit_curve
from streamlit_app.charts import draw
from streamlit_app.formats import day, minute, money, number, percent
from streamlit_app.layout import Figure, as_of, figures, head, missing
from streamlit_app.texts import TEXTS, code, say

DEFAULTS = {"contact_cost": 20.0, "offer_cost": 100.0, "save_rate": 20.0, "margin": 30.0}
CONTROL = 20.0  # per cent
DECIMALS = "%g"  # as many as were typed


def page(language: str) -> None:
    """Draw the page."""
    head(say("campaign_title", language), say("campaign_intro", language))
    with reading() as conn:
        scored, newest = current_runs(conn), report.newest_campaign(conn)
        known, known_through = campaigns(conn), payments_known_through(conn)
    if not scored:
        missing(say("campaign_no_scores", language))
        return
    _say_created(language)
    chosen, starts_on = _choose(scored, language)
    with st.spinner(say("campaign_reading", language)):
        rows = _candidates(chosen.scoring_run_id, chosen.snapshot_date, starts_on, newest)
    left, right = st.columns(2, gap="large")
    with left:
        segment = _segment(rows, language)
    with right:
        assumptions = _assumptions(language)
    inside = segment.holds(rows)
    score, spent = (rows[name].to_numpy()[inside] for name in ("score", "spent_90d"))
    if len(score) == 0:
        missing(say("campaign_nobody", language))
    else:
        planned = curves(score, spent * assumptions.margin, assumptions)
        _show(planned, language)
        _offer_to_create(chosen, starts_on, segment, assumptions, planned, language)
    campaign_results.show(known, known_through, language)


def _choose(scored: list[ScoringRun], language: str) -> tuple[ScoringRun, date]:
    """The snapshot, the newest first, and the first day of the campaign."""
    left, right = st.columns(2)
    by_date = {each.snapshot_date: each for each in scored}
    first = left.selectbox(
        say("campaign_snapshot", language),
        list(by_date),
        format_func=lambda each: day(each, language),
        key="campaign_snapshot",
    )
    chosen = by_date[first]
    starts_on = right.date_input(
        say("campaign_starts_on", language),
        first,
        min_value=first,
        max_value=first + timedelta(days=CHURN_DAYS - 1),
        format="DD/MM/YYYY" if language == "es" else "MM/DD/YYYY",
        help=say("campaign_starts_on_help", language),
        key=f"campaign_starts_on_{first}",
    )
    as_of(
        language,
        snapshot=day(first, language),
        version=chosen.model_version,
        scored=minute(chosen.scored_at, language),
    )
    return chosen, starts_on


@st.cache_resource(max_entries=2, show_spinner=False)
def _candidates(scoring_run_id: int, snapshot_date: date, starts_on: date, newest: int) -> pd.DataFrame:
    """Read once for all visitors, who do not change it; other scores or another campaign make it another."""
    with reading() as conn:
        return candidates(conn, snapshot_date, starts_on)


def _segment(rows: pd.DataFrame, language: str) -> Segment:
    st.subheader(say("campaign_segment", language))
    stated: dict[str, Any] = {
        name: tuple(
            st.multiselect(
                say(f"campaign_{name}", language),
                sorted(rows[name].cat.categories),
                placeholder=say("campaign_everyone", language),
                key=f"campaign_{name}",
            )
        )
        for name in CATEGORIES
    }
    low, high = st.slider(say("campaign_score_range", language), 0, 100, (0, 100), key="campaign_score_range")
    spent = st.number_input(
        say("campaign_min_spent_90d", language),
        min_value=0.0,
        step=100.0,
        format=DECIMALS,
        key="campaign_min_spent_90d",
    )
    stated |= {
        "min_score": low / 100 if low > 0 else None,
        "max_score": high / 100 if high < 100 else None,
        "min_spent_90d": spent or None,
    }
    return Segment(**stated)


def _assumptions(language: str) -> Assumptions:
    st.subheader(say("campaign_assumptions", language))

    def stated(place: Any, name: str, highest: float, note: str | None = None) -> float:
        label = say(f"campaign_{name}", language)
        return float(place.number_input(label, 0.0, highest, DEFAULTS[name], 1.0, DECIMALS, f"campaign_{name}", note))

    def limit(place: Any, name: str, zero: float, step: float, decimals: str) -> Any:
        label, none = say(f"campaign_{name}", language), say("campaign_no_limit", language)
        return place.number_input(label, zero, None, None, step, decimals, f"campaign_{name}", placeholder=none)

    left, right = st.columns(2, vertical_alignment="bottom")
    contact_cost = stated(left, "contact_cost", 1e9)
    offer_cost = stated(right, "offer_cost", 1e9, say("campaign_offer_cost_help", language))
    left, right = st.columns(2, vertical_alignment="bottom")
    save_rate = stated(left, "save_rate", 100.0) / 100
    margin = stated(right, "margin", 1000.0) / 100
    left, right = st.columns(2, vertical_alignment="bottom")
    budget = limit(left, "budget", 0.0, 1000.0, DECIMALS)
    capacity = limit(right, "capacity", 0, 100, "%d")
    return Assumptions(contact_cost, offer_cost, save_rate, margin, budget, capacity)


def _show(planned: Curves, language: str) -> None:
    at_best = {
        name: float(curve.profit[planned.contacted.searchsorted(planned.best)])
        for name, curve in planned.by_save_rate.items()
    }
    shown = [
        Figure(
            say("campaign_candidates", language),
            number(len(planned.order), language),
            say("campaign_candidates_help", language),
        ),
        Figure(say("campaign_best", language), number(planned.best, language), say("campaign_best_help", language)),
        Figure(say("campaign_best_profit", language), money(at_best["expected"], language)),
    ]
    for name in ("half", "double"):
        rate = percent(planned.by_save_rate[name].save_rate, language)
        note = say("campaign_profit_help", language, rate=rate)
        shown.append(Figure(say(f"campaign_profit_{name}", language), money(at_best[name], language), note))
    figures(shown)
    st.subheader(say("campaign_curve", language))
    st.caption(say("campaign_curve_caption", language))
    draw(profit_curve(planned, language), language)


def _offer_to_create(
    chosen: ScoringRun, starts_on: date, segment: Segment, assumptions: Assumptions, planned: Curves, language: str
) -> None:
    st.subheader(say("campaign_create", language))
    st.caption(say("campaign_create_caption", language))
    if not may_change():
        st.info(say("campaign_viewer", language))
        return
    with st.form("campaign_form"):
        left, right = st.columns(2)
        name = left.text_input(say("campaign_name", language), max_chars=LONGEST_NAME, key="campaign_new_name")
        who = right.text_input(say("campaign_who", language), max_chars=LONGEST_NAME, key="campaign_who")
        left, right = st.columns(2)
        customers = left.number_input(
            say("campaign_customers", language),
            min_value=0,
            value=planned.best,
            key=f"campaign_customers_{planned.best}",
        )
        control = right.number_input(
            say("campaign_control_share", language), 0.0, 100.0, CONTROL, 1.0, DECIMALS, "campaign_control_share"
        )
        is_sent = st.form_submit_button(say("campaign_submit", language), type="primary")
    seen = st.session_state.get("campaign_scoring_run")  # what was on the page when the form was sent
    st.session_state["campaign_scoring_run"] = chosen.scoring_run_id
    if not is_sent:
        return
    if not who.strip():
        st.error(say("campaign_who_needed", language))
        return
    try:
        made = create(
            Request(
                name=name,
                snapshot_date=chosen.snapshot_date,
                assumptions=assumptions,
                control_share=control / 100,
                segment=segment,
                customers=customers,
                starts_on=starts_on,
                scoring_run_id=seen,
                who=who,
            )
        )
    except Refused as error:
        st.error(say("campaign_refused", language, reason=_reason(error, language)))
    except psycopg.errors.LockNotAvailable:
        st.error(say("campaign_busy", language))
    except psycopg.OperationalError as error:
        if "password authentication failed" not in str(error):
            raise
        env = settings()
        address = code(f"{env.postgres_host}:{env.postgres_port}")
        st.error(say("database_refused", language, address=address, user=code(env.campaign_db_user)))
    else:
        st.session_state["campaign_created"] = made
        st.rerun()


def _reason(error: Refused, language: str) -> str:
    """Why, with numbers and dates of the language, and what was typed as code."""

    def written(name: str, value: Any) -> str:
        if name == "field":
            key = f"campaign_{value}"
            return say(key, language) if key in TEXTS else code(value)
        if isinstance(value, date):
            return day(value, language)
        return code(value) if isinstance(value, str) else number(value, language)

    values = {name: written(name, value) for name, value in error.values.items()}
    return str(getattr(error.template, language)).format(**values)


def _say_created(language: str) -> None:
    made = st.session_state.pop("campaign_created", None)
    if made is not None:
        st.session_state["campaign_shown"] = made["campaign"]
        counts = {name: number(made[name], language) for name in ("contact", "control")}
        st.success(say("campaign_created", language, name=code(made["campaign"]), **counts))
