"""Digest of training rows: the same rows in any order, and nothing else, give the same digest."""

from dataclasses import replace

import numpy as np
import pytest

from ml.bulk_read import Coded
from ml.training.dataset import Rows


@pytest.fixture
def rows():
    random = np.random.default_rng(1)
    n = 50
    return Rows(
        customer_id=np.arange(n),
        snapshot_date=np.full(n, np.datetime64("2019-05-26")),
        churned=random.integers(0, 2, n).astype(np.int8),
        label_source=np.zeros(n, dtype=np.int8),
        label_end=np.full(n, np.datetime64("2019-07-25")),
        numeric={"spent_7d": random.random(n), "mau_mp_1": np.where(random.random(n) < 0.3, np.nan, 1.0)},
        codes={"gender": random.integers(-1, 2, n).astype(np.int32)},
        categories={"gender": Coded(["male", "female"], {"male": 0, "female": 1})},
    )


def test_order_of_rows_does_not_matter(rows):
    shuffled = np.random.default_rng(2).permutation(len(rows))
    assert rows.select(shuffled).digest() == rows.digest()


def test_order_in_which_categories_were_met_does_not_matter(rows):
    other_way = np.array([1, 0, -1], dtype=np.int32)
    swapped = replace(
        rows,
        codes={"gender": other_way[rows.codes["gender"]]},
        categories={"gender": Coded(["female", "male"], {"female": 0, "male": 1})},
    )
    assert swapped.digest() == rows.digest()


def test_any_changed_value_changes_the_digest(rows):
    def changed(values, at, to):
        values = values.copy()
        values[at] = to
        return values

    spent, mau = rows.numeric["spent_7d"], rows.numeric["mau_mp_1"]
    others = [
        replace(rows, customer_id=changed(rows.customer_id, 3, 99)),
        replace(rows, churned=changed(rows.churned, 3, 1 - rows.churned[3])),
        replace(rows, snapshot_date=changed(rows.snapshot_date, 3, np.datetime64("2019-05-19"))),
        replace(rows, label_source=changed(rows.label_source, 3, 1)),
        replace(rows, numeric={"spent_7d": changed(spent, 3, np.nextafter(spent[3], 2)), "mau_mp_1": mau}),
        replace(rows, numeric={"spent_7d": spent, "mau_mp_1": changed(mau, np.isnan(mau).argmax(), 0.0)}),
        replace(rows, numeric={"spent_7d": mau, "mau_mp_1": spent}),
        replace(rows, codes={"gender": changed(rows.codes["gender"], 3, (rows.codes["gender"][3] + 2) % 3 - 1)}),
        rows.select(np.arange(len(rows) - 1)),
        rows.select(np.r_[np.arange(len(rows)), [3, 3]]),
    ]
    assert len({rows.digest(), *(other.digest() for other in others)}) == 1 + len(others)


def test_frame_has_none_for_null_text_and_nan_for_null_numbers(rows):
    frame = rows.frame(["mau_mp_1", "gender"])
    assert frame["mau_mp_1"].isna().sum() == np.isnan(rows.numeric["mau_mp_1"]).sum()
    assert frame["gender"].isna().sum() == (rows.codes["gender"] == -1).sum()
