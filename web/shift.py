"""The shift of a person: which one runs, since when they have been away, and whose desk they sit at."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from alerts.shifts import Shift, shift_after, shift_at, shift_before
from core.clock import beijing
from store.shift_log import Kind, add_row, last_left
from store.users import EVERYWHERE
from web.visit import Visit

FARTHEST = timedelta(days=14)
"""Who was away for longer is told of so much."""


@dataclass(frozen=True)
class Away:
    """Since when somebody has seen nothing, and how that is called."""

    since: datetime
    words: str


def now_shift(visit: Visit) -> Shift:
    """The shift that runs."""
    return shift_at(visit.services.duty.book, visit.now)


def previous(visit: Visit, shift: Shift) -> Shift:
    """The one before."""
    return shift_before(visit.services.duty.book, shift)


def following(visit: Visit, shift: Shift) -> Shift:
    """The one after."""
    return shift_after(visit.services.duty.book, shift)


def away(db: Connection, visit: Visit) -> Away:
    """From the last sign-out or hand-over before this shift, else from the shift's beginning."""
    start = now_shift(visit).start
    left = last_left(db, visit.me.name, start)
    if left is None:
        return Away(start, "接班以来")
    since = max(left, visit.now - FARTHEST)
    return Away(since, f"自 {beijing(since):%m-%d %H:%M} {'离开' if since == left else ''}以来")


def office(visit: Visit) -> str:
    """The desk somebody sits at; who sees everything sits at the province's."""
    territory = visit.me.user.territory
    return visit.services.lexicon.regions.home if territory == EVERYWHERE else territory


def write_row(
    db: Connection, visit: Visit, kind: Kind, shift: Shift, *, once: str, text: str = "", alert: str = ""
) -> bool:
    """Write a line of this person."""
    return add_row(
        db, kind, shift=shift.start, office=office(visit), author=visit.me.name, at=visit.now, once=once, text=text,
        alert=alert,
    )  # fmt: skip
