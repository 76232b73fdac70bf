"""Score the active cohort of one snapshot with the version in production and replace the snapshot's scores."""

import argparse
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from ml import cli
from ml.binary_copy import HEADER, TRAILER, score_records
from ml.bulk_read import Block, Query, read_blocks
from ml.model_config import ACTIVE_DAYS, MODEL_NAME, PRODUCTION_ALIAS
from ml.prefetch import prefetch
from ml.scoring import Scorer
from ml.settings import settings
from ml.snapshots.coverage import current_data, require_covered
from ml.store import registry
from ml.utils_io import connect, lock_writer, sql, with_lock_retries

TABLE = "ops.churn_scoring"
FEATURES_TABLE = "features.churn_weekly_features"


def score(snapshot_date: date) -> dict[str, Any]:
    """Replace the scores of `snapshot_date`, all or none of them, and return the counts.

    Raises:
        CommandError: no active customer, or as `ready`.
        Skip, TryLater: as `ready`.
    """
    version = ready(snapshot_date)
    with registry.session():
        scorer = Scorer(registry.load(version), version.features)
    return with_lock_retries(lambda: _replace(snapshot_date, version, scorer))


def ready(snapshot_date: date) -> registry.ChurnVersion:
    """The version in production, once the snapshot has the features that it takes.

    Raises:
        CommandError: no version in production, no features, or outside the covered range.
        Skip: outside the covered range in a scheduled run.
        TryLater: PostgreSQL or MLflow cannot be reached, or a scheduled run is ahead of its features.
    """
    application_name = f"ml.infer_batch {snapshot_date}"
    with connect(application_name=application_name) as conn:
        require_covered(conn, snapshot_date)  # before the model: a scheduled run outside it is skipped, model or none
    with registry.session() as client:
        number = registry.production_version(client)
        if number is None:
            raise cli.CommandError(
                f"no version of {MODEL_NAME} has the alias {PRODUCTION_ALIAS!r};"
                f" train one: airflow dags test churn_train_register_m {snapshot_date}"
            )
        version = registry.get(client, number)
    with connect(application_name=application_name) as conn:
        _require_features(conn, snapshot_date, version)
    return version


def _require_features(conn: psycopg.Connection, snapshot_date: date, version: registry.ChurnVersion) -> None:
    """Return when the snapshot is built and its table has every column that the version takes."""
    if not conn.execute(sql("snapshot_counts"), {"snapshot_date": snapshot_date}).fetchall():
        message = f"no features for {snapshot_date}"
        if settings().is_scheduled_run:  # the weekly build of the same date runs beside this one
            raise cli.TryLater(f"{message} yet; churn_feature_build_w builds them")
        raise cli.CommandError(f"{message}; build them: airflow dags test churn_feature_build_w {snapshot_date}")
    columns = {name for (name,) in conn.execute(sql("table_columns"), {"table_name": FEATURES_TABLE})}
    if missing := [name for name in version.features if name not in columns]:
        raise cli.CommandError(
            f"{MODEL_NAME} version {version.version} takes {', '.join(missing)}, which {FEATURES_TABLE} no longer has;"
            f" train anew: airflow dags test churn_train_register_m {snapshot_date}"
        )


def _replace(snapshot_date: date, version: registry.ChurnVersion, scorer: Scorer) -> dict[str, Any]:
    scored_at = datetime.now(UTC)
    with connect(application_name=f"ml.infer_batch {snapshot_date}") as conn:
        lock_writer(conn, TABLE)
        found = conn.execute(sql("snapshot_counts"), {"snapshot_date": snapshot_date}).fetchone()
        built, inactive, fingerprint = found or (0, 0, None)
        if built == inactive:
            raise cli.CommandError(
                f"no active customer at {snapshot_date}: all {inactive} have churned already; nothing to score"
            )
        conn.execute("select ops.ensure_snapshot_partition(%s::regclass, %s)", (TABLE, snapshot_date))
        conn.execute(sql("delete_scores"), {"snapshot_date": snapshot_date})
        counted = Counts(version)
        with conn.cursor().copy(sql("copy_scores").encode()) as copy:
            copy.write(HEADER)
            for customer_id, scores in prefetch(_scores(conn, snapshot_date, scorer, counted)):
                copy.write(
                    score_records(
                        customer_id,
                        scores,
                        version.threshold,
                        snapshot_date=snapshot_date,
                        model_version=version.version,
                        scored_at=scored_at,
                    )
                )
                counted.add(scores)
            copy.write(TRAILER)
        if counted.scored != built - inactive:
            raise cli.TryLater(
                f"{counted.scored} customers scored and {inactive} excluded of {built} at {snapshot_date}:"
                " the features were rebuilt meanwhile; run again"
            )
        is_current = fingerprint == current_data(conn).raw_fingerprint
    return {
        "snapshot_date": snapshot_date,
        "model_version": version.version,
        "scored": counted.scored,
        "excluded_already_churned": inactive,
        "predicted_churn": counted.predicted_churn,
        "threshold": version.threshold,
        "mean_score": round(counted.total / counted.scored, 6),
        "features_without_values": sorted(counted.without_values),
        "unseen_categories": scorer.unseen(version.tag("categories")),
        "features_from_current_data": is_current,
    }


class Counts:
    """What a scoring run reports, added up block by block."""

    def __init__(self, version: registry.ChurnVersion) -> None:
        self.threshold = version.threshold
        self.scored = 0
        self.predicted_churn = 0
        self.total = 0.0
        self.without_values = set(version.features)

    def add(self, scores: NDArray[np.float64]) -> None:
        """Count one block of scores."""
        self.scored += len(scores)
        self.predicted_churn += int((scores >= self.threshold).sum())
        self.total += float(scores.sum())

    def note_values(self, scorer: Scorer, block: Block) -> None:
        """Note which features have a value in the block."""
        with_values = {name for name, row in zip(scorer.numeric, block.numbers, strict=True) if not np.isnan(row).all()}
        with_values |= {name for name, codes in block.codes.items() if (codes >= 0).any()}
        self.without_values -= with_values


def _scores(
    conn: psycopg.Connection, snapshot_date: date, scorer: Scorer, counted: Counts
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Customers and scores, block by block; the next block is read while one is scored."""
    active = {"active_days": ACTIVE_DAYS}
    query = Query("select_active_cohort", snapshot_date, scorer.numeric, list(scorer.text), active)
    for block in prefetch(read_blocks(conn, query, scorer.text)):
        counted.note_values(scorer, block)
        yield block.customer_id, scorer(block)


def main() -> None:
    """Command line: `python -m ml.infer_batch --snapshot-date 2019-05-26 [--ready]`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--snapshot-date", type=cli.iso_date, required=True, help="YYYY-MM-DD")
    parser.add_argument("--ready", action="store_true", help="only say whether the snapshot can be scored now")
    arguments = parser.parse_args()
    if arguments.ready:
        cli.run(lambda: {"model_version": ready(arguments.snapshot_date).version})
    else:
        cli.run(lambda: score(arguments.snapshot_date))


if __name__ == "__main__":
    main()
