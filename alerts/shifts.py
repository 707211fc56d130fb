"""The shifts of duty.yml as stretches of time. No query, no clock."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from config.duty import DutyBook, Hours
from core.clock import BEIJING, as_utc, beijing

DAY = timedelta(days=1)
NAMES = {"day": "白班", "night": "夜班", "": "全天"}


@dataclass(frozen=True)
class Shift:
    """From `start` until before `end`. name: of duty.yml; empty where it names no shift for this time."""

    name: str
    start: datetime
    end: datetime

    @property
    def title(self) -> str:
        """白班; a name of the office's own stays as it is."""
        return NAMES.get(self.name, self.name)


def shift_at(book: DutyBook, moment: datetime) -> Shift:
    """The shift `moment` lies in: of two that overlap the one that began later, outside of all the gap between them."""
    around = _around(book, beijing(moment).date())
    mine = [shift for shift in around if shift.start <= moment < shift.end]
    if mine:
        return max(mine, key=lambda shift: (shift.start, shift.name))
    ended, begins = [shift.end for shift in around], [shift.start for shift in around]
    midnight = as_utc(datetime.combine(beijing(moment).date(), datetime.min.time(), BEIJING))
    start = max((end for end in ended if end <= moment), default=midnight)
    end = min((begin for begin in begins if begin > moment), default=midnight + DAY)
    return Shift("", start, end)


def shift_before(book: DutyBook, shift: Shift) -> Shift:
    """The one that handed over to `shift`."""
    return shift_at(book, shift.start - timedelta(seconds=1))


def shift_after(book: DutyBook, shift: Shift) -> Shift:
    """The one that takes over from `shift`."""
    return shift_at(book, shift.end)


def _around(book: DutyBook, day: date) -> list[Shift]:
    days = [day + DAY * ahead for ahead in (-2, -1, 0, 1, 2)]
    return [_of_day(name, hours, one) for name, hours in book.shifts.items() for one in days]


def _of_day(name: str, hours: Hours, day: date) -> Shift:
    start = datetime.combine(day, hours.from_, BEIJING)
    end = datetime.combine(day + DAY if hours.overnight else day, hours.to, BEIJING)
    return Shift(name, as_utc(start), as_utc(end))
