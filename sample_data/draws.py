"""Draws from named categories with given shares."""

import numpy as np

from sample_data.behaviour import Floats, Ints


def choice(shares: dict[str, float], count: int, rng: np.random.Generator) -> Ints:
    """Index into `shares` for `count` customers, drawn by share."""
    edges = np.cumsum(list(shares.values()))
    return np.searchsorted(edges[:-1] / edges[-1], rng.random(count), side="right")


def ordered_choice(
    shares: dict[str, float], towards_last: Floats, correlation: float, rng: np.random.Generator
) -> Ints:
    """Like `choice`, where a higher `towards_last` makes the later entries of `shares` likelier; shares are kept.

    The rank among these customers decides, so that the shares hold in every block.
    """
    score = correlation * towards_last / towards_last.std() if len(towards_last) > 1 else 0 * towards_last
    score = score + np.sqrt(1 - correlation**2) * rng.standard_normal(len(towards_last))
    rank = (np.argsort(np.argsort(score)) + rng.random(len(score))) / len(score)
    edges = np.cumsum(list(shares.values()))
    return np.searchsorted(edges[:-1] / edges[-1], rank, side="right")
