"""保全, 按人删除: what is held whatever its age; a person whose data is to go. For administrators who see all."""

from collections.abc import Mapping

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from core.clock import beijing
from core.errors import FengsuiError, UsageError
from keeping.erase import unfinished
from keeping.person import Person
from store import audit
from store.hold_subjects import WORDS, Subject, subject_of
from store.holds import Hold, add_hold, end_hold, holds_in_force, until_day
from web.erasing import FOUND, Erasures
from web.history import people
from web.visit import Here, Posted, Refused, Visit, redirect

router = APIRouter(include_in_schema=False)
SAID: Mapping[str, str] = {
    "added": "已设保全，保存期限和按人删除都不再动它。",
    "ended": "已解除；今夜起按保存期限处理。",
}
GONE = "没有删除：要删的已不在这里（超过半小时，或已经做了）。请重新查找。"
LINKS: Mapping[str, str] = {
    "document": "/documents/{}", "alert": "/alerts/{}", "event": "/events/{}", "firm": "/enterprises/{}",
}  # fmt: skip
TRACES = ("hold_add", "hold_end")
MOST_TRACES, MOST_SHOWN, MOST_HELD, SHORTEST = 50, 200, 20, 4
REFRESH = "3"
"""Seconds between two looks at how far it is."""


def keeping(visit: Visit) -> None:
    """Raises Refused for whoever does not look after what is kept of everybody."""
    if not (visit.me.may("keeping") and visit.me.everywhere):
        raise Refused(403, "保全和按人删除由可见全部属地的管理员办理。")


# --- holds ----------------------------------------------------------------------------------------------------------


@router.get("/settings/holds")
def show_holds(visit: Here, said: str = "", kind: str = "document", subject: str = "") -> Response:
    """Those in force, and a form for another."""
    keeping(visit)
    return _holds_page(visit, {"kind": kind[:20], "subject": subject[:80]}, said=SAID.get(said, ""))


@router.post("/settings/holds/add")
def put_hold(visit: Here, form: Posted) -> Response:
    """Put one. Wrong fields: the page again with what is wrong."""
    keeping(visit)
    typed = {name: str(form.get(name, "")).strip()[:300] for name in ("kind", "subject", "reason", "until")}
    now = visit.services.clock()
    try:
        if len(typed["reason"]) < SHORTEST:
            raise UsageError(f"理由至少 {SHORTEST} 个字：写明哪件案子、谁要求的")
        until = until_day(typed["until"]) if typed["until"] else None
        with visit.services.store.write() as db:
            held = subject_of(db, typed["kind"], typed["subject"])
            number = add_hold(
                db, held.kind, held.id, reason=typed["reason"], author=visit.me.name, now=now, until=until
            )
            details = {"kind": held.kind, "number": number, "reason": typed["reason"]}
            audit.note(db, visit.me.name, "hold_add", held.id, at=now, details=details)
    except UsageError as problem:
        return _holds_page(visit, typed, wrong=f"{problem}。", status=400)
    return redirect("/settings/holds?said=added")


@router.post("/settings/holds/{number}/end")
def lift_hold(visit: Here, form: Posted, number: int) -> Response:
    """End one, with a reason."""
    keeping(visit)
    why, now = str(form.get("why", "")).strip()[:300], visit.services.clock()
    if len(why) < SHORTEST:
        raise Refused(400, f"没有解除：须写明理由，至少 {SHORTEST} 个字。请返回填写。")
    try:
        with visit.services.store.write() as db:
            ended = end_hold(db, number, by=visit.me.name, now=now)
            details = {"kind": ended.kind, "number": number, "why": why}
            audit.note(db, visit.me.name, "hold_end", ended.subject, at=now, details=details)
    except UsageError:
        raise Refused(404, "没有在效的保全，或已由他人解除。") from None
    return redirect("/settings/holds?said=ended")


