"""交接班: what the next shift gets, what is left to it in writing, and who handed over to whom."""

from datetime import timedelta
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.responses import Response

from alerts.shifts import Shift, shift_at
from store import audit
from store.alert_log import find_alert
from store.shift_log import LONGEST_NOTE, ShiftRow, rows_of_shift
from web import inbox
from web.handover import by_alert, sheet_of
from web.history import counted, people, with_alerts
from web.names import firm_names
from web.search_time import in_address
from web.shift import following, office, previous, write_row
from web.source_states import HEALTH
from web.views.ledger_steps import counted_steps
from web.visit import Here, Posted, Refused, Visit, redirect

router = APIRouter(include_in_schema=False)
OLDEST = timedelta(days=400)
DELIVERED = {"waiting": "待发", "sending": "发送中", "handing": "发送中", "sent": "已送达", "failed": "未送达",
             "unsure": "不知是否送达", "replaced": "由后一封代替", "withdrawn": "已撤回"}  # fmt: skip


@router.get("/handover")
def show_handover(visit: Here, shift: str = "") -> Response:
    """The sheet of the shift that runs at `shift` (a moment; empty: now)."""
    with visit.services.store.read() as db:
        return visit.page("handover.html", **_sheet(db, visit, _shift(visit, shift)))


@router.post("/handover/note")
def add_note(visit: Here, form: Posted) -> Response:
    """Leave a line to the next shift, about an alert or about anything."""
    shift = _writing(visit, form)
    text = str(form.get("text", "")).strip()
    if not text or len(text) > LONGEST_NOTE:
        raise Refused(400, f"没有记下：留言须为 1 至 {LONGEST_NOTE} 字。请返回补写。")
    alert = str(form.get("alert", ""))
    with visit.services.store.write() as db:
        found = find_alert(db, alert) if alert else None
        if alert and (found is None or not visit.me.sees_alert(found)):
            raise Refused(404, "没有记下：没有这条预警。")
        if write_row(db, visit, "note", shift, once=_once(form), text=text, alert=found.id if found else ""):
            audit.note(db, visit.me.name, "shift_note", in_address(shift.start), at=visit.services.clock())
    return _back(shift, alert or "notes")


@router.post("/handover/give")
def give(visit: Here, form: Posted) -> Response:
    """Hand the shift over. Once a shift; whoever comes second is told who was first."""
    shift = _writing(visit, form)
    with visit.services.store.write() as db:
        given = _first(rows_of_shift(db, shift.start, office(visit)), "given")
        if given and given.author != visit.me.name:
            raise Refused(409, f"没有交班：{people(db).get(given.author, given.author)}已交这一班。补充请写留言。")
        if given is None and write_row(db, visit, "given", shift, once=_once(form)):
            audit.note(db, visit.me.name, "give_shift", in_address(shift.start), at=visit.services.clock())
    return _back(shift, "given")


@router.post("/handover/take")
def take(visit: Here, form: Posted) -> Response:
    """Acknowledge what was handed over: by somebody else than who did it."""
    shift = _writing(visit, form)
    with visit.services.store.write() as db:
        rows = rows_of_shift(db, shift.start, office(visit))
        given, taken = _first(rows, "given"), _first(rows, "taken")
        if given is None:
            raise Refused(409, "没有接班：这一班还没有交。请交班人先交班。")
        if given.author == visit.me.name:
            raise Refused(409, "没有接班：交班和接班须是两个人。请由下一班的值班员确认。")
        if taken is None and write_row(db, visit, "taken", shift, once=_once(form)):
            audit.note(db, visit.me.name, "take_shift", in_address(shift.start), at=visit.services.clock())
    return _back(shift, "given")


def _shift(visit: Visit, wanted: str) -> Shift:
    """Raises BadAddress for a moment that is none, and for one that is not yet."""
    moment = inbox.read_moment(wanted) if wanted else visit.now
    if not visit.now - OLDEST <= moment <= visit.now:
        raise inbox.BadAddress("交接单只有已开始的班次，至多往前 400 天。")
    return shift_at(visit.services.duty.book, moment)


def _writing(visit: Visit, form: FormData) -> Shift:
    if not visit.me.may("handover"):
        raise Refused(403, "这一步要值班员以上的角色。")
    return _shift(visit, str(form.get("shift", "")))


def _once(form: FormData) -> str:
    once = str(form.get("once", ""))[:80]
    if not once:
        raise Refused(400, "没有记下：页面已过期。请返回上一页，刷新后再试。")
    return once


def _back(shift: Shift, place: str) -> Response:
    return redirect(f"/handover?shift={in_address(shift.start)}#{place}")


def _first(rows: list[ShiftRow], kind: str) -> ShiftRow | None:
    return next((row for row in rows if row.kind == kind), None)


def _sheet(db: Connection, visit: Visit, shift: Shift) -> dict[str, Any]:
    after = following(visit, shift)
    sheet = sheet_of(db, visit, shift, after)
    written = rows_of_shift(db, shift.start, office(visit))
    notes = by_alert([row for row in written if row.kind == "note"])
    duty = visit.services.duty
    firms = [firm for matter in sheet.matters for firm in matter.row.alert.enterprises]
    return {
        "shift": shift,
        "after": after,
        "before": previous(visit, shift),
        "running": shift.end > visit.now,
        "address": in_address(shift.start),
        "until": "" if shift.end > visit.now else in_address(shift.end),
        "in_address": in_address,
        "sheet": sheet,
        "late": sum(matter.row.limit.state == "over" for matter in sheet.matters),
        "soon": sum(
            matter.row.limit.due is not None and shift.end <= matter.row.limit.due < after.end
            for matter in sheet.matters
        ),
        "counts": counted(sheet.rows),
        "ledger_steps": counted_steps(db, visit, shift.start, None if shift.end > visit.now else shift.end),
        "done": with_alerts(db, sheet.done),
        "notes": notes.get("", []),
        "said": notes,
        "given": _first(written, "given"),
        "taken": _first(written, "taken"),
        "people": people(db),
        "firms": firm_names(db, firms),
        "posts": [(post.title, duty.on_duty(name, after.start)) for name, post in duty.book.posts.items()],
        "health": HEALTH,
        "delivered": DELIVERED,
        "longest": LONGEST_NOTE,
        "writes": visit.me.may("handover"),
    }
