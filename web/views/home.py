"""今日: what must be done now, what changed, whether the system itself is well."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection, select
from starlette.responses import Response

from config.regions import Regions
from core.records import LEVEL_IDS, Alert
from store.alert_log import find_alert
from store.alerts_at_hand import unread_by
from store.canaries import newest as newest_canaries
from store.schema import documents
from store.searches import watched_searches
from store.shift_log import rows_of_shift
from store.silences import silenced_alerts
from web import inbox, trend
from web.agenda import STATES as DUE_STATES
from web.agenda import agenda_of, below_of, own_office
from web.health import in_time, index_health, processes_down
from web.heat import HeatRow, heat
from web.history import DID, counted, newest_changes, people, rows_since
from web.names import firm_names
from web.saved import news_of, unread
from web.search_time import in_address
from web.shift import away, now_shift, office, previous
from web.source_states import source_states
from web.tiles import tiles_of
from web.times import day_head, limit_of
from web.views.sensitive import sensitive_lines
from web.visit import Here, Visit

router = APIRouter(include_in_schema=False)
TO_DO = 8
WATCHED = 8
FEED = 6


@dataclass(frozen=True)
class Band:
    """What is due in one stretch of the clock. key: of inbox.DUE; empty for those without a time limit."""

    key: str
    name: str
    count: int
    rows: Sequence[inbox.Row[Alert]]


@dataclass(frozen=True)
class LevelCount:
    """Open alerts of one level."""

    level: int
    key: str
    count: int


@router.get("/")
def home(visit: Here) -> Response:
    """The first page."""
    with visit.services.store.read() as db:
        shown: dict[str, Any] = {
            "head": day_head(visit.now),
            "no_password": not visit.me.user.has_password and not visit.me.user.outside,
        }
        for part in (_alerts, _shift, _signals, _system):
            shown |= part(db, visit)
        shown["sensitive"] = sensitive_lines(db, visit)
        shown |= _owed(db, visit)
        return visit.page("home.html", people=people(db), **shown)


def _owed(db: Connection, visit: Visit) -> dict[str, Any]:
    """What the own office has to report, and how much those below it owe for too long."""
    own = own_office(visit)
    duties = agenda_of(visit).standing(db, visit.now, offices={own, *below_of(visit, own)})
    late = [one for one in duties if one.territory != own and one.state(visit.now) == "over"]
    mine = [one for one in duties if one.territory == own]
    newest = {one.item.id if one.state(visit.now) == "over" else id(one): one for one in mine}
    older = Counter(one.item.id for one in mine if one.state(visit.now) == "over" and one not in newest.values())
    owed = [(one, older[one.item.id] if one.state(visit.now) == "over" else 0) for one in newest.values()]
    return {"owed": owed, "owed_below": len(late), "DUE": DUE_STATES}


def _alerts(db: Connection, visit: Visit) -> dict[str, Any]:
    now, regions = visit.now, visit.services.lexicon.regions
    silenced = silenced_alerts(db, visit.services.clock())
    every = inbox.standing_alerts(db, visit.me, states=inbox.OPEN)
    seen = [alert for alert in every if alert.id not in silenced]
    waiting = inbox.matching(seen, inbox.Wanted(), regions=regions, now=now)
    still_open = inbox.matching(seen, inbox.Wanted(view="open"), regions=regions, now=now)
    todo = inbox.rows_of(still_open, now=now, sort="")
    own = inbox.own_of(db, visit.me, unread=False)
    own = replace(own, unread=unread_by(db, visit.me.name, sorted(own.at)))
    named = inbox.matching(
        every_seen(db, visit, own.at & own.unread), inbox.Wanted(view="at", unread="1"), regions=regions, now=now,
        own=own, silenced=silenced,
    )  # fmt: skip
    return {
        "named": len(named),
        "working": len(inbox.matching(seen, inbox.Wanted(view="work"), regions=regions, now=now)),
        "waiting_here": len(waiting),
        "late": sum(limit_of(alert, now).state == "over" for alert in waiting),
        "bands": _bands(todo),
        "todo_total": len(todo),
        "todo_shown": min(len(todo), TO_DO),
        "levels": [LevelCount(n, key, sum(one.level == n for one in still_open)) for key, n in _levels()],
        "folded": sum(alert.id in silenced and alert.state in inbox.OPEN for alert in every),
        "firms": firm_names(db, (firm for row in todo[:TO_DO] for firm in row.alert.enterprises)),
        "tiles": tiles_of(still_open, regions, visit.services.tiles, visit.me.user.territory),
    }


def every_seen(db: Connection, visit: Visit, ids: Collection[str]) -> list[Alert]:
    """Those of these alerts that the viewer sees."""
    return visit.me.alerts(alert for name in sorted(ids) if (alert := find_alert(db, name)) is not None)


def _levels() -> list[tuple[str, int]]:
    return sorted(LEVEL_IDS.items(), key=lambda item: -item[1])


def _bands(todo: Sequence[inbox.Row[Alert]]) -> list[Band]:
    """The rows under their headings, the first `TO_DO` of all of them."""
    keys = {name: key for key, name in inbox.DUE.items()}
    return [Band(keys.get(name, ""), name, count, here) for name, count, here in inbox.banded(todo[:TO_DO], todo)]


def _shift(db: Connection, visit: Visit) -> dict[str, Any]:
    shift = now_shift(visit)
    before = previous(visit, shift)
    since = away(db, visit)
    rows = rows_since(db, visit.me, since.since, visit.now)
    return {
        "since": since,
        "since_address": in_address(since.since),
        "fresh_levels": inbox.level_sentence(row.level for row in rows if row.action in DID["new"][1]),
        "shift": shift,
        "before": before,
        "notes": rows_of_shift(db, before.start, office(visit)),
        "done": counted(rows),
        "changes": newest_changes(db, visit.me, limit=FEED),
    }


def _signals(db: Connection, visit: Visit) -> dict[str, Any]:
    services, now, regions = visit.services, visit.now, visit.services.lexicon.regions
    days = visit.request.app.state.trends.days(db, visit.me, now)
    index = index_health(services, complete=False)
    gap = visit.request.app.state.gap.sentence() if index.well else ""
    if gap:
        index = replace(index, well=False, detail=gap)
    watched = watched_searches(db, visit.me.name)[:WATCHED]
    places = [tile.code for tile in tiles_of((), regions, services.tiles, visit.me.user.territory)]
    table: list[HeatRow] | None = None
    news = unread(visit.me, watched)
    if index.well or index.documents:  # one that did not answer for its health is not waited for again
        products = [product.id for product in services.lexicon.products.values() if product.key]
        table = in_time(lambda: heat(services, visit.me, now, products=products, prefectures=places))
        news = news_of(services, visit.me, watched, now)
    return {
        "index": index,
        "chart": trend.draw(days, now),
        "crossed": sum(day.over for day in days),
        "days": len(days),
        "heat": table,
        "places": [(code, _short(regions, code)) for code in places],
        "news": news,
        "newest": _newest(db, visit),
    }


def _newest(db: Connection, visit: Visit) -> Sequence[Any]:
    """The newest risk signals, one row each: id, title, level, source, event_time."""
    kept = documents.c
    query = select(kept.id, kept.title, kept.level, kept.source, kept.event_time).where(
        kept.is_risk, kept.latest, kept.event_time <= visit.now, visit.me.documents()
    )
    return db.execute(query.order_by(kept.event_time.desc()).limit(FEED)).mappings().all()


def _system(db: Connection, visit: Visit) -> dict[str, Any]:
    sources = source_states(db, visit.services, count=False)
    ill = [state for state in sources if state.bad]
    reached = [canary for canary in newest_canaries(db, 5) if canary.seconds is not None]
    return {
        "sources": sources,
        "ill": ill,
        "off": sum(not state.source.enabled for state in sources),
        "down": processes_down(db, visit.services),
        "canary": reached[0] if reached else None,
    }


def _short(regions: Regions, code: str) -> str:
    region = regions.get(code)
    return region.short_name if region else code
