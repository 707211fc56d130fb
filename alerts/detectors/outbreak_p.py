"""OutbreakP: is the series better told by "level, then only rising" than by one level? (start of a season, of a wave)

Frisén, Andersson (2009), "Semiparametric surveillance of monotonic changes", Sequential Analysis 28; Frisén, Andersson,
Schiöler (2009), "Robust outbreak surveillance of epidemics in Sweden", Statistics in Medicine 28.
"""

import math
import sys
from typing import Literal

import numpy as np
from pydantic import Field
from scipy.special import xlogy

from alerts.detectors.detector import (
    MISSING,
    CountSeries,
    Detections,
    Parameters,
    nothing,
    reasons,
    smallest,
    span,
)

LARGEST_LOG = math.log(sys.float_info.max)


class OutbreakP(Parameters):
    """k: alarm above this likelihood ratio (100).  ret: `value` or `cases` (what upper holds; value).

    max_upperbound_cases: how far to look for the count that would have alarmed (100 000).
    """

    k: float = Field(default=100.0, gt=0)
    ret: Literal["value", "cases"] = "value"
    max_upperbound_cases: int = Field(default=100_000, ge=1)

    def detect(self, series: CountSeries, points: range) -> Detections:
        """Ratio of the likelihoods of the best rising mean (isotonic regression) and of one mean, from the first count
        of the series to each point; alarm above k.

        upper: the ratio (`value`), or the smallest count that would have alarmed (`cases`; NaN if none would).
        score: the ratio's natural logarithm.  expected: the one mean.  Missing counts are left out, and not judged.
        """
        inside = span(series, points)
        expected, upper, score = nothing(inside), nothing(inside), nothing(inside)
        rise = _Rise()
        for point in range(inside.stop):
            count = float(series.observed[point])
            if math.isnan(count):
                continue
            if point in inside:
                upper[point - inside.start] = self._needed(rise) if self.ret == "cases" else math.nan
            rise.add(count)
            if point in inside:
                score[point - inside.start], expected[point - inside.start] = rise.log_ratio, rise.mean
        if self.ret == "value":
            upper = np.exp(np.minimum(score, LARGEST_LOG))
        with np.errstate(invalid="ignore"):
            alarm = score > math.log(self.k)
        why = reasons(inside, (np.isnan(score), MISSING))
        return Detections(inside, expected, upper, score, nothing(inside), alarm, why)

    def told(self, count: float, found: Detections, place: int) -> str:
        side = "高于" if found.alarm[place] else "未高于"
        usual = f"{count:g} 件，平均 {found.expected[place]:.3g}"
        return f"持续上升的对数似然比 {found.score[place]:.3g}，{side}界限 {math.log(self.k):.3g}（{usual}）"

    def _needed(self, rise: "_Rise") -> float:
        found = smallest(lambda count: rise.with_one_more(count) > math.log(self.k), self.max_upperbound_cases)
        return math.nan if found is None else float(found)


class _Rise:
    """The rising mean of the counts so far, as blocks of equal mean (pool adjacent violators), grown by one count."""

    def __init__(self) -> None:
        self._sums: list[float] = []
        self._sizes: list[int] = []
        self._terms: list[float] = []
        """What blocks up to each one add to the logarithm of the likelihood."""
        self._sum, self._size = 0.0, 0

    @property
    def mean(self) -> float:
        return self._sum / self._size

    @property
    def log_ratio(self) -> float:
        """log of: product of (rising mean / one mean) ^ count."""
        return max(0.0, (self._terms[-1] if self._terms else 0.0) - _term(self._sum, self._size))

    def add(self, count: float) -> None:
        keep, total, size = self._merged(count)
        del self._sums[keep:], self._sizes[keep:], self._terms[keep:]
        self._terms.append((self._terms[-1] if self._terms else 0.0) + _term(total, size))
        self._sums.append(total)
        self._sizes.append(size)
        self._sum, self._size = self._sum + count, self._size + 1

    def with_one_more(self, count: float) -> float:
        """The log ratio that one more count would give."""
        keep, total, size = self._merged(count)
        before = self._terms[keep - 1] if keep else 0.0
        return max(0.0, before + _term(total, size) - _term(self._sum + count, self._size + 1))

    def _merged(self, count: float) -> tuple[int, float, int]:
        """How many blocks stay as they are, and sum and size of the last one once the count is in."""
        keep, total, size = len(self._sums), count, 1
        while keep and self._sums[keep - 1] * size >= total * self._sizes[keep - 1]:
            keep -= 1
            total, size = total + self._sums[keep], size + self._sizes[keep]
        return keep, total, size


def _term(total: float, size: int) -> float:
    return float(xlogy(total, total / size)) if size else 0.0
