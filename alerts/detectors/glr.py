"""GLR: likelihood ratio charts for counts with a changing in-control mean, for rises of unknown size.

Höhle, Paul (2008), "Count data regression charts for the monitoring of surveillance time series", Computational
Statistics & Data Analysis 52: GLR(n) = max over start points of log f_changed / f_in-control; an alarm restarts it.
"""

import math
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from alerts.detectors.detector import (
    MISSING,
    TOO_SHORT,
    CountSeries,
    Detections,
    Flags,
    Floats,
    Parameters,
    nothing,
    one_row,
    reasons,
    smallest,
    span,
)
from alerts.detectors.in_control import harmonic_mean

ROUNDS = 60
LARGEST_STEP = 2.0
FARTHEST = 30.0
"""No change is looked for beyond a factor of e^30."""
START_OF_EPIDEMIC = math.log(0.5)
GONE = -18.0
SETTLED = 1e-9
CELLS = 500_000
"""Start points x points worked on at once."""


class Glr(Parameters):
    """c.ARL: alarm at this log likelihood ratio or more (5).

    theta: the log of the rise to look for (0.693: a doubling); None: the most likely one for each start point.
    mu0: the in-control mean: a number, one a point, or None (a yearly wave fitted to the counts before the points).
    alpha: overdispersion, variance m + alpha m^2 (0: Poisson).  change: `intercept` (the mean times exp theta) or `epi`
    (the mean plus lambda times the count before).  dir: inc or dec.
    M: how many points back a change may lie (-1: to the last alarm).  Mtilde: the least points it is judged on (1).
    ret: what upper holds: `value` (the statistic) or `cases` (the count that would have alarmed).
    xMax: how far to look for that count where theta is unknown (10 000).  theta_given: as the reference cases say it.
    Defaults: Höhle, Paul (2008).
    """

    c_arl: float = Field(default=5.0, gt=0, alias="c.ARL")
    theta: float | None = None
    theta_given: bool | None = Field(default=None, alias="theta_given")
    mu0: float | tuple[float, ...] | None = None
    alpha: float = Field(default=0.0, ge=0)
    change: Literal["intercept", "epi"] = "intercept"
    dir: Literal["inc", "dec"] = "inc"
    m: int = Field(default=-1, ge=-1, alias="M")
    mtilde: int = Field(default=1, ge=1, alias="Mtilde")
    ret: Literal["value", "cases"] = "value"
    x_max: int = Field(default=10_000, ge=1)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.theta == 0:
            raise ValueError("theta: 0 is no change (accepted: above 0 for a rise, below 0 for a fall, or null)")
        if self.theta_given is not None and self.theta_given != (self.theta is not None):
            raise ValueError(f"theta_given: {self.theta_given}, but theta is {self.theta}")
        if self.change == "epi" and (self.theta is not None or self.dir == "dec" or self.ret == "cases"):
            raise ValueError("change: epi goes with an unknown theta, dir inc and ret value")
        if self.m != -1 and self.m < self.mtilde - 1:
            raise ValueError(
                f"M: {self.m} leaves no {self.mtilde} points to judge (accepted: -1, or Mtilde - 1 and up)"
            )
        return self

    def detect(self, series: CountSeries, points: range) -> Detections:
        """The chart starts at the first point, and anew after each alarm; alarm at a statistic >= c.ARL.

        score: the statistic.  expected: mu0.  Not judged: a missing count (it adds nothing to any sum), or no mean.
        With an unknown theta a point costs what the points since the last alarm do, with alpha their square: give an M
        where a series is long.
        """
        inside = span(series, points)
        mean = harmonic_mean(series, inside) if self.mu0 is None else one_row(self.mu0, inside, len(series), "mu0")
        why = reasons(
            inside, (np.isnan(mean), TOO_SHORT), (np.isnan(series.observed[inside.start : inside.stop]), MISSING)
        )
        data = _Chart.of(series, inside, mean, self.alpha)
        known = self.theta is not None
        score, upper, alarm = self._known(data) if known else self._unknown(data)
        judged = np.array([point not in why for point in inside])
        if self.ret == "value":
            upper = score
        return Detections(
            inside,
            mean,
            np.where(judged, upper, np.nan),
            np.where(judged, score, np.nan),
            nothing(inside),
            alarm & judged,
            why,
        )

    def told(self, count: float, found: Detections, place: int) -> str:
        side = "达到" if found.alarm[place] else "未到"
        usual = f"{count:g} 件，预期 {found.expected[place]:.3g}"
        return f"变化的对数似然比 {found.score[place]:.3g}，{side}界限 {self.c_arl:g}（{usual}）"

    def _known(self, data: "_Chart") -> tuple[Floats, Floats, Flags]:
        """A known theta: the sum of the points' log ratios, never below 0."""
        assert self.theta is not None
        per_count, at_zero = data.ratio_parts(self.theta)
        score, upper, total = np.zeros(len(data)), nothing(range(len(data))), 0.0
        alarm = np.zeros(len(data), dtype=np.bool_)
        for place in range(len(data)):
            if per_count[place]:
                upper[place] = (self.c_arl - total - at_zero[place]) / per_count[place]
            if data.there[place]:
                total = max(0.0, total + per_count[place] * data.counts[place] + at_zero[place])
            score[place] = total
            alarm[place] = total >= self.c_arl
            total = 0.0 if alarm[place] else total
        return score, upper, alarm

    def _unknown(self, data: "_Chart") -> tuple[Floats, Floats, Flags]:
        """The most likely change for each start point since the last alarm, within M and Mtilde."""
        score, upper = np.zeros(len(data)), nothing(range(len(data)))
        alarm, begin = np.zeros(len(data), dtype=np.bool_), 0
        for place in range(len(data)):
            first = begin if self.m == -1 else max(begin, place - self.m)
            last = place - self.mtilde + 1
            if last >= first:
                score[place] = self._statistic(data, first, last, place, data.counts[place])
                if self.ret == "cases" and data.there[place]:
                    upper[place] = self._needed(data, first, last, place)
            alarm[place] = score[place] >= self.c_arl
            begin = place + 1 if alarm[place] else begin
        return score, upper, alarm

    def _needed(self, data: "_Chart", first: int, last: int, place: int) -> float:
        """The smallest (dir dec: largest) whole count that would have alarmed; NaN if none would."""

        def alarms(count: float) -> bool:
            return self._statistic(data, first, last, place, count) >= self.c_arl

        if self.dir == "inc":
            found = smallest(lambda count: alarms(count), self.x_max)
            return math.nan if found is None else float(found)
        found = smallest(lambda count: not alarms(count), self.x_max)
        return math.nan if found is None or found == 0 else float(found - 1)

    def _statistic(self, data: "_Chart", first: int, last: int, place: int, count: float) -> float:
        """The largest log ratio over changes that begin at first ... last, had the count at `place` been this."""
        counts = data.counts[first : place + 1].copy()
        counts[-1] = count
        mean = data.mean[first : place + 1]
        starts = last - first + 1
        if self.change == "epi":
            return _epidemic(counts, data.before[first : place + 1], mean, starts, self.alpha)
        sums, means = counts[::-1].cumsum()[::-1][:starts], mean[::-1].cumsum()[::-1][:starts]
        with np.errstate(divide="ignore", invalid="ignore"):
            change = np.log(sums / means)
        change = np.where(means > 0, change, 0.0)
        change = np.maximum(change, 0.0) if self.dir == "inc" else np.minimum(change, 0.0)
        if self.alpha:
            return _negative_binomial(counts, mean, change, self.alpha, rises=self.dir == "inc")
        with np.errstate(invalid="ignore"):
            gain = np.where(sums > 0, sums * change, 0.0)
        return max(0.0, float((gain - means * np.expm1(change)).max()))


