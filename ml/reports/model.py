"""What the page Model reads: the card of a version, its figures, and the decisions about production."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import psycopg
from mlflow.tracking import MlflowClient
from psycopg.rows import class_row

from ml.cli import CommandError
from ml.model_config import MODEL_NAME
from ml.store import registry
from ml.training.explanation import inputs
from ml.training.pipeline import directions

FIGURES = """
select kind, slice, metric, value, low, high, rows_measured, churners, snapshot_dates, measured_at
from ops.model_metrics
where model_version = %(version)s and kind in ('out_of_time', 'in_time')
order by metric_id
"""
PROMOTIONS = """
select
    decided_at, action, challenger_version, champion_version, production_version, reference_version, reason, who, why,
    figures, heldout_rows, carried_out_at, is_overtaken
from ops.model_promotions
order by promotion_id desc
limit %(newest)s
"""


@dataclass(frozen=True)
class Measured:
    """A figure of a version: `kind` is out_of_time or in_time, `slice` as in `ops.model_metrics`; a 95 % interval."""

    kind: str
    slice: str
    metric: str
    value: float
    low: float | None
    high: float | None
    rows_measured: int
    churners: int
    snapshot_dates: list[date]
    measured_at: datetime


@dataclass(frozen=True)
class Promotion:
    """A row of `ops.model_promotions`; `figures`: by name, values of both versions, loss, interval and limit."""

    decided_at: datetime
    action: str
    challenger_version: str | None
    champion_version: str | None
    production_version: str | None
    reference_version: str | None
    reason: str
    who: str | None
    why: str | None
    figures: dict[str, dict[str, float]] | None
    heldout_rows: int | None
    carried_out_at: datetime | None
    is_overtaken: bool


@dataclass(frozen=True)
class Coefficient:
    """Log-odds by standard deviation of an input; `low`, `high`: 95 % over refits, None if not logged with the version.

    `declared` is what more of it must mean, empty for a category.
    """

    input: str
    group: str
    coefficient: float
    low: float | None
    high: float | None
    declared: str


@dataclass(frozen=True)
class Tenth:
    """A tenth of the rows measured, by score."""

    mean_score: float
    churned: float
    rows: int


@dataclass(frozen=True)
class Card:
    """What a version was made from and what it is; counts are rows, a customer at a snapshot.

    `tenths`: calibration by kind, lowest scores first; empty if not logged with the version.
    """

    version: str
    registered_at: datetime
    snapshot_date: date
    lookback_weeks: int
    training_snapshots: list[date]
    left_out_snapshots: dict[str, str]
    as_of: date | None
    labels_known_through: date
    training_rows: int
    training_churners: int
    heldout_rows: int
    heldout_churners: int
    features: tuple[str, ...]
    left_out_features: dict[str, str]
    threshold: float
    warnings: list[str]
    data_digest: str
    code_digest: str
    git_commit: str
    run_id: str
    coefficients: list[Coefficient]
    tenths: dict[str, list[Tenth]] = field(default_factory=dict)

    @property
    def is_retrospective(self) -> bool:
        """Whether its labels speak of days that the date of the training could not know."""
        return self.labels_known_through >= self.snapshot_date


def versions(client: MlflowClient) -> dict[str, str]:
    """The MLflow run of each registered version, newest first."""
    return {number: version.run_id for number, version in reversed(registry.by_number(client).items())}


def card(client: MlflowClient, number: str) -> Card:
    """The card of a version.

    Raises:
        CommandError: it is not registered, ml.train did not register it, or its files are lost or of another make.
    """
    version = registry.get(client, number)
    created = client.get_model_version(MODEL_NAME, number).creation_timestamp  # milliseconds
    training, heldout = (_rows_and_churners(version.tag(f"{part}_label_counts")) for part in ("training", "heldout"))
    described = _described(version)
    as_of = version.tag("as_of")
    return Card(
        version=number,
        registered_at=datetime.fromtimestamp(created / 1000, UTC),
        snapshot_date=date.fromisoformat(version.tag("snapshot_date")),
        lookback_weeks=int(version.tag("lookback_weeks")),
        training_snapshots=version.training_snapshots,
        left_out_snapshots=version.tag("left_out_snapshots"),
        as_of=date.fromisoformat(as_of) if as_of else None,
        labels_known_through=date.fromisoformat(version.tag("labels_known_through")),
        training_rows=training[0],
        training_churners=training[1],
        heldout_rows=heldout[0],
        heldout_churners=heldout[1],
        features=version.features,
        left_out_features=version.tag("left_out_features"),
        threshold=version.threshold,
        warnings=version.tag("warnings"),
        **{name: version.tags.get(name, "") for name in ("data_digest", "code_digest", "git_commit")},
        run_id=version.run_id,
        coefficients=_coefficients(version, described),
        tenths={kind: [Tenth(**each) for each in tenths] for kind, tenths in described.get("tenths", {}).items()},
    )


def figures(conn: psycopg.Connection, version: str) -> list[Measured]:
    """Every figure of a version's training, in the order in which they were measured."""
    return conn.cursor(row_factory=class_row(Measured)).execute(FIGURES, {"version": version}).fetchall()


def promotions(conn: psycopg.Connection, newest: int) -> list[Promotion]:
    """The newest decisions about production, newest first."""
    return conn.cursor(row_factory=class_row(Promotion)).execute(PROMOTIONS, {"newest": newest}).fetchall()


def _rows_and_churners(counts: dict[str, dict[str, int]]) -> tuple[int, int]:
    return sum(sum(of.values()) for of in counts.values()), sum(of.get("1", 0) for of in counts.values())


def _described(version: registry.ChurnVersion) -> dict[str, Any]:
    """What was logged for charts; empty for a version from before it was."""
    try:
        found: dict[str, Any] = registry.load_json(version, registry.DESCRIPTION)
        return found
    except CommandError:
        return {}


def _coefficients(version: registry.ChurnVersion, described: dict[str, Any]) -> list[Coefficient]:
    """The largest first; of a version from before they were logged, those of its pipeline, without their spread."""
    declared = directions()
    rows = described.get("coefficients")
    if rows is None:
        pipeline = registry.load(version)
        try:
            pairs = zip(inputs(pipeline), pipeline[-1].coef_[0], strict=True)
        except ValueError as error:
            raise CommandError(
                f"{MODEL_NAME} version {version.version} has no coefficients to show: {error}"
            ) from error
        rows = [{"input": each.name, "group": each.group, "coefficient": float(value)} for each, value in pairs]
    found = [
        Coefficient(
            row["input"],
            row["group"],
            row["coefficient"],
            row.get("low"),
            row.get("high"),
            declared.get(row["input"], ""),
        )
        for row in rows
    ]
    return sorted(found, key=lambda each: -abs(each.coefficient))
