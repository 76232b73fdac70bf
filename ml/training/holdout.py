"""Which customers are held out: a fixed hash of the customer id, the same in SQL (`ops.customer_bucket`) and here."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.model_config import CUSTOMER_BUCKETS, FOLDS, HELDOUT_BUCKETS

LARGEST_ID = 9223372036854775807  # as a mask, clears the sign of a negative id, as the SQL does


def customer_bucket(customer_id: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bucket 0..999 of each customer: two Lehmer steps with a shift in between, which separates neighbouring ids."""
    mixed = (customer_id & LARGEST_ID) % 2147483647 * 48271 % 2147483647
    return (mixed ^ (mixed >> 15)) * 69621 % 2147483629 * CUSTOMER_BUCKETS // 2147483629


def is_heldout(customer_id: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each customer is held out of every training."""
    heldout: NDArray[Any] = customer_bucket(customer_id) < HELDOUT_BUCKETS
    return heldout


def fold(customer_id: NDArray[np.int64]) -> NDArray[np.int64]:
    """Cross-validation fold 0..FOLDS-1; all rows of a customer share one."""
    return customer_bucket(customer_id) % FOLDS


def measured_buckets(active_rows: int, max_rows: int) -> tuple[int, int]:
    """Buckets [0, high) whose customers are measured on, out of time or for drift: all, unless more than `max_rows`."""
    return 0, max(1, min(CUSTOMER_BUCKETS, int(max_rows / max(active_rows / CUSTOMER_BUCKETS, 1e-9))))


def bucket_range(active_rows: int, max_training_rows: int, max_heldout_rows: int) -> tuple[int, int]:
    """Buckets [low, high) whose customers are read: all, unless `active_rows` would exceed either number of rows.

    Customers in [low, HELDOUT_BUCKETS) are measured on, those in [HELDOUT_BUCKETS, high) are trained on.
    """
    per_bucket = max(active_rows / CUSTOMER_BUCKETS, 1e-9)
    heldout = min(HELDOUT_BUCKETS, int(max_heldout_rows / per_bucket))
    training = min(CUSTOMER_BUCKETS - HELDOUT_BUCKETS, int(max_training_rows / per_bucket) // FOLDS * FOLDS)
    return HELDOUT_BUCKETS - max(heldout, 1), HELDOUT_BUCKETS + max(training, FOLDS)
