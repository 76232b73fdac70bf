"""The model card: a page for people that describes one version, logged with its run."""

import json

from ml.model_config import (
    ACTIVE_DAYS,
    BOOTSTRAP_REPLICATES,
    CUSTOMER_BUCKETS,
    HELDOUT_BUCKETS,
    MIN_CATEGORY_SHARE,
    MODEL_NAME,
)
from ml.snapshots.catalogue import BY_NAME
from ml.snapshots.feature import GROUPS
from ml.training.alternatives import DEPTH
from ml.training.card_tables import (
    beside,
    by_slice,
    by_snapshot,
    churned,
    has_zero,
    mean_score,
    percent,
    plain,
    quality,
    table,
    words,
)
from ml.training.description import Description
from ml.training.evaluation import ALL, Evaluation
from ml.training.profile import Training
from ml.training.stability import REFITS

LATER, HELDOUT = (
    "All customers at closed snapshots after the training",
    "Customers that no version is trained on, at the training's own snapshots",
)


def model_card(training: Training, tags: dict[str, str], described: Description) -> str:
    """What the version predicts, how good it is, what it was made from, and what it is not for, in Markdown."""
    parts = {"out of time": described.out_of_time, "in time": described.in_time}
    measured = {kind: part for kind, part in parts.items() if part is not None}
    sections = {
        f"# {MODEL_NAME}, trained for {training.snapshot_date}": _purpose(),
        "## In short": _in_short(tags, measured),
        "## Quality out of time": quality(described.out_of_time, LATER),
        "## Quality in time, on held-out customers": quality(described.in_time, HELDOUT),
        "## Calibration by snapshot": by_snapshot(measured),
        **{f"## By slice, {kind}": by_slice(part) for kind, part in measured.items()},
        "## The ceiling": _ceiling(described, measured),
        "## With and without demographics": _demographics(training, measured),
        "## Data": _data(training, tags),
        "## Coefficients": _coefficients(training, described),
        "## Stability": _stability(described),
        "## Assumptions": _assumptions(),
        "## Limits": _limits(training, described),
    }
    return "\n\n".join("\n".join([heading, "", *lines]) for heading, lines in sections.items()) + "\n"


def _purpose() -> list[str]:
    return [
        f"**For**: choosing whom to write to. Of each customer who paid in the last {ACTIVE_DAYS} days, the model gives"
        f" the probability of no payment in the next {ACTIVE_DAYS} days.",
        "",
        f"**Not for**: customers without a payment in the last {ACTIVE_DAYS} days: they have churned already and get no"
        " score. Not for a decision about one person that no human looks at. It says who is likely to leave, not whom a"
        " campaign would keep.",
    ]


def _in_short(tags: dict[str, str], measured: dict[str, Evaluation]) -> list[str]:
    kind, evaluation = next(iter(measured.items()))
    group, figures, others = evaluation.groups[ALL], evaluation.groups[ALL].figures, evaluation.beside
    rule = json.loads(tags["threshold_rule"])
    lines = [f"- Warning: {warning}." for warning in json.loads(tags["warnings"])]
    if "out of time" not in measured:
        lines.append("- No snapshot after the training is closed yet, so nothing is measured out of time.")
    if group.not_measurable:
        return [*lines, f"- Quality {kind}: {group.not_measurable}."]
    auc, calibration = figures["roc_auc"], figures["calibration"]
    meaning = "The interval of the difference contains zero."
    if not has_zero(calibration):
        meaning = f"That is too {'much' if calibration.value > 0 else 'little'}: the interval excludes zero."
    lines += [
        f"- {kind.capitalize()}, it puts a churner above a stayer in {100 * auc.value:.0f} of 100 pairs:"
        f" ROC AUC {plain(auc, 3)}.",
        "- Of the tenth with the highest scores,"
        f" {plain(figures['lift_top_decile'], 1)} times as many churn as of all.",
        f"- It promises {percent(mean_score(group))} churn; {percent(churned(group))} churned. {meaning}",
        f"- It flags a customer from a score of {json.loads(tags['threshold']):.4f}: {rule}.",
    ]
    for gain, model in (
        ("ceiling", "gradient-boosted trees (the ceiling) are"),
        ("demographics", "the same model with demographics is"),
    ):
        if figure := others.get(f"{gain}_roc_auc_gain"):
            lines.append(f"- In ROC AUC, {model} {words(figure)}.")
    return lines


def _ceiling(described: Description, measured: dict[str, Evaluation]) -> list[str]:
    return [
        f"Gradient-boosted trees of depth {DEPTH} find bends and interactions by themselves. They are fitted to the"
        f" same features on {described.described_rows:,} of the same rows, and never registered.",
        "What they are better by is out of reach for a logistic regression of these features. Where they are no better,"
        " only other features can help.",
        "",
        *beside(measured, ("this version", ""), ("ceiling", "ceiling_"), "ceiling"),
    ]


