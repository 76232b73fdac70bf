"""Tables of monitoring: what scores came to, how fresh everything is, runs, loads, rejects, all checks."""

from datetime import date, datetime

import streamlit as st

from ml.reports.monitoring import (
    REASONS_SHOWN,
    REJECTS_READ,
    Found,
    Freshness,
    Loaded,
    Realized,
    Rejected,
    Week,
)
from streamlit_app.formats import day, fixed, minute, number, percent, signed
from streamlit_app.layout import missing
from streamlit_app.monitoring_words import check_label, subject_label
from streamlit_app.text_tables import NOTHING
from streamlit_app.text_tables import show as table
from streamlit_app.texts import code, say

COMMANDS = {
    "payments": "make seed",
    "built": "airflow dags test churn_feature_build_w 2019-06-30",
    "scored": "airflow dags test churn_batch_score_w 2019-06-30",
    "trained": "airflow dags test churn_train_register_m 2019-06-30",
    "monitored": "airflow dags test churn_monitor_w 2019-06-30",
}


def realized(weeks: list[Realized], language: str) -> None:
    """The figures of the charts, the newest snapshot first."""
    if not weeks:
        return
    numbers = ("customers", "promised_short", "happened_short", "difference", "roc_auc")
    table(
        [
            {
                say("monitoring_snapshot", language): day(each.snapshot_date, language),
                say("monitoring_version", language): each.model_version,
                say("monitoring_customers", language): number(each.rows_measured, language),
                say("monitoring_promised_short", language): _percent(each.mean_score, language),
                say("monitoring_happened_short", language): percent(each.churned, language),
                say("monitoring_difference", language): _interval(
                    each.calibration, each.calibration_low, each.calibration_high, language
                ),
                say("monitoring_roc_auc", language): _fixed(each.roc_auc, language),
            }
            for each in reversed(weeks)
        ],
        [say(f"monitoring_{name}", language) for name in numbers],
    )


def freshness(fresh: Freshness, today: date, language: str) -> None:
    """The newest of everything, how many days ago that is, and what to type where there is nothing."""
    st.subheader(say("monitoring_fresh", language))
    parts: dict[str, tuple[str, date | None, datetime | None]] = {
        "payments": ("", fresh.payments_known_through, None),
        "built": ("", fresh.built_snapshot, fresh.built_at),
        "scored": (fresh.scored_by or NOTHING, fresh.scored_snapshot, fresh.scored_at),
        "trained": (fresh.trained_version or NOTHING, fresh.trained_until, fresh.trained_at),
        "monitored": ("", fresh.monitored_snapshot, fresh.monitored_at),
    }
    table(
        [
            {
                say("monitoring_what", language): say(f"monitoring_fresh_{name}", language, version=version),
                say("monitoring_newest", language): day(newest, language)
                if newest
                else say("monitoring_missing", language, command=code(COMMANDS[name])),
                say("monitoring_age", language): _age(newest, today, language),
                say("monitoring_made", language): minute(made, language) if made else NOTHING,
            }
            for name, (version, newest, made) in parts.items()
        ],
        [say("monitoring_age", language)],
    )


def weeks(found: list[Week], language: str) -> None:
    """What was built, scored and monitored for each snapshot."""
    st.subheader(say("monitoring_weeks", language))
    st.caption(say("monitoring_weeks_caption", language, count=number(len(found), language)))
    numbers = ("customers", "active", "mean_score", "alerts")
    table(
        [
            {
                say("monitoring_snapshot", language): day(each.snapshot_date, language),
                say("monitoring_customers", language): _number(each.rows_built, language),
                say("monitoring_built", language): _minute(each.built_at, language),
                say("monitoring_active", language): _number(each.rows_scored, language),
                say("monitoring_mean_score", language): _percent(each.mean_score, language),
                say("monitoring_version", language): each.model_version or NOTHING,
                say("monitoring_scored", language): _scored(each, language),
                say("monitoring_alerts", language): _number(each.alerts, language),
                say("monitoring_monitored", language): _minute(each.monitored_at, language),
            }
            for each in found
        ],
        [say(f"monitoring_{name}", language) for name in numbers],
    )


