"""Shows the prediction for one set of values, and the score that the weekly batch has stored."""

from typing import Any

import pandas as pd
import streamlit as st

from ml.model_config import ACTIVE_DAYS
from ml.snapshots.catalogue import BY_NAME
from ml.snapshots.feature import GROUPS
from streamlit_app.model import Scorer
from streamlit_app.store import Customer
from streamlit_app.texts import code, day, feature_label, minute, number, percent, say, signed


def show_title(customer: Customer | None, edited: bool, language: str) -> None:
    """The customer and snapshot of the values."""
    st.subheader(say("result", language))
    if customer is None:
        st.markdown(say("result_by_hand", language))
    else:
        who = {"customer": customer.customer_id, "snapshot": day(customer.snapshot_date, language)}
        st.markdown(say("result_edited" if edited else "result_customer", language, **who))


def show(scorer: Scorer, customer: Customer | None, values: dict[str, Any], language: str) -> None:
    """Probability, decision and contributions for `values`; for churned customers, why there is no probability."""
    days = values.get("days_since_activity")
    if days is not None and days >= ACTIVE_DAYS:
        st.warning(say("already_churned", language, days=number(days, language, 0), limit=ACTIVE_DAYS))
        return
    probability = scorer.probability(values)
    left, middle, right = st.columns(3)
    left.metric(say("probability", language), percent(probability, language))
    middle.metric(say("decision", language), say("churner" if probability >= scorer.threshold else "stayer", language))
    right.metric(say("version", language), scorer.version)
    if customer is not None:
        show_stored(customer, scorer, language)
    _cautions(scorer, values, language)
    _contributions(scorer, values, language)


def show_stored(customer: Customer, scorer: Scorer | None, language: str) -> None:
    """The score that the weekly batch stored for this customer and snapshot, if it scores them."""
    if customer.already_churned:
        days = number(customer.row["days_since_activity"], language, 0)
        st.warning(say("already_churned", language, days=days, limit=ACTIVE_DAYS))
        return
    if customer.stored is None:
        st.info(say("batch_missing", language, snapshot=customer.snapshot_date))
        return
    version, scored_at = customer.stored["model_version"], minute(customer.stored["scored_at"], language)
    score = percent(customer.stored["score"], language)
    line = say("batch_line", language, version=version, score=score, scored_at=scored_at)
    if scorer is not None and str(version) != scorer.version:
        line += " " + say("batch_other_version", language, stored=version, current=scorer.version)
    st.info(line)


def _cautions(scorer: Scorer, values: dict[str, Any], language: str) -> None:
    unusual = []
    for name, value in values.items():
        label = feature_label(name, language)
        if name in scorer.categories:
            if value is not None and value not in scorer.categories[name]:
                st.warning(say("warn_unseen", language, feature=label, value=code(value)))
        elif value is not None and name in scorer.ranges:
            low, high = scorer.ranges[name]
            if not low <= value <= high:
                unusual.append(
                    f"{label}: {number(value, language)} ({number(low, language)} … {number(high, language)})"
                )
    if unusual:
        st.caption(say("unusual", language, values="; ".join(unusual)).replace("$", "\\$"))


def _contributions(scorer: Scorer, values: dict[str, Any], language: str) -> None:
    base, parts = scorer.contributions(values)
    rows = [(say("base", language), "", base)]
    for group, part in sorted(parts.items(), key=lambda part: -abs(part[1])):
        of_group = [name for name in values if BY_NAME[name].group == group]
        told = "; ".join(f"{feature_label(name, language)}: {_as_text(values[name], language)}" for name in of_group)
        rows.append((getattr(GROUPS[group], language), told.replace("$", "\\$"), part))
    rows.append((say("total", language), "", base + sum(parts.values())))
    table = pd.DataFrame(
        [(label, value, signed(part, language)) for label, value, part in rows],
        columns=[say("column_feature", language), say("column_value", language), say("column_contribution", language)],
    )
    st.subheader(say("contributions", language))
    st.caption(say("contributions_help", language))
    st.table(table.set_index(say("column_feature", language)))


def _as_text(value: Any, language: str) -> str:
    if value is None:
        return say("unknown", language)
    return code(value) if isinstance(value, str) else number(value, language)  # tables interpret Markdown
