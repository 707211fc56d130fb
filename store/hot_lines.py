"""Lines of hot lists over time: one row for each headline of a platform, however often it is seen."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, func, select, update

from core.records import HotLine
from store.inserts import create_only
from store.schema import hot_lines


@dataclass(frozen=True)
class SeenLine:
    """How a headline has fared. rank, heat: at its last sighting; peak_rank, peak_heat: the best so far."""

    platform: str
    title: str
    url: str
    first_seen: datetime
    last_seen: datetime
    sightings: int
    rank: int
    peak_rank: int
    heat_text: str
    peak_heat: int | None


def see_line(db: Connection, line: HotLine) -> None:
    """A headline is on the list now. What was seen earlier than its last sighting changes nothing."""
    values = {"title": line.title, "url": line.url, "last_seen": line.seen_at, "rank": line.rank, "heat": line.heat}
    values |= {"heat_text": line.heat_text}
    first = {"first_seen": line.seen_at, "peak_rank": line.rank, "peak_heat": line.heat, "sightings": 1}
    if create_only(db, hot_lines, {"platform": line.platform, "name": line.name, **values, **first}):
        return
    mine = and_(hot_lines.c.platform == line.platform, hot_lines.c.name == line.name)
    row = db.execute(select(hot_lines.c.peak_rank, hot_lines.c.peak_heat).where(mine)).one()
    heats = [heat for heat in (row.peak_heat, line.heat) if heat is not None]
    peaks = {"peak_rank": min(row.peak_rank, line.rank), "peak_heat": max(heats, default=None)}
    later = and_(mine, hot_lines.c.last_seen < line.seen_at)
    db.execute(update(hot_lines).where(later).values(**values, **peaks, sightings=hot_lines.c.sightings + 1))


def lines_seen(db: Connection, *, since: datetime, platform: str | None = None, limit: int = 100) -> list[SeenLine]:
    """Headlines that were on a list after `since`, the one that stood highest first."""
    query = select(hot_lines).where(hot_lines.c.last_seen >= since)
    if platform is not None:
        query = query.where(hot_lines.c.platform == platform)
    order = (hot_lines.c.peak_rank, func.coalesce(hot_lines.c.peak_heat, 0).desc(), hot_lines.c.first_seen)
    rows = db.execute(query.order_by(*order).limit(limit)).mappings()
    return [SeenLine(**{name: row[name] for name in SeenLine.__dataclass_fields__}) for row in rows]
