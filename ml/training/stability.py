"""How stable a version is: its coefficients over refits, and its scores beside those of the version in production."""

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from ml.model_config import BOOTSTRAP_SEED
from ml.training.explanation import inputs
from ml.training.metrics import Floats

REFITS = 30
DEVIATIONS = 1.96  # of a normal distribution, to either side, hold 95 %


def coefficient_spread(pipeline: Pipeline, rows: pd.DataFrame, fitted_rows: int) -> pd.DataFrame:
    """Coefficient of each input, its standard deviation over REFITS refits on customers drawn again, and 95 % interval.

    The scores stay as they are; a draw weights each row by how often its customer was drawn. If `rows` are a sample of
    the `fitted_rows` that the version was fitted on, the deviation is scaled to all: it falls with their square root.
    """
    matrix, churned = pipeline[:-1].transform(rows), rows["labeled_churn"].to_numpy()
    customers, customer = np.unique(rows["customer_id"], return_inverse=True)
    random = np.random.default_rng(BOOTSTRAP_SEED)
    refits = []
    with threadpool_limits(limits=1, user_api="blas"):
        for _ in range(REFITS):
            drawn = np.bincount(random.integers(0, len(customers), len(customers)), minlength=len(customers))
            weights = drawn[customer]
            kept = weights > 0  # scikit-learn 1.4 takes a weight of zero for a fit that went wrong
            refit = clone(pipeline[-1]).fit(matrix[kept], churned[kept], sample_weight=weights[kept])
            refits.append(refit.coef_[0])
    deviation = np.std(refits, axis=0, ddof=1) * np.sqrt(len(rows) / fitted_rows)
    coefficient = pipeline[-1].coef_[0]
    return pd.DataFrame(
        {
            "input": [each.name for each in inputs(pipeline)],
            "group": [each.group for each in inputs(pipeline)],
            "coefficient": coefficient,
            "deviation": deviation,
            "low": coefficient - DEVIATIONS * deviation,
            "high": coefficient + DEVIATIONS * deviation,
        }
    )


def agreement(ours: Floats, our_threshold: float, theirs: Floats, their_threshold: float) -> dict[str, float]:
    """Rank correlation (Spearman) of two versions' scores of the same customers, and the overlap of those flagged.

    The overlap is the number flagged by both, divided by the number flagged by either (Jaccard); 1 if none is.
    """
    first, second = ours >= our_threshold, theirs >= their_threshold
    either = int((first | second).sum())
    return {
        "rank_correlation": float(pd.Series(ours).corr(pd.Series(theirs), method="spearman")),
        "flagged_overlap": float((first & second).sum() / either) if either else 1.0,
    }
