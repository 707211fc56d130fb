"""预警: the inbox in order of its clock, filters as links, a preview beside it."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from core.records import LEVEL_IDS, Alert, AlertState
from store import alert_log
from store.alerts_at_hand import unread_by
from store.ledger import find_entry
from store.silences import silenced_alerts
from store.users import User, list_users
from web import inbox
from web.feed_view import FeedView
from web.hands import hands_on
from web.history import people
from web.mutes import mutes_of
from web.names import firm_names
from web.signals import sparks
from web.views.alert import alert_that_changed, load_alert
from web.views.alert_batch import outcome
from web.visit import Here, Visit, redirect

router = APIRouter(include_in_schema=False)


@router.get("/alerts")
def show_inbox(visit: Here) -> Response:
    """The list, with its filters in the address."""
    wanted = inbox.read_wanted(visit.request.query_params)
    with visit.services.store.read() as db:
        return visit.page("alerts.html", **_inbox(db, visit, wanted))


def _inbox(db: Connection, visit: Visit, wanted: inbox.Wanted) -> dict[str, Any]:
    regions, now = visit.services.lexicon.regions, visit.now
    seen, own = inbox.standing_lines(db, visit.me), inbox.own_of(db, visit.me, unread=bool(wanted.unread))
    silenced = silenced_alerts(db, visit.services.clock())
    either = inbox.matching(seen, wanted, regions=regions, now=now, silenced=silenced, own=own, without="muted")
    found = [alert for alert in either if (alert.id in silenced) == bool(wanted.muted)]
    unread = own.unread if wanted.unread else unread_by(db, visit.me.name, [alert.id for alert in found])
    placed = visit.request.app.state.ranking.placed(db, found, now)
    rows = inbox.rows_of(found, now=now, sort=wanted.sort, placed=placed)
    start = (wanted.page - 1) * inbox.PAGE_SIZE
    here = inbox.in_full(db, rows[start : start + inbox.PAGE_SIZE])
    shown: list[Alert] = [row.alert for row in here]
    bands = inbox.banded(here, rows) if wanted.sort in ("", "limit") else [("", len(rows), here)]
    did = alert_that_changed(db, visit)
    first = load_alert(db, visit, here[0].alert, brief=True) if here else None
    said, stand = outcome(db, visit)
    return {
        "wanted": wanted,
        "feed_view": urlencode(FeedView.read(asdict(wanted)).as_json()),
        "bands": bands,
        "total": len(rows),
        "first_row": start + 1,
        "last_row": start + len(here),
        "pages": -(-len(rows) // inbox.PAGE_SIZE),
        "views": inbox.view_counts(seen, wanted, regions=regions, now=now, silenced=silenced, own=own),
        "choices": inbox.choices(seen, wanted, regions=regions, now=now, silenced=silenced, own=own),
        "sorts": {key: word for key, word in inbox.SORTS.items() if placed or key != "limit"},
        "learnt": bool(placed) and wanted.sort == "",
        "since": inbox.SINCE,
        "firms": firm_names(db, [*(firm for alert in shown for firm in alert.enterprises), wanted.firm]),
        "mutes": mutes_of(db, shown, visit.services.clock()),
        "sparks": sparks(db, visit.me, shown, now),
        "folded": 0 if wanted.muted else len(either) - len(found),
        "unread": unread,
        "unread_count": sum(alert.id in unread for alert in found),
        "hands": hands_on(db, visit, [alert.id for alert in shown], people(db)),
        "preview": first,
        "labels": _labels(visit),
        "filtered": wanted != inbox.Wanted(view=wanted.view, sort=wanted.sort),
        "views_name": inbox.VIEWS[wanted.view][0],
        "back": visit.link() if visit.link().startswith("?") else "?",
        "trail": visit.link().removeprefix("?") if visit.link().startswith("?") else "",
        "batch": visit.services.act is not None and visit.me.may("accept"),
        "officers": _officers(db, visit) if visit.me.may("assign") else [],
        "said": said,
        "stand": stand,
        "undo_batch": visit.request.query_params.get("batch", "")[:64] if said else "",
        "did": did,
        "last_done": _last_done(db, visit) if not rows else None,
    }


def _officers(db: Connection, visit: Visit) -> list[User]:
    """Who may be given marked rows: colleagues of this viewer's territory who work on alerts."""
    return [one for one in list_users(db) if one.active and one.role != "viewer" and visit.me.sees_account(one)]


def _labels(visit: Visit) -> dict[str, Callable[[str], str]]:
    """How each filter's values are written."""
    return {
        "level": lambda key: f"{visit.names.level(LEVEL_IDS[key])}色",
        "product": visit.names.product,
        "region": visit.names.region,
        "rule": visit.names.rule,
        "since": lambda key: inbox.SINCE[key][0],
        "due": lambda key: inbox.DUE[key],
    }


def _last_done(db: Connection, visit: Visit) -> Alert | None:
    """The alert that was dealt with last: what an empty list shows as proof that the desk works."""
    handled = [alert for alert in inbox.standing_alerts(db, visit.me, limit=200) if alert.state is not AlertState.NEW]
    return handled[0] if handled else None


@router.get("/jump")
def jump(visit: Here, q: str = "") -> Response:
    """The box in the bar: the number of an alert or ledger entry opens it, all else goes to the list of firms."""
    asked = q.strip()[:200]
    with visit.services.store.read() as db:
        alert = alert_log.find_alert(db, asked.upper())
        entry = find_entry(db, asked)
    if entry is not None and visit.me.sees_entry(entry):
        return redirect(f"/ledger/{entry.id}")
    if alert is not None and visit.me.sees_alert(alert):
        return redirect(f"/alerts/{alert.id}")
    query = visit.request.url.include_query_params(q=asked).query
    return redirect(f"/enterprises?{query}" if asked else "/enterprises")
