"""经过: what was done to alerts since a moment. Every number of the first page and the hand-over leads here."""

from fastapi import APIRouter
from starlette.responses import Response

from core.clock import beijing
from web import inbox
from web.history import DID, counted, people, rows_since, with_alerts
from web.shift import away
from web.visit import Here

router = APIRouter(include_in_schema=False)
PAGE_SIZE = 50


@router.get("/changes")
def show_changes(visit: Here, since: str = "", until: str = "", did: str = "", page: int = 1) -> Response:
    """Newest first. Without `since`: since this person was last here."""
    if did not in ("", *DID):
        raise inbox.BadAddress(f"地址中的 did={did[:40]} 不存在。可用：{'、'.join(DID)}。")
    if not 1 <= page <= 100_000:
        raise inbox.BadAddress("页码须为 1 以上的整数。")
    with visit.services.store.read() as db:
        start = inbox.since_moment(since, visit.now) if since else away(db, visit).since
        end = inbox.read_moment(until) if until else visit.now
        every = rows_since(db, visit.me, start, end)
        rows = [row for row in every if not did or row.action in DID[did][1]]
        here = with_alerts(db, rows[(page - 1) * PAGE_SIZE : page * PAGE_SIZE])
        return visit.page(
            "changes.html", since=start, until=end if until else None, did=did, counts=counted(every), all=len(every),
            total=len(rows), changes=here, people=people(db), page=page, pages=-(-len(rows) // PAGE_SIZE),
            day=lambda moment: f"{beijing(moment):%Y-%m-%d}",
        )  # fmt: skip
