"""Quantiles and tails of Poisson and negative binomial counts, as exact as double precision allows."""

import math
from collections.abc import Callable

from scipy.special import betainc, betaincc, pdtr, pdtrc

from alerts.detectors.detector import smallest

LARGEST = 2**50
"""A bound above this is no bound: the quantile is infinite."""
FUZZ = 1 - 64 * 2.0**-52
"""A level met but for rounding counts as met, so that a tie does not depend on the last digit."""


def negative_binomial_quantile(level: float, size: float, probability: float) -> float:
    """The smallest whole k with P(X <= k) >= level; X has mean size (1 - probability) / probability."""
    return _quantile(level, lambda k: float(betainc(size, k + 1.0, probability)))


def overdispersed_quantile(level: float, mean: float, phi: float) -> float:
    """The smallest whole k with P(X <= k) >= level, X with this mean and variance phi x mean; phi 1 is Poisson."""
    if mean <= 0:
        return 0.0
    if phi > 1:
        return negative_binomial_quantile(level, mean / (phi - 1), 1 / phi)
    return _quantile(level, lambda k: float(pdtr(k, mean)))


def overdispersed_tail(count: float, mean: float, phi: float) -> float:
    """P(X >= count) for X with this mean and variance phi x mean."""
    if count <= 0:
        return 1.0
    if mean <= 0:
        return 0.0
    if phi > 1:
        return float(betaincc(mean / (phi - 1), count, 1 / phi))
    return float(pdtrc(count - 1, mean))


def _quantile(level: float, at_most: Callable[[int], float]) -> float:
    needed = level * FUZZ
    found = smallest(lambda k: at_most(k) >= needed, LARGEST)
    return math.inf if found is None else float(found)
