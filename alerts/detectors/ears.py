"""EARS C1, C2 and C3: the last days of the same series as the baseline (for series of one to eight weeks).

Hutwagner, Thompson, Seeman, Treadwell (2003), "The bioterrorism preparedness and response Early Aberration Reporting
System (EARS)", J Urban Health 80; the z(1 - alpha) form and minSigma as in Salmon, Schumacher, Höhle (2016), J Stat
Software 70(10).
"""

from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from pydantic import Field
from scipy.special import ndtri

from alerts.detectors.detector import (
    MISSING,
    TOO_SHORT,
    UNDEFINED,
    CountSeries,
    Detections,
    Floats,
    Parameters,
    nothing,
    reasons,
    span,
)

LAG = {"C1": 0, "C2": 2, "C3": 2}
SUMMED = 2
"""C3 adds what C2 exceeded on so many time points before."""


class Ears(Parameters):
    """method: which of the three.

    baseline: time points the mean and the standard deviation come from. Hutwagner: 7; here 28, which on daily counts
    halves the false alarms (detection.md, section 7).
    min_sigma: the standard deviation is taken to be at least this (0.5; Hutwagner: 0, EARS as run at CDC: 0.2 or 0.5).
    alpha: the bound is the 1 - alpha quantile of the normal: 0.001 (three sigma), for C3 0.025 (two), as Hutwagner.
    """

    method: Literal["C1", "C2", "C3"] = "C1"
    baseline: int = Field(default=28, ge=2, le=3660)
    min_sigma: float = Field(default=0.5, ge=0)
    alpha: float | None = Field(default=None, gt=0, lt=1)

    def detect(self, series: CountSeries, points: range) -> Detections:
        """Bound = mean + z sd of the baseline (C1: up to yesterday, C2: two points earlier); alarm strictly above.

        C3: bound = count + sd (z - sum over the two points before of max(0, C2 - 1)), at least 0: today alarms when
        the excesses of three points together pass z. Not judged: short or missing history; for C3 a baseline that
        never varies, with min_sigma 0. Missing counts are left out of the baseline, of which two must be there.
        """
        inside, counts = span(series, points), series.observed
        mean, deviation = self._baseline(counts)
        z = -float(ndtri(self.alpha if self.alpha is not None else 0.025 if self.method == "C3" else 0.001))
        with np.errstate(divide="ignore", invalid="ignore"):
            score = (counts - mean) / deviation
            upper = mean + z * deviation
            if self.method == "C3":
                excess = np.maximum(0, score - 1)
                before = _earlier(excess, 1) + _earlier(excess, SUMMED)
                upper = np.maximum(0, counts + deviation * (z - before))
                score = before + excess
        part = slice(inside.start, inside.stop)
        short = np.arange(inside.start, inside.stop) < self.baseline + LAG[self.method] + (self.method == "C3") * SUMMED
        bound = np.where(short, np.nan, upper[part])
        missing = np.isnan(counts[part])
        why = reasons(
            inside, (short | np.isnan(mean[part]), TOO_SHORT), (missing, MISSING), (np.isnan(bound), UNDEFINED)
        )
        with np.errstate(invalid="ignore"):
            alarm = counts[part] > bound
        return Detections(inside, mean[part], bound, score[part], nothing(inside), alarm, why)

    def _baseline(self, counts: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation (n - 1) of the baseline of each time point; NaN where fewer than two counts."""
        mean, deviation = np.full(len(counts), np.nan), np.full(len(counts), np.nan)
        first = self.baseline + LAG[self.method]
        if len(counts) <= first:
            return mean, deviation
        windows = sliding_window_view(counts, self.baseline)[: len(counts) - first]
        there = (~np.isnan(windows)).sum(axis=1)
        sums = np.nansum(windows, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            middle = np.where(there > 1, sums / there, np.nan)
            squares = np.nansum((windows - middle[:, None]) ** 2, axis=1)
            spread = np.sqrt(squares / (there - 1))
        mean[first:] = middle
        deviation[first:] = np.where(there > 1, np.maximum(self.min_sigma, spread), np.nan)
        return mean, deviation


def _earlier(row: Floats, by: int) -> Floats:
    """The row as it stood `by` time points before."""
    return np.concatenate([np.full(min(by, len(row)), np.nan), row[: max(0, len(row) - by)]])
