"""The trend of the first page: risk signals a day over their expected band (alerts/day_trend.py).

The fit of a territory is kept for `KEPT`; the counts are read every time.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from alerts.day_series import day_of
from alerts.day_trend import HISTORY, SHOWN, Band, counts_by_day, fit
from charts.svg import Tick, trend
from config.calendar_classes import Calendar
from core.clock import beijing
from web.access import Viewer

KEPT = timedelta(minutes=10)


@dataclass(frozen=True)
class DayPoint:
    """A day. level: of its gravest signal.  href: to its signals.  band: None where nothing is known of days before."""

    day: date
    count: int
    level: int
    href: str
    band: Band | None

    @property
    def over(self) -> bool:
        """Whether it lies above its limit."""
        return self.band is not None and self.count > self.band.upper


class Trends:
    """The trends of all viewers; the fits are shared by those who see the same territory."""

    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar
        self._lock = threading.Lock()
        self._fits: dict[tuple[str, int], tuple[datetime, Mapping[int, Band]]] = {}

    def days(self, db: Connection, viewer: Viewer, now: datetime) -> list[DayPoint]:
        """The last `SHOWN` days, oldest first; today is the last one and not over yet."""
        today = day_of(now)
        bands = self._bands(db, viewer, today, now)
        counted = counts_by_day(db, today - SHOWN + 1, now, viewer.documents())
        found = []
        for day in range(today - SHOWN + 1, today + 1):
            count, level = counted.get(day, (0, 0))
            on = date.fromordinal(day)
            href = f"/search?from={on}&to={on}&is_risk=true"
            found.append(DayPoint(on, count, level, href, bands.get(day)))
        return found

    def _bands(self, db: Connection, viewer: Viewer, today: int, now: datetime) -> Mapping[int, Band]:
        key = (viewer.user.territory, today)
        with self._lock:
            kept = self._fits.get(key)
            if kept is None or not timedelta(0) <= now - kept[0] < KEPT:
                counted = counts_by_day(db, today - HISTORY, now, viewer.documents())
                kept = (now, fit({day: count for day, (count, _) in counted.items()}, today, self.calendar))
                self._fits = {old: fit for old, fit in self._fits.items() if old[1] == today} | {key: kept}
        return kept[1]


def draw(days: list[DayPoint], now: datetime, *, height: int = 150, linked: bool = True) -> str:
    """The trend with its band; a dot where a day lies over its limit, in the colour of its gravest signal."""
    known = [day.band or Band(0.0, 0.0, 0.0) for day in days]
    over = [place for place, day in enumerate(days) if day.over]
    return trend(
        [day.count for day in days], [band.expected for band in known], [band.upper for band in known],
        [band.lower for band in known], label=said(days, now), marks=[(place, days[place].level) for place in over],
        notes=[(over[-1], f"{days[over[-1]].count} 条")] if over else [], height=height, unit=" 条",
        ticks=_ticks(days),
        links=[(day.href, _one(day)) for day in days] if linked else (),
    )  # fmt: skip


def said(days: list[DayPoint], now: datetime) -> str:
    """The finding in a sentence."""
    last, over = days[-1], sum(day.over for day in days)
    usual = f"，全日期望 {last.band.expected:.1f} 条、上限 {last.band.upper:.0f} 条" if last.band else ""
    return (
        f"近 {len(days)} 日风险信号：今日至 {beijing(now):%H:%M} {last.count} 条{usual}；{over or '没有一'}日越过上限"
    )


def _one(day: DayPoint) -> str:
    usual = f"，期望 {day.band.expected:.1f} 条，上限 {day.band.upper:.0f} 条" if day.band else ""
    return f"{day.day:%m-%d} {day.count} 条{usual}"


def _ticks(days: list[DayPoint]) -> list[Tick]:
    return [(100 * (place + 0.5) / len(days), f"{days[place].day:%m-%d}") for place in range(0, len(days), 4)]
