"""Figures, inputs and slices of a model in the words of the pages."""

from ml.reports.model import Coefficient, Measured
from ml.snapshots.catalogue import BY_NAME, FEATURES
from ml.training.pipeline import mark
from streamlit_app.formats import fixed, percent, signed
from streamlit_app.texts import TEXTS, feature_label, say

ALL = "all"
KINDS = ("out_of_time", "in_time")  # in the order in which pages show them
METRICS = (
    "roc_auc", "lift_top_decile", "calibration", "calibration_error", "log_loss", "brier", "average_precision",
)  # fmt: skip
POINTS, SIGNED_POINTS = ("calibration_error",), ("calibration",)  # shares, shown in points of a hundred
MARKED = {mark(feature): feature.name for feature in FEATURES if feature.marked}


def shown(metric: str, value: float, language: str) -> str:
    """A figure with its unit."""
    bare = _bare(metric, value, language)
    if metric in (*POINTS, *SIGNED_POINTS):
        return say("model_points", language, value=bare)
    return say("model_times", language, value=bare) if metric == "lift_top_decile" else bare


def interval(figure: Measured, language: str) -> str:
    """Both ends of its interval, empty if it has none."""
    if figure.low is None or figure.high is None:
        return ""
    low, high = (_bare(figure.metric, end, language) for end in (figure.low, figure.high))
    return say("model_range", language, low=low, high=high)


def coefficient_interval(each: Coefficient, language: str) -> str:
    """Both ends of its interval, empty if it was not stored."""
    if each.low is None or each.high is None:
        return ""
    return say("model_range", language, low=signed(each.low, language, 3), high=signed(each.high, language, 3))


def headline(metric: str, value: float, language: str) -> tuple[str, str]:
    """Name and value of a figure for a narrow place: the unit of points is with the name."""
    name = say(f"model_figure_{metric}", language)
    if metric in (*POINTS, *SIGNED_POINTS):
        return say("model_in_points", language, figure=name), _bare(metric, value, language)
    return name, shown(metric, value, language)


def excludes_zero(figure: Measured) -> bool:
    """Whether both ends of its interval are on one side of zero."""
    return figure.low is not None and figure.high is not None and (figure.low > 0 or figure.high < 0)


def input_label(name: str, language: str) -> str:
    """What the classifier sees, in words: a feature, a score of several, a category, or that something is not known."""
    if name in MARKED:
        return say("model_unknown", language, input=feature_label(MARKED[name], language))
    if f"model_score_{name}" in TEXTS:
        return say(f"model_score_{name}", language)
    feature, colon, value = name.partition(": ")
    if colon and feature in BY_NAME:
        return say("model_category", language, feature=feature_label(feature, language), value=value)
    return feature_label(name, language)


def slice_label(name: str, language: str) -> str:
    """A slice of `ops.model_metrics`, named column=value, in words."""
    column, _, value = name.partition("=")
    named = f"model_slice_{column}"
    about = say(named, language) if named in TEXTS else feature_label(column, language)
    known = f"model_value_{value.replace(' ', '_')}"
    return f"{about}: {say(known, language) if known in TEXTS else value}"


def _bare(metric: str, value: float, language: str) -> str:
    if metric in SIGNED_POINTS:
        return signed(100 * value, language, 1)
    if metric in POINTS:
        return fixed(100 * value, language, 1)
    if metric == "share_flagged":
        return percent(value, language)
    return fixed(value, language, {"roc_auc": 3, "lift_top_decile": 1}.get(metric, 4))
