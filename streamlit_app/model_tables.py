"""Tables of the model: by snapshot and slice, beside other models, decisions, and two versions side by side."""

from collections.abc import Callable, Sequence

import streamlit as st

from ml.reports.model import Card, Coefficient, Measured, Promotion
from streamlit_app.formats import day, fixed, minute, number, percent, signed
from streamlit_app.layout import missing
from streamlit_app.model_words import (
    ALL,
    KINDS,
    METRICS,
    coefficient_interval,
    excludes_zero,
    input_label,
    interval,
    shown,
    slice_label,
)
from streamlit_app.text_tables import NOTHING
from streamlit_app.text_tables import show as table
from streamlit_app.texts import code, feature_label, say

SNAPSHOT, SOURCE = "snapshot=", "label_source="
OTHERS = ("ceiling", "recency", "with_demographics")
SHARES = ("calibration", "share_flagged")
GAINS = {"with_demographics": "demographics_roc_auc_gain"}


def by_snapshot(measured: list[Measured], language: str) -> None:
    """Promised and realized churn at each snapshot that was measured, out of time first."""
    found = [each for each in measured if each.slice.startswith(SNAPSHOT) and each.metric == "calibration"]
    found.sort(key=lambda each: (KINDS.index(each.kind), each.snapshot_dates))
    if found:
        _calibrations(
            [
                {
                    say("model_snapshot", language): day(each.snapshot_dates[0], language),
                    say("model_measured_on", language): say(f"model_kind_{each.kind}", language),
                    **_calibration(each, language),
                }
                for each in found
            ],
            language,
        )


def coefficients(found: Sequence[Coefficient], language: str) -> None:
    """What the chart shows, in figures, with what more of each input was declared to mean."""
    value, ends = say("model_coefficient", language), say("model_interval", language)
    table(
        [
            {
                say("model_input", language): input_label(each.input, language).replace("$", "\\$"),
                value: signed(each.coefficient, language, 3),
                ends: coefficient_interval(each, language) or NOTHING,
                say("model_declared", language): say(f"model_declared_{each.declared.replace(' ', '_')}", language),
            }
            for each in found
        ],
        [value, ends],
    )


def slices(measured: list[Measured], language: str) -> None:
    """Calibration and ROC AUC of each slice of customers, of the kind chosen."""
    of_slices = [m for m in measured if m.slice != ALL and not m.slice.startswith((SNAPSHOT, SOURCE))]
    kinds = [kind for kind in KINDS if any(each.kind == kind for each in of_slices)]
    if not kinds:
        st.caption(say("model_not_yet_out_of_time", language))
        return
    kind = st.segmented_control(
        say("model_measured_on", language),
        kinds,
        default=kinds[0],
        format_func=lambda each: say(f"model_kind_{each}", language),
        key="model_slices_kind",
        label_visibility="collapsed",
    )
    chosen = [each for each in of_slices if each.kind == (kind or kinds[0])]
    ranks = {each.slice: each for each in chosen if each.metric == "roc_auc"}
    found = [each for each in chosen if each.metric == "calibration"]
    counts = {"shown": number(len(found), language), "chance": number(round(len(found) / 20), language)}
    st.caption(say("model_slices_caption", language, **counts))
    _calibrations(
        [
            {
                say("model_slice", language): slice_label(each.slice, language),
                **_calibration(each, language),
                say("model_figure_roc_auc", language): _with_interval(ranks[each.slice], language),
            }
            for each in found
        ],
        language,
        [say("model_figure_roc_auc", language)],
    )


def alternatives(measured: list[Measured], language: str) -> None:
    """ROC AUC of models that were fitted beside the version, and how far they differ from it."""
    st.caption(say("model_alternatives_caption", language))
    rows = []
    for kind in KINDS:
        found = {each.metric: each for each in measured if each.kind == kind and each.slice == ALL}
        for name in OTHERS:
            other, gain = found.get(f"{name}_roc_auc"), found.get(GAINS.get(name, f"{name}_roc_auc_gain"))
            if other is None or gain is None:
                continue
            turned = -1 if name == "recency" else 1  # that gain is the version's on recency
            low, high = sorted(turned * end for end in (gain.low or 0.0, gain.high or 0.0))
            reading = "better" if low > 0 else "worse" if high < 0 else "same"
            ends = say("model_range", language, low=signed(low, language, 3), high=signed(high, language, 3))
            rows.append(
                {
                    say("model_other", language): say(f"model_other_{name}", language),
                    say("model_measured_on", language): say(f"model_kind_{kind}", language),
                    say("model_other_value", language): fixed(other.value, language, 3),
                    say("model_other_gain", language): f"{signed(turned * gain.value, language, 3)} ({ends})",
                    say("model_other_reading", language): say(f"model_reading_{reading}", language),
                }
            )
    if rows:
        table(rows, [say("model_other_value", language), say("model_other_gain", language)])
    agreed = {each.metric: each.value for each in measured if each.metric.startswith("production_")}
    if agreed:
        said = {
            "correlation": fixed(agreed["production_rank_correlation"], language, 3),
            "overlap": percent(agreed["production_flagged_overlap"], language),
        }
        st.caption(say("model_agreement", language, **said))


