"""One customer's churn probability by the model in Production: `streamlit run streamlit_app/app.py`."""

import contextlib
import logging
import sys
from datetime import date
from pathlib import Path

# Streamlit itself adds this file's folder only.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import psycopg
import streamlit as st
from pydantic import ValidationError

from ml.cli import TryLater
from ml.model_config import MODEL_NAME
from ml.settings import settings
from streamlit_app import alerts, inputs, result, store, value_form
from streamlit_app.model import ModelMissing, ModelUnusable, Scorer, production_scorer
from streamlit_app.texts import DEFAULT_LANGUAGE, LANGUAGES, code, day, number, say

log = logging.getLogger(__name__)


def choose_language() -> str:
    """The language chosen on the page and kept in the URL as `?lang=`; initially the browser's, else Spanish."""
    accepted = getattr(getattr(st, "context", None), "headers", {}).get("Accept-Language", "")
    first = st.query_params.get("lang") or accepted[:2].lower()
    codes = list(LANGUAGES)
    chosen = st.sidebar.radio(
        say("language", DEFAULT_LANGUAGE),
        codes,
        index=codes.index(first if first in codes else DEFAULT_LANGUAGE),
        format_func=LANGUAGES.get,
        key="language",
    )
    if st.query_params.get("lang") != chosen:
        st.query_params["lang"] = chosen
    return str(chosen)


def current_scorer(language: str) -> Scorer | None:
    """The version in Production, or None after showing on the page why there is none."""
    try:
        with st.spinner(say("loading", language)):
            return production_scorer()
    except ModelMissing:
        st.warning(say("no_model", language, name=MODEL_NAME))
    except TryLater:
        st.error(say("mlflow_down", language, address=code(settings().mlflow_tracking_uri)))
    except ModelUnusable as error:
        st.error(say("bad_model", language, version=error.version, reason=code(error)))
    return None


def say_database_error(error: psycopg.Error, language: str) -> None:
    """One line that says what went wrong with PostgreSQL and what to do."""
    env, told = settings(), str(error)
    address = code(f"{env.postgres_host}:{env.postgres_port}")
    missing = isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.InvalidSchemaName)
    if missing or ("FATAL" in told and "does not exist" in told):  # libpq gives a refused connection no SQLSTATE
        st.error(say("database_not_ready", language, database=code(env.postgres_db)))
    elif "password authentication failed" in told:
        st.error(say("database_refused", language, address=address, user=code(env.postgres_user)))
    elif isinstance(error, psycopg.OperationalError) and error.sqlstate is None and "FATAL" not in told:
        st.error(say("database_down", language, address=address))
    else:
        st.error(say("database_error", language, reason=code(told.split("FATAL:")[-1])))
    log.error("PostgreSQL: %s", error)


def find_customer(text: str, snapshot_date: date, language: str) -> store.Customer | None:
    """The customer named by `text`, or None after showing on the page why there is none."""
    customer_id = inputs.customer_id(text)
    if customer_id is None:
        st.error(say("bad_id", language, value=code(text), largest=number(inputs.LARGEST_ID, language, 0)))
        return None
    found = store.customer(customer_id, snapshot_date)
    if found is None:
        elsewhere = store.customer_snapshots(customer_id)
        if elsewhere:
            dates = ", ".join(day(each, language) for each in elsewhere)
            known = {"customer": customer_id, "snapshot": day(snapshot_date, language), "found": dates}
            st.warning(say("other_snapshots", language, **known))
        else:
            st.warning(say("unknown_customer", language, customer=customer_id))
    return found


def lookup(language: str) -> None:
    """The form that finds a customer; the result stays in the session until the next search."""
    st.subheader(say("find", language))
    try:
        dates = store.snapshots()
        if not dates:
            st.warning(say("no_snapshots", language))
            return
        with st.form("lookup"):
            left, right = st.columns(2)
            text = left.text_input(
                say("customer_id", language), placeholder=say("customer_id_hint", language), key="customer_id"
            )
            snapshot_date = right.selectbox(
                say("snapshot", language), dates, format_func=lambda each: day(each, language), key="snapshot"
            )
            sent = st.form_submit_button(say("search", language))
        if sent:
            st.session_state["searches"] = st.session_state.get("searches", 0) + 1
            st.session_state["customer"] = None
            st.session_state["customer"] = find_customer(text, snapshot_date, language)
    except psycopg.Error as error:
        say_database_error(error, language)


def page() -> None:
    """Draw the page from top to bottom."""
    language = choose_language()
    st.title(say("title", language))
    st.caption(say("intro", language))
    scorer = current_scorer(language)
    if scorer is not None:
        parts = {"name": MODEL_NAME, "version": scorer.version, "threshold": number(scorer.threshold, language, 3)}
        st.caption(say("model_line", language, **parts))
    with contextlib.suppress(psycopg.Error):  # of which `lookup` tells
        alerts.show(store.open_alerts(), language)
    lookup(language)
    customer: store.Customer | None = st.session_state.get("customer")
    if scorer is None:
        if customer is not None:
            result.show_stored(customer, None, language)
        return
    answer = st.container()  # above the values from which it is computed
    st.subheader(say("customer_values" if customer is not None else "no_customer_values", language))
    start = value_form.model_values(customer.row, scorer) if customer is not None else {}
    search = st.session_state.get("searches", 0)
    values, sent = value_form.show(scorer, start, str(search), language)
    if sent:
        st.session_state["sent_for"] = search
    with answer:
        if customer is not None:
            result.show_title(customer, values != start, language)
            result.show(scorer, customer, values, language)
        elif st.session_state.get("sent_for") == search:
            result.show_title(None, True, language)
            result.show(scorer, None, values, language)


def main() -> None:
    """Draw the page; on any failure the page shows a sentence and the log has the traceback."""
    st.set_page_config(page_title="Meli ML Flow", page_icon="📉", layout="wide")
    try:
        page()
    except ValidationError as error:
        for problem in error.errors():
            variable = ".".join(str(part) for part in problem["loc"]).upper()
            st.error(say("bad_settings", DEFAULT_LANGUAGE, variable=code(variable), reason=code(problem["msg"])))
    except Exception as error:
        log.exception("the page failed")
        language = st.session_state.get("language", DEFAULT_LANGUAGE)
        st.error(say("unexpected", language, kind=code(type(error).__name__)))


main()
