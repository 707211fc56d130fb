"""CUSUM: adds up what counts exceed the usual by, for rises too slow to stand out in any one time point.

Rossi, Lampugnani, Marchi (1999), "An approximate CUSUM procedure for surveillance of health events", Statistics in
Medicine 18; Pierce, Schafer (1986), "Residuals in generalized linear models", JASA 81 (Anscombe residuals).
"""

from typing import Literal

import numpy as np
from pydantic import Field
from scipy.special import hyp2f1

from alerts.detectors.detector import (
    MISSING,
    TOO_SHORT,
    CountSeries,
    Detections,
    Floats,
    Parameters,
    nothing,
    one_row,
    reasons,
    span,
)
from alerts.detectors.in_control import harmonic_mean, mean_before

Trans = Literal["standard", "rossi", "anscombe", "anscombe2nd", "pearsonNegBin", "anscombeNegBin", "none"]
STEPS_OF_INVERSE = 200


class Cusum(Parameters):
    """k: what is forgiven each time point (1.04).  h: alarm at a sum of h or more (2.26). Both: Rossi et al. (1999).

    trans: how a count is made comparable (standard). z = (x - m) / sqrt(m); rossi (x - 3m + 2 sqrt(xm)) / (2 sqrt(m));
    anscombe, anscombe2nd (with the second-order mean of x^(2/3)), pearsonNegBin, anscombeNegBin (variance
    m + alpha m^2), none (the count itself).
    m: the in-control mean: a number, one a point, `glm` (with a yearly wave), or None or mean-of-history (mean of
    the counts before the points).  alpha: of the NegBin forms (0.1).
    """

    k: float = Field(default=1.04, ge=0)
    h: float = Field(default=2.26, gt=0)
    trans: Trans = "standard"
    m: float | tuple[float, ...] | Literal["glm", "mean-of-history"] | None = None
    alpha: float = Field(default=0.1, gt=0)

    def detect(self, series: CountSeries, points: range) -> Detections:
        """C = max(0, C + z - k) from 0 at the first point; alarm at C >= h; an alarm does not reset it.

        upper: the count that would have alarmed (rounded up for `standard`; for `none` what was left to h after the
        point, as the reference has it).  score: C, also as more["cusum"].  Not judged, and C unchanged: a missing
        count, no in-control mean.
        """
        inside = span(series, points)
        mean = self._mean(series, inside)
        counts = series.observed[inside.start : inside.stop]
        missing = np.isnan(counts)
        usable = ~missing & ~np.isnan(mean)
        standing, upper, total = nothing(inside), nothing(inside), 0.0
        z = self._comparable(np.where(usable, counts, 0.0), np.where(usable, mean, 1.0))
        before = np.zeros(len(inside))
        for place in range(len(inside)):
            before[place] = total
            if usable[place]:
                total = max(0.0, total + float(z[place]) - self.k)
            standing[place] = total
        upper = np.where(usable, self._needed(before, standing, np.where(usable, mean, 1.0)), np.nan)
        why = reasons(inside, (np.isnan(mean), TOO_SHORT), (missing, MISSING))
        alarm = usable & (standing >= self.h)
        return Detections(inside, mean, upper, standing, nothing(inside), alarm, why, {"cusum": standing, "m": mean})

    def told(self, count: float, found: Detections, place: int) -> str:
        side = "达到" if found.alarm[place] else "未到"
        usual = f"{count:g} 件，预期 {found.expected[place]:.3g}"
        return f"累积偏离 {found.score[place]:.3g}，{side}界限 {self.h:g}（{usual}）"

    def _mean(self, series: CountSeries, points: range) -> Floats:
        if self.m is None or self.m == "mean-of-history":
            return mean_before(series, points)
        if self.m == "glm":
            return harmonic_mean(series, points)
        assert not isinstance(self.m, str)
        return one_row(self.m, points, len(series), "m")

    def _comparable(self, x: Floats, m: Floats) -> Floats:
        """The counts on the scale of k and h."""
        match self.trans:
            case "standard":
                z = (x - m) / np.sqrt(m)
            case "rossi":
                z = (x - 3 * m + 2 * np.sqrt(x * m)) / (2 * np.sqrt(m))
            case "anscombe":
                z = 1.5 * (x ** (2 / 3) - m ** (2 / 3)) / m ** (1 / 6)
            case "anscombe2nd":
                z = 1.5 * (x ** (2 / 3) - m ** (2 / 3) + m ** (-1 / 3) / 9) / m ** (1 / 6)
            case "pearsonNegBin":
                z = (x - m) / np.sqrt(self._variance(m))
            case "anscombeNegBin":
                z = (self._even_scale(x) - self._even_scale(m)) / self._variance(m) ** (1 / 6)
            case "none":
                z = x
        return np.asarray(z, dtype=np.float64)

    def _variance(self, m: Floats) -> Floats:
        return m + self.alpha * m**2

    def _even_scale(self, x: Floats) -> Floats:
        """The integral from 0 to x of variance(t)^(-1/3) dt: on it a negative binomial count is nearly normal."""
        return np.asarray(1.5 * x ** (2 / 3) * hyp2f1(1 / 3, 2 / 3, 5 / 3, -self.alpha * x), dtype=np.float64)

    def _needed(self, before: Floats, standing: Floats, m: Floats) -> Floats:
        """The count that brings the sum to h, from where it stood before."""
        z = self.h + self.k - before
        match self.trans:
            case "standard":
                x = np.ceil(m + np.sqrt(m) * z)
            case "rossi":
                inner = 4 * m + 2 * np.sqrt(m) * z
                x = np.maximum(0, np.sqrt(np.maximum(0, inner)) - np.sqrt(m)) ** 2
            case "anscombe":
                x = np.maximum(0, m ** (2 / 3) + z * m ** (1 / 6) / 1.5) ** 1.5
            case "anscombe2nd":
                x = np.maximum(0, m ** (2 / 3) - m ** (-1 / 3) / 9 + z * m ** (1 / 6) / 1.5) ** 1.5
            case "pearsonNegBin":
                x = m + np.sqrt(self._variance(m)) * z
            case "anscombeNegBin":
                x = self._inverse(z, m)
            case "none":
                x = np.maximum(0, self.h - standing)
        return np.asarray(x, dtype=np.float64)

    def _inverse(self, z: Floats, m: Floats) -> Floats:
        """The x with _comparable(x, m) = z, by halving; 0 where even 0 is above."""
        low, high = np.zeros(len(m)), m + 1
        for _ in range(STEPS_OF_INVERSE):
            short = self._comparable(high, m) < z
            if not short.any():
                break
            high = np.where(short, 2 * high, high)
        for _ in range(STEPS_OF_INVERSE):
            middle = (low + high) / 2
            short = self._comparable(middle, m) < z
            low, high = np.where(short, middle, low), np.where(short, high, middle)
        return high
