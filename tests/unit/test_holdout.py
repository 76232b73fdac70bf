"""The fixed hash of customers and the ranges of buckets that are read."""

import numpy as np

from ml.model_config import CUSTOMER_BUCKETS, FOLDS, HELDOUT_BUCKETS
from ml.training.holdout import bucket_range, customer_bucket, fold, is_heldout


def test_buckets_never_change():
    """A changed hash would train new versions on customers that old figures were measured on."""
    ids = np.array([0, 1, 1276, 448374921, 2**31, 2**62, -5], dtype=np.int64)
    assert customer_bucket(ids).tolist() == [0, 564, 915, 60, 564, 564, 71]


def test_a_fifth_is_held_out_whatever_the_ids_look_like():
    for ids in (np.arange(100_000), np.arange(0, 10_000_000, 100), np.arange(2**40, 2**40 + 200_000, 2)):
        assert abs(is_heldout(ids).mean() - HELDOUT_BUCKETS / CUSTOMER_BUCKETS) < 0.01


def test_folds_share_the_training_customers_evenly():
    ids = np.arange(100_000)
    folds = fold(ids[~is_heldout(ids)])
    assert np.all(np.abs(np.bincount(folds, minlength=FOLDS) / len(folds) - 1 / FOLDS) < 0.01)


def test_all_buckets_are_read_until_there_are_too_many_rows():
    assert bucket_range(100_000, 2_000_000, 1_000_000) == (0, 1000)
    assert bucket_range(0, 2_000_000, 1_000_000) == (0, 1000)


def test_too_many_rows_are_cut_by_whole_customers():
    first, end = bucket_range(8_000_000, 2_000_000, 1_000_000)
    assert (first, end) == (75, 450)
    assert (end - HELDOUT_BUCKETS) % FOLDS == 0
    assert bucket_range(10**12, 2_000_000, 1_000_000) == (199, 205)
