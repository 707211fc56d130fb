"""Bars of the date histogram: how wide, and where they start. Days and weeks begin at midnight in Beijing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from search.records import moment
from search.where import Scalar

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY
WIDTHS = (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, DAY, WEEK)
MOST_BARS = 60
"""Bars that a page 1440 px wide shows apart; at 390 px they are 6 px each."""

ORIGIN = 4 * DAY - 8 * HOUR
"""Monday 1970-01-05 00:00 in Beijing, ms UTC. China has kept no summer time since 1991: fixed widths are right."""


FIRST = -62_135_596_800_000
"""Year 1, ms UTC: where a bar of many years would begin before the calendar does."""


@dataclass(frozen=True)
class Bars:
    """Equal bars that cover a span. width, start: ms; start is the left edge of the first bar."""

    width: int
    start: int
    count: int

    @property
    def offset(self) -> int:
        """What a backend must add to multiples of the width to get our edges: 0 <= offset < width."""
        return ORIGIN % self.width


@dataclass(frozen=True)
class Bar:
    """How many hits lie in [start, start + width). parts: of each value of the field the bars are split by."""

    start: datetime
    count: int
    parts: Mapping[Scalar, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Histogram:
    """Bars from the first to the last, empty ones included."""

    width: timedelta
    bars: tuple[Bar, ...]


def floor(value: int, width: int) -> int:
    """The left edge of the bar `value` lies in."""
    return (value - ORIGIN) // width * width + ORIGIN


def choose_bars(first: int, last: int, width: timedelta | None = None) -> Bars:
    """Bars that hold both `first` and `last` (ms, inclusive): the finest width that needs at most 60 of them.

    Spans over 60 weeks take a whole number of weeks. A given `width` is kept unless it would need 1,000 bars.
    """
    if width is not None:
        wanted = int(width.total_seconds() * 1000)
        if wanted >= MINUTE and (last - first) // wanted < 1000:
            return _bars(first, last, wanted)
    for candidate in WIDTHS:
        bars = _bars(first, last, candidate)
        if bars.count <= MOST_BARS:
            return bars
    weeks = -(-((last - first) // WEEK + 1) // (MOST_BARS - 2))  # both ends may cut a bar
    return _bars(first, last, weeks * WEEK)


def _bars(first: int, last: int, width: int) -> Bars:
    start = floor(first, width)
    return Bars(width, start, (floor(last, width) - start) // width + 1)


@dataclass(frozen=True)
class Counted:
    """What an engine counted in one bar."""

    count: int
    parts: Mapping[Scalar, int] = field(default_factory=dict)


def fill(bars: Bars, counted: Mapping[int, Counted]) -> Histogram:
    """All bars with their counts; `counted` maps a left edge in ms to hits, empty bars may be missing."""
    edges = range(bars.start, bars.start + bars.width * bars.count, bars.width)
    none = Counted(0)
    filled = ((edge, counted.get(edge, none)) for edge in edges)
    shown = tuple(Bar(moment(max(edge, FIRST)), one.count, one.parts) for edge, one in filled)
    return Histogram(timedelta(milliseconds=bars.width), shown)
