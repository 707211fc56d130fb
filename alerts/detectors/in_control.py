"""The mean while nothing is wrong, for the sequential charts: from what lies before the monitored points."""

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.detector import CountSeries, Floats, nothing
from alerts.detectors.quasi_poisson import LEAST_MEAN, fit_counts

HARMONIC_PARAMETERS = 3


def mean_before(series: CountSeries, points: range) -> Floats:
    """The mean of the counts before the points, for each of them; NaN where there are none or all are 0."""
    before = series.observed[: points.start]
    before = before[~np.isnan(before)]
    if not before.sum() > 0:
        return nothing(points)
    return np.full(len(points), before.mean())


def harmonic_mean(series: CountSeries, points: range) -> Floats:
    """log mean = a + b cos(2 pi t / freq) + c sin(2 pi t / freq), fitted to the counts before the points.

    t counts from the series' start within its period. NaN where there are fewer than 4 counts before, or all are 0.
    Höhle, Paul (2008), "Count data regression charts for the monitoring of surveillance time series", CSDA 52.
    """
    before = np.flatnonzero(~np.isnan(series.observed[: points.start]))
    counts = series.observed[before]
    if len(counts) <= HARMONIC_PARAMETERS or not counts.sum() > 0:
        return nothing(points)
    fit = fit_counts(_season(series, before), counts, np.ones(len(counts)))
    linear = _season(series, np.arange(points.start, points.stop)) @ fit.coefficients
    return np.maximum(np.exp(np.minimum(linear, 700)), LEAST_MEAN)


def _season(series: CountSeries, places: NDArray[np.int64]) -> Floats:
    angle = 2 * np.pi * (series.start[1] + places) / series.freq
    return np.column_stack([np.ones(len(places)), np.cos(angle), np.sin(angle)])
