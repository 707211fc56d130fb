"""Declaring an event or a firm sensitive for a while, and ending that: what must hold, and the audit lines."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from core.clock import beijing
from core.durations import format_duration
from core.errors import UsageError
from store import audit
from store.events import find_event
from store.sensitive import EVENT, Period, close_period, insert_period, period_of_form, run_out, running_of

LONGEST_REASON = 300
SYSTEM = "system"


def declare(db: Connection, one: Period, *, longest: timedelta, once: str, now: datetime) -> Period:
    """Begin a period; the same form (`once`) begins one. Raises UsageError for what is lacking, or where one runs."""
    written = period_of_form(db, once)
    if written is not None:
        return written
    if not 2 <= len(one.reason) <= LONGEST_REASON:
        raise UsageError(f"须写明理由（2 至 {LONGEST_REASON} 字）")
    if not timedelta(0) < one.until - one.at <= longest:
        most = format_duration(longest)
        raise UsageError(f"时长须在 1 小时至 {most} 之间（config/alert_life.yml：sensitive.longest）")
    settle(db, now)
    running = running_of(db, one.kind, one.subject, now)
    if running is not None:
        raise UsageError(f"已在敏感期内，至 {beijing(running.until):%Y-%m-%d %H:%M}；要改先结束它")
    made = insert_period(db, one, once=once)
    audit.note(db, made.author, "sensitive_start", _name(db, made), at=now, details=_told(made))
    return made


def end(db: Connection, one: Period, *, by: str, now: datetime) -> None:
    """End it early. Raises UsageError where it is over."""
    if now >= one.until or not close_period(db, one.number, by=by, at=now):
        raise UsageError("这段敏感期已经结束")
    audit.note(db, by, "sensitive_end", _name(db, one), at=now, details=_told(one))


def settle(db: Connection, now: datetime) -> int:
    """Put down the end of those whose time is over, and how many: a page goes by the time alone."""
    over = run_out(db, now)
    for one in over:
        close_period(db, one.number, by=SYSTEM, at=one.until)
        audit.note(db, SYSTEM, "sensitive_end", _name(db, one), at=now, details=_told(one))
    return len(over)


def _name(db: Connection, one: Period) -> str:
    """As people know it: SJ-2026-0211, or the id of a firm."""
    event = find_event(db, one.subject) if one.kind == EVENT else None
    return (event.number if event else one.subject)[:200]


def _told(one: Period) -> dict[str, str]:
    return {"until": f"{beijing(one.until):%Y-%m-%d %H:%M}", "why": one.reason}
