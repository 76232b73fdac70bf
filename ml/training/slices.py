"""Slices of customers whose figures are looked at apart: by card, spend, tenure, state, age group and gender."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SLICE_COLUMNS = ("spent_90d", "tenure_days", "tarjetas", "estado", "rango_edad", "gender")
SPEND_BANDS = ("lowest quarter", "second quarter", "third quarter", "highest quarter")
TENURE_LIMITS, TENURE_BANDS = (0, 30, 60, 89, np.inf), ("up to 30 days", "31 to 60", "61 to 89", "90 or more")
LARGEST_STATES = 5
UNKNOWN = "unknown"


def slices(rows: pd.DataFrame) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Name, as `column=value`, and mask of each slice of `rows`, which has SLICE_COLUMNS."""
    for column, values in _values(rows).items():
        for value in values.unique():
            yield f"{column}={value}", (values == value).to_numpy()


def _values(rows: pd.DataFrame) -> dict[str, pd.Series]:
    spend = pd.qcut(rows["spent_90d"].rank(method="first"), len(SPEND_BANDS), labels=SPEND_BANDS)
    states = rows["estado"].astype("string")
    largest = states.value_counts().index[:LARGEST_STATES]
    texts = {name: rows[name].astype("string").fillna(UNKNOWN) for name in ("tarjetas", "rango_edad", "gender")}
    return {
        "tarjetas": texts["tarjetas"],
        "spend": spend.astype("string"),
        "tenure": pd.cut(rows["tenure_days"], TENURE_LIMITS, labels=TENURE_BANDS).astype("string"),
        "estado": states.where(states.isin(largest) | states.isna(), "others").fillna(UNKNOWN),
        "rango_edad": texts["rango_edad"],
        "gender": texts["gender"],
    }
