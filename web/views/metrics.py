"""`/metrics`: the system's own numbers for a Prometheus server, by a token of their own (docs/watching.md)."""

import secrets

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from core.measures import measured
from web.buckets import Buckets
from web.metrics import CONTENT_TYPE, as_text, take_scrape
from web.security import address_of
from web.services import Services

router = APIRouter(include_in_schema=False)
PER_MINUTE = 30
"""Scrapes by the token, and tries of an address without it: a server asks every 15 seconds."""
OURS = "with the token"
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="fengsui metrics"'}
DESK = "desk"


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """404 where FENGSUI_METRICS_TOKEN is not set: a stranger learns nothing, not even that there are numbers."""
    services: Services = request.app.state.services
    token = services.settings.metrics_token
    if token is None:
        raise HTTPException(404)
    buckets: Buckets = request.app.state.metrics_buckets
    given = request.headers.get("authorization", "")
    known = secrets.compare_digest(given.encode(), f"Bearer {token.get_secret_value()}".encode())
    # A bucket for who has the token: strangers behind the same proxy must not use it up.
    level = buckets.take(OURS if known else address_of(request), services.clock())
    if level.wait:
        return PlainTextResponse("too many requests\n", 429, headers=dict(level.headers))
    if not known:
        return PlainTextResponse("the metrics token is needed\n", 401, headers=CHALLENGE)
    found = take_scrape(
        services.store,
        services.clock(),
        folder=services.settings.data_dir,
        sources={source.key for source in services.sources if source.enabled},
        own={DESK: measured()},
    )
    return Response(as_text(found), media_type=CONTENT_TYPE)
