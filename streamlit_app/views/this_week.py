"""The home page: how many customers are about to leave, what goes with them, who and why, and how fresh all that is."""

from datetime import date
from functools import partial

import pandas as pd
import streamlit as st

from ml.model_config import ACTIVE_DAYS
from ml.reports import monitoring, week
from ml.reports.connection import reading
from streamlit_app import alerts, failures, layout, links
from streamlit_app.formats import day, minute, money, number, percent, signed
from streamlit_app.layout import Figure
from streamlit_app.model import production_version, scorer
from streamlit_app.reasons import main_reason
from streamlit_app.texts import say

TOP = 20


@st.cache_data(max_entries=4, show_spinner=False)
def at_stake(snapshot_date: date, scoring_run_id: int, build_id: int | None) -> week.AtStake:
    """Computed once for a scoring run, which never changes; the arguments that no query needs tell runs apart."""
    with reading() as conn:
        return week.at_stake(conn, snapshot_date, TOP)


def page(language: str) -> None:
    """Draw the page."""
    layout.head(say("week_title", language), say("week_intro", language))
    with reading() as conn:
        runs = week.current_runs(conn, 2)
        fresh = monitoring.freshness(conn)
    if not runs:
        layout.missing(say("week_none", language))
    else:
        newest = runs[0]
        layout.as_of(
            language,
            snapshot=day(newest.snapshot_date, language),
            version=newest.model_version,
            scored=minute(newest.scored_at, language),
        )
        _figures(runs, language)
        _top(newest, language)
    _state(fresh, runs, language)


def _figures(runs: list[week.ScoringRun], language: str) -> None:
    stakes = [at_stake(run.snapshot_date, run.scoring_run_id, run.build_id) for run in runs]
    newest, before = runs[0], runs[1] if len(runs) > 1 else None

    def change(told: str) -> str | None:
        return None if before is None else told

    def share(run: week.ScoringRun) -> float:
        return run.predicted_churn / run.rows_scored if run.rows_scored else 0.0

    def points(difference: float) -> str:
        return say("week_points", language, change=signed(100 * difference, language, 1))

    last, last_stake = before or newest, stakes[-1]
    threshold = "?" if newest.threshold is None else number(newest.threshold, language, 3)
    layout.figures(
        [
            Figure(
                say("week_at_risk", language),
                number(newest.predicted_churn, language),
                say("week_at_risk_help", language, threshold=threshold),
                change(signed(newest.predicted_churn - last.predicted_churn, language, 0)),
            ),
            Figure(
                say("week_share", language),
                percent(share(newest), language),
                say("week_share_help", language, scored=number(newest.rows_scored, language), days=ACTIVE_DAYS),
                change(points(share(newest) - share(last))),
            ),
            Figure(
                say("week_at_stake", language),
                money(stakes[0].total, language),
                say("week_at_stake_help", language),
                change(
                    signed(100 * (stakes[0].total / last_stake.total - 1) if last_stake.total else 0.0, language, 1)
                    + "%"
                ),
            ),
            Figure(
                say("week_mean", language),
                percent(newest.mean_score, language),
                say("week_mean_help", language),
                change(points(newest.mean_score - last.mean_score)),
            ),
        ]
    )
    if before is not None:
        st.caption(say("week_change", language, before=day(before.snapshot_date, language)))


def _top(run: week.ScoringRun, language: str) -> None:
    listed = at_stake(run.snapshot_date, run.scoring_run_id, run.build_id).customers
    st.subheader(say("week_top", language))
    st.caption(say("week_top_help", language, count=len(listed)))
    with failures.told(language):
        _, frame = scorer(run.model_version).explain([one.row for one in listed])
        added = [dict(zip(map(str, frame), values, strict=True)) for values in frame.to_numpy()]
        columns = [say(f"week_{name}", language) for name in ("customer", "score", "at_stake", "reason")]
        rows = [
            (
                links.customer(one.customer_id, run.snapshot_date, language),
                one.score,
                one.at_stake,
                main_reason(one.row, parts, language),
            )
            for one, parts in zip(listed, added, strict=True)
        ]
        formats = {columns[1]: partial(percent, language=language), columns[2]: partial(money, language=language)}
        layout.table(pd.DataFrame(rows, columns=columns), formats)
    with st.container(horizontal=True):
        links.to("customer", say("week_to_customers", language))
        links.to("campaign", say("week_to_campaign", language))


def _state(fresh: monitoring.Freshness, runs: list[week.ScoringRun], language: str) -> None:
    st.subheader(say("week_state", language))

    def shown(value: date | None) -> str:
        return say("week_nothing", language) if value is None else day(value, language)

    reached = {
        "payments_known_through": shown(fresh.payments_known_through),
        "features_of": shown(fresh.built_snapshot),
        "scores_of": shown(fresh.scored_snapshot),
        "monitored": shown(fresh.monitored_snapshot),
    }
    with failures.told(language):
        reached["production"] = current = production_version()
        if runs and runs[0].model_version != current:
            snapshot, stored = runs[0].snapshot_date, runs[0].model_version
            st.warning(say("week_stale_version", language, stored=stored, current=current, snapshot=snapshot))
    lines = [f"- {say(f'week_{name}', language)}: **{value}**" for name, value in reached.items()]
    st.markdown("\n".join(lines))
    with reading() as conn:
        found = week.open_alerts(conn)
    if found:
        alerts.show(found, language)
    elif fresh.monitored_snapshot is not None:
        st.caption(say("week_no_alerts", language))
    with st.container(horizontal=True):
        links.to("monitoring", say("week_to_monitoring", language))
        links.to("model", say("week_to_model", language))
