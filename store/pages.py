"""Pages of long lists by key: each goes on behind a row named by what never changes of it."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, Text, and_, not_, or_, select, tuple_, type_coerce

from core.records import Alert, AlertState, RegistryEntry
from store.alert_log import MERGED, REAL, alert_of
from store.events import Event, event_of
from store.registry import entry_of
from store.schema import alerts, enterprises, events


def alerts_behind(
    db: Connection,
    behind: tuple[datetime, str] | None,
    *,
    states: Collection[AlertState],
    level: int | None,
    limit: int,
) -> list[Alert]:
    """Alerts but canaries and those merged into another, newest made first. behind: created_at and id of the last."""
    query = select(alerts).where(REAL, not_(MERGED))
    query = query.where(alerts.c.state.in_([state.value for state in states]))
    if level is not None:
        query = query.where(alerts.c.level == level)
    if behind is not None:
        at, last = behind
        query = query.where(or_(alerts.c.created_at < at, and_(alerts.c.created_at == at, alerts.c.id < last)))
    query = query.order_by(alerts.c.created_at.desc(), alerts.c.id.desc()).limit(limit)
    return [alert_of(row) for row in db.execute(query).mappings()]


def alerts_updated_behind(
    db: Connection, behind: tuple[datetime, str] | None, *, least: int, limit: int
) -> list[Alert]:
    """Alerts but canaries and those merged into another, newest update first. least: level.  behind: updated_at and id
    of the last."""
    query = select(alerts).where(REAL, not_(MERGED))
    if least:
        query = query.where(alerts.c.level >= least)
    if behind is not None:
        at, last = behind
        query = query.where(or_(alerts.c.updated_at < at, and_(alerts.c.updated_at == at, alerts.c.id < last)))
    query = query.order_by(alerts.c.updated_at.desc(), alerts.c.id.desc()).limit(limit)
    return [alert_of(row) for row in db.execute(query).mappings()]


def alerts_changed(
    db: Connection, behind: tuple[datetime, str] | None, *, since: datetime | None, limit: int
) -> list[Alert]:
    """Alerts but canaries and those merged into another, newest made first, each once. since: changed then or later."""
    query = select(alerts).where(REAL, not_(MERGED))
    if since is not None:
        query = query.where(alerts.c.updated_at >= since)
    if behind is not None:
        at, last = behind
        query = query.where(or_(alerts.c.created_at < at, and_(alerts.c.created_at == at, alerts.c.id < last)))
    query = query.order_by(alerts.c.created_at.desc(), alerts.c.id.desc()).limit(limit)
    return [alert_of(row) for row in db.execute(query).mappings()]


def events_behind(
    db: Connection, behind: tuple[int, int] | None, *, since: datetime | None, least: int, limit: int
) -> list[tuple[tuple[int, int], Event]]:
    """Events with their year and serial, newest number first. since: heard of at or after.  least: origins."""
    query = select(events).where(events.c.merged_into.is_(None), events.c.documents > 0, events.c.origins >= least)
    if since is not None:
        query = query.where(events.c.last_at >= since)
    if behind is not None:
        query = query.where(tuple_(events.c.year, events.c.serial) < tuple_(*behind))
    query = query.order_by(events.c.year.desc(), events.c.serial.desc()).limit(limit)
    return [((row["year"], row["serial"]), event_of(row)) for row in db.execute(query).mappings()]


def entries_behind(db: Connection, behind: str, *, part: str, limit: int) -> list[RegistryEntry]:
    """Firms of the registry by id. part: of a name, short name or brand."""
    query = select(enterprises.c.entry).where(enterprises.c.id > behind)
    if part:
        inside = (column.contains(part, autoescape=True) for column in (enterprises.c.name, _ENTRY))
        query = query.where(or_(*inside))
    return [entry_of(entry) for entry in db.execute(query.order_by(enterprises.c.id).limit(limit)).scalars()]


_ENTRY = type_coerce(enterprises.c.entry, Text)
