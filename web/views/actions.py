"""What is done to an alert: a form, POST, redirect, GET. Every form carries a CSRF token and an idempotency key."""

from typing import Annotated
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Path
from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.responses import Response

from alerts.reasons import REASONS
from core.errors import FengsuiError, UsageError
from core.records import Alert
from store import alert_log, audit
from store.alerts_at_hand import add_mentions
from web.access import MAY, ROLE_NAMES
from web.history import action_word
from web.mentions import colleagues, mentioned
from web.outgoing import after_step
from web.services import Act
from web.views.alert import alert_page, open_alert
from web.visit import PASSING, Here, Posted, Refused, Visit, once_of, redirect

router = APIRouter(include_in_schema=False)
ACTIONS = (
    "accept", "assign", "dispatch", "start", "dismiss", "level", "submit", "close", "reopen", "note", "undo",
    "confirm", "clear", "hold",
)  # fmt: skip
MOST_NOTE = 2000
MOST_BACK = 600


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
                db, visit, alert, action, note=note, once=once_of(form), level=_level(form),
                territory=str(form.get("territory", "")), reason=reason_of(form, action),
                person=str(form.get("person", ""))[:40],
            )  # fmt: skip
            number = alert_log.history_of(db, alert.id)[-1].number
    except UsageError as problem:
        return refused(visit, alert_id, problem, typed=note)
    back = back_to(form)
    if back:
        return redirect(f"{back}{'&' if '?' in back else '?'}did={alert.id}.{number}")
    within = str(form.get("in", ""))[:MOST_BACK]
    return redirect(f"/alerts/{alert.id}?{urlencode({'in': within, 'did': number} if within else {'did': number})}")


def back_to(form: FormData) -> str:
    """The list a form was sent from, with its filters; empty for one that came from the page of the alert."""
    given = form.get("back")
    if not isinstance(given, str) or not given.startswith("?") or len(given) > MOST_BACK:
        return ""
    kept = [(name, value) for name, value in parse_qsl(given[1:]) if name not in PASSING]
    return f"/alerts?{urlencode(kept)}" if kept else "/alerts"


def take_step(
    db: Connection, visit: Visit, alert: Alert, action: str, *, note: str, once: str, level: int | None = None,
    territory: str = "", reason: str | None = None, person: str = "",
) -> None:  # fmt: skip
    """Do one thing to an alert that the viewer may see. territory: to whom, for `dispatch`.  person: to whom, for
    `assign`.  Raises UsageError."""
    act, to, named = allowed(visit, action), None, list[str]()
    new = alert_log.history_row_of_form(db, once) is None
    if action == "dispatch":
        to = _addressee(db, visit, alert, territory)
        note = "，".join(filter(None, (f"派给{visit.names.region(to)}", note)))
    if action == "assign":
        note = "，".join(filter(None, (_assigned(db, visit, alert, person), note)))
    if action == "note":
        named = mentioned(note, colleagues(db, visit.me, alert)) if "@" in note else []
    act(
        db, alert.id, action, actor=visit.me.name, note=note, now=visit.now, once=once, level=level, territory=to,
        reason=reason, person=person,
    )  # fmt: skip
    changed, number = alert_log.find_alert(db, alert.id), alert_log.history_row_of_form(db, once)
    if new and changed is not None and number is not None:
        add_mentions(db, alert.id, number, named)
        after_step(db, visit.services, changed, once)
        if visit.me.scopes is None:  # what a token does is noted by the API
            note_act(db, visit, alert, action)


def note_act(db: Connection, visit: Visit, alert: Alert, action: str) -> None:
    """The alert's history says what was done; that it was done stands in the chain too."""
    audit.note(db, visit.me.name, "alert_act", alert.number, at=visit.services.clock(), details={"action": action})


def _assigned(db: Connection, visit: Visit, alert: Alert, person: str) -> str:
    """交给李四. Raises UsageError for somebody it cannot be given to."""
    if not person:
        return "不再由专人负责"
    may = {one.name: one.display_name for one in colleagues(db, visit.me, alert, least="officer")}
    if person not in may:
        raise UsageError(f"不能指派给 {person}：不是能办理这条预警的账号")
    return f"交给{may[person]}"


def refused(visit: Visit, alert_id: str, problem: FengsuiError, *, typed: str) -> Response:
    """The page again, with why nothing was done and what was typed."""
    with visit.services.store.read() as db:
        alert = open_alert(db, visit, alert_id)
        return alert_page(db, visit, alert, refused=f"本次操作未生效：{problem}。", typed=typed, status=409)


def allowed(visit: Visit, action: str) -> Act:
    """What acts, if this viewer may do the thing. Raises Refused."""
    if visit.services.act is None:
        raise Refused(503, "现在只能查看：处置部分没有装上。请告知管理员。")
    if not visit.me.may(action):
        lowest = MAY.get(action)
        who = ROLE_NAMES[lowest] if lowest else "管理员"
        raise Refused(403, f"“{action_word(action)}”由{who}及以上角色操作。")
    return visit.services.act


def _addressee(db: Connection, visit: Visit, alert: Alert, asked: str) -> str:
    """To whom: whom the routing says when nobody is named. Raises UsageError for one that has no part in it."""
    route = visit.services.router.route(db, alert) if visit.services.router else None
    proposed = route.territory if route else alert.territory
    code = asked or proposed
    if code not in (proposed, *visit.names.addressees(alert, route)):
        raise UsageError(f"不能派给 {code[:12]}：不是本预警的承办、抄送单位或其上级")
    return code


def reason_of(form: FormData, action: str) -> str | None:
    """The code of the reason, for steps that want one."""
    return str(form.get("reason", "")) or None if action in REASONS else None


def _level(form: FormData) -> int | None:
    text = str(form.get("level", ""))
    if text and text not in ("1", "2", "3", "4"):
        raise Refused(400, "级别须为 1 至 4。")
    return int(text) if text else None
