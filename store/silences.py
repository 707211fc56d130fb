"""Silences: who muted what, why and until when. Never changed, only ended early and replaced."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, func, insert, or_, select, update

from core.clock import beijing
from core.errors import UsageError
from store.schema import alert_watch, silences


@dataclass(frozen=True)
class Silence:
    """One row. matchers: texts of config.matchers; all must hold.  territory: whose alerts it mutes.

    It is in force from starts_at until before ends_at, or expired_at where somebody ended it early.
    """

    id: str
    matchers: tuple[str, ...]
    reason: str
    author: str
    territory: str
    created_at: datetime
    starts_at: datetime
    ends_at: datetime
    expired_at: datetime | None = None
    expired_by: str | None = None
    expired_why: str | None = None
    replaces: str | None = None

    @property
    def until(self) -> datetime:
        """When it ends or ended."""
        return self.ends_at if self.expired_at is None else min(self.ends_at, self.expired_at)

    def state_at(self, now: datetime) -> str:
        """active | planned | ended."""
        if now >= self.until:
            return "ended"
        return "active" if now >= self.starts_at else "planned"


def insert_silence(db: Connection, silence: Silence, *, once: str) -> tuple[Silence, bool]:
    """Write a silence with the next number of its year (its id is not read), and whether it is new: the same form
    (`once`) writes one."""
    there = db.execute(select(silences).where(silences.c.once == once)).mappings().first()
    if there is not None:
        return _silence(there), False
    values = {name: getattr(silence, name) for name in Silence.__dataclass_fields__}
    values |= {"id": _next_id(db, beijing(silence.created_at).year), "matchers": list(silence.matchers)}
    db.execute(insert(silences).values(**values, once=once))
    return _silence(db.execute(select(silences).where(silences.c.id == values["id"])).mappings().one()), True


def _next_id(db: Connection, year: int) -> str:
    prefix = f"JM-{year}-"
    last = db.execute(
        select(func.max(silences.c.id)).where(silences.c.id.startswith(prefix), func.length(silences.c.id) == 12)
    ).scalar_one_or_none()
    return f"{prefix}{int(last.removeprefix(prefix)) + 1 if last else 1:04d}"


def end_silence(db: Connection, silence_id: str, *, by: str, why: str, now: datetime) -> Silence:
    """End one early. Raises UsageError where there is none, or it is over."""
    found = find_silence(db, silence_id)
    if found is None:
        raise UsageError(f"没有静默规则 {silence_id[:40]}")
    if found.state_at(now) == "ended":
        raise UsageError(f"静默规则 {found.id} 已于 {beijing(found.until):%m-%d %H:%M} 结束")
    mine = (silences.c.id == found.id, silences.c.expired_at.is_(None))
    db.execute(update(silences).where(*mine).values(expired_at=now, expired_by=by, expired_why=why))
    ended = find_silence(db, silence_id)
    assert ended is not None
    return ended


def find_silence(db: Connection, silence_id: str) -> Silence | None:
    """By its number."""
    row = db.execute(select(silences).where(silences.c.id == silence_id.upper())).mappings().first()
    return _silence(row) if row else None


def active_silences(db: Connection, now: datetime) -> list[Silence]:
    """Those in force, oldest first."""
    alive = or_(silences.c.expired_at.is_(None), silences.c.expired_at > now)
    query = select(silences).where(silences.c.starts_at <= now, silences.c.ends_at > now, alive)
    return [_silence(row) for row in db.execute(query.order_by(silences.c.created_at, silences.c.id)).mappings()]


def silenced_alerts(db: Connection, now: datetime) -> frozenset[str]:
    """Ids of the alerts that a silence in force holds back; one that is over holds nothing, whoever has noticed."""
    alive = or_(silences.c.expired_at.is_(None), silences.c.expired_at > now)
    query = select(alert_watch.c.alert).join(silences, silences.c.id == alert_watch.c.silence)
    return frozenset(db.execute(query.where(silences.c.starts_at <= now, silences.c.ends_at > now, alive)).scalars())


def list_silences(db: Connection, *, limit: int = 500) -> Sequence[Silence]:
    """All of them, newest first."""
    query = select(silences).order_by(silences.c.created_at.desc(), silences.c.id.desc()).limit(limit)
    return [_silence(row) for row in db.execute(query).mappings()]


def _silence(row: RowMapping) -> Silence:
    values = {name: row[name] for name in Silence.__dataclass_fields__}
    return Silence(**{**values, "matchers": tuple(row["matchers"])})
