"""Scores one snapshot: finds the version in production, reads the active cohort batch by batch, replaces the scores."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pyarrow as pa
from psycopg.types.json import Jsonb
from sklearn.pipeline import Pipeline

from ml import cli
from ml.model_config import ACTIVE_DAYS, MODEL_NAME, PRODUCTION_ALIAS
from ml.scoring import runs
from ml.scoring.batch import COLUMNS, score_rows
from ml.scoring.missing import described, missing_features
from ml.settings import settings
from ml.snapshots import catalogue
from ml.snapshots.coverage import current_data, require_covered
from ml.store import copying, feature_rows, registry
from ml.utils_io import connect, lock_writer, sql, with_lock_retries

TABLE = "ops.churn_scoring"
COLUMNS_OF_TABLE = """
select attname::text from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped
"""
ACTIVE_COHORT = """
select {columns} from features.churn_weekly_features
where snapshot_date = %(snapshot_date)s and days_since_activity < %(active_days)s
"""
DELETE = "delete from ops.churn_scoring where snapshot_date = %s"


def score(snapshot_date: date, allow_missing: bool) -> dict[str, Any]:
    """What the command prints; see `ml.infer_batch.score`."""
    version = version_for(snapshot_date)
    with registry.session():
        pipeline = registry.load(version)
    return with_lock_retries(lambda: _replace(snapshot_date, version, pipeline, allow_missing))


def version_for(snapshot_date: date) -> registry.ChurnVersion:
    """The version in production, once the snapshot has the features that it takes.

    Raises:
        CommandError: no version in production, no features, or outside the covered range.
        Skip: outside the covered range in a scheduled run.
        TryLater: PostgreSQL or MLflow cannot be reached, or the features of a scheduled run are not built yet.
    """
    with connect(application_name=f"ml.infer_batch {snapshot_date}") as conn:
        conn.autocommit = True  # no transaction is open while MLflow is asked
        require_covered(conn, snapshot_date)  # first, so that a scheduled run is skipped even without a model
        with registry.session() as client:
            number = registry.production_version(client)
            if number is None:
                raise cli.CommandError(
                    f"no version of {MODEL_NAME} has the alias {PRODUCTION_ALIAS!r};"
                    f" train one: airflow dags test churn_train_register_m {snapshot_date}"
                )
            version = registry.get(client, number)
        _require_features(conn, snapshot_date, version)
    return version


def _require_features(conn: psycopg.Connection, snapshot_date: date, version: registry.ChurnVersion) -> None:
    """Return when the snapshot is built and its table has every column that the version takes."""
    if not conn.execute(sql("current_build"), {"snapshot_date": snapshot_date}).fetchall():
        message = f"no features for {snapshot_date}"
        if settings().is_scheduled_run:  # the weekly build of the same date runs at the same time
            raise cli.TryLater(f"{message} yet; churn_feature_build_w builds them")
        raise cli.CommandError(f"{message}; build them: airflow dags test churn_feature_build_w {snapshot_date}")
    columns = {name for (name,) in conn.execute(COLUMNS_OF_TABLE, (catalogue.TABLE,))}
    if missing := [name for name in version.features if name not in columns]:
        raise cli.CommandError(
            f"{MODEL_NAME} version {version.version} takes {', '.join(missing)}, which {catalogue.TABLE} no longer has;"
            f" train again: airflow dags test churn_train_register_m {snapshot_date}"
        )


def _replace(
    snapshot_date: date, version: registry.ChurnVersion, pipeline: Pipeline, allow_missing: bool
) -> dict[str, Any]:
    with connect(application_name=f"ml.infer_batch {snapshot_date}") as conn:
        lock_writer(conn, TABLE)
        found = conn.execute(sql("current_build"), {"snapshot_date": snapshot_date}).fetchone()
        build_id, built, inactive, sources, location = found or (None, 0, 0, {}, None)
        if built == inactive:
            raise cli.CommandError(
                f"no active customer at {snapshot_date}: all {inactive} have churned already; nothing to score"
            )
        before = runs.stored(conn, snapshot_date)
        runs.keep_replaced(conn, snapshot_date)
        conn.execute(DELETE, (snapshot_date,))
        missing = missing_features(conn, snapshot_date, version)
        if missing and not allow_missing:
            raise cli.CommandError(
                f"{MODEL_NAME} version {version.version} cannot score {snapshot_date}: {described(missing)};"
                " load the missing data and build the features again, or score all the same: --allow-missing"
            )
        run = {
            "snapshot_date": snapshot_date,
            "model_version": version.version,
            "build_id": build_id,
            "state": "missing_features" if missing else "complete",
            "missing_features": Jsonb(missing),
            "threshold": version.threshold,
            "rows_excluded": inactive,
            "run_id": settings().pipeline_run_id,
            "scored_at": datetime.now(UTC),
        }
        unseen = _write_scores(conn, run, version, pipeline, location)
        now = runs.stored(conn, snapshot_date)
        if now.rows != built - inactive or now.mean_score is None:
            raise cli.TryLater(
                f"{now.rows} customers scored and {inactive} excluded of {built} at {snapshot_date}:"
                " the features were rebuilt meanwhile; run again"
            )
        is_new = (now.rows, now.digest) != (before.rows, before.digest) or not runs.is_same_run(conn, run)
        current = current_data(conn).feature_sources
        if is_new:
            run |= {"rows_scored": now.rows, "predicted_churn": now.predicted_churn, "mean_score": now.mean_score}
            runs.record_run(conn, run)
        else:
            conn.rollback()
    return {
        "snapshot_date": snapshot_date,
        "model_version": version.version,
        "scored": now.rows,
        "excluded_already_churned": inactive,
        "predicted_churn": now.predicted_churn,
        "threshold": version.threshold,
        "mean_score": round(now.mean_score, 6),
        "is_new": is_new,
        "missing_features": missing,
        "unseen_categories": unseen,
        "stale_sources": sorted(name for name in current if current[name] != sources.get(name)),
    }


def _write_scores(
    conn: psycopg.Connection,
    run: dict[str, Any],
    version: registry.ChurnVersion,
    pipeline: Pipeline,
    location: str | None,
) -> dict[str, list[str]]:
    """Score the active cohort; return the categories that the training has not seen, by feature."""
    unseen: dict[str, set[str]] = {name: set() for name in version.tag("categories")}
    if settings().engine == "spark":
        scored = _scored_on_spark(run, version, pipeline, location, unseen)
    else:
        scored = _scored_here(conn, run, version, pipeline, unseen)
    constants = {name: run[name] for name in ("snapshot_date", "model_version", "scored_at")}
    batches = (_with_constants(batch, constants) for batch in scored)
    copying.copy_batches(conn, TABLE, (*COLUMNS, *constants), batches)
    return {name: sorted(found) for name, found in unseen.items() if found}


def _scored_here(
    conn: psycopg.Connection,
    run: dict[str, Any],
    version: registry.ChurnVersion,
    pipeline: Pipeline,
    unseen: dict[str, set[str]],
) -> Iterator[pa.RecordBatch]:
    """Read the active cohort from PostgreSQL and score it, batch by batch."""
    cohort = {"snapshot_date": run["snapshot_date"], "active_days": ACTIVE_DAYS}
    trained_on = version.tag("categories")
    with feature_rows.reading(conn, ACTIVE_COHORT, ("customer_id", *version.features), cohort) as batches:
        for batch in batches:
            rows = feature_rows.to_frame(pa.Table.from_batches([batch]))
            for name, seen in trained_on.items():
                unseen[name].update(rows[name].cat.categories.difference(seen))
            yield score_rows(rows, pipeline, version.features, version.threshold)


def _scored_on_spark(
    run: dict[str, Any],
    version: registry.ChurnVersion,
    pipeline: Pipeline,
    location: str | None,
    unseen: dict[str, set[str]],
) -> Iterator[pa.RecordBatch]:
    """Have the workers score the Parquet files of the build; the rows that they wrote."""
    from ml.spark import scores  # here: PySpark is installed for ENGINE=spark alone

    day = run["snapshot_date"]
    if location is None:
        raise cli.CommandError(
            f"the features for {day} were built by PostgreSQL, and ENGINE=spark scores Parquet files;"
            f" build them on Spark: airflow dags test churn_feature_build_w {day}"
        )
    return scores.score(location, day, version, pipeline, unseen)


def _with_constants(batch: pa.RecordBatch, constants: dict[str, Any]) -> pa.RecordBatch:
    repeated = [pa.repeat(pa.scalar(value), batch.num_rows) for value in constants.values()]
    return pa.record_batch([*batch.columns, *repeated], names=[*batch.schema.names, *constants])