def loads(found: list[Loaded], language: str) -> None:
    """The last load of each file, and why it was refused if it was."""
    st.subheader(say("monitoring_loads", language))
    if not found:
        missing(say("monitoring_loads_none", language))
        return
    table(
        [
            {
                say("monitoring_file", language): code(each.file_name),
                say("monitoring_loaded_at", language): minute(each.loaded_at, language),
                say("monitoring_rows_loaded", language): number(each.rows_loaded, language),
                say("monitoring_rows_rejected", language): number(each.rows_rejected, language),
                say("monitoring_status", language): say(
                    f"monitoring_status_{each.status}", language, message=code(each.message)
                ),
            }
            for each in found
        ],
        [say("monitoring_rows_loaded", language), say("monitoring_rows_rejected", language)],
    )


def rejects(found: list[Rejected], language: str) -> None:
    """Open rejects by file and reason."""
    st.subheader(say("monitoring_rejects", language))
    if not found:
        st.success(say("monitoring_rejects_none", language))
        return
    st.caption(say("monitoring_rejects_caption", language))
    rows, line = say("monitoring_rows", language), say("monitoring_first_line", language)
    table(
        [
            {
                say("monitoring_file", language): code(each.file_name),
                say("monitoring_reason", language): code(each.reason),
                rows: number(each.rows, language),
                line: number(each.first_line, language),
            }
            for each in found
        ],
        [rows, line],
    )
    counts = {"read": number(REJECTS_READ, language), "shown": number(REASONS_SHOWN, language)}
    if len(found) == REASONS_SHOWN or sum(each.rows for each in found) >= REJECTS_READ:
        st.caption(say("monitoring_rejects_capped", language, **counts))


def checks(found: list[Found], language: str) -> None:
    """Every finding of the snapshot with its limits, the worst first."""
    st.caption(say("monitoring_checks_caption", language))
    numbers = ("value", "limits")
    table(
        [
            {
                say("monitoring_state", language): say(f"monitoring_state_{each.state}", language),
                say("monitoring_check", language): check_label(each.check_name, language),
                say("monitoring_subject", language): subject_label(each.subject, language).replace("$", "\\$"),
                say("monitoring_value", language): fixed(each.value, language, 3),
                say("monitoring_limits", language): _limits(each, language),
                say("monitoring_detail", language): code(each.detail),
            }
            for each in found
        ],
        [say(f"monitoring_{name}", language) for name in numbers],
    )


def _age(newest: date | None, today: date, language: str) -> str:
    if newest is None:
        return NOTHING
    days = (today - newest).days
    return say("monitoring_day" if days == 1 else "monitoring_days", language, days=number(days, language))


def _scored(each: Week, language: str) -> str:
    when = _minute(each.scored_at, language)
    return when if each.scoring_state != "missing_features" else say("monitoring_incomplete", language, when=when)


def _interval(value: float | None, low: float | None, high: float | None, language: str) -> str:
    if value is None or low is None or high is None:
        return NOTHING
    ends = {"low": signed(100 * low, language, 1), "high": signed(100 * high, language, 1)}
    return f"{signed(100 * value, language, 1)} ({say('model_range', language, **ends)})"


def _number(value: int | None, language: str) -> str:
    return NOTHING if value is None else number(value, language)


def _limits(each: Found, language: str) -> str:
    return f"{fixed(each.warn_above, language, 3)} / {fixed(each.alert_above, language, 3)}"


def _fixed(value: float | None, language: str) -> str:
    return NOTHING if value is None else fixed(value, language, 3)


def _percent(value: float | None, language: str) -> str:
    return NOTHING if value is None else percent(value, language)


def _minute(value: datetime | None, language: str) -> str:
    return NOTHING if value is None else minute(value, language)
