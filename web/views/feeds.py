"""Private feeds of alerts: the address is the key, cut to its owner's territory, conditional GET, revocable."""

from hashlib import sha256

from fastapi import APIRouter, Request
from starlette.responses import Response

from store.users import find_token, find_user
from web.access import Viewer
from web.inbox import standing_alerts
from web.services import FeedKind, Services
from web.visit import Refused

router = APIRouter(include_in_schema=False)
MOST_ALERTS = 100
TYPES: dict[FeedKind, str] = {
    "atom": "application/atom+xml; charset=utf-8",
    "rss": "application/rss+xml; charset=utf-8",
    "json": "application/feed+json; charset=utf-8",
}


@router.get("/feeds/{secret}/alerts.{kind}")
def alert_feed(request: Request, secret: str, kind: FeedKind) -> Response:
    """The newest alerts of the owner's territory. An unknown or revoked address answers 404, like any wrong one."""
    services: Services = request.app.state.services
    now = services.clock()
    with services.store.read() as db:
        token = find_token(db, secret[:100], purpose="feed", now=now)
        owner = find_user(db, token.user) if token and token.user else None
        if owner is None or not owner.active or services.render_feed is None:
            raise Refused(404, "没有这个订阅地址，或已作废。")
        viewer = Viewer(owner, services.lexicon.regions)
        alerts = standing_alerts(db, viewer)[:MOST_ALERTS]
        body = services.render_feed(db, alerts, kind)
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, max-age=60"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=TYPES[kind], headers=headers)
