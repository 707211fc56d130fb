"""What the detectors share: the series they read, the judgements they give, and how their parameters are checked."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Record = TypeVar("Record", bound=BaseModel)

TOO_SHORT = "历史不足"
MISSING = "本期数据缺失"
UNDEFINED = "基线没有波动，无法标准化"


@dataclass(frozen=True, slots=True)
class CountSeries:
    """Counts of equally long time points, oldest first; NaN where a count is missing.

    freq: time points a period (52 weekly, 12 monthly, 7 or 365 daily).  start: year and time point of the first count.
    dates: the first day of each time point; given, a year back is the calendar's year and not freq time points.
    Raises ValueError for a negative count, a freq below 1, dates that are not as many as the counts or do not rise.
    """

    observed: Floats
    freq: int = 52
    start: tuple[int, int] = (1, 1)
    dates: tuple[date, ...] | None = None

    def __post_init__(self) -> None:
        if self.observed.ndim != 1 or np.any(self.observed < 0) or np.any(np.isinf(self.observed)):
            raise ValueError("observed: counts must be one row of numbers >= 0, or null where one is missing")
        if self.freq < 1:
            raise ValueError(f"freq: {self.freq} time points a period (accepted: 1 or more)")
        if self.dates is None:
            return
        if len(self.dates) != len(self.observed):
            raise ValueError(f"dates: {len(self.dates)} of them for {len(self.observed)} counts")
        if any(earlier >= later for earlier, later in zip(self.dates, self.dates[1:], strict=False)):
            raise ValueError("dates: each must be later than the one before")

    def __len__(self) -> int:
        return len(self.observed)


def count_series(
    observed: Sequence[float | None],
    freq: int = 52,
    start: tuple[int, int] = (1, 1),
    dates: Sequence[date] | None = None,
) -> CountSeries:
    """A series from plain values; None is a missing count."""
    counts = np.array([np.nan if value is None else value for value in observed], dtype=np.float64)
    return CountSeries(counts, freq, start, None if dates is None else tuple(dates))


@dataclass(frozen=True, slots=True)
class Detections:
    """What a detector says of each time point of `points` (indices into the series, 0 is the oldest).

    expected: what was to be expected there.  upper: the bound; an alarm is a count (for the sequential charts: a
    statistic) beyond it.  score: the detector's statistic, larger is more unusual.  p_value: NaN where it has none.
    All are NaN where undefined.  alarm: False where not judged.  unjudged: index of a point -> why nothing is said.
    more: figures of this detector alone, one array each (phi, trend, cusum ...).
    """

    points: range
    expected: Floats
    upper: Floats
    score: Floats
    p_value: Floats
    alarm: Flags
    unjudged: Mapping[int, str] = field(default_factory=dict)
    more: Mapping[str, Floats] = field(default_factory=dict)


class Parameters(BaseModel):
    """The parameters of one detector, and the detector itself.

    Read from a rule file or from `control` of the reference cases by the names used there (minSigma for min_sigma).
    A wrong value is a ValueError that names the parameter.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False, alias_generator=to_camel
    )

    @classmethod
    def of(cls, control: Mapping[str, Any]) -> Self:
        """See read_parameters."""
        return read_parameters(cls, control)

    @abstractmethod
    def detect(self, series: CountSeries, points: range) -> Detections:
        """Judge these time points, each from what lies before it and itself. Step 1, inside the series."""

    def reason(self, series: CountSeries, found: Detections, place: int) -> str:
        """Why the point at `place` of `found` alarms, or does not, in words."""
        point = found.points[place]
        if point in found.unjudged:
            return found.unjudged[point]
        return self.told(float(series.observed[point]), found, place)

    def told(self, count: float, found: Detections, place: int) -> str:
        """The words for a judged point: a count beside its bound; the sequential charts have their own."""
        if np.isnan(found.upper[place]):
            return "近期件数太少，不判断"
        side = "高于" if found.alarm[place] else "未高于"
        return f"{count:g} 件，{side}上界 {found.upper[place]:.4g}（预期 {found.expected[place]:.3g}）"


def read_parameters(kind: type[Record], control: Mapping[str, Any]) -> Record:
    """The record for named values; null is the default, where it is no value of its own.

    Raises ValueError: `noPeriods: what is wrong`.
    """
    fields = {part.alias or key: part for key, part in kind.model_fields.items()}
    left_out = {name for name, part in fields.items() if type(None) not in get_args(part.annotation)}
    try:
        return kind.model_validate({k: v for k, v in control.items() if v is not None or k not in left_out})
    except ValidationError as wrong:
        first = wrong.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        if first["type"] == "extra_forbidden":
            raise ValueError(f"{name}: no such parameter (accepted: {', '.join(fields)})") from None
        what = first["msg"].removeprefix("Value error, ")
        raise ValueError(f"{name}: {what}" if name else what) from None


def span(series: CountSeries, points: range) -> range:
    """The points, checked. Raises ValueError for a range that is empty, steps, or leaves the series."""
    if points.step != 1 or not 0 <= points.start < points.stop <= len(series):
        raise ValueError(f"points: {points.start + 1} to {points.stop} of a series of {len(series)} time points")
    return points


def nothing(points: range) -> Floats:
    """A row of NaN, one for each point."""
    return np.full(len(points), np.nan)


def reasons(points: range, *tests: tuple[Flags, str]) -> dict[int, str]:
    """Why points are not judged: the first reason of `tests` (a flag a point) that holds."""
    why: dict[int, str] = {}
    for flags, reason in tests:
        for place in np.flatnonzero(flags):
            why.setdefault(points.start + int(place), reason)
    return why


def one_row(value: float | Sequence[float], points: range, length: int, name: str) -> Floats:
    """A figure for each point: one number for all, one a point, or one for each time point of the series.

    Raises ValueError naming it for another length or a figure that is not above 0.
    """
    row = np.atleast_1d(np.asarray(value, dtype=np.float64))
    if len(row) == 1:
        row = np.full(len(points), row[0])
    elif len(row) == length:
        row = row[points.start : points.stop]
    if len(row) != len(points):
        accepted = f"1, {len(points)} or {length}"
        raise ValueError(f"{name}: {len(row)} values for {len(points)} time points (accepted: {accepted})")
    if not np.all(row > 0):
        raise ValueError(f"{name}: every value must be above 0")
    return row


def smallest(holds: Callable[[int], bool], at_most: int) -> int | None:
    """The smallest whole number >= 0 for which a condition holds that, once true, stays true; None beyond at_most."""
    if holds(0):
        return 0
    low, high = 0, 1
    while not holds(high):
        if high >= at_most:
            return None
        low, high = high, min(2 * high, at_most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
