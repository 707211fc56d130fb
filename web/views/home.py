"""今日: what must be done now, what changed, whether the system itself is well."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from config.regions import Regions
from core.records import Alert
from store.searches import watched_searches
from store.silences import silenced_alerts
from web import inbox, signals
from web.health import in_time, index_health, processes_down
from web.heat import heat
from web.history import newest_changes, people
from web.names import firm_names
from web.saved import news_of, unread
from web.source_states import source_states
from web.times import day_head, limit_of
from web.visit import Here, Visit

router = APIRouter(include_in_schema=False)
TO_DO = 6
WATCHED = 8
TILE_STEPS = (0, 1, 2, 4, 6)


@dataclass(frozen=True)
class Tile:
    """A prefecture on the map. step: tint 0 to 5."""

    code: str
    name: str
    count: int
    level: int
    step: int


@router.get("/")
def home(visit: Here) -> Response:
    """The first page."""
    with visit.services.store.read() as db:
        return visit.page("home.html", **_home(db, visit))


def _home(db: Connection, visit: Visit) -> dict[str, Any]:
    now, regions = visit.now, visit.services.lexicon.regions
    silenced = silenced_alerts(db, visit.services.clock())
    every = inbox.standing_alerts(db, visit.me)
    seen = [alert for alert in every if alert.id not in silenced]
    fresh = [alert for alert in seen if alert.first_at > now - timedelta(hours=24)]
    waiting = inbox.matching(seen, inbox.Wanted(), regions=regions, now=now)
    todo = inbox.rows_of(inbox.matching(seen, inbox.Wanted(view="open"), regions=regions, now=now), now=now, sort="")
    tiles = _tiles(seen, regions)
    series = signals.slots(signals.points(db, visit.me, *signals.chart_span(now)), now)
    products = [product.id for product in visit.services.lexicon.products.values() if product.key]
    places = [tile.code for tile in tiles]
    sources = source_states(db, visit.services)
    index = index_health(visit.services)
    watched = watched_searches(db, visit.me.name)[:WATCHED]
    table, news = None, unread(visit.me, watched)
    if index.well or index.documents:  # one that did not answer for its health is not waited for again
        table = in_time(lambda: heat(visit.services, visit.me, now, products=products, prefectures=places))
        news = news_of(visit.services, visit.me, watched, now)
    return {
        "head": day_head(now),
        "fresh": fresh,
        "fresh_levels": inbox.level_sentence(alert.level for alert in fresh),
        "working": len(inbox.matching(seen, inbox.Wanted(view="work"), regions=regions, now=now)),
        "late": sum(limit_of(alert, now).state == "over" for alert in waiting),
        "todo": todo[:TO_DO],
        "todo_total": len(todo),
        "folded": sum(alert.id in silenced and alert.state in inbox.OPEN for alert in every),
        "firms": firm_names(db, (firm for row in todo[:TO_DO] for firm in row.alert.enterprises)),
        "tiles": tiles,
        "chart": signals.draw(series, "风险信号"),
        "crossed": len(series.crossed),
        "heat": table,
        "places": [(code, _short(regions, code)) for code in places],
        "changes": newest_changes(db, visit.me, limit=7),
        "people": people(db),
        "news": news,
        "sources": sources,
        "ill": [state for state in sources if state.bad],
        "down": processes_down(db, visit.services),
        "index": index,
        "no_password": not visit.me.user.has_password and not visit.me.user.outside,
    }


def _short(regions: Regions, code: str) -> str:
    region = regions.get(code)
    return region.short_name if region else code


def _tiles(seen: list[Alert], regions: Regions) -> list[Tile]:
    """Open alerts by prefecture, in the order of the region codes."""
    tiles = []
    for code in regions.children.get(regions.home, ()):
        region = regions.get(code)
        if region is None or region.level not in ("prefecture", "national_new_area"):
            continue
        here = [a for a in seen if a.state in inbox.OPEN and regions.is_within(code, a.territory)]
        step = max((i for i, least in enumerate(TILE_STEPS) if len(here) >= least), default=0)
        tiles.append(Tile(code, region.short_name, len(here), max((a.level for a in here), default=0), step))
    return tiles