def _demographics(training: Training, measured: dict[str, Evaluation]) -> list[str]:
    used = any(BY_NAME[name].group == "person" for name in training.features)
    return [
        f"This version {'uses' if used else 'does not use'} gender, age group and province. The same training without"
        " them and with them:",
        "",
        *beside(measured, ("without", "without_demographics_"), ("with", "with_demographics_"), "demographics"),
    ]


def _data(training: Training, tags: dict[str, str]) -> list[str]:
    counts = {part: json.loads(tags[f"{part}_label_counts"]) for part in ("training", "heldout")}
    retrospective = training.labels_known_through >= training.snapshot_date
    cells = (
        (source, *(f"{counts[part][source][label]:,}" for part in counts for label in ("1", "0")))
        for source in counts["training"]
    )
    left_out: dict[str, list[str]] = {}
    for name, reason in training.left_out_features.items():
        left_out.setdefault(reason, []).append(name)
    return [
        f"- Snapshots: {', '.join(map(str, training.training_snapshots))}.",
        *(f"- Left out: {day}: {reason}." for day, reason in sorted(training.left_out_snapshots.items())),
        f"- Left out: {training.left_out_by_campaigns:,} rows because of campaigns: what contacted customers did"
        " says nothing of customers left alone, and of the others as many are left out by chance.",
        f"- The last label speaks of the days to {training.labels_known_through}, which"
        + (
            " the date of this training could not know: it is retrospective."
            if retrospective
            else " were over on the date of this training: it is not retrospective."
        ),
        f"- Only labels that were known on {training.as_of} are used."
        if training.as_of
        else "- All labels known when it was trained are used.",
        f"- Digest of the data: {training.data_digest}.",
        f"- Digest of the code: {training.code_digest}; commit {training.git_commit}.",
        "",
        *table(("label source", "trained on: churned", "stayed", "held out: churned", "stayed"), cells),
        "",
        f"- Features used: {', '.join(training.features)}.",
        *(f"- Left out: {', '.join(names)}: {reason}." for reason, names in left_out.items()),
    ]


def _coefficients(training: Training, described: Description) -> list[str]:
    order = described.coefficients["coefficient"].abs().sort_values(ascending=False).index
    cells = (
        (
            each.input,
            GROUPS[str(each.group)].en,
            f"{each.coefficient:+.3f}",
            f"{each.deviation:.3f}",
            f"{each.low:+.3f} to {each.high:+.3f}",
        )
        for each in described.coefficients.loc[order].itertuples()
    )
    declared = {BY_NAME[name].score_name: BY_NAME[name].direction for name in training.features}
    return [
        f"Log-odds of churn by standard deviation of an input, and their spread over {REFITS} refits on customers drawn"
        f" again ({described.described_rows:,} rows). Above 0: more of it means more churn.",
        "",
        *table(("input", "about", "coefficient", "standard deviation", "95 % interval"), cells),
        "",
        "What more of an input must mean; one whose coefficient says otherwise is left out: "
        + ", ".join(f"{name} ({direction})" for name, direction in declared.items() if direction)
        + ".",
    ]


def _stability(described: Description) -> list[str]:
    production = described.production
    if production.version is None:
        return ["There was no version in production when this one was trained."]
    compared = f"Version {production.version} was in production when this one was trained."
    if production.problem:
        return [f"{compared} They cannot be compared: {production.problem}."]
    return [
        f"{compared} On the same held-out rows, the rank correlation of the two scores is"
        f" {production.figures['rank_correlation']:.4f}. Of the customers that either flags, both flag"
        f" {percent(production.figures['flagged_overlap'])}.",
    ]


def _assumptions() -> list[str]:
    return [
        "- Demographics, means of payment and INVERSION are constant in time.",
        "- Customers will behave as they did at these snapshots: prices, seasons and campaigns stay as they were.",
        "- The flag of EVALUATE means what EVALUATE_CHURN_MEANS says; a label speaks of 60 to 67 days.",
        f"- Categories rarer than {percent(MIN_CATEGORY_SHARE)} of the rows, and those never seen, count as not known.",
    ]


def _limits(training: Training, described: Description) -> list[str]:
    lines = [
        "- A row is a customer at a snapshot. One customer has several, so rows say less than as many customers would.",
        f"- Intervals hold 95 % of {BOOTSTRAP_REPLICATES} draws of customers, each with all their rows. They show the"
        " luck of who was measured, not what a change of times would do.",
        f"- Held-out customers are those whose bucket is below {HELDOUT_BUCKETS} of {CUSTOMER_BUCKETS}. Out of time,"
        " most customers were trained on, at earlier snapshots.",
        "- A probability holds for all rows together, not within one label source: which source a row has depends on"
        " what came after its snapshot.",
    ]
    if training.buckets[1] < CUSTOMER_BUCKETS:
        share = (training.buckets[1] - HELDOUT_BUCKETS) / (CUSTOMER_BUCKETS - HELDOUT_BUCKETS)
        lines.append(f"- There are many customers: it is trained on {percent(share)} of those that are not held out.")
    if described.out_of_time is None:
        lines.append("- The figures are in time only. On later snapshots, expect worse.")
    return lines