def _holds_page(
    visit: Visit, typed: Mapping[str, str], *, said: str = "", wrong: str = "", status: int = 200
) -> Response:
    now = visit.services.clock()
    with visit.services.store.read() as db:
        found = [(one, _named(db, one)) for one in reversed(holds_in_force(db, now))]
        traces = audit.newest(db, MOST_TRACES, actions=TRACES)
        who = people(db)
    return visit.page(
        "settings_holds.html", status=status, holds=found, traces=traces, people=who, words=WORDS, links=LINKS,
        typed=typed, said=said, wrong=wrong, today=f"{beijing(now):%Y-%m-%d}",
    )  # fmt: skip


def _named(db: Connection, one: Hold) -> Subject:
    """What it is called; what is gone keeps its id."""
    try:
        return subject_of(db, one.kind, one.subject)
    except UsageError:
        return Subject(one.kind, one.subject, "")


# --- a person -------------------------------------------------------------------------------------------------------


@router.get("/settings/erase")
def show_erasure(visit: Here) -> Response:
    """A form; how far it is; what was found; what was done."""
    keeping(visit)
    return _erase_page(visit)


@router.post("/settings/erase/find")
def find_person(visit: Here, form: Posted) -> Response:
    """Begin to look."""
    keeping(visit)
    typed = {name: str(form.get(name, ""))[:40] for name in ("name", "phone", "number")}
    left_out = frozenset(str(form.get("left_out", "")).replace("，", " ").replace(",", " ").split()[:200])
    try:
        _erasures(visit).look(visit.me.name, Person.typed(**typed), left_out)
    except UsageError as problem:
        told = str(problem).replace("--name", "姓名").replace("--phone", "电话").replace("--id", "证号")
        return _erase_page(visit, wrong=f"{told}。", status=400)
    except FengsuiError as problem:
        return _erase_page(visit, wrong=f"{problem}。", status=409)
    return redirect("/settings/erase")


@router.post("/settings/erase/do")
def erase_person(visit: Here, form: Posted) -> Response:
    """Do it, once the name was typed again and a ground given."""
    keeping(visit)
    work, reason = _erasures(visit).of(visit.me.name), str(form.get("reason", "")).strip()[:200]
    if work is None or work.stage != FOUND:
        return _erase_page(visit, wrong=GONE, status=409)
    if not work.is_word(str(form.get("again", ""))[:40]):
        return _erase_page(visit, wrong="没有删除：再次输入的与查找的不同。", status=400)
    if len(reason) < SHORTEST:
        return _erase_page(visit, wrong=f"没有删除：依据至少 {SHORTEST} 个字，如申请编号。", status=400)
    if work.person.masked(reason) != reason:
        return _erase_page(visit, wrong="没有删除：依据里不要写这个人的信息，它会留在操作记录里。", status=400)
    try:
        _erasures(visit).erase(visit.me.name, reason)
    except FengsuiError as problem:
        return _erase_page(visit, wrong=f"{problem}。", status=409)
    return redirect("/settings/erase")


@router.post("/settings/erase/forget")
def forget_person(visit: Here, form: Posted) -> Response:
    """Leave it; what was typed goes out of memory."""
    keeping(visit)
    _erasures(visit).forget(visit.me.name)
    return redirect("/settings/erase")


def _erasures(visit: Visit) -> Erasures:
    kept: Erasures = visit.request.app.state.erasures
    return kept


def _erase_page(visit: Visit, *, wrong: str = "", status: int = 200) -> Response:
    work = _erasures(visit).of(visit.me.name)
    with visit.services.store.read() as db:
        begun = [one.fault for one in unfinished(db)]
    free = [one for one in work.found.documents if not one.held] if work else []
    held = [one for one in work.found.documents if one.held] if work else []
    shown = visit.page(
        "settings_erase.html", status=status, work=work, wrong=wrong, begun=begun, free=free[:MOST_SHOWN],
        held=held[:MOST_HELD], free_count=len(free), held_count=len(held),
    )  # fmt: skip
    if work is not None and work.busy:
        shown.headers["Refresh"] = REFRESH
    return shown
