"""召回镜像: recalls abroad beside the firms they may mean. A person decides; nothing is a fact before."""

from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from core.errors import UsageError
from enterprises.mirror_queue import fact_of_recall
from store import audit
from store.documents import find_signals, mark_one_for_analysis
from store.firm_facts import drop_fact, save_facts
from store.mirror import (
    CONFIRMED,
    OPEN,
    STATES,
    MirrorItem,
    MirrorStep,
    count_items,
    decide,
    list_items,
    steps_of_items,
)
from store.registry import find_by_name, find_entry
from web.history import people
from web.names import firm_names
from web.views.trace import readable
from web.visit import Here, Posted, Refused, Visit, once_of, redirect

router = APIRouter(include_in_schema=False)
PAGE_SIZE = 20
WORDS = {OPEN: "待核", CONFIRMED: "已认定", "not_ours": "非本名录企业"}
ACTIONS = {"confirm": "认定为", "not_ours": "认定不是名录企业", "undo": "撤销"}
SAID = {
    "confirm": "已认定。召回记入企业档案，文书重新研判，按规则告知属地。",
    "not_ours": "已记：不是名录中的企业。",
    "undo": "已撤销，退回待核。",
}
Action = Literal["confirm", "not_ours", "undo"]


@dataclass(frozen=True)
class Shown:
    """An item as the page lists it. title: of its document.  steps: what people did."""

    item: MirrorItem
    title: str
    firm: str
    steps: tuple[MirrorStep, ...]


@router.get("/recalls/mirror")
def show_queue(visit: Here, state: str = OPEN, page: int = 1, said: str = "") -> Response:
    """One state, the surest first."""
    if state not in STATES:
        raise Refused(400, f"地址中的 state={state[:40]} 不存在。可用：{'、'.join(STATES)}。")
    if not 1 <= page <= 10_000:
        raise Refused(400, "页码须为 1 以上的整数。")
    with visit.services.store.read() as db:
        counts = count_items(db, visit.me.documents())
        found = list_items(db, state, visit.me.documents(), start=(page - 1) * PAGE_SIZE, limit=PAGE_SIZE)
        return visit.page(
            "mirror.html", rows=_shown(db, visit, found), state=state, counts=counts, words=WORDS, actions=ACTIONS,
            page=page, pages=-(-counts.get(state, 0) // PAGE_SIZE), said=SAID.get(said, ""), people=people(db),
            may=visit.me.may("mirror"),
        )  # fmt: skip


@router.post("/recalls/mirror/{document}/{action}")
def take_step(visit: Here, form: Posted, document: str, action: Action) -> Response:
    """Confirm a candidate or another firm, say that it is none of ours, or take that back."""
    if not visit.me.may("mirror"):
        raise Refused(403, "没有认定境外召回的权限。请由值班员或带班处理。")
    once, note = once_of(form), str(form.get("note", "")).strip()[:500]
    try:
        with visit.services.store.write() as db:
            if not readable(db, visit, [document]):
                raise Refused(404, "这份召回不在你的属地内，或不存在。")
            firm = _chosen(db, form) if action == "confirm" else ""
            step = MirrorStep(document, visit.services.clock(), visit.me.name, action, firm, note)
            before = decide(db, step, once=once)
            if before is not None:
                _carry_out(db, visit, before, step)
    except UsageError as problem:
        raise Refused(409, str(problem)) from None
    return redirect(f"/recalls/mirror?said={action}")


def _chosen(db: Connection, form: Posted) -> str:
    """The firm of the form: a candidate's id, or what was typed of another: id or full name."""
    typed = str(form.get("other", "")).strip()[:200]
    firm = typed or str(form.get("firm", "")).strip()[:200]
    if not firm:
        raise Refused(400, "没有选企业。请选一个候选，或填名录编号、全称。")
    known = firm if find_entry(db, firm) else find_by_name(db, firm)
    if known is None:
        raise Refused(400, f"名录中没有唯一的“{firm[:60]}”。请填名录编号或登记全称。")
    return known


def _carry_out(db: Connection, visit: Visit, before: MirrorItem, step: MirrorStep) -> None:
    """The firm's record, the document's reading, the log."""
    now = visit.services.clock()
    signal = next(iter(find_signals(db, [step.document])), None)
    if step.action == "confirm":
        save_facts(db, [fact_of_recall(before, step.firm, signal)], now=now)
    elif before.state == CONFIRMED:
        drop_fact(db, fact_of_recall(before, before.firm, signal))
    mark_one_for_analysis(db, step.document)
    details = {"action": step.action, "firm": step.firm or before.firm, "note": step.note, "was": before.state}
    audit.note(db, step.actor, "recall_mirror", step.document, at=now, details=details)


def _shown(db: Connection, visit: Visit, items: list[MirrorItem]) -> list[Shown]:
    documents = [item.document for item in items]
    titles, steps = readable(db, visit, documents), steps_of_items(db, documents)
    names = firm_names(db, [item.firm for item in items] + [step.firm for some in steps.values() for step in some])
    return [
        Shown(item, titles.get(item.document, item.document), names.get(item.firm, ""), tuple(steps[item.document]))
        for item in items
    ]
