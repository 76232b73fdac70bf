"""The training rows of a version as distributions, with which later snapshots are compared."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ml.training.metrics import Floats

TENTHS = np.linspace(0.1, 0.9, 9)


def distribution(values: pd.Series) -> dict[str, Any]:
    """Share without a value, and the shares of the known values: by category, or between `edges`, the deciles.

    A value belongs to the part above the last edge that is not above it. Equal deciles are one value that many have,
    such as zero: it is a part by itself, so that it counts if they have a little more.
    """
    known = values.dropna()
    missing = float(values.isna().mean())
    if not pd.api.types.is_numeric_dtype(values):
        return {"missing": missing, "shares": known.value_counts(normalize=True).to_dict()}
    deciles, times = np.unique(known.quantile(TENTHS) if len(known) else np.empty(0), return_counts=True)
    edges = np.sort(np.concatenate([deciles, np.nextafter(deciles[times > 1], np.inf)]))
    return {"missing": missing, "edges": edges.tolist(), "shares": shares_between(known, edges)}


def shares_between(known: pd.Series, edges: Sequence[float] | Floats) -> list[float]:
    """Share of the values in each of the len(edges) + 1 parts; zeros without values."""
    counts = np.bincount(np.searchsorted(edges, known, side="right"), minlength=len(edges) + 1)
    return [float(share) for share in counts / max(len(known), 1)]


def reference(rows: pd.DataFrame, features: Sequence[str], scores: Floats) -> dict[str, Any]:
    """Number of rows, and the distribution of each feature and of the scores."""
    return {
        "rows": len(rows),
        "features": {name: distribution(rows[name]) for name in features},
        "score": distribution(pd.Series(scores)),
    }
