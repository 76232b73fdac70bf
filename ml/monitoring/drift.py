"""Drift of features and scores: a snapshot's distributions beside those of the rows that the version was trained on."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2, entropy

from ml.monitoring.finding import Finding
from ml.snapshots.catalogue import BY_NAME
from ml.training.reference import shares_between

# docs/monitoring.md says where the limits come from: in clean history the index stays below 0.043 up to nine months
# after the training, most of it noise; a shift by 0.3 standard deviations gives 0.07 or more.
INDEX_WARN, INDEX_ALERT = 0.035, 0.045
MISSING_WARN, MISSING_ALERT = 0.05, 0.10  # of all customers more, or fewer, without a value
SMALLEST_SHARE = 1e-4  # an empty part would make the index infinite
CONFIDENCE = 0.999  # of the noise allowed for


def drift(
    rows: pd.DataFrame, scores: pd.Series, reference: dict[str, Any], history_days: int = 10**6
) -> Iterator[Finding]:
    """Two findings for each feature of the reference (index, share unknown), and one for the scores.

    `history_days`: days of payments before the first snapshot of the training. What they do not suffice for, and what
    has no value in one of the two, is not compared: that is the calendar, not the customers. Nor are the scores, if
    they follow from such a feature.
    """
    needed = {name: BY_NAME[name].settles_after for name in reference["features"] if name in BY_NAME}
    for name, expected in reference["features"].items():
        yield _index(name, rows[name], expected, reference["rows"], _too_young(history_days, needed.get(name, 0)))
        yield _missing(name, rows[name], expected)
    obstacle = _too_young(history_days, max(needed.values(), default=0))
    yield _index("score", scores, reference["score"], reference["rows"], obstacle)


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


def _too_young(history_days: int, needed: int) -> str:
    """Why a distribution cannot be compared, or nothing."""
    if history_days >= needed:
        return ""
    return f"the training has {history_days} days of payments before it, {needed} are needed"


def _index(name: str, values: pd.Series, expected: dict[str, Any], reference_rows: int, obstacle: str = "") -> Finding:
    known = values.dropna()
    if "edges" in expected:
        then, now = expected["shares"], shares_between(known, expected["edges"])
    else:
        found = known.value_counts(normalize=True)
        categories = sorted({*expected["shares"], *found.index})
        then = [expected["shares"].get(category, 0.0) for category in categories]
        now = [float(found.get(category, 0.0)) for category in categories]
    if known.empty or not sum(then):
        obstacle = f"no value in the {'snapshot' if known.empty else 'training'}"
    allowed = noise(len(then), len(known), reference_rows) if len(known) else 0.0
    value = 0.0 if obstacle else stability_index(then, now)
    return Finding(
        check="drift",
        subject=name,
        value=value,
        warn_above=INDEX_WARN + allowed,
        alert_above=INDEX_ALERT + allowed,
        detail=f"not compared: {obstacle}" if obstacle else f"population stability index {value:.3f} of {name}",
        what_to_do=f"look at {name} in notebooks/01_explore_data.ipynb: if customers behave differently, train again;"
        " if a file is wrong, load a correct one and build the features again",
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
