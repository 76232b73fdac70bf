"""The model in production: its card, how good it is, what it looks at, who decided, and any two versions."""

import streamlit as st

from ml.model_config import MODEL_NAME
from ml.reports import model as report
from ml.reports.connection import reading
from ml.reports.model import Card, Measured
from ml.store import registry
from streamlit_app import model_charts, model_tables
from streamlit_app.formats import day, minute, number, percent
from streamlit_app.layout import Figure, figures, head, missing
from streamlit_app.model import FOLLOW_ALIAS_SECONDS, ModelMissing
from streamlit_app.model_words import ALL, KINDS, METRICS, headline, interval, shown
from streamlit_app.text_tables import show as table
from streamlit_app.texts import code, feature_label, say

HEADLINES = ("roc_auc", "lift_top_decile", "calibration", "log_loss")
PROMOTIONS_SHOWN = 50
TABS = ("quality", "calibration", "coefficients", "slices", "training", "decisions", "compare")


@st.cache_data(ttl=FOLLOW_ALIAS_SECONDS, show_spinner=False)
def _registered() -> tuple[str | None, dict[str, str]]:
    with registry.session() as client:
        return registry.production_version(client), report.versions(client)


@st.cache_data(max_entries=20, show_spinner=False)
def _card(version: str, run_id: str) -> Card:
    """`run_id` tells apart versions of one number, if MLflow's database was lost between them."""
    with registry.session() as client:
        return report.card(client, version)


def page(language: str) -> None:
    """Draw the page."""
    head(say("model_title", language), say("model_caption", language))
    version, runs = _registered()
    if version is None:
        raise ModelMissing(MODEL_NAME)
    with st.spinner(say("loading", language)):
        card = _card(version, runs[version])
    with reading() as conn:
        measured = report.figures(conn, version)
        decisions = report.promotions(conn, PROMOTIONS_SHOWN)
    trained = {"trained": minute(card.registered_at, language), "until": day(card.training_snapshots[-1], language)}
    counts = {"rows": number(card.training_rows, language), "churners": number(card.training_churners, language)}
    st.markdown(say("model_in_production", language, version=version, **trained, **counts))
    for warning in card.warnings:
        st.warning(say("model_warning", language, warning=code(warning)))
    _headlines(measured, language)
    quality, calibration, coefficients, slices, training, decided, compared = st.tabs(
        [say(f"model_tab_{name}", language) for name in TABS]
    )
    with quality:
        for kind in KINDS:
            _quality(card, [each for each in measured if each.kind == kind], kind, language)
        st.subheader(say("model_alternatives", language))
        model_tables.alternatives(measured, language)
    with calibration:
        model_charts.calibration(card, language)
        st.subheader(say("model_by_snapshot", language))
        model_tables.by_snapshot(measured, language)
    with coefficients:
        model_charts.coefficients(card, language)
        model_tables.coefficients(card.coefficients, language)
    with slices:
        model_tables.slices(measured, language)
    with training:
        _training(card, language)
    with decided:
        model_tables.promotions(decisions, language)
    with compared:
        _compare(version, runs, language)


def _headlines(measured: list[Measured], language: str) -> None:
    """The figures out of time; those in time if there are no others, and called so."""
    of_all = [each for each in measured if each.slice == ALL]
    kind = next((kind for kind in KINDS if any(each.kind == kind for each in of_all)), None)
    found = {each.metric: each for each in of_all if each.kind == kind}
    if kind is None:
        return
    st.caption(say(f"model_headline_{kind}", language, measured=_measured(next(iter(found.values())), language)))
    names = [name for name in HEADLINES if name in found]
    for column, name in zip(st.columns(len(HEADLINES)), names, strict=False):
        column.metric(
            *headline(name, found[name].value, language),
            interval(found[name], language) or None,
            delta_color="off",
            delta_arrow="off",
            help=say(f"model_about_{name}", language),
            border=True,
        )


def _measured(one: Measured, language: str) -> str:
    """On which snapshots and how many rows a figure was measured."""
    counts = {"rows": number(one.rows_measured, language), "churners": number(one.churners, language)}
    days = ", ".join(day(each, language) for each in one.snapshot_dates)
    return say("model_measured", language, snapshots=days, **counts)


