"""What is done to an alert: a form, POST, redirect, GET. Every form carries a CSRF token and an idempotency key."""

from typing import Annotated

from fastapi import APIRouter, Path
from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.responses import Response

from alerts.reasons import REASONS
from core.errors import FengsuiError, UsageError
from core.records import Alert
from store import alert_log
from web.access import MAY, ROLE_NAMES
from web.history import action_word
from web.services import Act
from web.views.alert import alert_page, open_alert
from web.visit import Here, Posted, Refused, Visit, redirect

router = APIRouter(include_in_schema=False)
ACTIONS = (
    "accept", "dispatch", "start", "dismiss", "level", "submit", "close", "reopen", "note", "undo", "confirm", "clear",
    "hold",
)  # fmt: skip
MOST_AT_ONCE = 100
MOST_NOTE = 2000


@router.post("/alerts/batch")
def accept_marked(visit: Here, form: Posted) -> Response:
    """Accept the marked rows; the answer counts what came of each."""
    act = allowed(visit, "accept")
    once, done, refused = _once(form), 0, 0
    for alert_id in [str(value) for value in form.getlist("alert")][:MOST_AT_ONCE]:
        try:
            with visit.services.store.write() as db:
                alert = open_alert(db, visit, alert_id)
                act(db, alert.id, "accept", actor=visit.me.name, note="", now=visit.now, once=f"{once}:{alert.id}")
            done += 1
        except (Refused, UsageError):
            refused += 1
    return redirect(f"/alerts?said={done}-{refused}")


@router.post("/alerts/{alert_id}/{action}")
def act_on(
    visit: Here, form: Posted, alert_id: str, action: Annotated[str, Path(pattern=f"^({'|'.join(ACTIONS)})$")]
) -> Response:
    """Do one thing. Refused: the page again with the reason, and what was typed."""
    allowed(visit, action)
    note = str(form.get("note", "")).strip()[:MOST_NOTE]
    try:
        with visit.services.store.write() as db:
            alert = open_alert(db, visit, alert_id)
            take_step(
                db, visit, alert, action, note=note, once=_once(form), level=_level(form),
                territory=str(form.get("territory", "")), reason=_reason(form, action),
            )  # fmt: skip
            number = alert_log.history_of(db, alert.id)[-1].number
    except UsageError as problem:
        return _refused(visit, alert_id, problem, typed=note)
    return redirect(f"/alerts/{alert.id}?did={number}")


def take_step(
    db: Connection, visit: Visit, alert: Alert, action: str, *, note: str, once: str, level: int | None = None,
    territory: str = "", reason: str | None = None,
) -> None:  # fmt: skip
    """Do one thing to an alert that the viewer may see. territory: to whom, for `dispatch`.  Raises UsageError."""
    act, to = allowed(visit, action), None
    if action == "dispatch":
        to = _addressee(db, visit, alert, territory)
        note = "，".join(filter(None, (f"派给{visit.names.region(to)}", note)))
    act(
        db, alert.id, action, actor=visit.me.name, note=note, now=visit.now, once=once, level=level, territory=to,
        reason=reason,
    )  # fmt: skip


def _refused(visit: Visit, alert_id: str, problem: FengsuiError, *, typed: str) -> Response:
    with visit.services.store.read() as db:
        alert = open_alert(db, visit, alert_id)
        return alert_page(db, visit, alert, refused=f"本次操作未生效：{problem}", typed=typed, status=409)


def allowed(visit: Visit, action: str) -> Act:
    """What acts, if this viewer may do the thing. Raises Refused."""
    if visit.services.act is None:
        raise Refused(503, "现在只能查看：处置部分没有装上。请告知管理员。")
    if not visit.me.may(action):
        lowest = MAY.get(action)
        who = ROLE_NAMES[lowest] if lowest else "管理员"
        raise Refused(403, f"“{action_word(action)}”由{who}及以上角色操作。")
    return visit.services.act


def _once(form: FormData) -> str:
    key = str(form.get("once", ""))
    if not 8 <= len(key) <= 64:
        raise Refused(400, "操作未生效：表单不完整。请刷新后再试。")
    return key


def _addressee(db: Connection, visit: Visit, alert: Alert, asked: str) -> str:
    """To whom: whom the routing says when nobody is named. Raises UsageError for one that has no part in it."""
    route = visit.services.router.route(db, alert) if visit.services.router else None
    proposed = route.territory if route else alert.territory
    code = asked or proposed
    if code not in (proposed, *visit.names.addressees(alert, route)):
        raise UsageError(f"不能派给 {code[:12]}：不是本预警的承办、抄送单位或其上级")
    return code


def _reason(form: FormData, action: str) -> str | None:
    return str(form.get("reason", "")) or None if action in REASONS else None


def _level(form: FormData) -> int | None:
    text = str(form.get("level", ""))
    if text and text not in ("1", "2", "3", "4"):
        raise Refused(400, "级别须为 1 至 4。")
    return int(text) if text else None
