"""The main reason for a customer's score, in words."""

from collections.abc import Mapping
from typing import Any

from streamlit_app.formats import money, number
from streamlit_app.texts import say

LEAST = 0.05  # log-odds; a group that adds less is no reason


def main_reason(row: Mapping[str, Any], added: Mapping[str, float], language: str) -> str:
    """What raises the score of `row` most against the average customer; `added` is log-odds by group of features."""
    group = max(added, key=lambda name: added[name])
    if added[group] < LEAST:
        return say("reason_none", language)
    unknown = say("unknown", language)

    def counted(name: str) -> str:
        return unknown if row.get(name) is None else number(row[name], language, 0)

    def amount(name: str) -> str:
        return unknown if row.get(name) is None else money(row[name], language)

    if group == "recency" and row["days_since_activity"] == 1:
        return say("reason_recency_one", language)
    if group == "visits" and row.get("mau_mp_1") is None:
        return say("reason_visits_unknown", language)
    values = {
        "recency": {"days": counted("days_since_activity")},
        "activity": {"payments": counted("payments_90d"), "days": counted("active_days_30d")},
        "spend": {"amount": amount("total_discount_30d")},
        "visits": {"days": counted("mau_mp_1")},
        "account": {"tenure": counted("tenure_days"), "balance": amount("plata_cuenta_1")},
    }
    return say(f"reason_{group}", language, **values.get(group, {}))
