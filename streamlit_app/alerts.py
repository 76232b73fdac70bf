"""Shows the alerts of monitoring: one line, which opens to what was found and what to do."""

from typing import Any

import streamlit as st

from streamlit_app.formats import day
from streamlit_app.texts import TEXTS, code, feature_label, say


def show(alerts: list[dict[str, Any]], language: str) -> None:
    """Nothing without alerts; they are of one snapshot, as of `ml.reports.week.open_alerts`."""
    if not alerts:
        return
    when = day(alerts[0]["snapshot_date"], language)
    title = say("alert" if len(alerts) == 1 else "alerts", language, count=len(alerts), snapshot=when)
    with st.expander(title, icon="⚠️"):
        found = (sentence(each["check_name"], each["subject"], each["detail"], language) for each in alerts)
        st.markdown("\n".join(f"- {one}" for one in found))


def sentence(check_name: str, subject: str, detail: str, language: str) -> str:
    """What the check found in words of the page, the detail as it is stored, and what to do."""
    key = "alert_" + check_name.replace(" ", "_")
    about = feature_label(subject, language).replace("$", "\\$")
    known = key if key in TEXTS else "alert_other"
    return say(known, language, subject=about, check=check_name, detail=code(detail))
