"""挂牌督办: territories and firms under supervision, what the system proposes, talks held and transfers made."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from core.clock import beijing
from core.errors import UsageError
from ledger.supervision import proposals, release, supervise
from ledger.words import TRANSFER_TO
from store import audit
from store.ledger import Entry, EntryRow, list_entries, rows_of_action
from store.registry import find_entry as find_firm
from store.supervisions import Supervision, find_supervision, list_supervisions
from web.access import ROLE_NAMES
from web.history import people
from web.names import firm_names
from web.views.ledger import WORDS, day_of, once_of
from web.visit import Here, Posted, Refused, Visit, redirect

router = APIRouter(include_in_schema=False)
SHOWN = timedelta(days=365)
MOST_ROWS = 100


@dataclass(frozen=True)
class Typed:
    """The form as typed. subject: territory:<code> or firm:<id>."""

    subject: str = ""
    title: str = ""
    document: str = ""
    began_on: str = ""
    due_on: str = ""
    terms: str = "附表所列隐患全部销号，并经回头看未再现"


@router.get("/ledger/supervised")
def show_supervised(visit: Here, subject: str = "", said: str = "") -> Response:
    """The list, with a form that is filled where a proposal was followed."""
    words = {"added": "已挂牌督办，附表各项的经过已记。", "ended": "已解除督办。"}
    typed = Typed(subject=subject[:120], began_on=beijing(visit.now).date().isoformat())
    with visit.services.store.read() as db:
        return _page(db, visit, typed, said=words.get(said, ""))


@router.post("/ledger/supervised")
def list_one(visit: Here, form: Posted) -> Response:
    """List a territory or firm: a person decides, with the number of the notice."""
    _may(visit)
    typed, once = (
        Typed(**{name: str(form.get(name, "")).strip()[:500] for name in Typed.__dataclass_fields__}),
        once_of(form),
    )
    try:
        with visit.services.store.write() as db:
            made = supervise(db, _draft(db, visit, typed), once=once)
            audit.note(
                db, visit.me.name, "supervise", made.id, at=visit.services.clock(), details={"reason": made.title}
            )
    except UsageError as problem:
        with visit.services.store.read() as db:
            return _page(db, visit, typed, wrong=str(problem), status=400)
    return redirect("/ledger/supervised?said=added")


@router.post("/ledger/supervised/{number}/end")
def end_one(visit: Here, form: Posted, number: str) -> Response:
    """Take one off the list, with the ground."""
    _may(visit)
    try:
        with visit.services.store.write() as db:
            one = find_supervision(db, number)
            if one is None or not visit.me.sees_code(one.territory):
                raise Refused(404, f"没有督办 {number[:20]}，或不在您的属地之内。")
            why, on = str(form.get("why", "")).strip()[:500], day_of(str(form.get("on", "")), "解除日期")
            release(db, one, on=on, by=visit.me.name, why=why, now=visit.now)
            audit.note(db, visit.me.name, "supervise_end", one.id, at=visit.services.clock(), details={"why": why})
    except UsageError as problem:
        raise Refused(409, f"没有解除：{problem}。") from problem
    return redirect("/ledger/supervised?said=ended")


def _may(visit: Visit) -> None:
    if not visit.me.may("ledger_supervise"):
        raise Refused(403, f"挂牌督办由{ROLE_NAMES['supervisor']}及以上角色登记。")


def _draft(db: Connection, visit: Visit, typed: Typed) -> Supervision:
    """Raises UsageError."""
    kind, _, subject = typed.subject.partition(":")
    regions = visit.services.lexicon.regions
    mine = [entry for entry in list_entries(db) if entry.open and visit.me.sees_entry(entry)]
    if kind == "territory" and subject in regions and visit.me.sees_code(subject):
        territory = subject
        about = [one for one in mine if regions.is_within(subject, one.unit or one.territory)]
    elif kind == "firm" and any(one.firm == subject for one in mine):
        known = find_firm(db, subject)
        about = [one for one in mine if one.firm == subject]
        territory = known.region_code if known and visit.me.sees_code(known.region_code) else about[0].territory
    else:
        raise UsageError("督办对象须在列表中选定")
    return Supervision(
        id="", kind=kind, subject=subject, territory=territory, title=typed.title, document=typed.document,
        began_on=day_of(typed.began_on, "督办日期"), due_on=day_of(typed.due_on, "责任时限"), terms=typed.terms,
        entries=tuple(one.id for one in about), author=visit.me.name, created_at=visit.now,
    )  # fmt: skip


def _page(
    db: Connection, visit: Visit, typed: Typed, *, wrong: str = "", said: str = "", status: int = 200
) -> Response:
    regions, today = visit.services.lexicon.regions, beijing(visit.now).date()
    entries = {entry.id: entry for entry in list_entries(db) if visit.me.sees_entry(entry)}
    listed = [one for one in list_supervisions(db) if visit.me.sees_code(one.territory)]
    offered = proposals(
        entries.values(), today, least=visit.services.ledger.supervise.overdue, listed=listed,
        place_of=lambda code: regions.prefecture_of(code) or code,
    )  # fmt: skip
    open_ones = [entry for entry in entries.values() if entry.open]
    firms = firm_names(db, [entry.firm for entry in entries.values()] + [one.subject for one in listed])
    return visit.page(
        "ledger_supervised.html", status=status, typed=typed, wrong=wrong, said=said, listed=listed, entries=entries,
        offered=[one for one in offered if one.kind == "firm" or visit.me.sees_code(one.subject)], firms=firms,
        subjects=_subjects(visit, open_ones, firms), talks=_rows(db, visit, "talk", entries), today=today,
        transfers=_rows(db, visit, "transfer", entries), people=people(db),
        least=visit.services.ledger.supervise.overdue, TRANSFER_TO=TRANSFER_TO, **WORDS,
    )  # fmt: skip


def _rows(db: Connection, visit: Visit, action: str, entries: Mapping[str, Entry]) -> list[EntryRow]:
    """The talks or transfers of the last year, newest first."""
    found = rows_of_action(db, action, since=visit.now - SHOWN)
    return [row for row in reversed(found) if row.entry in entries][:MOST_ROWS]


def _subjects(visit: Visit, entries: list[Entry], firms: Mapping[str, str]) -> dict[str, str]:
    """Whom one can list: the territories and firms with open entries."""
    regions = visit.services.lexicon.regions
    codes: dict[str, None] = {}
    for entry in entries:
        for code in regions.chain(entry.unit or entry.territory):
            if code != regions.home and visit.me.sees_code(code):
                codes[code] = None
    found: dict[str, Any] = {f"territory:{code}": regions.name_of(code) for code in sorted(codes)}
    return found | {f"firm:{entry.firm}": firms[entry.firm] for entry in entries if entry.firm}
