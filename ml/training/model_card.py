"""The model card: a page that describes one version, logged with its run."""

import json

from ml.model_config import ACTIVE_DAYS, HELDOUT_BUCKETS, MIN_CATEGORY_SHARE, MODEL_NAME
from ml.snapshots.catalogue import BY_NAME
from ml.snapshots.feature import Direction
from ml.training.evaluation import Evaluation
from ml.training.metrics import Figure
from ml.training.profile import Training


def model_card(training: Training, tags: dict[str, str], in_time: Evaluation, out_of_time: Evaluation | None) -> str:
    """What the model predicts, what it was made from, how good it is, and what it must not be used for, in Markdown."""
    lines = [
        f"# {MODEL_NAME}",
        "",
        f"Probability that a customer who paid in the last {ACTIVE_DAYS} days makes none in the next {ACTIVE_DAYS}.",
        "Logistic regression; `predict` returns one row a customer: P(stays), P(churns).",
        "",
        "## Data",
        f"- Snapshots: {', '.join(map(str, training.training_snapshots))}.",
        *(f"- Left out: {day}: {reason}." for day, reason in sorted(training.left_out_snapshots.items())),
        f"- Training rows by label source and label: {tags['training_label_counts']};"
        f" held out: {tags['heldout_label_counts']}.",
        f"- The last label speaks of the days to {training.labels_known_through}"
        + (
            ", which the date of this training could not know: it is retrospective."
            if training.labels_known_through >= training.snapshot_date
            else ", which were over on the date of this training."
        ),
        f"- Held out: customers whose bucket is below {HELDOUT_BUCKETS} of 1000; never trained on by any version.",
        "- Demographics and INVERSION are taken as constant in time, an assumption.",
        f"- Categories rarer than {MIN_CATEGORY_SHARE:.1%} of the rows, and those never seen, count as not known.",
        f"- Data digest {training.data_digest[:16]}, code {training.code_digest[:16]}, commit {training.git_commit}.",
        "",
        "## Features",
        f"Used: {', '.join(training.features)}.",
        "",
        "Features whose meanings overlap enter as one score. More of a score means what its direction says: "
        + ", ".join(f"{name} ({direction})" for name, direction in _directions(training))
        + ".",
        "",
        "Left out, without a value in a training snapshot or against their direction: "
        + ("; ".join(f"{name} ({where})" for name, where in training.left_out_features.items()) or "none")
        + ".",
        "",
        "## Quality out of time",
        f"All customers at closed snapshots after the training: {tags['out_of_time_snapshots']}."
        " 95 % bootstrap intervals, customers drawn with all their rows.",
        "",
        *(_figures(out_of_time) if out_of_time else ["No later snapshot is closed yet."]),
        "",
        "## Quality in time, on held-out customers",
        "95 % bootstrap intervals, customers drawn with all their rows. Which label source a row has depends on what"
        " came after its snapshot (`evaluate`: no payment up to the cutoff), so churn differs between the sources by"
        " construction: a probability holds for all rows together, not within one source.",
        "",
        *_figures(in_time),
        "",
        f"Threshold {json.loads(tags['threshold']):.4f}: {json.loads(tags['threshold_rule'])}.",
        "",
        "## Not for",
        f"Customers without a payment in the {ACTIVE_DAYS} days before the snapshot: they have churned already and are"
        " not scored.",
        "Decisions about single persons without a human look: the score ranks, and is right on average.",
        "",
    ]
    return "\n".join(lines)


def _directions(training: Training) -> list[tuple[str, Direction]]:
    used = [BY_NAME[name] for name in training.features]
    return list({each.score_name: each.direction for each in used if each.direction}.items())


def _figures(evaluation: Evaluation) -> list[str]:
    lines = ["| rows | figure | value | interval |", "|---|---|---|---|"]
    for group in evaluation.groups.values():
        rows = f"{group.name} ({group.churners} churners, {group.stayers} stayers)"
        if group.not_measurable:
            lines.append(f"| {rows} | {group.not_measurable} | | |")
        lines += _table(rows, group.figures)
    return lines + _table("all, recency alone", evaluation.recency)


def _table(rows: str, figures: dict[str, Figure]) -> list[str]:
    return [f"| {rows} | {name} | {f.value:.4f} | {f.low:.4f} to {f.high:.4f} |" for name, f in figures.items()]
