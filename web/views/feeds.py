"""Private feeds of alerts and of kept searches: the address is the key, cut to its owner's territory, conditional GET,
revocable. An address made for one search opens nothing else."""

from hashlib import sha256

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from core.errors import SearchUnavailable
from search.query import QueryError
from store.searches import find_search
from store.tokens import TOKEN_STEP, Token, find_token, touch_token
from store.users import find_user
from web.access import Viewer
from web.inbox import standing_alerts
from web.language.choice import CHINESE
from web.names import Names
from web.saved import may_see
from web.search_feed import newest_hits, write_hits
from web.services import FeedKind, Services
from web.visit import Refused

router = APIRouter(include_in_schema=False)
MOST_ALERTS = 100
MOST_HITS = 50
GONE = "没有这个订阅地址，或已作废。"
TYPES: dict[FeedKind, str] = {
    "atom": "application/atom+xml; charset=utf-8",
    "rss": "application/rss+xml; charset=utf-8",
    "json": "application/feed+json; charset=utf-8",
}


@router.get("/feeds/{secret}/alerts.{kind}")
def alert_feed(request: Request, secret: str, kind: FeedKind) -> Response:
    """The newest alerts of the owner's territory. An unknown or revoked address answers 404, like any wrong one."""
    services: Services = request.app.state.services
    with services.store.read() as db:
        viewer, token = _owner(db, services, secret)
        if services.render_feed is None or "search" in token.details:
            raise Refused(404, GONE)
        alerts = standing_alerts(db, viewer)[:MOST_ALERTS]
        body = services.render_feed(db, alerts, kind)
    _note_use(services, token)
    return _answer(request, body, TYPES[kind])


@router.get("/feeds/{secret}/search.atom")
def search_feed(request: Request, secret: str) -> Response:
    """The newest hits of one kept search. Ends when the search is deleted or no longer shared with the owner."""
    services: Services = request.app.state.services
    with services.store.read() as db:
        viewer, token = _owner(db, services, secret)
        search = find_search(db, str(token.details.get("search", "")), user=viewer.name)
    _note_use(services, token)
    if search is None or not may_see(viewer, search):
        raise Refused(404, GONE)
    names: Names = request.app.state.names[CHINESE]
    try:
        hits = newest_hits(services, viewer, search, services.story(), limit=MOST_HITS)
    except (QueryError, SearchUnavailable) as problem:
        raise Refused(503, f"检索“{search.name}”现在不可用：{problem}") from problem
    return _answer(request, write_hits(search, hits, names, services.settings.public_url), TYPES["atom"])


def _owner(db: Connection, services: Services, secret: str) -> tuple[Viewer, Token]:
    """Whose address it is. Raises Refused."""
    token = find_token(db, secret[:100], purpose="feed", now=services.clock())
    owner = find_user(db, token.user) if token and token.user else None
    if token is None or owner is None or not owner.active:
        raise Refused(404, GONE)
    return Viewer(owner, services.lexicon.regions), token


def _note_use(services: Services, token: Token) -> None:
    """For whoever asks later which addresses are still in use."""
    now = services.clock()
    if token.used_at is None or now - token.used_at > TOKEN_STEP:
        with services.store.write() as db:
            touch_token(db, token.key, now=now)


def _answer(request: Request, body: bytes, media_type: str) -> Response:
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, max-age=60"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)
