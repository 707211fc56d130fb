"""报送日历: what is owed until when, by the own office and by those below; marked as reported with a proof."""

from datetime import date

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.responses import Response

from core.clock import beijing
from core.errors import UsageError
from reports.agenda import Duty
from store import audit
from store.reporting import Mark, add_mark
from web.access import ROLE_NAMES
from web.agenda import STATES, agenda_of, own_office, shown
from web.history import people
from web.inbox import BadAddress
from web.visit import Here, Posted, Refused, Visit, once_of, redirect

router = APIRouter(include_in_schema=False)
SAID = {"done": "已记为报送。", "undo": "已撤回，仍算未报。"}
LONGEST_PROOF = 300


@router.get("/calendar")
def show_calendar(visit: Here, year: str = "", said: str = "") -> Response:
    """The page."""
    return _page(visit, _year(visit, year), said=SAID.get(said, ""))


@router.post("/calendar/mark")
def mark(visit: Here, form: Posted) -> Response:
    """Mark one thing as reported, or take that back. Wrong fields: the page again with what is wrong."""
    if not visit.me.may("report_mark"):
        raise Refused(403, f"报送由{ROLE_NAMES['officer']}及以上角色登记。")
    do, once = ("undo" if form.get("do") == "undo" else "done"), once_of(form)
    proof = " ".join(str(form.get("proof", "")).split())
    now = visit.services.clock()
    try:
        if not 2 <= len(proof) <= LONGEST_PROOF:
            lacking = "撤回理由" if do == "undo" else "凭据，如文号、报送方式"
            raise UsageError(f"须写明{lacking}（2 至 {LONGEST_PROOF} 字）")
        with visit.services.store.write() as db:
            one = _asked(visit, form)
            row = Mark(*one.owed, now, visit.me.name, do == "done", proof)
            if add_mark(db, row, once=once):
                told = {"title": one.title, "territory": one.territory, "reason": proof, "done": do == "done"}
                audit.note(db, visit.me.name, "report_mark", " ".join(one.owed[:2]), at=now, details=told)
    except UsageError as problem:
        return _page(visit, beijing(visit.now).year, wrong=f"没有记下：{problem}。", typed=form, status=400)
    return redirect(f"/calendar?said={do}")


def _asked(visit: Visit, form: FormData) -> Duty:
    """What a form is about, if it is there and the viewer's. Raises UsageError, Refused."""
    agenda = agenda_of(visit)
    item = agenda.plan.find(str(form.get("item", "")))
    try:
        period = date.fromisoformat(str(form.get("period", "")))
    except ValueError:
        raise UsageError("没有这一期") from None
    territory = str(form.get("territory", ""))
    if item is None or not 2000 <= period.year < 2200 or list(item.named(period, period)) != [period]:
        raise UsageError("没有这一项")
    if item.done != "mark":
        raise UsageError(f"{item.title}以签发为准，不在这里登记")
    if territory != own_office(visit) or territory not in item.owners(agenda.regions):
        raise Refused(404, "这一项不由您的单位报送。")
    return Duty(item, period, territory, visit.now)


def _year(visit: Visit, text: str) -> int:
    this = beijing(visit.now).year
    if not text:
        return this
    if not (text.isascii() and text.isdigit() and abs(int(text[:4]) - this) <= 5 and len(text) == 4):
        raise BadAddress(f"地址中的年份 {text[:8]} 不在前后五年之内。")
    return int(text)


def _page(
    visit: Visit, year: int, *, said: str = "", wrong: str = "", typed: FormData | None = None, status: int = 200
) -> Response:
    names = ("item", "period", "territory", "proof")
    given = {name: str(typed.get(name, "")) if typed is not None else "" for name in names}
    with visit.services.store.read() as db:
        facts = shown(db, visit, year)
        who = people(db)
    return visit.page(
        "calendar.html", status=status, year=year, said=said, wrong=wrong, typed=given, people=who, DUE=STATES,
        may=visit.me.may("report_mark"), since=visit.services.reporting.since, **facts,
    )  # fmt: skip