def promotions(decisions: list[Promotion], language: str) -> None:
    """The decisions as rows, and one of them with all that is on record."""
    if not decisions:
        missing(say("model_promotions_none", language))
        return
    st.caption(say("model_promotions_caption", language, count=number(len(decisions), language)))
    table(
        [
            {
                say("model_decided", language): minute(each.decided_at, language),
                say("model_action", language): _action(each, language),
                say("model_about", language): each.challenger_version or NOTHING,
                say("model_before_after", language): _before_after(each),
                say("model_who", language): code(each.who) if each.who else NOTHING,
                say("model_why", language): code(each.why) if each.why else say("model_automatic", language),
            }
            for each in decisions
        ]
    )
    one = st.selectbox(
        say("model_decision", language),
        range(len(decisions)),
        format_func=lambda at: _decision(decisions[at], language),
        key="model_decision",
    )
    _details(decisions[one], language)


def side_by_side(cards: Sequence[Card], measured: Sequence[list[Measured]], language: str) -> None:
    """What two versions were trained on, every figure of all rows, in two columns; then the features that differ."""
    names = [say("model_version", language, version=card.version) for card in cards]
    if names[0] == names[1]:
        names[1] += " "
    rows = {
        say("model_trained", language): [minute(card.registered_at, language) for card in cards],
        say("model_newest_snapshot", language): [day(card.training_snapshots[-1], language) for card in cards],
        say("model_card_snapshots", language): [number(len(card.training_snapshots), language) for card in cards],
        say("model_card_rows", language): [number(card.training_rows, language) for card in cards],
        say("model_card_churners", language): [number(card.training_churners, language) for card in cards],
        say("model_card_features", language): [number(len(card.features), language) for card in cards],
        say("model_card_threshold", language): [percent(card.threshold, language) for card in cards],
    }
    for kind in KINDS:
        of_kind = [{m.metric: m for m in each if m.kind == kind and m.slice == ALL} for each in measured]
        if not any(of_kind):
            continue
        said = say(f"model_kind_{kind}", language)
        rows[say("model_rows_of_kind", language, kind=said)] = [
            number(next(iter(found.values())).rows_measured, language) if found else NOTHING for found in of_kind
        ]
        for metric in METRICS:
            named = say("model_figure_of_kind", language, figure=say(f"model_figure_{metric}", language), kind=said)
            rows[named] = [_with_interval(found[metric], language) if metric in found else NOTHING for found in of_kind]
    figure = say("model_figure", language)
    table([{figure: name, **dict(zip(names, pair, strict=True))} for name, pair in rows.items()], names)
    ours, theirs = (set(card.features) for card in cards)
    if ours == theirs:
        st.markdown(say("model_same_features", language))
    for card, only in zip(cards, (ours - theirs, theirs - ours), strict=True):
        if only:
            labels = [feature_label(name, language).replace("$", "\\$") for name in card.features if name in only]
            st.markdown(say("model_only_in", language, version=card.version, features=", ".join(labels)))


def _calibrations(rows: list[dict[str, str]], language: str, more_numbers: Sequence[str] = ()) -> None:
    numbers = ("model_rows", "model_churned", "model_promised", "model_figure_calibration")
    table(rows, [*(say(key, language) for key in numbers), *more_numbers])


def _calibration(each: Measured, language: str) -> dict[str, str]:
    churned, text = each.churners / each.rows_measured, _with_interval(each, language)
    return {
        say("model_rows", language): number(each.rows_measured, language),
        say("model_promised", language): percent(churned + each.value, language),
        say("model_churned", language): percent(churned, language),
        say("model_figure_calibration", language): f"**{text}**" if excludes_zero(each) else text,
    }


def _with_interval(figure: Measured, language: str) -> str:
    ends = interval(figure, language)
    return (
        f"{shown(figure.metric, figure.value, language)} ({ends})"
        if ends
        else shown(figure.metric, figure.value, language)
    )


def _action(each: Promotion, language: str) -> str:
    action = say(f"model_action_{each.action}", language)
    if each.is_overtaken:
        return say("model_overtaken", language, action=action)
    return action if each.carried_out_at else say("model_pending", language, action=action)


def _before_after(each: Promotion) -> str:
    return f"{each.champion_version or NOTHING} → {each.production_version or NOTHING}"


def _decision(each: Promotion, language: str) -> str:
    about = {"version": each.challenger_version or NOTHING, "action": _action(each, language)}
    return say("model_decision_of", language, when=minute(each.decided_at, language), **about)


def _details(one: Promotion, language: str) -> None:
    if one.figures:
        rows = number(one.heldout_rows or 0, language)
        st.caption(say("model_compared", language, reference=one.reference_version, rows=rows))
        names = [say("model_challenger", language, version=v) for v in (one.challenger_version, one.reference_version)]
        loss, limit = say("model_loss", language), say("model_limit", language)
        table(
            [
                {
                    say("model_figure", language): say(
                        "model_in_points" if name in SHARES else "model_plain",
                        language,
                        figure=say(f"model_figure_{name}", language),
                    ),
                    names[0]: shown(name, found["challenger"], language),
                    names[1]: shown(name, found["reference"], language),
                    loss: _loss(name, found, language),
                    limit: _amount(name, found["limit"], language, fixed),
                    say("model_verdict", language): say(
                        "model_within" if found["high"] <= found["limit"] else "model_beyond", language
                    ),
                }
                for name, found in one.figures.items()
            ],
            [*names, loss, limit],
        )
    st.markdown(say("model_reason", language, reason=""))
    st.code(one.reason, language=None, wrap_lines=True)


def _loss(name: str, found: dict[str, float], language: str) -> str:
    low, high = (_amount(name, found[end], language, signed) for end in ("low", "high"))
    value = _amount(name, found["loss"], language, signed)
    return f"{value} ({say('model_range', language, low=low, high=high)})"


def _amount(name: str, value: float, language: str, written: Callable[[float, str, int], str]) -> str:
    """Of shares in points of a hundred."""
    return written(100 * value, language, 2) if name in SHARES else written(value, language, 4)
