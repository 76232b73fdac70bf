"""The customers whom a campaign may contact: scored, in no other campaign at the time, not held out, in a segment."""

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import psycopg
from numpy.typing import NDArray

from ml.campaigns.profit import MOST_PESOS, in_range
from ml.campaigns.refusals import NO_SCORES, NOBODY_BETWEEN, Refused
from ml.settings import settings
from ml.snapshots.catalogue import CHURN_DAYS
from ml.store import feature_rows

CATEGORIES = ("estado", "tarjetas", "rango_edad")
COLUMNS = ("customer_id", "score", "spent_90d", *CATEGORIES)
CURRENT_RUN = """
select scoring_run_id, model_version, scored_at
from ops.scoring_runs where snapshot_date = %s and replaced_at is null
"""
CANDIDATES = """
select {columns}
from ops.churn_scoring as scored
join features.churn_weekly_features using (snapshot_date, customer_id)
where snapshot_date = %(snapshot_date)s
    and not ops.is_campaign_holdout(customer_id, %(holdout_share)s)
    and not exists (
        select from ops.campaign_assignments as earlier
        join ops.campaigns using (campaign_id)
        where earlier.customer_id = scored.customer_id
            and starts_on < %(starts_on)s + %(churn_days)s and %(starts_on)s < starts_on + %(churn_days)s
    )
"""


@dataclass(frozen=True)
class Segment:
    """Conditions on customers, all of which must hold; an empty tuple or None: no condition.

    Raises:
        Refused: a number is outside its range, or the lowest score is above the highest.
    """

    estado: tuple[str, ...] = ()
    tarjetas: tuple[str, ...] = ()
    rango_edad: tuple[str, ...] = ()
    min_score: float | None = None
    max_score: float | None = None
    min_spent_90d: float | None = None

    def __post_init__(self) -> None:
        in_range("min_score", self.min_score, 0, 1)
        in_range("max_score", self.max_score, 0, 1)
        in_range("min_spent_90d", self.min_spent_90d, 0, MOST_PESOS)
        if self.min_score is not None and self.max_score is not None and self.min_score > self.max_score:
            raise Refused(NOBODY_BETWEEN, low=float(self.min_score), high=float(self.max_score))

    @property
    def conditions(self) -> dict[str, Any]:
        """Those that are stated, by name."""
        return {name: value for name, value in asdict(self).items() if value not in ((), None)}

    def holds(self, candidates: pd.DataFrame) -> NDArray[np.bool_]:
        """Whether each of the candidates is in the segment."""
        inside = np.ones(len(candidates), dtype=bool)
        for name in CATEGORIES:
            if wanted := getattr(self, name):
                inside &= candidates[name].isin(wanted).to_numpy()
        for name, column, sign in (
            ("min_score", "score", 1),
            ("max_score", "score", -1),
            ("min_spent_90d", "spent_90d", 1),
        ):
            if (bound := getattr(self, name)) is not None:
                inside &= sign * candidates[column].to_numpy() >= sign * bound
        return inside


@dataclass(frozen=True)
class ScoringRun:
    """The run in ops.scoring_runs whose scores a snapshot has."""

    scoring_run_id: int
    model_version: str


def current_run(conn: psycopg.Connection, snapshot_date: date) -> ScoringRun:
    """The run that gave the scores of the snapshot.

    Raises:
        Refused: the snapshot has no scores.
    """
    row = conn.execute(CURRENT_RUN, (snapshot_date,)).fetchone()
    if row is None:
        raise Refused(NO_SCORES, snapshot=str(snapshot_date))
    return ScoringRun(row[0], row[1])


def candidates(conn: psycopg.Connection, snapshot_date: date, starts_on: date) -> pd.DataFrame:
    """Everyone scored at the snapshot whom a campaign from `starts_on` may contact, ordered by customer.

    Left out: the universal holdout, and who is in an arm of another campaign at that time. Columns: COLUMNS.

    Raises:
        TryLater: PostgreSQL cannot be reached, or went away.
    """
    parameters = {
        "snapshot_date": snapshot_date,
        "starts_on": starts_on,
        "churn_days": CHURN_DAYS,
        "holdout_share": settings().campaign_holdout_share,
    }
    with feature_rows.reading(conn, CANDIDATES, COLUMNS, parameters) as batches:
        rows = feature_rows.to_frame(batches.read_all())
    return rows.fillna({"spent_90d": 0.0}).sort_values("customer_id", ignore_index=True)
