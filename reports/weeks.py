"""The week of the statistics table: Wednesday 00:00 to Tuesday 24:00, Beijing time, called after the ISO week its
Wednesday lies in: 2026-W47 is 11-18 to 11-24."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from core.clock import BEIJING, as_utc, beijing

WEDNESDAY = 3
SPAN = timedelta(days=7)


@dataclass(frozen=True)
class Week:
    """first: its Wednesday."""

    first: date

    @property
    def last(self) -> date:
        """Its Tuesday."""
        return self.first + timedelta(days=6)

    @property
    def id(self) -> str:
        """2026-W47."""
        year, week, _ = self.first.isocalendar()
        return f"{year}-W{week:02d}"

    @property
    def begins(self) -> datetime:
        """Its first moment."""
        return as_utc(datetime.combine(self.first, time(), BEIJING))

    @property
    def ends(self) -> datetime:
        """The first moment after it."""
        return as_utc(datetime.combine(self.first + SPAN, time(), BEIJING))

    @property
    def before(self) -> "Week":
        """The one before."""
        return Week(self.first - SPAN)

    @property
    def after(self) -> "Week":
        """The one after."""
        return Week(self.first + SPAN)

    def due(self, hour: time) -> datetime:
        """When its table is due: the Wednesday after it."""
        return as_utc(datetime.combine(self.first + SPAN, hour, BEIJING))


def week_of(moment: datetime) -> Week:
    """The one a moment lies in."""
    day = beijing(moment).date()
    return Week(day - timedelta(days=(day.isoweekday() - WEDNESDAY) % 7))


def week_on(day: date | None, now: datetime) -> Week:
    """The week a day lies in; without one the last that ended."""
    return Week(day - timedelta(days=(day.isoweekday() - WEDNESDAY) % 7)) if day else week_of(now).before


def read_week(text: str) -> Week:
    """The week of an address. Raises ValueError for what is none, 2026-W60 too."""
    found = re.fullmatch(r"(20\d\d)-W(\d\d)", text)
    if not found:
        raise ValueError(text)
    return Week(date.fromisocalendar(int(found[1]), int(found[2]), WEDNESDAY))


@dataclass(frozen=True)
class Span(Week):
    """Weeks in a row, from the Wednesday `first` on; counts as one week where records are read."""

    weeks: int = 1

    @property
    def last(self) -> date:
        """The Tuesday of its last week."""
        return self.first + self.weeks * SPAN - timedelta(days=1)

    @property
    def ends(self) -> datetime:
        """The first moment after it."""
        return as_utc(datetime.combine(self.first + self.weeks * SPAN, time(), BEIJING))

    @property
    def each(self) -> "tuple[Week, ...]":
        """Its weeks, oldest first."""
        return tuple(Week(self.first + number * SPAN) for number in range(self.weeks))


def span_of(first: Week, last: Week) -> Span:
    """From one week to another, both in it."""
    return Span(first.first, (last.first - first.first).days // 7 + 1)
