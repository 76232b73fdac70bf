"""The form of feature values, filled with those of the customer found; an empty field means not known."""

import math
from typing import Any

import streamlit as st

from ml.snapshots.catalogue import BY_NAME, FEATURES
from streamlit_app.model import Scorer
from streamlit_app.texts import feature_label, say

COLUMNS = 3


def model_values(row: dict[str, Any], scorer: Scorer) -> dict[str, Any]:
    """The features that `scorer` uses, from a row of `features.churn_weekly_features`: float, str, or None for NULL."""
    numeric = {name: None if row.get(name) is None else float(row[name]) for name in scorer.numeric}
    finite = {name: value if value is None or math.isfinite(value) else None for name, value in numeric.items()}
    return {**finite, **{name: row.get(name) for name in scorer.categories}}


def show(scorer: Scorer, start: dict[str, Any], form_id: str, language: str) -> tuple[dict[str, Any], bool]:
    """Draw the form filled with `start` (as of `model_values`); return the values in it and whether it was just sent.

    With another `form_id` it is another form: values typed into the previous one are lost.
    """
    values: dict[str, Any] = {}
    with st.form(f"values-{form_id}"):
        st.caption(say("values_help", language))
        columns = st.columns(COLUMNS)
        for place, name in enumerate([*scorer.numeric, *scorer.categories]):
            with columns[place % COLUMNS]:
                key = f"{name}-{form_id}"
                draw = _category if name in scorer.categories else _number
                values[name] = draw(scorer, name, start.get(name), key, language)
        sent = st.form_submit_button(say("compute", language))
    words = [
        (getattr(each.label, language), getattr(each.meaning, language)) for each in FEATURES if each.name in values
    ]
    with st.expander(say("meanings", language)):
        st.markdown("\n".join(f"- **{label}**: {meaning}" for label, meaning in words))
    return values, sent


def _number(scorer: Scorer, name: str, start: float | None, key: str, language: str) -> float | None:
    feature, known = BY_NAME.get(name), [] if start is None else [start]
    lowest, highest = (feature.minimum, feature.maximum) if feature else (None, None)
    return st.number_input(
        feature_label(name, language),
        value=start,
        min_value=None if lowest is None else min([float(lowest), *known]),
        max_value=None if highest is None else max([float(highest), *known]),
        step=1.0,
        format="%g",
        placeholder=say("unknown", language),
        key=key,
    )


def _category(scorer: Scorer, name: str, start: str | None, key: str, language: str) -> str | None:
    seen = scorer.categories[name]
    unseen = [] if start is None or start in seen else [start]

    def as_shown(value: str | None) -> str:
        if value is None:
            return say("unknown", language)
        return value if value in seen else say("unseen", language, value=value)

    options = [None, *seen, *unseen]
    return st.selectbox(
        feature_label(name, language), options, index=options.index(start), format_func=as_shown, key=key
    )
