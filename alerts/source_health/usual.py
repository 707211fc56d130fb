"""What a source usually brings on such a day, and how unusual a count or a silence is against that.

Counts are negative binomial around (working day or day off) x weekday, learnt from the last eight weeks of days on
which the source was read; bursts are clipped first. A false state a source-day: benchmarks/source_health.py.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median

from alerts.detectors.count_quantiles import overdispersed_tail
from core.clock import beijing, start_of_beijing_day
from store.pulses import SourceDay

WINDOW = 56
"""Days that the usual is learnt from."""
YOUNG_DAYS, YOUNG_READ = 14, 10
"""A history is too short before so many days, or with fewer days on which it was read."""
LEAN = 10.0
"""Working days and days off lean on each other, and a weekday on all days of its class, worth so many events."""
DISPERSION, DISPERSION_WEIGHT = 1.5, 10.0
"""Variance over mean where nothing is known, worth so many events."""
LEVEL_SD = 0.15
"""How uncertain a level is besides chance, as a share of it."""
SATURDAY = 5
DAY = timedelta(days=1)
IsWorkday = Callable[[date], bool]


@dataclass(frozen=True)
class Usual:
    """What one source brings a day. work, off: mean of working days and days off.

    by_weekday: factors of working days, Monday to Friday, and of days off, Saturday and Sunday.
    days: how many it is learnt from.  longest: the longest time without news in that time.
    """

    work: float
    off: float
    by_weekday: tuple[float, ...]
    dispersion: float
    days: int
    longest: timedelta

    def least(self, day: date, is_workday: IsWorkday) -> float:
        """How many documents such a day brings; a worked weekend as few as a day off.

        A holiday as few as a day off, and fewer still where days off bring less than working days: who rests at
        weekends rests all the more in the holidays.
        """
        if is_regular(day, is_workday):
            return (self.work if is_workday(day) else self.off) * self.by_weekday[day.weekday()]
        few = min(self.work, self.off)
        return few if is_workday(day) or self.work <= 0 else few * few / self.work

    def most(self, day: date, is_workday: IsWorkday) -> float:
        """The same; a holiday or a worked weekend as many as either kind of day."""
        return self.least(day, is_workday) if is_regular(day, is_workday) else max(self.work, self.off)

    def at_least(self, count: float, mean: float) -> float:
        """The chance of so many or more where `mean` are usual."""
        return overdispersed_tail(count, mean, self._spread(mean))

    def at_most(self, count: float, mean: float) -> float:
        """The chance of so few or fewer where `mean` are usual."""
        return 1.0 - overdispersed_tail(count + 1, mean, self._spread(mean)) if mean > 0 else 1.0

    def _spread(self, mean: float) -> float:
        """Variance over mean, the doubt about the level included."""
        level = max(self.work, self.off, 1e-9)
        doubt = self.dispersion / (self.days * level) + LEVEL_SD**2
        return self.dispersion + mean * doubt

    def expected(self, since: datetime, until: datetime, is_workday: IsWorkday) -> float:
        """How many documents are usual between two moments."""
        return sum(share * self.least(day, is_workday) for day, share in _days_between(since, until))

    def awake(self, since: datetime, until: datetime, is_workday: IsWorkday) -> timedelta:
        """The time between two moments; a day off counts for as much as it brings beside a working day."""
        beside = min(1.0, self.off / self.work) if self.work > 0 else 1.0
        return sum(
            ((share if is_workday(day) else share * beside) * DAY for day, share in _days_between(since, until)),
            timedelta(0),
        )


def is_regular(day: date, is_workday: IsWorkday) -> bool:
    """Whether it is worked as its weekday is."""
    return is_workday(day) == (day.weekday() < SATURDAY)


def usual_of(days: Iterable[SourceDay], *, since: int, until: int, is_workday: IsWorkday) -> Usual | None:
    """What the days from `since` on and before `until` (ordinals) say; None where they are too few.

    Days without a read are left out: nothing is known of them.
    """
    first = max(since, until - WINDOW)
    read = [day for day in days if first <= day.day < until and day.reads > 0]
    if until - since < YOUNG_DAYS or len(read) < YOUNG_READ:
        return None
    dates = [date.fromordinal(day.day) for day in read]
    counts = _clipped([day.found for day in read], [day.weekday() for day in dates])
    worked = [is_workday(day) for day in dates]
    everything = sum(counts) / len(counts)
    work, off = (_class_mean(counts, worked, wanted, everything) for wanted in (True, False))
    level = [work if works else off for works in worked]
    regular = [is_regular(day, is_workday) for day in dates]
    by_weekday = tuple(
        (sum(n for n, day, ok in zip(counts, dates, regular, strict=True) if ok and day.weekday() == weekday) + LEAN)
        / (sum(m for m, day, ok in zip(level, dates, regular, strict=True) if ok and day.weekday() == weekday) + LEAN)
        for weekday in range(7)
    )
    fitted = [m * (by_weekday[day.weekday()] if ok else 1.0) for m, day, ok in zip(level, dates, regular, strict=True)]
    squares = sum((n - m) ** 2 for n, m in zip(counts, fitted, strict=True))
    dispersion = (squares + DISPERSION * DISPERSION_WEIGHT) / (sum(fitted) + DISPERSION_WEIGHT)
    longest = timedelta(seconds=max(day.gap for day in read))
    return Usual(work, off, by_weekday, max(dispersion, 1.0), len(read), longest)


def _class_mean(counts: Sequence[float], worked: Sequence[bool], wanted: bool, everything: float) -> float:
    mine = [n for n, works in zip(counts, worked, strict=True) if works is wanted]
    if everything <= 0:
        return 0.0
    return (sum(mine) + LEAN) / (len(mine) + LEAN / everything)


def _clipped(counts: Sequence[int], weekdays: Sequence[int]) -> list[float]:
    """A burst shapes the usual no more than a busy day does.

    The level of a day: that of all without the fifth at each end, or its weekday's median where that is higher.
    """
    ordered, cut = sorted(counts), len(counts) // 5
    middle = ordered[cut : len(ordered) - cut]
    level = max(sum(middle) / len(middle), 0.5)
    of_weekday = {
        weekday: median(n for n, other in zip(counts, weekdays, strict=True) if other == weekday)
        for weekday in set(weekdays)
    }
    return [min(float(n), _busy(max(level, of_weekday[day]))) for n, day in zip(counts, weekdays, strict=True)]


def _busy(level: float) -> float:
    return float(3 * level + 4 * (2 * level) ** 0.5 + 2)


def _days_between(since: datetime, until: datetime) -> list[tuple[date, float]]:
    """The Beijing days between two moments, each with the share of it that lies between them."""
    found, at = [], since
    while at < until:
        end = min(until, start_of_beijing_day(at) + DAY)
        found.append((beijing(at).date(), (end - at) / DAY))
        at = end
    return found
