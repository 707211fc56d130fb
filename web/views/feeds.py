"""Private feeds of alerts and of kept searches: the address is the key, cut to its owner's territory and to one view,
revocable; conditional GET, pages (RFC 5005), a stream. An address made for one search opens nothing else."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import sha256

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from alerts.feeds import FEED_STARTED, TITLE, FeedPage
from core.errors import SearchUnavailable
from core.ids import digest
from search.query import QueryError
from store.alert_log import alerts_touched, find_alerts, history_of
from store.searches import find_search
from store.tokens import TOKEN_STEP, Token, find_token, touch_token
from store.users import find_user
from web.access import Viewer
from web.buckets import Buckets
from web.cursors import a_moment, a_text, read_cursor, write_cursor
from web.feed_view import FeedView, page_of, view_of
from web.language.choice import CHINESE
from web.names import Names
from web.saved import may_see
from web.search_feed import newest_hits, write_hits
from web.services import FeedKind, Services
from web.streams import HEADERS, event, left_off, rested
from web.visit import Refused

router = APIRouter(include_in_schema=False)
MOST_HITS = 50
GONE = "没有这个订阅地址，或已作废。"
TYPES: dict[FeedKind, str] = {
    "atom": "application/atom+xml; charset=utf-8",
    "rss": "application/rss+xml; charset=utf-8",
    "json": "application/feed+json; charset=utf-8",
}
CAP_TYPE = "application/cap+xml; charset=utf-8"
LOOK_EVERY = 2.0
LONGEST = timedelta(minutes=10)
"""A stream ends after this and its reader comes back, so that a revoked address stops seeing."""
BACK = timedelta(days=2)
"""So far back a stream makes up for what its reader missed; before that there are the pages."""
MOST_TOLD = 500
LATELY = timedelta(seconds=30)


def not_too_fast(request: Request, secret: str) -> None:
    """A feed may be asked as often as an API token may. Raises Refused."""
    buckets: Buckets = request.app.state.buckets
    level = buckets.take(f"feed {digest(secret)}", request.app.state.services.clock())
    if level.wait:
        sentence = f"请求过快：每分钟至多 {level.per_minute} 次。请在 {level.wait} 秒后再试。"
        raise Refused(429, sentence, headers=level.headers)


@router.get("/feeds/{secret}/alerts.sse", dependencies=[Depends(not_too_fast)])
async def alert_stream(request: Request, secret: str) -> StreamingResponse:
    """The same alerts as server-sent events: `alert`, its data an item of the JSON feed, when one comes or changes.

    Last-Event-ID: goes on behind it, up to two days back; without it with what comes now.
    """
    services: Services = request.app.state.services
    _, token = await run_in_threadpool(_owner_now, services, secret)
    request.app.state.streams.refuse_more(token.key)
    await run_in_threadpool(_note_use, services, token)
    return StreamingResponse(_events(request, secret, token.key), media_type="text/event-stream", headers=HEADERS)


@router.get("/feeds/{secret}/alerts.{kind}", dependencies=[Depends(not_too_fast)])
def alert_feed(request: Request, secret: str, kind: FeedKind, page: str = "") -> Response:
    """A page of the owner's alerts. An unknown or revoked address answers 404, like any wrong one."""
    services: Services = request.app.state.services
    behind = read_cursor("feed", page, a_moment, a_text)
    with services.store.read() as db:
        viewer, token = _alerts_owner(db, services, secret)
        view = view_of(token)
        found, rest = page_of(db, viewer, view, behind, now=services.clock())
        if services.render_feed is None:
            raise Refused(404, GONE)
        here = _page(request, db, token, view, secret, kind, page, rest)
        body = services.render_feed(db, found, kind, here)
    _note_use(services, token)
    return _answer(request, body, TYPES[kind], max((one.updated_at for one in found), default=FEED_STARTED))


@router.get("/feeds/{secret}/alerts/{alert_id}.cap", dependencies=[Depends(not_too_fast)])
def alert_cap(request: Request, secret: str, alert_id: str) -> Response:
    """An alert as a CAP message, where the address shows it; one that went into another is a Cancel."""
    services: Services = request.app.state.services
    with services.store.read() as db:
        viewer, token = _alerts_owner(db, services, secret)
        asked = find_alerts(db, [alert_id[:100]])
        mine = view_of(token).of(db, viewer, asked, services.clock())
        if not mine:
            raise Refused(404, GONE)
        body = services.cap(mine[0], history_of(db, mine[0].id))
    return _answer(request, body, CAP_TYPE, mine[0].updated_at)


@router.get("/feeds/{secret}/search.atom", dependencies=[Depends(not_too_fast)])
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


