"""How much more likely the last days are if something began than if nothing did."""

import numpy as np
from scipy.special import gammaln

from alerts.detectors.calendar_nb_counts import CalendarNb, Flags, Floats, Ints
from alerts.detectors.calendar_nb_level import Expectation

NODES = np.array([-2.856970, -1.355626, 0.0, 1.355626, 2.856970])
SHARES = np.array([0.011257, 0.222076, 0.533333, 0.222076, 0.011257])
"""Gauss-Hermite: a normal variable in five values."""
SCORE_OF_ODDS = 1.0
"""Score = log10 odds + 1: then 10^-score is the share of quiet key-days that reach it (docs/calendar_nb.md)."""
POISSON = 1.001
"""A dispersion below counts as this, so that one formula does."""


def log_odds(counts: Floats, expected: Expectation, parameters: CalendarNb) -> Floats:
    """keys x starts: natural log of the odds for a start on each of the last days, the oldest first.

    counts: keys x starts, the last column is today. Under "nothing began" a day's count is negative binomial with
    the expected mean m; under "began on day s" the mean from s on is m + rise x sqrt(variance). The level is uncertain:
    both are averaged over five multiples of m, the same for all days, so that a level that is a little too low is not
    taken for evidence day after day.
    """
    mean = expected.mean[:, None, :] * np.exp(expected.doubt[:, None] * NODES)[:, :, None]
    ratio = (
        np.maximum(expected.dispersion, POISSON)[:, None]
        + expected.mean * (parameters.special_sd * expected.special) ** 2
    )
    ratio = ratio[:, None, :]
    observed = counts[:, None, :]
    usual = _log_likelihood(observed, mean, ratio)
    risen = _log_likelihood(observed, mean + parameters.rise * np.sqrt(ratio * mean), ratio)
    nothing = usual.sum(axis=2)
    since = nothing[:, :, None] + np.cumsum((risen - usual)[:, :, ::-1], axis=2)[:, :, ::-1]
    return _averaged(since) - _averaged(nothing[:, :, None])


def _log_likelihood(counts: Floats, mean: Floats, ratio: Floats) -> Floats:
    """Of negative binomial counts with variance = ratio x mean, without what does not depend on the mean."""
    size = mean / (ratio - 1)
    some = np.broadcast_to(counts > 0, mean.shape)
    grown = np.zeros(mean.shape)
    many = np.broadcast_to(counts, mean.shape)[some]
    grown[some] = gammaln(many + size[some]) - gammaln(size[some])
    return grown - size * np.log(ratio)


def _averaged(logs: Floats) -> Floats:
    """Log of the mean over the five levels (axis 1)."""
    top = logs.max(axis=1)
    total: Floats = np.log(np.einsum("kxs,x->ks", np.exp(logs - top[:, None, :]), SHARES)) + top
    return total


def score_of(odds: Floats, parameters: CalendarNb) -> Floats:
    """keys: log10 of the odds that something began on one of the days, whichever, + 1."""
    age = np.arange(odds.shape[1])[::-1]
    prior = np.log(parameters.start_odds) + age * np.log1p(-parameters.start_odds)
    total: Floats = np.logaddexp.reduce(odds + prior, axis=1) / np.log(10) + SCORE_OF_ODDS
    return total


def likeliest_start(odds: Floats, parameters: CalendarNb) -> Ints:
    """keys: days since the likeliest start, 1 = today. The window that an alert names."""
    age = np.arange(odds.shape[1])[::-1]
    weighed = odds + age * np.log1p(-parameters.start_odds)
    since: Ints = odds.shape[1] - weighed.argmax(axis=1)
    return since


def chance_of(observed: Floats, mean: Floats, variance: Floats) -> Floats:
    """P(count >= observed) of a negative binomial variable; Poisson where the variance is not above the mean."""
    from scipy.stats import nbinom, poisson  # here: it takes 0.5 s of each process that judges no series

    wide, size, share = _negative_binomial(mean, variance)
    return np.where(wide, nbinom.sf(observed - 1, size, share), poisson.sf(observed - 1, mean))


def most_usual(chance: float, mean: Floats, variance: Floats) -> Floats:
    """The least count that such a variable exceeds with at most this chance."""
    from scipy.stats import nbinom, poisson  # as above

    wide, size, share = _negative_binomial(mean, variance)
    return np.where(wide, nbinom.isf(chance, size, share), poisson.isf(chance, mean))


def _negative_binomial(mean: Floats, variance: Floats) -> tuple[Flags, Floats, Floats]:
    wide = variance > mean * (1 + 1e-6)
    spread = np.where(wide, variance, 2 * mean)
    return wide, mean**2 / (spread - mean), mean / spread


def window_variance(mean: Floats, special: Floats, expected: Expectation, parameters: CalendarNb) -> Floats:
    """Of the sum over a window. mean: keys, of the sum.  special: share of its days in a calendar class."""
    relative = expected.doubt**2 + (parameters.special_sd * special) ** 2
    return expected.dispersion * mean + mean**2 * relative
