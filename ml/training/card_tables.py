"""The tables of the model card: quality, calibration by snapshot and slice, and other models beside the version."""

from collections.abc import Iterable, Sequence

from ml.model_config import MIN_MEASURED_EVENTS
from ml.training.evaluation import ALL, SNAPSHOT, SOURCE, Evaluation, Group
from ml.training.metrics import Figure

SHOWN = {  # of docs/model.md, in words
    "roc_auc": "ROC AUC: share of (churner, stayer) pairs in the right order",
    "average_precision": "average precision",
    "lift_top_decile": "churn among the tenth with the highest scores, times the average",
    "log_loss": "log loss, nats a row",
    "brier": "Brier score",
    "calibration": "calibration: mean score - share that churned",
    "calibration_error": "calibration error, by tenth of the scores",
}


def quality(evaluation: Evaluation | None, rows: str) -> list[str]:
    """The figures of all rows, which `rows` says in words; None: there are none."""
    if evaluation is None:
        return ["No later snapshot is closed yet."]
    group = evaluation.groups[ALL]
    snapshots = ", ".join(map(str, group.snapshots))
    lines = [f"{rows}: {snapshots}. {group.rows:,} rows, {group.churners:,} churned.", ""]
    if group.not_measurable:
        return [*lines, f"{group.not_measurable.capitalize()}."]
    recency, gain = evaluation.beside["recency_roc_auc"], evaluation.beside["recency_roc_auc_gain"]
    cells = ((said, *_value_and_interval(group.figures[name])) for name, said in SHOWN.items())
    return [
        *lines,
        *table(("figure", "value", "95 % interval"), cells),
        "",
        f"Recency alone has a ROC AUC of {plain(recency, 3)}; the model is {words(gain)}.",
    ]


def by_snapshot(measured: dict[str, Evaluation]) -> list[str]:
    """Mean score beside the share that churned, at each snapshot that was measured."""
    lines = (
        (group.snapshots[0], kind, f"{group.rows:,}", *_calibration(group))
        for kind, evaluation in measured.items()
        for group in evaluation.beginning(SNAPSHOT)
    )
    heads = ("snapshot", "measured", "rows", "mean score", "churned", "difference (95 % interval)")
    return [*table(heads, lines), "", "Above 0, too much churn is promised. **Bold**: the interval excludes zero."]


def by_slice(evaluation: Evaluation) -> list[str]:
    """Calibration and ROC AUC of each slice of customers."""
    groups = [g for name, g in evaluation.groups.items() if name != ALL and not name.startswith((SNAPSHOT, SOURCE))]
    lines = (
        (
            group.name.replace("=", " = "),
            f"{group.rows:,}",
            *_calibration(group),
            plain(group.figures["roc_auc"], 3) if group.figures else "",
        )
        for group in groups
    )
    heads = ("slice", "rows", "mean score", "churned", "difference (95 % interval)", "ROC AUC (95 % interval)")
    shown = sum(bool(group.figures) for group in groups)
    return [
        *table(heads, lines),
        "",
        f"By chance alone, about {shown / 20:.0f} of these {shown} would be bold. With fewer than {MIN_MEASURED_EVENTS}"
        " churned or stayed, nothing is measured.",
    ]


def beside(measured: dict[str, Evaluation], first: tuple[str, str], second: tuple[str, str], gain: str) -> list[str]:
    """ROC AUC and log loss of two models, each its name and the prefix of its figures, and the `gain` of the second."""
    lines = []
    for kind, evaluation in measured.items():
        figures = evaluation.groups[ALL].figures | evaluation.beside
        for metric, said in (("roc_auc", "ROC AUC"), ("log_loss", "log loss")):
            difference = figures.get(f"{gain}_{metric}_gain")
            if difference:
                values = (plain(figures[f"{prefix}{metric}"], 4) for _, prefix in (first, second))
                lines.append((kind, said, *values, words(difference)))
    if not lines:
        return ["Not measurable, or one of the two cannot be fitted to these rows."]
    return table(("measured", "figure", first[0], second[0], f"{second[0]} is"), lines)


def table(heads: Sequence[str], lines: Iterable[Sequence[object]]) -> list[str]:
    """A table in Markdown, line by line."""
    rows = [heads, ["---"] * len(heads), *lines]
    return [f"| {' | '.join(map(str, row))} |" for row in rows]


def churned(group: Group) -> float:
    """Share of the rows that churned."""
    return group.churners / group.rows if group.rows else 0.0


def mean_score(group: Group) -> float:
    """Mean score of the rows, which must be measurable."""
    return churned(group) + group.figures["calibration"].value


def percent(share: float) -> str:
    """A share as a person reads it."""
    return f"{100 * share:.1f} %"


def plain(figure: Figure, digits: int) -> str:
    """A figure with its interval."""
    return f"{figure.value:.{digits}f} ({figure.low:.{digits}f} to {figure.high:.{digits}f})"


def has_zero(figure: Figure) -> bool:
    """Whether the interval contains zero."""
    return figure.low <= 0 <= figure.high


def words(gain: Figure) -> str:
    """`better by …` or `worse by …`, and whether the interval contains zero."""
    value, low, high = gain.value, gain.low, gain.high
    said = f"better by {value:.4f} ({low:.4f} to {high:.4f})"
    if value < 0:
        said = f"worse by {-value:.4f} ({-high:.4f} to {-low:.4f})"
    return f"{said}; the interval {'contains' if has_zero(gain) else 'excludes'} zero"


def _calibration(group: Group) -> tuple[str, str, str]:
    if group.not_measurable:
        return "", percent(churned(group)), f"too few: {group.churners} churned, {group.stayers} stayed"
    figure = group.figures["calibration"]
    text = f"{figure.value:+.3f} ({figure.low:+.3f} to {figure.high:+.3f})"
    return percent(mean_score(group)), percent(churned(group)), text if has_zero(figure) else f"**{text}**"


def _value_and_interval(figure: Figure) -> tuple[str, str]:
    digits = 4 if abs(figure.value) < 1 else 2
    return f"{figure.value:.{digits}f}", f"{figure.low:.{digits}f} to {figure.high:.{digits}f}"
