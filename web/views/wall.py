"""大屏: the state of a territory on one picture, seen from five metres.

Opened by a session, or by an address of its own that opens nothing else.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from alerts.slot_series import USUAL, Series, slots
from charts.svg import trend
from config.settings import Settings
from core.clock import beijing
from store.canaries import newest as newest_canaries
from store.ledger_list import OPEN, Day, count_views
from store.shift_log import rows_of_shift
from store.silences import silenced_alerts
from store.tokens import find_token
from store.users import find_user
from web import inbox, signals
from web.access import Viewer
from web.history import DID, people, rows_since
from web.names import firm_names
from web.services import Services
from web.shift import now_shift, office
from web.source_states import source_states
from web.tiles import tiles_of
from web.times import limit_of
from web.visit import Refused, SignInNeeded, Visit, admitted, redirect

router = APIRouter(include_in_schema=False)
URGENT = 6
ORANGE = 3
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
KEPT = 366 * 24 * 3600
GONE = "没有这个大屏地址，或已作废。请在“账号与订阅”中新建。"


@router.get("/wall")
def show_wall(request: Request, firms: str = "") -> Response:
    """The picture. firms=off leaves out what firms and brands the alerts are about."""
    if firms not in ("", "off"):
        raise inbox.BadAddress(f"地址中的 firms={firms[:20]} 不存在。可用：off。")
    viewer = admitted(request) or _by_cookie(request)
    if viewer is None:
        raise SignInNeeded(request.url.path + (f"?{request.url.query}" if request.url.query else ""))
    visit = Visit(request, viewer)
    with visit.services.store.read() as db:
        return visit.page("wall.html", **_picture(db, visit, named=firms != "off"))


@router.get("/wall/{secret}")
def open_wall(request: Request, secret: str) -> Response:
    """The address of a wall: its secret goes into a cookie and out of the address bar."""
    services: Services = request.app.state.services
    if _viewer(services, secret) is None:
        raise Refused(404, GONE)
    answer = redirect("/wall" + ("?firms=off" if request.query_params.get("firms") == "off" else ""))
    answer.set_cookie(
        _cookie(services.settings), secret, max_age=KEPT, path="/wall", httponly=True, samesite="strict",
        secure=services.settings.public_url.startswith("https://"),
    )  # fmt: skip
    return answer


def _cookie(settings: Settings) -> str:
    return f"fengsui_wall_{settings.profile}"


def _by_cookie(request: Request) -> Viewer | None:
    services: Services = request.app.state.services
    secret = request.cookies.get(_cookie(services.settings))
    return _viewer(services, secret) if secret else None


def _viewer(services: Services, secret: str) -> Viewer | None:
    """Whose wall it is, as somebody who may only look."""
    with services.store.read() as db:
        token = find_token(db, secret[:100], purpose="wall", now=services.clock())
        owner = find_user(db, token.user) if token and token.user else None
    if owner is None or not owner.active:
        return None
    return Viewer(replace(owner, role="viewer"), services.lexicon.regions)


def _picture(db: Connection, visit: Visit, *, named: bool) -> dict[str, Any]:
    now, regions, me = visit.now, visit.services.lexicon.regions, visit.me
    silenced = silenced_alerts(db, visit.services.clock())
    seen = [alert for alert in inbox.standing_alerts(db, me, states=inbox.OPEN) if alert.id not in silenced]
    still_open = [alert for alert in seen if alert.state in inbox.OPEN]
    by_clock = inbox.rows_of(still_open, now=now, sort="limit")
    urgent = sorted(by_clock, key=lambda row: row.alert.level < ORANGE)[:URGENT]
    shift = now_shift(visit)
    points = signals.points(db, me, now - USUAL - 2 * DAY, now)
    opened = [row for row in rows_since(db, me, shift.start, now) if row.action in DID["new"][1]]
    sources = source_states(db, visit.services, count=False)
    canaries = [canary for canary in newest_canaries(db, 5) if canary.seconds is not None]
    figures = (
        ("本班新预警", len(opened), ""),
        ("待受理", sum(alert.state in inbox.VIEWS[""][1] for alert in seen), ""),
        ("超时", late := sum(limit_of(alert, now).state == "over" for alert in still_open), "over" if late else ""),
        ("处置中", sum(alert.state in inbox.VIEWS["work"][1] for alert in seen), ""),
        *(
            _ledger(db, visit)
            or (
                ("待核销", sum(alert.state in inbox.VIEWS["close"][1] for alert in seen), ""),
                ("24 小时信号", sum(now - DAY < point.at <= now for point in points), ""),
            )
        ),
    )
    taken = [row for row in rows_of_shift(db, shift.start, office(visit)) if row.kind == "taken"]
    return {
        "place": regions.name_of(office(visit)),
        "shift": shift,
        "on_duty": people(db).get(taken[-1].author, "") if taken else "",
        "tiles": tiles_of(still_open, regions, visit.services.tiles, me.user.territory),
        "urgent": urgent,
        "named": named,
        "firms": firm_names(db, (firm for row in urgent for firm in row.alert.enterprises)) if named else {},
        "figures": figures,
        "chart": _chart(slots(points, now, shown=DAY, slot=HOUR)),
        "sources": len(sources),
        "ill": sum(state.bad for state in sources),
        "canary": canaries[0] if canaries else None,
    }


def _ledger(db: Connection, visit: Visit) -> tuple[tuple[str, int, str], ...]:
    """Two figures of the ledger, where something in it is open."""
    day = Day(beijing(visit.now).date(), visit.now)
    counts = count_views(db, ("", "over"), day, [OPEN, *visit.me.entries()])
    if not counts[""]:
        return ()
    return ("台账未销号", counts[""], ""), ("台账逾期", counts["over"], "over" if counts["over"] else "")


def _chart(series: Series) -> str:
    hours = [beijing(series.start + place * series.slot).hour for place in range(len(series.seen))]
    ticks = [(100 * (place + 0.5) / len(hours), f"{hour} 时") for place, hour in enumerate(hours) if hour % 6 == 0]
    over = series.crossed
    label = f"近 24 小时每小时风险信号，共 {sum(series.seen)} 条，{len(over) or '没有一'}个小时越过上限"
    return trend(
        series.seen, series.expected, series.upper, label=label, ticks=ticks, height=250,
        marks=[(place, series.levels[place]) for place in over],
    )  # fmt: skip
