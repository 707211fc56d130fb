"""Farrington flexible: quasi-Poisson regression on the same weeks of earlier years (weekly, monthly; 3 years up).

Noufaily, Enki, Farrington, Garthwaite, Andrews, Charlett (2013), "An improved algorithm for outbreak detection in
multiple surveillance systems", Statistics in Medicine 32; Farrington, Andrews, Beale, Catchpole (1996), JRSS A 159;
Salmon, Schumacher, Stark, Höhle (2015), Biometrical Journal 57 (muan, nbPlugin).
"""

import math
from calendar import isleap
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from scipy.special import ndtr, ndtri, stdtr

from alerts.detectors.count_quantiles import overdispersed_quantile, overdispersed_tail
from alerts.detectors.detector import MISSING, TOO_SHORT, CountSeries, Detections, Floats, Parameters, nothing, span
from alerts.detectors.quasi_poisson import LEAST_MEAN, Fit, fit_counts

NO_FIT = "模型未收敛（历史几乎全为零）"
YEARS_FOR_TREND = 3
NO_SLOPE = 1e-10
"""A slope this small beside its error is 0 but for rounding (p = 1), and must not hang on the last digit."""
EXPONENT = {"2/3": 2 / 3, "1/2": 1 / 2, "none": 1.0}
FREQ_OF_EXACT_DATES = (1, 2, 4, 12)
"""Years, half-years, quarters, months begin on a date; anything shorter begins on a weekday."""
FIGURES = ("phi", "mu0", "trend", "trend_coef")

Places = NDArray[np.int64]