@dataclass(frozen=True, slots=True)
class _Chart:
    """Counts, in-control means and counts before; all 0 where missing, so that such a point adds nothing."""

    counts: Floats
    mean: Floats
    before: Floats
    there: Flags
    alpha: float

    @classmethod
    def of(cls, series: CountSeries, points: range, mean: Floats, alpha: float) -> "_Chart":
        counts = series.observed[points.start : points.stop]
        earlier = np.concatenate([[np.nan], series.observed])[points.start : points.stop]
        there = ~np.isnan(counts) & ~np.isnan(mean)
        return cls(
            counts=np.where(there, counts, 0.0),
            mean=np.where(there, mean, 0.0),
            before=np.where(there & ~np.isnan(earlier), earlier, 0.0),
            there=there,
            alpha=alpha,
        )

    def __len__(self) -> int:
        return len(self.counts)

    def ratio_parts(self, theta: float) -> tuple[Floats, Floats]:
        """The log ratio of a count x is first x + second (one of each a point)."""
        if not self.alpha:
            return np.full(len(self), theta), -self.mean * math.expm1(theta)
        shrink = np.log1p(self.alpha * self.mean) - np.log1p(self.alpha * self.mean * math.exp(theta))
        return theta + shrink, shrink / self.alpha


def _negative_binomial(counts: Floats, mean: Floats, change: Floats, alpha: float, *, rises: bool) -> float:
    """The largest log ratio over the start points of `change`, which holds the Poisson estimate of each to begin with.

    In blocks of start points, so that a long series does not fill the memory.
    """
    rows = max(1, CELLS // len(counts))
    parts = [(begin, change[begin : begin + rows]) for begin in range(0, len(change), rows)]
    return max(_block(counts[begin:], mean[begin:], part, alpha, rises=rises) for begin, part in parts)


def _block(counts: Floats, mean: Floats, change: Floats, alpha: float, *, rises: bool) -> float:
    """The score sum (x - m e^theta) / (1 + alpha m e^theta) falls with theta: Newton steps, bounded."""
    starts = len(change)
    inside = np.arange(len(counts))[None, :] >= np.arange(starts)[:, None]
    theta = np.clip(change, -FARTHEST, FARTHEST)
    for _ in range(ROUNDS):
        changed = mean * np.exp(theta)[:, None]
        spread = 1 + alpha * changed
        slope = np.where(inside, (counts - changed) / spread, 0.0).sum(axis=1)
        curve = np.where(inside, changed * (1 + alpha * counts) / spread**2, 0.0).sum(axis=1)
        step = np.clip(slope / np.maximum(curve, 1e-300), -LARGEST_STEP, LARGEST_STEP)
        theta = np.clip(theta + step, 0.0 if rises else -FARTHEST, FARTHEST if rises else 0.0)
        if np.all((np.abs(step) < SETTLED) | (theta == 0.0) | (np.abs(theta) == FARTHEST)):
            break
    shrink = np.log1p(alpha * mean) - np.log1p(alpha * mean * np.exp(theta)[:, None])
    each = counts * theta[:, None] + (counts + 1 / alpha) * shrink
    return max(0.0, float(np.where(inside, each, 0.0).sum(axis=1).max()))


def _epidemic(counts: Floats, before: Floats, mean: Floats, starts: int, alpha: float) -> float:
    """The largest log ratio for: mean plus lambda times the count before, lambda >= 0 unknown.

    Newton steps on log lambda, each start point beginning where the one before ended. A lambda that has vanished
    (below e^-18) stays so for the later start points: the reference behaves so, and the reference cases show it.
    """
    log_lambda, best = START_OF_EPIDEMIC, 0.0
    # After a count of 0 the mean is the same with and without an epidemic: such points add nothing, also as starts.
    felt = before > 0
    starts = int(np.count_nonzero(felt[:starts]))
    counts, before, mean = counts[felt], before[felt], mean[felt]
    for start in range(starts):
        x, z, m = counts[start:], before[start:], mean[start:]
        log_lambda = _most_likely(x, z, m, log_lambda, alpha)
        rise = math.exp(log_lambda) * z
        ratio = x * np.log1p(rise / m)
        ratio -= (x + 1 / alpha) * np.log1p(alpha * rise / (1 + alpha * m)) if alpha else rise
        best = max(best, float(ratio.sum()))
    return best


def _most_likely(x: Floats, z: Floats, m: Floats, log_lambda: float, alpha: float) -> float:
    for _ in range(ROUNDS):
        if log_lambda <= GONE:
            break
        rise = math.exp(log_lambda) * z
        changed, spread = m + rise, 1 + alpha * (m + rise)
        slope = rise * (x / changed - (1 + alpha * x) / spread)
        curve = slope - rise**2 * (x / changed**2 - alpha * (1 + alpha * x) / spread**2)
        bend = float(curve.sum())
        if not bend:
            break
        step = float(slope.sum()) / bend
        log_lambda = min(log_lambda - step, 300.0)
        if abs(step) < SETTLED:
            break
    return log_lambda
