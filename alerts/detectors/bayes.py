"""Bayes: the predictive distribution of a Poisson count given the reference values (for weekly counts, few years).

Riebler (2004), Höhle (2007), "surveillance: an R package for the monitoring of infectious diseases", Computational
Statistics 22. With Jeffreys' prior the next count is negative binomial.
"""

from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from alerts.detectors.count_quantiles import negative_binomial_quantile
from alerts.detectors.detector import (
    MISSING,
    TOO_SHORT,
    CountSeries,
    Detections,
    Floats,
    Parameters,
    nothing,
    reasons,
    span,
)

Places = NDArray[np.int64]


class Bayes(Parameters):
    """b: periods (freq time points) to go back (0).  w: half the window around the same point there (6).

    act_y: the w points just before the judged one count too (True).  alpha: the bound is the 1 - alpha quantile (0.05).
    Defaults: Höhle (2007), system Bayes 1.
    """

    b: int = Field(default=0, ge=0, le=1000)
    w: int = Field(default=6, ge=0, le=1000)
    act_y: bool = True
    alpha: float = Field(default=0.05, gt=0, lt=1)

    @model_validator(mode="after")
    def _has_reference(self) -> Self:
        if self.b == 0 and not (self.act_y and self.w):
            raise ValueError("b: 0 leaves no reference values (accepted: b from 1, or actY with w from 1)")
        return self

    def detect(self, series: CountSeries, points: range) -> Detections:
        """Bound = NB quantile, size = sum of the references + 1/2, probability n / (n + 1); alarm strictly above.

        Not judged: a window that begins before the series. Missing reference values are left out of sum and n.
        """
        inside, counts = span(series, points), series.observed
        places = np.arange(inside.start, inside.stop)
        sums, there = self._references(counts, series.freq, places)
        early = places - self.b * series.freq - self.w < 0
        missing = np.isnan(counts[places])
        known: dict[tuple[float, float], float] = {}
        upper = nothing(inside)
        for place in np.flatnonzero(~early & (there > 0)):
            key = (float(sums[place]), float(there[place]))
            if key not in known:
                known[key] = negative_binomial_quantile(1 - self.alpha, key[0] + 0.5, key[1] / (key[1] + 1))
            upper[place] = known[key]
        with np.errstate(divide="ignore", invalid="ignore"):
            expected = np.where(early, np.nan, (sums + 0.5) / there)
            alarm = counts[places] > upper
            score = (counts[places] - expected) / np.sqrt(expected * (1 + 1 / there))
        why = reasons(inside, (np.isnan(upper), TOO_SHORT), (missing, MISSING))
        return Detections(inside, expected, upper, score, nothing(inside), alarm, why)

    def _references(self, counts: Floats, freq: int, places: Places) -> tuple[Floats, Floats]:
        """Sum and number of the reference values of each place, from running totals."""
        total = np.concatenate([[0.0], np.nancumsum(counts)])
        number = np.concatenate([[0.0], np.cumsum(~np.isnan(counts))])
        windows = [(-self.w, 0)] if self.act_y else []
        windows += [(-year * freq - self.w, -year * freq + self.w + 1) for year in range(1, self.b + 1)]
        sums, there = np.zeros(len(places)), np.zeros(len(places))
        for begin, end in windows:
            low = np.maximum(places + begin, 0)
            high = np.maximum(low, places + min(end, 0))
            sums += total[high] - total[low]
            there += number[high] - number[low]
        return sums, there
