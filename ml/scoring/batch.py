"""The scores of one batch of feature rows, wherever it is scored."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from sklearn.pipeline import Pipeline

from ml.store import feature_rows

COLUMNS = ("customer_id", "score", "prediction")


def score_batch(rows: pa.RecordBatch, pipeline: Pipeline, features: Sequence[str], threshold: float) -> pa.RecordBatch:
    """Columns `COLUMNS` for rows with `customer_id` and the features: probability of churn, 1 from the threshold on."""
    frame = feature_rows.to_frame(pa.Table.from_batches([rows]))
    scores = pipeline.predict_proba(frame[list(features)])[:, 1]
    predictions = (scores >= threshold).astype(np.int8)
    return pa.record_batch([rows["customer_id"], pa.array(scores), pa.array(predictions)], names=list(COLUMNS))
