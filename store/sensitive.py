"""Sensitive periods (敏感期): an event or firm that is looked at closely for a while, until when and why."""

from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Connection, RowMapping, and_, insert, or_, select, update

from store.schema import events, sensitive_periods

EVENT, FIRM = "event", "firm"
MOST_RUNNING = 200


@dataclass(frozen=True)
class Period:
    """kind: event | firm.  subject: event id, or registry id or NIL:<name>.  territory: of who declared it.

    It runs from `at` until before `until`, or `ended_at` where somebody ended it early.
    """

    number: int
    kind: str
    subject: str
    territory: str
    reason: str
    author: str
    at: datetime
    until: datetime
    ended_at: datetime | None = None
    ended_by: str | None = None


def insert_period(db: Connection, one: Period, *, once: str) -> Period:
    """Write it; its number is not read."""
    values = {field.name: getattr(one, field.name) for field in fields(Period) if field.name != "number"}
    db.execute(insert(sensitive_periods).values(**values, once=once))
    return period_of_form(db, once) or one


def period_of_form(db: Connection, once: str) -> Period | None:
    """What a form has already written."""
    row = db.execute(select(sensitive_periods).where(sensitive_periods.c.once == once)).mappings().first()
    return _period(row) if row else None


def find_period(db: Connection, number: int) -> Period | None:
    """By its number, also one that is over."""
    row = db.execute(select(sensitive_periods).where(sensitive_periods.c.number == number)).mappings().first()
    return _period(row) if row else None


def running_of(db: Connection, kind: str, subject: str, now: datetime) -> Period | None:
    """The period of an event or firm that runs now. That of an event which was merged into this one counts as well."""
    table = sensitive_periods.c
    mine = table.subject == subject
    if kind == EVENT:
        mine = or_(mine, table.subject.in_(select(events.c.id).where(events.c.merged_into == subject)))
    running = and_(table.kind == kind, table.ended_at.is_(None), table.until > now)
    row = db.execute(select(sensitive_periods).where(running, mine).order_by(table.number).limit(1)).mappings().first()
    return _period(row) if row else None


def running_periods(db: Connection, now: datetime) -> list[Period]:
    """Those that run now, the one that ends first in front; at most MOST_RUNNING."""
    table = sensitive_periods.c
    query = select(sensitive_periods).where(table.ended_at.is_(None), table.until > now)
    rows = db.execute(query.order_by(table.until, table.number).limit(MOST_RUNNING)).mappings()
    return [_period(row) for row in rows]


def run_out(db: Connection, now: datetime) -> list[Period]:
    """Those whose time is over and that nobody has put down as ended."""
    table = sensitive_periods.c
    query = select(sensitive_periods).where(table.ended_at.is_(None), table.until <= now).order_by(table.number)
    return [_period(row) for row in db.execute(query.limit(MOST_RUNNING)).mappings()]


def close_period(db: Connection, number: int, *, by: str, at: datetime) -> bool:
    """Put down its end. False where that was done before."""
    mine = (sensitive_periods.c.number == number, sensitive_periods.c.ended_at.is_(None))
    return db.execute(update(sensitive_periods).where(*mine).values(ended_at=at, ended_by=by)).rowcount == 1


def _period(row: RowMapping) -> Period:
    return Period(**{field.name: row[field.name] for field in fields(Period)})
