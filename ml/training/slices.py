"""Slices of customers whose figures are looked at apart: by card, spend, tenure, state, age group and gender."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SLICE_COLUMNS = ("spent_90d", "tenure_days", "tarjetas", "estado", "rango_edad", "gender")
SPEND_BANDS = ("lowest quarter", "second quarter", "third quarter", "highest quarter")
TENURE_LIMITS, TENURE_BANDS = (30, 60, 89), ("up to 30 days", "31 to 60", "61 to 89", "90 or more")
LARGEST_STATES = 5
OTHERS, UNKNOWN = "others", "not on file"


def slices(rows: pd.DataFrame) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Name, as `column=value`, and mask of each slice of `rows`, which has SLICE_COLUMNS.

    Each row is in one slice of each column. Bands go from low to high, names by the alphabet, and what is left is last.
    """
    for column, values in _values(rows).items():
        for value in values.cat.categories:
            mask = (values == value).to_numpy(dtype=bool)  # pandas 2.1 gives objects for some
            if mask.any():
                yield f"{column}={value}", mask


def _values(rows: pd.DataFrame) -> dict[str, pd.Series]:
    rank = rows["spent_90d"].fillna(0).rank(pct=True)  # equal sums are in one quarter
    quarter = np.ceil(rank * len(SPEND_BANDS)).astype(int) - 1
    tenure = np.searchsorted(TENURE_LIMITS, rows["tenure_days"])
    states = rows["estado"].astype(object)
    largest = states.value_counts().index[:LARGEST_STATES]
    return {
        "tarjetas": _names(rows["tarjetas"]),
        "spend": _bands(quarter, SPEND_BANDS),
        "tenure": _bands(tenure, TENURE_BANDS),
        "estado": _names(states.where(states.isin(largest) | states.isna(), OTHERS)),
        "rango_edad": _names(rows["rango_edad"]),
        "gender": _names(rows["gender"]),
    }


def _bands(band: NDArray[np.intp], names: tuple[str, ...]) -> pd.Series:
    return pd.Series(pd.Categorical.from_codes(band, pd.Index(names)))


def _names(values: pd.Series) -> pd.Series:
    names = values.astype(object).where(values.notna(), UNKNOWN)
    order = sorted(set(names), key=lambda name: (name in (OTHERS, UNKNOWN), name))
    return pd.Series(pd.Categorical(names, order))
