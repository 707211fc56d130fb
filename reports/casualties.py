"""How long the casualties of a case stay open: 30 days from the day it happened, 7 for a fire (国务院令493号, 13).

Whoever reported a major case reports changes within that time. Counted from the earliest day that is told of it, for
each signed series of immediate reports that has neither a last report nor was taken back.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from core.clock import beijing
from store.papers import signed_since

FIRE = "fire"
UNTIL = "until"
"""Key of a report's options: the last day on which a change is to be reported."""
KEPT = timedelta(days=7)
"""So long after its end a series without a last report is still named."""
FARTHEST = timedelta(days=120)
ENDS = ("last", "drop")


@dataclass(frozen=True)
class Clock:
    """A series of reports. paper: the last signed one.  until: the last day.  left: days from today; below 0: over."""

    paper: str
    title: str
    territory: str
    until: date
    left: int

    @property
    def said(self) -> str:
        """`GW-2026-0003 伤亡核报至 12-21，还有 12 日，有变化须续报`."""
        if self.left < 0:
            return f"{self.paper} 伤亡核报期 {self.until:%m-%d} 已满，还没有终报"
        left = "今日届满" if not self.left else f"还有 {self.left} 日"
        return f"{self.paper} 伤亡核报至 {self.until:%m-%d}，{left}，有变化须续报"


def last_day(happened: date, *, fire: bool, days: int, fire_days: int) -> date:
    """The day it happened is day one."""
    return happened + timedelta(days=(fire_days if fire else days) - 1)


def clocks(db: Connection, now: datetime, offices: Collection[str]) -> list[Clock]:
    """What runs for these offices, or ended lately, the first to end first."""
    today, series = beijing(now).date(), dict[tuple[str, str], Clock | None]()
    for row in signed_since(db, "flash", now - FARTHEST, offices):
        options = dict(row.content.get("options") or ())
        until = str(options.get(UNTIL) or "")
        ended = options.get("round") in ENDS or not until
        one = None if ended else Clock(row.id, row.title, row.territory, date.fromisoformat(until), 0)
        series[row.subject, row.territory] = one
    found = [Clock(one.paper, one.title, one.territory, one.until, (one.until - today).days)
             for one in series.values() if one is not None]  # fmt: skip
    return sorted((one for one in found if one.left >= -KEPT.days), key=lambda one: (one.until, one.paper))
