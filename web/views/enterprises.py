"""企业: who is it, what was said of it, which alerts it has. A firm in no list has a page as well (NIL:<name>)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection, Text, and_, case, func, or_, select, type_coerce
from starlette.responses import Response

from charts.svg import Lane, Tick, lanes
from core.clock import beijing
from core.records import Alert, Kind
from nlp.privacy import mask
from store.registry import find_entry
from store.schema import documents, enterprises
from web.inbox import standing_alerts
from web.names import NIL, firm_names
from web.visit import Here, Refused, Visit

router = APIRouter(include_in_schema=False)
PAGE_SIZE, MOST_SIGNALS = 50, 500
SHOWN = timedelta(days=90)
OFFICIAL = (Kind.NOTICE.value, Kind.SPOTCHECK.value)
RECALLS = (Kind.RECALL.value, Kind.RECALL_FOREIGN.value)


@dataclass(frozen=True)
class FirmRow:
    """A firm in the list. signals: those this viewer sees."""

    id: str
    name: str
    region: str | None
    signals: int
    level: int
    newest: datetime | None


@dataclass(frozen=True)
class SignalRow:
    """A signal about a firm."""

    id: str
    at: datetime
    kind: str
    title: str
    source: str
    level: int
    repost: bool


@router.get("/enterprises")
def show_firms(visit: Here, q: str = "") -> Response:
    """Without a query the firms with most signals lately; with one the registry and the firms in no list."""
    asked = q.strip()[:100]
    with visit.services.store.read() as db:
        rows = _found(db, visit, asked) if asked else _busiest(db, visit)
        return visit.page("enterprises.html", asked=asked, rows=rows, more=len(rows) == PAGE_SIZE)


_BY_FIRM = case((and_(documents.c.is_risk, documents.c.latest), 1), else_=0) == 1
"""What counts, as an expression, so that SQLite goes by the index of firms and not through all risks there are."""


def _counts(visit: Visit) -> Any:
    return (
        select(
            documents.c.enterprise,
            func.count().label("signals"),
            func.max(documents.c.level).label("level"),
            func.max(documents.c.event_time).label("newest"),
        )
        .where(documents.c.enterprise.is_not(None), visit.me.documents())
        .group_by(documents.c.enterprise)
    )


def _busiest(db: Connection, visit: Visit) -> list[FirmRow]:
    lately = (documents.c.is_risk, documents.c.latest, documents.c.event_time > visit.now - SHOWN)
    query = _counts(visit).where(*lately)
    rows = db.execute(query.order_by(func.max(documents.c.level).desc(), func.count().desc()).limit(PAGE_SIZE)).all()
    return _rows(db, visit, [(row[0], row[1], row[2], row[3]) for row in rows])


def _found(db: Connection, visit: Visit, asked: str) -> list[FirmRow]:
    part = f"%{asked.replace('%', '').replace('_', '')}%"
    listed = select(enterprises.c.id).where(
        or_(enterprises.c.name.like(part), type_coerce(enterprises.c.entry, Text).like(part))
    )
    ids = list(db.execute(listed.order_by(enterprises.c.name).limit(PAGE_SIZE)).scalars())
    unlisted = and_(documents.c.enterprise.like(f"{NIL}{part}"), _BY_FIRM)
    counted: dict[str, tuple[int, int, datetime | None]] = {}
    for mine in (and_(documents.c.enterprise.in_(ids), _BY_FIRM), unlisted):
        counted |= {row[0]: (row[1], row[2], row[3]) for row in db.execute(_counts(visit).where(mine))}
    every = [*ids, *(firm for firm in counted if firm not in ids)][:PAGE_SIZE]
    rows = _rows(db, visit, [(firm, *counted.get(firm, (0, 0, None))) for firm in every])
    return sorted(rows, key=lambda row: -row.signals)


def _rows(db: Connection, visit: Visit, counted: list[tuple[str, int, int, datetime | None]]) -> list[FirmRow]:
    ids = [row[0] for row in counted]
    names = firm_names(db, ids)
    places = {
        row[0]: row[1]
        for row in db.execute(select(enterprises.c.id, enterprises.c.region_code).where(enterprises.c.id.in_(ids)))
    }
    return [
        FirmRow(firm, names[firm], places.get(firm), signals, level or 0, newest)
        for firm, signals, level, newest in counted
    ]


@router.get("/enterprises/{firm:path}")
def show_firm(visit: Here, firm: str) -> Response:
    """One firm. What is counted is cut to the viewer's territory; the registry is everybody's."""
    with visit.services.store.read() as db:
        entry = find_entry(db, firm)
        signals = signals_of(db, visit, firm)
        alerts = standing_alerts(db, visit.me, firm=firm)
        if entry is None and not signals and not alerts:
            raise Refused(404, f"没有企业 {firm.removeprefix(NIL)[:60]}：名录中没有，也没有信号提到它。")
        parent = find_entry(db, entry.parent_id) if entry and entry.parent_id else None
        return visit.page(
            "enterprise.html",
            firm=firm,
            name=entry.name if entry else firm.removeprefix(NIL),
            entry=entry,
            parent=parent,
            signals=signals,
            alerts=alerts,
            namesakes=_namesakes(db, entry.short_names) if entry else [],
            chart=_lanes(signals, alerts, visit.now),
            most=MOST_SIGNALS,
        )


def signals_of(db: Connection, visit: Visit, firm: str) -> list[SignalRow]:
    """The signals about a firm that this viewer may read, newest first."""
    columns = (documents.c.id, documents.c.event_time, documents.c.kind, documents.c.title, documents.c.source)
    query = (
        select(*columns, documents.c.level, documents.c.repost_of)
        .where(documents.c.enterprise == firm, documents.c.latest, documents.c.is_risk, visit.me.documents())
        .order_by(documents.c.event_time.desc())
        .limit(MOST_SIGNALS)
    )
    return [
        SignalRow(found, at, kind, mask(title) or "（无标题）", source, level or 0, repost is not None)
        for found, at, kind, title, source, level, repost in db.execute(query)
    ]


def _namesakes(db: Connection, short_names: tuple[str, ...]) -> list[tuple[str, str]]:
    """Firms that share a short name: easily taken for each other."""
    if not short_names:
        return []
    alike = [type_coerce(enterprises.c.entry, Text).like(f'%"{name}"%') for name in short_names]
    query = select(enterprises.c.id, enterprises.c.name).where(or_(*alike)).limit(12)
    return [(row[0], row[1]) for row in db.execute(query)]


def _lanes(signals: list[SignalRow], alerts: list[Alert], now: datetime) -> str:
    start = now - SHOWN

    def at(moment: datetime) -> float:
        return 100 * ((moment - start) / SHOWN)

    def lane(name: str, kinds: tuple[str, ...] | None) -> Lane:
        told = (*OFFICIAL, *RECALLS)
        mine = [s for s in signals if s.at >= start and (s.kind in kinds if kinds else s.kind not in told)]
        return Lane(name, dots=[(at(s.at), s.level, f"{beijing(s.at):%m-%d} {s.title}") for s in reversed(mine)])

    fired = [(at(a.first_at), a.level, f"{a.number} {a.title}") for a in alerts if a.first_at >= start]
    rows = [lane("信号", None), Lane("预警", dots=fired), lane("抽查公告", OFFICIAL), lane("召回", RECALLS)]
    ticks: list[Tick] = [(100 * i / 6, f"{beijing(start + SHOWN * i / 6):%m-%d}") for i in range(6)]
    count = sum(len(row.dots) for row in rows)
    return lanes(rows, label=f"近 90 日 {count} 条记录：信号、预警、抽查公告、召回", ticks=ticks, as_of=(100, "今日"))
