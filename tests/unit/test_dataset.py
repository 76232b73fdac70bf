"""Digest of training rows: the same rows in any order, and nothing else, give the same digest."""

import numpy as np
import pandas as pd
import pytest

from ml.training.dataset import digest


@pytest.fixture
def rows():
    random = np.random.default_rng(1)
    n = 50
    return pd.DataFrame(
        {
            "customer_id": np.arange(n),
            "snapshot_date": pd.to_datetime(["2019-05-26"] * n),
            "labeled_churn": random.integers(0, 2, n).astype(np.int16),
            "label_source": pd.Categorical(["observed"] * n, ["observed", "evaluate"]),
            "label_horizon_days": np.full(n, 60, dtype=np.int16),
            "spent_7d": random.random(n),
            "mau_mp_1": np.where(random.random(n) < 0.3, np.nan, 1.0),
            "gender": pd.Categorical.from_codes(random.integers(-1, 2, n), ["male", "female"]),
        }
    )


def test_order_of_rows_does_not_matter(rows):
    assert digest(rows.sample(frac=1, random_state=2)) == digest(rows)


def test_order_of_categories_does_not_matter(rows):
    swapped = rows["gender"].cat.reorder_categories(["female", "male"])
    assert digest(rows.assign(gender=swapped)) == digest(rows)


def test_any_changed_value_changes_the_digest(rows):
    def changed(name, to, at=3):
        other = rows.copy()
        other.loc[at, name] = to
        return other

    unknown = int(rows["mau_mp_1"].isna().argmax())
    others = [
        changed("customer_id", 99),
        changed("labeled_churn", 1 - rows["labeled_churn"][3]),
        changed("snapshot_date", pd.Timestamp("2019-05-19")),
        changed("label_source", "evaluate"),
        changed("label_horizon_days", 61),
        changed("spent_7d", np.nextafter(rows["spent_7d"][3], 2)),
        changed("mau_mp_1", 0.0, unknown),
        changed("gender", "female" if rows["gender"][3] != "female" else None),
        rows.assign(spent_7d=rows["mau_mp_1"], mau_mp_1=rows["spent_7d"]),
        rows.rename(columns={"spent_7d": "spent_30d"}),
        rows.iloc[:-1],
        pd.concat([rows, rows.iloc[[3, 3]]]),
    ]
    assert len({digest(rows), *map(digest, others)}) == 1 + len(others)
