"""Monitoring: alerts and what to do, what scores came to, drift, runs and data, rejects."""

import re
from datetime import UTC, datetime

import streamlit as st

from ml.reports import monitoring as report
from ml.reports.connection import reading
from ml.reports.monitoring import Found, Monitored
from streamlit_app import alerts, monitoring_charts, monitoring_tables
from streamlit_app.formats import day, minute, number
from streamlit_app.layout import Figure, figures, head, missing
from streamlit_app.texts import code, say

WEEKS_DRAWN, WEEKS_MAPPED, WEEKS_LISTED = 52, 26, 13
COMMAND = re.compile(r'make [a-z-]+(?: ARGS="[^"]*")?')
TABS = ("realized", "drift", "runs", "rejects", "checks")


def page(language: str) -> None:
    """Draw the page."""
    head(say("monitoring_title", language), say("monitoring_caption", language))
    today = datetime.now(UTC).date()
    with reading() as conn:
        monitored, fresh, loads = report.snapshots(conn), report.freshness(conn), report.loads(conn)
        rejects = report.rejects(conn, loads)
    if not monitored:
        missing(say("monitoring_none", language))
        monitoring_tables.freshness(fresh, today, language)
        monitoring_tables.loads(loads, language)
        monitoring_tables.rejects(rejects, language)
        return
    chosen = _choose(monitored, language)
    with reading() as conn:
        findings = report.findings(conn, chosen.snapshot_date)
        realized = report.realized(conn, chosen.snapshot_date, WEEKS_DRAWN)
        drift = report.drift(conn, chosen.snapshot_date, WEEKS_MAPPED)
        weeks = report.weeks(conn, chosen.snapshot_date, WEEKS_LISTED)
    known = fresh.payments_known_through
    figures(
        [
            Figure(
                say(f"monitoring_{name}", language), number(count, language), say(f"monitoring_{name}_help", language)
            )
            for name, count in (
                ("alerts", chosen.alerts),
                ("warnings", chosen.warnings),
                ("ok", chosen.checks - chosen.alerts - chosen.warnings),
            )
        ]
        + [Figure(say("monitoring_known", language), day(known, language) if known else "—")]
    )
    _alerts(findings, language)
    happened, drifted, runs, rejected, checks = st.tabs([say(f"monitoring_tab_{name}", language) for name in TABS])
    with happened:
        monitoring_charts.realized(realized, language)
        monitoring_tables.realized(realized, language)
    with drifted:
        monitoring_charts.drift(drift, language)
    with runs:
        monitoring_tables.freshness(fresh, today, language)
        monitoring_tables.weeks(weeks, language)
        monitoring_tables.loads(loads, language)
    with rejected:
        monitoring_tables.rejects(rejects, language)
    with checks:
        monitoring_tables.checks(findings, language)


def _choose(monitored: list[Monitored], language: str) -> Monitored:
    """The newest one first; another one if it is chosen."""

    def named(one: Monitored) -> str:
        counted = number(one.alerts, language)
        return say("monitoring_week_of", language, day=day(one.snapshot_date, language), alerts=counted)

    left, right = st.columns([1, 2], vertical_alignment="bottom")
    chosen: Monitored = left.selectbox(
        say("monitoring_week", language), monitored, format_func=named, key="monitored_snapshot"
    )
    key = "monitoring_as_of" if chosen.model_version else "monitoring_as_of_unscored"
    right.caption(say(key, language, when=minute(chosen.monitored_at, language), version=chosen.model_version))
    return chosen


def _alerts(findings: list[Found], language: str) -> None:
    """Each alert in the words of the page, with its limit, and the commands on record."""
    found = [each for each in findings if each.state == "alert"]
    if not found:
        st.success(say("monitoring_no_alerts", language))
    for each in found:
        with st.container(border=True):
            said = alerts.sentence(each.check_name, each.subject, each.detail, language)
            amounts = {"value": number(each.value, language, 3), "limit": number(each.alert_above, language, 3)}
            parts = [said, say("monitoring_value_and_limit", language, **amounts)]
            commands = " · ".join(code(command) for command in COMMAND.findall(each.what_to_do))
            if commands:
                parts.append(say("monitoring_commands", language, commands=commands))
            st.markdown(f":red[**✖**] {' '.join(parts)}")