def _alerts_owner(db: Connection, services: Services, secret: str) -> tuple[Viewer, Token]:
    viewer, token = _owner(db, services, secret)
    if "search" in token.details or not view_of(token).open_to(db, viewer):
        raise Refused(404, GONE)
    return viewer, token


def _owner_now(services: Services, secret: str) -> tuple[Viewer, Token]:
    with services.store.read() as db:
        return _alerts_owner(db, services, secret)


def _page(
    request: Request, db: Connection, token: Token, view: FeedView, secret: str, kind: FeedKind, page: str,
    rest: tuple[datetime, str] | None,
) -> FeedPage:  # fmt: skip
    services: Services = request.app.state.services
    words = view.words(db, request.app.state.names[CHINESE])
    base = _base(services, secret)
    first = f"{base.removesuffix('/')}.{kind}"
    return FeedPage(
        id=f"urn:fengsui:alerts:{token.key[:32]}",
        title=f"{TITLE}：{words}" if words else TITLE,
        here=f"{first}?page={page}" if page else first,
        first=first,
        next=f"{first}?page={write_cursor('feed', *rest)}" if rest else "",
        cap=base,
    )


async def _events(request: Request, secret: str, key: str) -> AsyncIterator[str]:
    services: Services = request.app.state.services
    story = Told(services, secret, request.headers.get("last-event-id", ""))
    ends_at = time.monotonic() + LONGEST.total_seconds()
    with request.app.state.streams.one_more(key):
        yield "retry: 5000\n\n"
        while time.monotonic() < ends_at:
            try:
                for line in await run_in_threadpool(story.news):
                    yield line
            except Refused:  # revoked meanwhile
                return
            yield ": .\n\n"  # keeps what lies between from closing a quiet line
            if not await rested(services, LOOK_EVERY):
                return


class Told:
    """How far one stream has told."""

    def __init__(self, services: Services, secret: str, last: str) -> None:
        self.services, self.secret = services, secret
        now = services.story()
        self.since = max(left_off(last[:40], now), now - BACK)
        self._from, self._told = self.since, set[tuple[str, int]]()

    def news(self) -> list[str]:
        """The events since the last look; each alert once, as it stands now. Raises Refused.

        What was written half a minute ago is looked at again: of two that write, the earlier may be through later.
        """
        writer = self.services.render_feed
        with self.services.store.read() as db:
            viewer, token = _alerts_owner(db, self.services, self.secret)
            rows = alerts_touched(db, self._from - LATELY, limit=MOST_TOLD)
            latest = {alert: at for at, number, alert in rows if at > self.since and (alert, number) not in self._told}
            touched = find_alerts(db, sorted(latest), merged=False)
            found = view_of(token).of(db, viewer, touched, self.services.clock())
            ordered = sorted(found, key=lambda alert: latest[alert.id])
            items = writer.items(db, ordered, FeedPage(cap=_base(self.services, self.secret))) if writer else []
        self._told = {(alert, number) for _, number, alert in rows}
        if rows:
            self._from = rows[-1][0] + (LATELY if len(rows) == MOST_TOLD else timedelta(0))
        stamps = [latest[alert.id].isoformat() for alert in ordered]
        return [event("alert", item, id=stamp) for item, stamp in zip(items, stamps, strict=False)]


def _base(services: Services, secret: str) -> str:
    """What the addresses of CAP messages begin with."""
    return f"{services.settings.public_url.rstrip('/')}/feeds/{secret}/alerts/"


def _note_use(services: Services, token: Token) -> None:
    """For whoever asks later which addresses are still in use."""
    now = services.clock()
    if token.used_at is None or now - token.used_at > TOKEN_STEP:
        with services.store.write() as db:
            touch_token(db, token.key, now=now)


def _answer(request: Request, body: bytes, media_type: str, changed: datetime | None = None) -> Response:
    """The body, or 304 to who has it: by its tag, or where he tells none by when it changed (RFC 9110, 13.2.2)."""
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, max-age=60"}
    if changed is not None:
        headers["Last-Modified"] = format_datetime(changed.astimezone(UTC).replace(microsecond=0), usegmt=True)
    if "if-none-match" in request.headers:
        known = tag in request.headers["if-none-match"]
    else:
        known = changed is not None and _not_since(request.headers.get("if-modified-since", ""), changed)
    return (
        Response(status_code=304, headers=headers) if known else Response(body, media_type=media_type, headers=headers)
    )


def _not_since(text: str, changed: datetime) -> bool:
    try:
        return changed.replace(microsecond=0) <= parsedate_to_datetime(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return False
