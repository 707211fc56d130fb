"""为什么: one question, the stages of a document or an alert in order, and where it stopped to count."""

from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from alerts.why.explain import LONGEST, Found, answer, find
from alerts.why.world import World
from core.errors import UsageError
from store import documents
from store.journey import Hit
from web.inbox import links_of
from web.visit import Here, Refused, Visit

router = APIRouter(include_in_schema=False)


@router.get("/why")
def show_why(visit: Here, q: str = "") -> Response:
    """The question alone without `q`."""
    shown: dict[str, Any] = {"asked": q[:LONGEST].strip(), "answer": None, "refused": "", "longest": LONGEST}
    if not shown["asked"]:
        return visit.page("why.html", **shown)
    with visit.services.store.read() as db:
        try:
            found = _seen(db, visit, find(db, q))
        except UsageError as problem:
            return visit.page("why.html", **{**shown, "refused": str(problem)}, status=400)
        shown["answer"] = answer(_world(visit), db, found, q, visit.now)
    return visit.page("why.html", **shown)


def _seen(db: Connection, visit: Visit, found: Found) -> Found:
    """Without what is hidden from this viewer: that answers as if it were not there."""
    if found.alert is not None:
        return found if visit.me.sees_alert(found.alert) else Found()
    hits = tuple(hit for hit in found.hits if _shown(db, visit, hit))
    return Found(hits=hits, address="" if found.hits else found.address)


def _shown(db: Connection, visit: Visit, hit: Hit) -> bool:
    signal = documents.find_signal(db, hit.id)
    code = signal.analysis.jurisdiction_code if signal else None
    return visit.me.sees_code(code) or bool(links_of(db, visit.me, [hit.id]))


def _world(visit: Visit) -> World:
    parts = visit.services.rule_parts
    if parts is None:
        raise Refused(503, "现在说明不了：规则部分没有装上。请告知管理员。")
    desk = tuple(visit.services.shelf.rules().values())
    return World(
        engine=parts.engine(desk),
        desk=desk,
        sources=visit.services.sources,
        profile=visit.services.settings.profile,
        router=visit.services.router,
        routes=visit.services.routes,
        duty=parts.duty,
        sees=visit.me.sees_alert,
    )
