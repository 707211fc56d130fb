"""企业: the firms with most signals lately, and finding one; the page of one is web/views/dossier.py."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection, and_, case, func, select
from starlette.responses import Response

from store.registry import firms_coded
from store.schema import documents, enterprises
from web.names import NIL, firm_names
from web.views.match import namesake_note
from web.visit import Here, Visit

router = APIRouter(include_in_schema=False)
PAGE_SIZE = 50
SHOWN = timedelta(days=90)


@dataclass(frozen=True)
class FirmRow:
    """A firm in the list. signals: those this viewer sees.  score, why: how it fits what was asked for."""

    id: str
    name: str
    region: str | None
    signals: int
    level: int
    newest: datetime | None
    score: float = 0.0
    why: str = ""


@router.get("/enterprises")
def show_firms(visit: Here, q: str = "") -> Response:
    """Without a query the firms with most signals lately; with one the registry and the firms in no list."""
    asked = q.strip()[:100]
    with visit.services.store.read() as db:
        rows, note = _found(db, visit, asked) if asked else (_busiest(db, visit), "")
        return visit.page("enterprises.html", asked=asked, rows=rows, note=note, more=len(rows) == PAGE_SIZE)


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


def _found(db: Connection, visit: Visit, asked: str) -> tuple[list[FirmRow], str]:
    """The registry by match, then firms in no list whose name holds what was asked for; and a warning of namesakes."""
    region = "" if visit.me.everywhere else visit.me.user.territory
    found = visit.services.matchers.matcher().match(asked, region=region, limit=PAGE_SIZE)
    ids = [one.id for one in found] or [one.id for one in firms_coded(db, asked, limit=PAGE_SIZE)]
    part = f"%{asked.replace('%', '').replace('_', '')}%"
    unlisted = and_(documents.c.enterprise.like(f"{NIL}{part}"), _BY_FIRM)
    counted: dict[str, tuple[int, int, datetime | None]] = {}
    for mine in (and_(documents.c.enterprise.in_(ids), _BY_FIRM), unlisted):
        counted |= {row[0]: (row[1], row[2], row[3]) for row in db.execute(_counts(visit).where(mine))}
    every = [*ids, *(firm for firm in counted if firm not in ids)][:PAGE_SIZE]
    rows = _rows(db, visit, [(firm, *counted.get(firm, (0, 0, None))) for firm in every])
    by_id = {one.id: one for one in found}
    rows = [replace(row, score=by_id[row.id].score, why=by_id[row.id].why) if row.id in by_id else row for row in rows]
    return rows, namesake_note(found)


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
