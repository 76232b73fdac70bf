"""Scores a snapshot on the workers of a Spark cluster with the pipeline that the registry holds."""

import uuid
from collections.abc import Iterator
from datetime import date

import pyarrow as pa
import sklearn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from sklearn.pipeline import Pipeline

from ml.model_config import ACTIVE_DAYS
from ml.scoring.batch import COLUMNS, score_rows
from ml.spark import session
from ml.store import feature_rows, lake
from ml.store.registry import ChurnVersion

SCHEMA = "customer_id bigint, score double, prediction tinyint"


def score(
    location: str, snapshot_date: date, version: ChurnVersion, pipeline: Pipeline, unseen: dict[str, set[str]]
) -> Iterator[pa.RecordBatch]:
    """Score the active customers of the snapshot that `location` holds; the rows, whose files are deleted once read.

    Adds to `unseen`, for each of its features, the categories of those customers that the training has not seen.

    Raises:
        TryLater: the cluster or the object store failed, or the workers have another scikit-learn than the command.
    """
    folder = f"ops/churn_scoring/snapshot_date={snapshot_date}/run={uuid.uuid4().hex}"
    with session.session(f"ml.infer_batch {snapshot_date}") as spark:
        cohort = spark.read.parquet(lake.url(location)).where(F.col("days_since_activity") < ACTIVE_DAYS)
        _add_unseen(cohort, version, unseen)
        sent = spark.sparkContext.broadcast(pipeline)
        features, threshold, wanted = version.features, version.threshold, sklearn.__version__

        def on_worker(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            if sklearn.__version__ != wanted:
                raise RuntimeError(f"scikit-learn is {sklearn.__version__} on a worker and {wanted} in the command")
            for batch in batches:
                rows = feature_rows.to_frame(pa.Table.from_batches([batch]))
                yield score_rows(rows, sent.value, features, threshold)

        scored = cohort.select("customer_id", *features).mapInArrow(on_worker, SCHEMA)
        scored.write.parquet(lake.url(folder))
    return _read_once(folder)


def _read_once(folder: str) -> Iterator[pa.RecordBatch]:
    yield from lake.read(folder, COLUMNS)
    lake.delete_with_siblings(folder)


def _add_unseen(cohort: DataFrame, version: ChurnVersion, unseen: dict[str, set[str]]) -> None:
    if not unseen:
        return
    (found,) = cohort.select(*(F.collect_set(name).alias(name) for name in unseen)).collect()
    for name, seen in version.tag("categories").items():
        unseen[name].update(set(found[name]) - set(seen))
