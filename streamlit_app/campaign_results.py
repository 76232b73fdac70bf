"""The campaigns on record: what each came to, in words and figures, and the file of whom to contact."""

from datetime import date
from functools import partial
from typing import Any

import streamlit as st

from ml.campaigns.export import contacts
from ml.campaigns.results import Estimate, Results, results
from ml.reports.connection import reading
from streamlit_app.formats import day, money, number, percent, signed
from streamlit_app.layout import Figure, as_of, figures, missing
from streamlit_app.text_tables import show as table
from streamlit_app.texts import code, say


def show(known: list[dict[str, Any]], known_through: date | None, language: str) -> None:
    """A table of all campaigns, and one of them in full."""
    st.subheader(say("campaign_record", language))
    if not known:
        missing(say("campaign_none", language))
        return
    found = {each["name"]: _results(each["name"], known_through) for each in known}
    names = ("name", "starts_on", "contact", "control", "state", "created_by")
    heads = {name: say(f"campaign_{name}", language) for name in names}
    table(
        [
            {
                heads["name"]: code(each["name"]),
                heads["starts_on"]: day(each["starts_on"], language),
                heads["contact"]: number(each["contact"], language),
                heads["control"]: number(each["control"], language),
                heads["state"]: say(f"campaign_state_{found[each['name']].state}", language),
                heads["created_by"]: code(each["created_by"]),
            }
            for each in known
        ],
        [heads["contact"], heads["control"]],
    )
    by_name = {each["name"]: each for each in known}
    chosen = st.selectbox(say("campaign_choose", language), list(by_name), key="campaign_shown")
    _one(by_name[chosen], found[chosen], language)


@st.cache_data(max_entries=100, show_spinner=False)
def _results(name: str, known_through: date | None) -> Results:
    """They change with the payments that are known."""
    with reading() as conn:
        return results(conn, name)


def _one(campaign: dict[str, Any], found: Results, language: str) -> None:
    known = found.payments_known_through
    as_of(
        language,
        snapshot=day(campaign["snapshot_date"], language),
        version=campaign["model_version"],
        known="" if known is None else day(known, language),
    )
    hoped = "" if found.hoped_reduction is None else number(100 * found.hoped_reduction, language, 1)
    state = say(f"campaign_state_{found.state}", language)
    means = say(f"campaign_means_{found.state}", language, known_from=day(found.known_from, language), hoped=hoped)
    st.markdown(f"**{state}.** {means}")
    if found.churn_reduction and found.spend_gain and found.profit:
        points = Estimate(*(100 * value for value in found.churn_reduction))
        figures(
            [
                _estimate("campaign_reduction", points, partial(signed, digits=1), language),
                _estimate("campaign_spend_gain", found.spend_gain, money, language),
                _estimate("campaign_came_to", found.profit, money, language),
            ]
        )
        _arms(found, language)
        st.caption(say("campaign_results_caption", language, cost=money(found.cost or 0.0, language)))
    st.download_button(
        say("campaign_download", language),
        partial(_file, campaign["name"]),
        file_name=f"campaign_{campaign['campaign_id']}.csv",
        mime="text/csv",
        on_click="ignore",
    )


def _estimate(key: str, estimate: Estimate, write: Any, language: str) -> Figure:
    value, low, high = (write(part, language) for part in estimate)
    return Figure(say(key, language), value, change=say("campaign_interval", language, low=low, high=high))


def _arms(found: Results, language: str) -> None:
    names = ("arm", "arm_customers", "arm_churn", "arm_spent")
    arm, customers, churn, spent = (say(f"campaign_{name}", language) for name in names)
    table(
        [
            {
                arm: say(f"campaign_{name}", language),
                customers: number(each.customers, language),
                churn: percent(each.churn, language),
                spent: money(each.mean_spent, language).replace("$", "\\$"),
            }
            for name, each in found.arms.items()
        ],
        [customers, churn, spent],
    )


def _file(name: str) -> bytes:
    with reading() as conn:
        return contacts(conn, name)