class FarringtonFlexible(Parameters):
    """b: years to go back (5).  w: half the window around the same week (3).  no_periods: levels of the season (10).

    past_weeks_not_included: last points left out so that an outbreak does not teach the model (26; None: w).
    reweight: past outbreaks count less (True).  weights_threshold: residual above which they do (2.58; 1996: 1).
    trend: try one (True).  p_threshold_trend: keep it below this p (1: always; 1996: 0.05).
    threshold_method: nbPlugin, muan (with the error of the mean) or delta (1996, on the scale of `powertrans`: 2/3,
    1/2, none).
    alpha: one-sided level of the bound (0.005).  limit54: no alarm below (5) events in the last (4) points.
    Defaults: Noufaily et al. (2013). populationOffset is known by name but only False: our keys have no population.
    """

    b: int = Field(default=5, ge=1, le=1000)
    w: int = Field(default=3, ge=0, le=1000)
    no_periods: int = Field(default=10, ge=1, le=100)
    past_weeks_not_included: int | None = Field(default=26, ge=0)
    reweight: bool = True
    weights_threshold: float = Field(default=2.58, gt=0)
    trend: bool = True
    p_threshold_trend: float = Field(default=1.0, gt=0, le=1)
    threshold_method: Literal["nbPlugin", "muan", "delta"] = "nbPlugin"
    powertrans: Literal["2/3", "1/2", "none"] = "2/3"
    alpha: float = Field(default=0.005, gt=0, lt=1)
    limit54: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=1)]] = (5, 4)
    population_offset: Literal[False] = False

    @model_validator(mode="after")
    def _level_of_delta(self) -> Self:
        if self.threshold_method == "delta" and self.alpha >= 0.5:
            raise ValueError("alpha: the delta bound needs a level below 0.5")
        return self

    def detect(self, series: CountSeries, points: range) -> Detections:
        """Judge each point by its own fit. Where fewer than limit54[0] events fell: no alarm, upper and expected NaN.

        Not judged: b years and w points of history are not there, the count is missing, or the fit does not converge.
        more: phi (at least 1), mu0 (the fitted mean, also where expected is NaN), trend (1, 0), trend_coef.
        score: (count - mean) / (bound - mean).
        """
        inside = span(series, points)
        self._check(series.freq)
        rows = {name: nothing(inside) for name in ("expected", "upper", "score", "p_value", *FIGURES)}
        alarm, why = np.zeros(len(inside), dtype=np.bool_), dict[int, str]()
        place_of = {day: place for place, day in enumerate(series.dates or ())}
        for row, point in enumerate(inside):
            judged = self._judge(series, point, place_of)
            if isinstance(judged, str):
                why[point] = judged
                continue
            enough = np.nansum(series.observed[max(0, point - self.limit54[1] + 1) : point + 1]) >= self.limit54[0]
            count = float(series.observed[point])
            alarm[row] = enough and count > max(0.0, judged.upper)
            told = {"p_value": judged.p_value, "score": judged.score(count), "phi": judged.phi, "mu0": judged.mean}
            told |= {"trend": float(not math.isnan(judged.trend)), "trend_coef": judged.trend}
            for name, value in (told | ({"upper": judged.upper, "expected": judged.mean} if enough else {})).items():
                rows[name][row] = value
        more = {name: rows[name] for name in FIGURES}
        return Detections(inside, rows["expected"], rows["upper"], rows["score"], rows["p_value"], alarm, why, more)

    def _check(self, freq: int) -> None:
        if self.no_periods > 1 and 2 * self.w + 1 > freq:
            raise ValueError(f"w: windows of {2 * self.w + 1} points overlap in a period of {freq} (noPeriods above 1)")

    def _judge(self, series: CountSeries, point: int, place_of: dict[date, int]) -> "Judgement | str":
        if np.isnan(series.observed[point]):
            return MISSING
        years = _same_time_of_earlier_years(series, point, self.b, place_of)
        if years is None or years[-1] - self.w < 0:
            return TOO_SHORT
        level = self._levels(len(series), years)
        guard = self.w if self.past_weeks_not_included is None else self.past_weeks_not_included
        history = np.flatnonzero(level[: max(0, point - guard)])
        history = history[~np.isnan(series.observed[history])]
        if self.no_periods not in level[history]:
            return TOO_SHORT
        times = _times(series)
        data = _Reference(series.observed[history], times[history] - times[point], level[history])
        model = self._model(data)
        if model is None:
            return NO_FIT
        return self._bound(model, float(series.observed[point]))

    def _levels(self, length: int, years: list[int]) -> Places:
        """The season's level of each time point up to the judged one, years[0]; 0 where it is not used."""
        level = np.zeros(length, dtype=np.int64)
        level[max(0, years[0] - self.w) : years[0] + 1] = self.no_periods
        for later, place in pairwise(years):
            level[place - self.w : place + self.w + 1] = self.no_periods
            begin, end = place + self.w + 1, later - self.w
            if self.no_periods > 1 and end > begin:
                each, rest = divmod(end - begin, self.no_periods - 1)
                sizes = [each + (block < rest) for block in range(self.no_periods - 1)]
                level[begin:end] = np.repeat(np.arange(1, self.no_periods), sizes)
        level[years[0] + 1 :] = 0
        return level

    def _model(self, data: "_Reference") -> "_Model | None":
        """The model with a trend where that is asked for and earns its place, otherwise the one without."""
        if self.trend and self.b >= YEARS_FOR_TREND:
            model = self._fit(data, trend=True)
            if model is not None and self._keeps(model, data):
                return model
        return self._fit(data, trend=False)

    def _keeps(self, model: "_Model", data: "_Reference") -> bool:
        error = math.sqrt(model.dispersion * model.fit.covariance[1, 1])
        if not model.fit.used[1] or not error > 0:
            return False
        ratio = abs(model.fit.coefficients[1]) / error
        if ratio < NO_SLOPE:
            return False
        significance = 2 * float(stdtr(model.fit.freedom, -ratio))
        return significance < self.p_threshold_trend and model.mean <= float(data.counts.max())

    def _fit(self, data: "_Reference", *, trend: bool) -> "_Model | None":
        design, here = data.design(self.no_periods, trend=trend)
        fit = fit_counts(design, data.counts, np.ones(len(data.counts)))
        if not fit.converged or fit.freedom < 1:
            return None
        weight = fit.working_weight
        if self.reweight:
            weight = _weights(fit, data.counts, self.weights_threshold)
            fit = fit_counts(design, data.counts, weight)
        # After reweighting the reference takes the prior weights here, not the working ones (detection.md, section 3).
        dispersion = fit.dispersion_under(weight) if self.reweight else fit.dispersion
        return _Model(fit, here, max(1.0, fit.dispersion), dispersion, trend)

    def _bound(self, model: "_Model", count: float) -> "Judgement":
        mean, phi = model.mean, model.phi
        if self.threshold_method == "delta":
            mean = max(mean, LEAST_MEAN)
            exponent = EXPONENT[self.powertrans]
            spread = phi + mean * model.error**2
            deviation = exponent * mean ** (exponent - 0.5) * math.sqrt(spread)
            upper = (mean**exponent - float(ndtri(self.alpha)) * deviation) ** (1 / exponent)
            tail = float(ndtr((mean**exponent - count**exponent) / deviation))
        else:
            plugged = mean
            if self.threshold_method == "muan":
                plugged = math.exp(min(700.0, model.linear - float(ndtri(self.alpha)) * model.error))
            upper = overdispersed_quantile(1 - self.alpha, plugged, phi)
            tail = overdispersed_tail(count, plugged, phi)
        slope = float(model.fit.coefficients[1]) if model.trend else math.nan
        return Judgement(mean, upper, tail, phi, slope)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one fit says of one point; trend is NaN where none was kept."""

    mean: float
    upper: float
    p_value: float
    phi: float
    trend: float

    def score(self, count: float) -> float:
        """How far above the mean, in units of the distance to the bound."""
        return (count - self.mean) / (self.upper - self.mean) if self.upper > self.mean else math.nan


@dataclass(frozen=True, slots=True)
class _Reference:
    """The reference values: counts, times (0 is the judged point), levels of the season."""

    counts: Floats
    times: Floats
    levels: Places

    def design(self, judged_level: int, *, trend: bool) -> tuple[Floats, Floats]:
        """Columns: 1, time if wanted, one a level but the first that occurs; and the judged point's row."""
        others = np.unique(self.levels)[1:]
        columns = [np.ones(len(self.counts)), *([self.times] if trend else [])]
        columns += [(self.levels == level).astype(np.float64) for level in others]
        here = [1.0, *([0.0] if trend else []), *(float(level == judged_level) for level in others)]
        return np.column_stack(columns), np.array(here)


