"""Drift of features and scores: a snapshot's distributions beside those of the rows that the version was trained on."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2, entropy

from ml.monitoring.finding import Finding
from ml.training.reference import shares_between

# In a year and a half of synthetic history without any fault, the index of a feature against the training of up to nine
# months before stays below 0.035; a shift by 0.3 standard deviations gives about 0.09.
INDEX_WARN, INDEX_ALERT = 0.035, 0.05
MISSING_WARN, MISSING_ALERT = 0.05, 0.10  # of all customers more, or fewer, without a value
SMALLEST_SHARE = 1e-4  # an empty part would make the index infinite
CONFIDENCE = 0.999  # of the noise allowed for


def drift(rows: pd.DataFrame, scores: pd.Series, reference: dict[str, Any]) -> Iterator[Finding]:
    """Two findings for each feature of the reference (index, share unknown), and one for the scores."""
    for name, expected in reference["features"].items():
        yield _index(f"drift of {name}", name, rows[name], expected, reference["rows"])
        yield _missing(name, rows[name], expected)
    yield _index("drift of the score", "score", scores, reference["score"], reference["rows"])


def stability_index(expected: list[float], found: list[float]) -> float:
    """Population stability index: sum of (found - expected) ln(found / expected), the Kullback-Leibler divergences of
    each from the other together; 0 for equal distributions."""
    both = [np.maximum(shares, SMALLEST_SHARE) for shares in (expected, found)]
    return float(entropy(*both) + entropy(*both[::-1]))


def noise(parts: int, rows: int, reference_rows: int) -> float:
    """The index that samples of one distribution exceed with probability 1 - CONFIDENCE.

    Between samples of sizes n and m, the index is close to (1/n + 1/m) times a chi-square of parts - 1 degrees.
    """
    return float(chi2.ppf(CONFIDENCE, max(parts - 1, 1)) * (1 / max(rows, 1) + 1 / max(reference_rows, 1)))


def _index(detail: str, name: str, values: pd.Series, expected: dict[str, Any], reference_rows: int) -> Finding:
    known = values.dropna()
    if "edges" in expected:
        then, now = expected["shares"], shares_between(known, expected["edges"])
    else:
        found = known.value_counts(normalize=True)
        categories = sorted({*expected["shares"], *found.index})
        then = [expected["shares"].get(category, 0.0) for category in categories]
        now = [float(found.get(category, 0.0)) for category in categories]
    allowed = noise(len(then), len(known), reference_rows)
    return Finding(
        check="drift",
        subject=name,
        value=stability_index(then, now) if len(known) and sum(then) else 0.0,
        warn_above=INDEX_WARN + allowed,
        alert_above=INDEX_ALERT + allowed,
        detail=detail,
        what_to_do=f"look at {name} in notebooks/01_explore_data.ipynb: if customers behave otherwise, train again;"
        " if a file is wrong, load a right one and build the features again",
    )


def _missing(name: str, values: pd.Series, expected: dict[str, Any]) -> Finding:
    now = float(values.isna().mean())
    return Finding(
        check="share unknown",
        subject=name,
        value=abs(now - expected["missing"]),
        warn_above=MISSING_WARN,
        alert_above=MISSING_ALERT,
        detail=f"{name} is unknown for {now:.1%} of the customers, {expected['missing']:.1%} in the training",
        what_to_do="compare the loads of its file in ops.raw_loads; load a complete file and build the features again",
    )
