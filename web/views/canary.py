"""The two ends of the hourly self-test: the source that the crawler reads, and the feed in which its alert must stand.

Open to everybody: there is nothing in them but an invented event.
"""

from fastapi import APIRouter, Request
from starlette.responses import Response

from alerts.canary import canary_alerts, write_source
from store.canaries import under_way
from web.services import Services

router = APIRouter(include_in_schema=False)


@router.get("/canary/source.xml")
def canary_source(request: Request) -> Response:
    """RSS with the canaries under way."""
    services: Services = request.app.state.services
    with services.store.read() as db:
        canaries = under_way(db)
    return Response(write_source(canaries, services.settings.canary_url), media_type="application/rss+xml")


@router.get("/canary/alerts.atom")
def canary_feed(request: Request) -> Response:
    """What every alert feed would show, of canaries only."""
    services: Services = request.app.state.services
    if services.render_feed is None:
        return Response(status_code=404)
    with services.store.read() as db:
        body = services.render_feed(db, canary_alerts(db), "atom")
    return Response(body, media_type="application/atom+xml")
