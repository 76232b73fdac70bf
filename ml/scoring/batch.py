"""The scores of some feature rows, wherever they are scored."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.pipeline import Pipeline

COLUMNS = ("customer_id", "score", "prediction")


def score_rows(rows: pd.DataFrame, pipeline: Pipeline, features: Sequence[str], threshold: float) -> pa.RecordBatch:
    """Columns `COLUMNS` for rows with `customer_id` and the features: probability of churn, 1 from the threshold on."""
    scores = pipeline.predict_proba(rows[list(features)])[:, 1]
    predictions = (scores >= threshold).astype(np.int8)
    columns = [pa.array(rows["customer_id"]), pa.array(scores), pa.array(predictions)]
    return pa.record_batch(columns, names=list(COLUMNS))
