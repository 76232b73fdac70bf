"""Draws from named categories with given shares."""

import numpy as np

from sample_data.behaviour import Floats, Ints


def choice(shares: dict[str, float], uniform: Floats) -> Ints:
    """Index into `shares` for each of the numbers drawn uniformly from 0 to 1."""
    edges = np.cumsum(list(shares.values()))
    return np.searchsorted(edges[:-1] / edges[-1], uniform, side="right")


def ordered_choice(
    shares: dict[str, float], towards_last: Floats, correlation: float, rng: np.random.Generator
) -> Ints:
    """A `choice` where a higher `towards_last` makes the later entries of `shares` likelier.

    The rank among these customers decides, so that the shares hold in every block.
    """
    score = correlation * towards_last / towards_last.std() if len(towards_last) > 1 else 0 * towards_last
    score = score + np.sqrt(1 - correlation**2) * rng.standard_normal(len(towards_last))
    return choice(shares, (np.argsort(np.argsort(score)) + rng.random(len(score))) / len(score))
