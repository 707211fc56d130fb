"""The reporting calendar as the desk shows it: the own office's duties, and what the offices below owe."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from alerts.duty import Duty as DutyBook
from core.clock import beijing
from reports.agenda import Agenda, Duty
from reports.casualties import clocks
from web.visit import Visit

BACK, AHEAD = timedelta(days=35), timedelta(days=21)
"""How far the list of weekly duties and of the offices below reaches."""
STATES = {
    "done": ("已报", "done"), "over": ("逾期", "bad"), "today": ("今日到期", "warn"), "soon": ("将到期", "work"),
    "later": ("未到期", ""),
}  # fmt: skip


@dataclass(frozen=True)
class Below:
    """One period of an item over the offices below. late, open: who did not report it, overdue or not yet due."""

    first: Duty
    duties: Sequence[Duty]
    late: Sequence[Duty]
    open: Sequence[Duty]

    @property
    def done(self) -> int:
        """How many reported it."""
        return len(self.duties) - len(self.late) - len(self.open)


def agenda_of(visit: Visit) -> Agenda:
    """The calendar over what the desk was handed."""
    services = visit.services
    parts = services.rule_parts
    duty = (parts.duty if parts else None) or DutyBook()
    return Agenda(services.reporting, services.lexicon.regions, duty.is_workday, services.weekly.rules.since)


def own_office(visit: Visit) -> str:
    """The region code of the viewer's office."""
    return visit.services.lexicon.regions.home if visit.me.everywhere else visit.me.user.territory


def shown(db: Connection, visit: Visit, year: int) -> dict[str, Any]:
    """What the page lists. The own office: what stands now, and the year; below: the last weeks and what is ahead."""
    agenda, own, now = agenda_of(visit), own_office(visit), visit.now
    today = beijing(now).date()
    below = below_of(visit, own)
    near = agenda.between(db, today - BACK, today + AHEAD, offices={own, *below})
    whole = agenda.between(db, date(year, 1, 1), date(year, 12, 31), offices={own})
    mine = [one for one in near if one.territory == own and one.state(now) in ("over", "today", "soon")]
    kept = [one for one in whole if not one.week or today - BACK <= beijing(one.due).date() <= today + AHEAD]
    return {
        "own": own,
        "standing": mine,
        "year_rows": kept,
        "below": _grouped([one for one in near if one.territory != own], now),
        "offices": len(below),
        "clocks": clocks(db, now, {own}),
    }


def below_of(visit: Visit, own: str) -> frozenset[str]:
    """The offices right below one."""
    return frozenset(visit.services.lexicon.regions.children.get(own, ()))


def _grouped(duties: Sequence[Duty], now: datetime) -> list[Below]:
    """Newest first; what nobody has to show yet is left out."""
    found = []
    for key in dict.fromkeys((one.item.id, one.period) for one in duties):
        these = [one for one in duties if (one.item.id, one.period) == key]
        if all(one.state(now) == "later" for one in these):
            continue
        late = [one for one in these if one.state(now) == "over"]
        waiting = [one for one in these if one.state(now) in ("today", "soon", "later")]
        found.append(Below(these[0], these, late, waiting))
    return found[::-1]
