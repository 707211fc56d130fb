"""How far the documents' own time has come, source by source, and how late each source's documents arrive."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection, Text, bindparam, select, type_coerce

from store.day_counts import put
from store.schema import moments, outages, source_times

MOST_DELAYS = 200


@dataclass(frozen=True)
class SourceTime:
    """newest: latest event time of a dated document.  hours: from publication to arrival, of its last documents."""

    newest: datetime | None
    hours: tuple[float, ...]


_ONE = select(source_times).where(source_times.c.source == bindparam("source"))


def note_arrival(db: Connection, source: str, at: datetime, hours: float | None) -> None:
    """A dated document of a source came. hours: after its publication; None: that says nothing of its delays."""
    row = db.execute(_ONE, {"source": source}).mappings().first()
    kept = list(row["hours"]) if row else []
    if hours is not None:
        kept = [*kept, round(hours, 2)][-MOST_DELAYS:]
    newest = max(filter(None, (at, row["newest"] if row else None)))
    put(db, source_times, {"source": source}, {"newest": newest, "hours": kept})


def times_of_sources(db: Connection) -> Mapping[str, SourceTime]:
    """Every source that a dated document came from."""
    return {row.source: SourceTime(row.newest, _hours(row.hours)) for row in db.execute(_TIMES)}


_TIMES = select(source_times.c.source, source_times.c.newest, type_coerce(source_times.c.hours, Text).label("hours"))
_TIMES = _TIMES.order_by(source_times.c.source)


@lru_cache(maxsize=1000)
def _hours(kept: str) -> tuple[float, ...]:
    """Of all sources but one the same as when they were last asked for."""
    return tuple(json.loads(kept))


def raise_moment(db: Connection, name: str, at: datetime) -> datetime:
    """Move a named moment forward, never back; returns where it stands."""
    known = find_moment(db, name)
    if known is not None and known >= at:
        return known
    put(db, moments, {"name": name}, {"at": at})
    return at


def find_moment(db: Connection, name: str) -> datetime | None:
    """Where a named moment stands."""
    found: datetime | None = db.execute(_MOMENT, {"name": name}).scalar_one_or_none()
    return found


_MOMENT = select(moments.c.at).where(moments.c.name == bindparam("name"))


def note_outage(db: Connection, since: datetime, until: datetime) -> None:
    """Nothing was judged between the two."""
    put(db, outages, {"since": since}, {"until": until})


def in_outage(db: Connection, at: datetime, now: datetime) -> bool:
    """Whether nothing was judged at that time, and something is now."""
    missed = (outages.c.since <= at, outages.c.until > at, outages.c.until <= now)
    return db.execute(select(outages.c.since).where(*missed).limit(1)).first() is not None
