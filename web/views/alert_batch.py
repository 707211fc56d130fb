"""One bar acts on all marked rows of the inbox; the answer counts outcomes and says who was faster."""

from collections.abc import Callable, Sequence
from urllib.parse import urlencode

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.responses import Response

from core.clock import beijing
from core.errors import UsageError
from core.records import LEVEL_COLOURS, Alert
from store import alert_log
from store.alerts_at_hand import last_deeds, mark_read
from web.history import SYSTEM, action_word, people
from web.names import STATES
from web.views.actions import MOST_NOTE, allowed, back_to, reason_of, take_step
from web.views.alert import open_alert
from web.visit import Here, Posted, Refused, Visit, once_of, redirect

router = APIRouter(include_in_schema=False)
MOST_AT_ONCE = 100
STEPS = ("accept", "assign", "dispatch", "dismiss", "level")
MARKS = {"read": "标为已读", "unread": "标为未读"}
MOST_NAMED = 10
"""Refused ones that are told of one by one."""


@router.post("/alerts/batch")
def act_on_marked(visit: Here, form: Posted) -> Response:
    """Do one thing to each marked row, each on its own: what one refuses does not stop the others."""
    do, _, choice = str(form.get("do", "accept")).partition(":")
    marked = list(dict.fromkeys(str(value) for value in form.getlist("alert")))[:MOST_AT_ONCE]
    if do in MARKS:
        return _answer(form, do, *_each(visit, marked, lambda db, alert: _mark(db, visit, alert, do)))
    if do == "undo":
        return _undo(visit, form)
    if do not in STEPS:
        raise Refused(400, "操作未生效：没有这个批量操作。请刷新后再试。")
    allowed(visit, do)
    once = once_of(form)
    level = int(choice) if do == "level" and choice in ("1", "2", "3", "4") else None
    note = str(form.get("note", "")).strip()[:MOST_NOTE] if do == "dismiss" else ""

    def step(db: Connection, alert: Alert) -> None:
        take_step(
            db, visit, alert, do, note=note, once=f"{once}:{alert.id}", level=level, reason=reason_of(form, do),
            person=str(form.get("person", ""))[:40],
        )  # fmt: skip

    return _answer(form, do, *_each(visit, marked, step), batch=once)


def _each(visit: Visit, ids: Sequence[str], step: Callable[[Connection, Alert], None]) -> tuple[int, list[str], str]:
    """How many it was done to, which refused, and the reason of the last of those."""
    done, refused, why = 0, list[str](), ""
    for alert_id in ids:
        try:
            with visit.services.store.write() as db:
                step(db, open_alert(db, visit, alert_id))
            done += 1
        except (Refused, UsageError) as problem:
            refused.append(alert_id)
            why = problem.sentence if isinstance(problem, Refused) else str(problem)
    return done, refused, why


def _mark(db: Connection, visit: Visit, alert: Alert, do: str) -> None:
    newest = alert_log.next_history_number(db, alert.id) - 1
    mark_read(db, visit.me.name, alert.id, newest if do == "read" else 0)


def _undo(visit: Visit, form: FormData) -> Response:
    """Take back what one bar did, where nothing has happened since."""
    allowed(visit, "undo")
    once, given = once_of(form), str(form.get("batch", ""))
    if not 8 <= len(given) <= 64:
        raise Refused(400, "操作未生效：表单不完整。请刷新后再试。")
    with visit.services.store.read() as db:
        ids = alert_log.alerts_of_forms(db, f"{given}:", visit.me.name)

    def back(db: Connection, alert: Alert) -> None:
        take_step(db, visit, alert, "undo", note="", once=f"{once}:{alert.id}")

    return _answer(form, "undo", *_each(visit, ids, back))


def _answer(form: FormData, do: str, done: int, refused: Sequence[str], why: str, *, batch: str = "") -> Response:
    told = {"said": f"{do}-{done}-{len(refused)}"}
    if refused:
        told |= {"refused": ".".join(refused[:MOST_NAMED])}
    if batch and done:
        told |= {"batch": batch}
    back = back_to(form) or "/alerts"
    return redirect(f"{back}{'&' if '?' in back else '?'}{urlencode(told)}")


def outcome(db: Connection, visit: Visit) -> tuple[str, list[str]]:
    """What a batch came to, in words, and who was faster where. From the address; what it names is looked up."""
    do, _, counts = visit.request.query_params.get("said", "").partition("-")
    done, _, failed = counts.partition("-")
    word = MARKS.get(do) or (f"已{action_word(do)}" if do in (*STEPS, "undo") else "")
    if not word or not _is_count(done) or not _is_count(failed):
        return "", []
    sentence = f"{word} {int(done)} 条" if int(done) or not int(failed) else f"没有一条{word.removeprefix('已')}"
    if int(failed):
        sentence += f"，{int(failed)} 条未生效"
    if not int(done) and not int(failed):
        sentence = "没有选中预警，什么也没有改"
    ids = visit.request.query_params.get("refused", "").split(".")[:MOST_NAMED]
    found = [alert for name in ids if name and (alert := alert_log.find_alert(db, name)) and visit.me.sees_alert(alert)]
    return f"{sentence}。", _stand(db, found)


def _stand(db: Connection, found: Sequence[Alert]) -> list[str]:
    deeds, shown = last_deeds(db, [alert.id for alert in found], SYSTEM), people(db)
    told = []
    for alert in found:
        deed = deeds.get(alert.id)
        who = shown.get(deed.actor, deed.actor) if deed else ""
        by = f"，{who} {beijing(deed.at):%m-%d %H:%M} {action_word(deed.action)}" if deed else ""
        told.append(f"{alert.number} 现为{STATES[alert.state][0]}，{LEVEL_COLOURS[alert.level]}色{by}")
    return told


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 3