@dataclass(frozen=True, slots=True)
class _Model:
    """A fit and the judged point's row; phi is at least 1, dispersion (for standard errors) is not."""

    fit: Fit
    here: Floats
    phi: float
    dispersion: float
    trend: bool

    @property
    def linear(self) -> float:
        return float(self.here @ self.fit.coefficients)

    @property
    def mean(self) -> float:
        return math.exp(min(700.0, self.linear))

    @property
    def error(self) -> float:
        """Standard error of the linear predictor."""
        return math.sqrt(self.dispersion * float(self.here @ self.fit.covariance @ self.here))


def _weights(fit: Fit, counts: Floats, threshold: float) -> Floats:
    """1, or s^-2 where the standardised Anscombe residual s passes the threshold; rescaled to sum n."""
    phi = max(1.0, fit.dispersion)
    raw = 1.5 * (counts ** (2 / 3) * fit.mean ** (-1 / 6) - fit.mean**0.5)
    free = np.maximum(1 - fit.leverage, 0)
    # A value that is alone in its level is fitted exactly and has no residual to speak of.
    residual = np.where(free > 1e-12, raw / np.sqrt(phi * np.maximum(free, 1e-12)), 0.0)
    weight = np.where(residual > threshold, np.maximum(residual, threshold) ** -2.0, 1.0)
    return np.asarray(weight * len(counts) / weight.sum(), dtype=np.float64)


def _same_time_of_earlier_years(
    series: CountSeries, point: int, years: int, place_of: dict[date, int]
) -> list[int] | None:
    """The point and its likes 1, 2, ... years back; None where one of them is not in the series.

    With dates: the same date, 29 February being 1 March, moved for weeks and days to the nearest same weekday.
    """
    if series.dates is None:
        places = [point - year * series.freq for year in range(years + 1)]
        return places if places[-1] >= 0 else None
    here, found = series.dates[point], [point]
    for year in range(1, years + 1):
        no_such_day = (here.month, here.day) == (2, 29) and not isleap(here.year - year)
        then = date(here.year - year, 3, 1) if no_such_day else here.replace(year=here.year - year)
        if series.freq not in FREQ_OF_EXACT_DATES:
            then += timedelta((here.weekday() - then.weekday() + 3) % 7 - 3)
        place = place_of.get(then)
        if place is None:
            return None
        found.append(place)
    return found


def _times(series: CountSeries) -> Floats:
    """When each count was made, in units of the first step of the series."""
    if series.dates is None or len(series) < 2:
        return np.arange(len(series), dtype=np.float64)
    days = np.array([day.toordinal() for day in series.dates], dtype=np.float64)
    return np.asarray(days / (days[1] - days[0]), dtype=np.float64)