def _quality(card: Card, measured: list[Measured], kind: str, language: str) -> None:
    st.subheader(say(f"model_quality_{kind}", language))
    found = {each.metric: each for each in measured if each.slice == ALL}
    if not found:
        arguments = {"version": card.version, "day": card.snapshot_date, "weeks": card.lookback_weeks}
        missing(
            say("model_not_yet_out_of_time", language)
            if kind == "out_of_time"
            else say("model_no_figures", language, **arguments)
        )
        return
    said = _measured(next(iter(found.values())), language)
    st.caption(say(f"model_measured_{kind}", language, measured=said))
    table(
        [
            {
                say("model_figure", language): say(f"model_figure_{name}", language),
                say("model_value", language): shown(name, found[name].value, language),
                say("model_interval", language): interval(found[name], language),
                say("model_what_it_is", language): say(f"model_about_{name}", language),
            }
            for name in METRICS
            if name in found
        ],
        [say("model_value", language), say("model_interval", language)],
    )


def _training(card: Card, language: str) -> None:
    churned = {
        "churners": number(card.training_churners, language),
        "share": percent(card.training_churners / card.training_rows, language),
        "heldout": number(card.heldout_rows, language),
    }
    figures(
        [
            Figure(
                say("model_card_rows", language),
                number(card.training_rows, language),
                say("model_card_rows_help", language, **churned),
            ),
            Figure(say("model_card_churned", language), churned["share"]),
            Figure(say("model_card_snapshots", language), number(len(card.training_snapshots), language)),
            Figure(say("model_card_features", language), number(len(card.features), language)),
            Figure(
                say("model_card_threshold", language),
                percent(card.threshold, language),
                say("model_card_threshold_help", language),
            ),
        ]
    )
    days = ", ".join(day(each, language) for each in card.training_snapshots)
    when = "model_card_retrospective" if card.is_retrospective else "model_card_not_retrospective"
    told = say(when, language, day=day(card.snapshot_date, language))
    known = say("model_card_labels", language, known=day(card.labels_known_through, language), retrospective=told)
    st.caption(f"{say('model_card_trained_on', language, days=days)} {known}")
    with st.expander(say("model_card_details", language)):
        st.markdown(f"**{say('model_card_used', language)}**")
        st.markdown("\n".join(f"- {_plain(feature_label(name, language))}" for name in card.features))
        features = {feature_label(name, language): why for name, why in card.left_out_features.items()}
        parts = {"model_card_left_out": features, "model_card_snapshots_left_out": card.left_out_snapshots}
        for title, left_out in parts.items():
            if left_out:
                st.markdown(f"**{say(title, language)}**")
                st.markdown("\n".join(f"- {_plain(name)}: {code(why)}" for name, why in left_out.items()))
        digests = {"data": code(card.data_digest[:12]), "code": code(card.code_digest[:12])}
        origin = {"commit": code(card.git_commit[:12]), "run": code(card.run_id)}
        st.caption(say("model_card_digests", language, **digests, **origin))


def _plain(text: str) -> str:
    return text.replace("$", "\\$")


def _compare(production: str, runs: dict[str, str], language: str) -> None:
    if len(runs) < 2:
        missing(say("model_compare_one", language))
        return
    numbers = list(runs)

    def named(version: str) -> str:
        key = "model_version_in_production" if version == production else "model_version"
        return say(key, language, version=version)

    st.caption(say("model_compare_caption", language))
    left, right = st.columns(2)
    other = next(version for version in numbers if version != production)
    first = left.selectbox(
        say("model_first", language), numbers, numbers.index(production), format_func=named, key="model_first"
    )
    second = right.selectbox(
        say("model_second", language), numbers, numbers.index(other), format_func=named, key="model_second"
    )
    cards = [_card(version, runs[version]) for version in (first, second)]
    with reading() as conn:
        measured = [report.figures(conn, version) for version in (first, second)]
    model_tables.side_by_side(cards, measured, language)
    model_charts.coefficients_of_two(cards, language)
