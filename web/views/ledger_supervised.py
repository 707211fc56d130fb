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
from store.ledger import EntryRow
from store.ledger_list import entries_by_id, has, open_by, open_ids, steps_of, within
from store.registry import find_entry as find_firm
from store.supervisions import Supervision, find_supervision, list_supervisions
from web.access import ROLE_NAMES, codes_within
from web.history import people
from web.names import firm_names
from web.views.ledger import WORDS, day_of
from web.visit import Here, Posted, Refused, Visit, once_of, redirect

router = APIRouter(include_in_schema=False)
SHOWN = timedelta(days=365)
MOST_ROWS = 100
SHOWN_ROWS = 50
MOST_FIRMS, MOST_LISTED = 200, 5000


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
    cut = visit.me.entries()
    if kind == "territory" and subject in regions and visit.me.sees_code(subject):
        territory = subject
        about = open_ids(db, [within(codes_within(regions, subject), by_unit=False), *cut])
    elif kind == "firm" and subject and (about := open_ids(db, [has("firm", subject), *cut])):
        known, first = find_firm(db, subject), entries_by_id(db, about[:1])[about[0]]
        territory = known.region_code if known and visit.me.sees_code(known.region_code) else first.territory
    else:
        raise UsageError("督办对象须在列表中选定")
    if len(about) > MOST_LISTED:
        raise UsageError(f"附表有 {len(about)} 项，一次至多 {MOST_LISTED} 项，请按下级属地或企业分别督办")
    return Supervision(
        id="", kind=kind, subject=subject, territory=territory, title=typed.title, document=typed.document,
        began_on=day_of(typed.began_on, "督办日期"), due_on=day_of(typed.due_on, "责任时限"), terms=typed.terms,
        entries=tuple(about), author=visit.me.name, created_at=visit.now,
    )  # fmt: skip


def _page(
    db: Connection, visit: Visit, typed: Typed, *, wrong: str = "", said: str = "", status: int = 200
) -> Response:
    regions, today, cut = visit.services.lexicon.regions, beijing(visit.now).date(), visit.me.entries()
    least = visit.services.ledger.supervise.overdue
    listed = [one for one in list_supervisions(db) if visit.me.sees_code(one.territory)]
    places = open_by(db, "territory", today, cut)
    late_firms = open_by(db, "firm", today, cut, least_over=least)
    offered = proposals(
        places, late_firms, least=least, listed=listed, place_of=lambda code: regions.prefecture_of(code) or code
    )
    talks, transfers = _rows(db, visit, "talk"), _rows(db, visit, "transfer")
    ids = {row.entry for row in (*talks, *transfers)} | {one for each in listed for one in each.entries[:SHOWN_ROWS]}
    entries = {one: entry for one, entry in entries_by_id(db, ids).items() if visit.me.sees_entry(entry)}
    ranked = [one.subject for one in open_by(db, "firm", today, cut, most=MOST_FIRMS)]
    kind, _, wanted = typed.subject.partition(":")
    if kind == "firm" and wanted not in ranked and open_ids(db, [has("firm", wanted), *cut]):
        ranked.append(wanted)
    firms = firm_names(db, [*ranked, *(one.subject for one in listed), *(one.subject for one in late_firms)])
    return visit.page(
        "ledger_supervised.html", status=status, typed=typed, wrong=wrong, said=said, listed=listed, entries=entries,
        offered=[one for one in offered if one.kind == "firm" or visit.me.sees_code(one.subject)], firms=firms,
        subjects=_subjects(visit, [one.subject for one in places], ranked, firms), today=today, people=people(db),
        talks=[row for row in talks if row.entry in entries],
        transfers=[row for row in transfers if row.entry in entries],
        least=least, shown=SHOWN_ROWS, TRANSFER_TO=TRANSFER_TO, **WORDS,
    )  # fmt: skip


def _rows(db: Connection, visit: Visit, action: str) -> list[EntryRow]:
    """The talks or transfers of the last year about what this viewer sees, newest first."""
    return steps_of(db, [action], visit.now - SHOWN, visit.me.entries(), most=MOST_ROWS)


def _subjects(visit: Visit, places: list[str], ranked: list[str], firms: Mapping[str, str]) -> dict[str, str]:
    """Whom one can list: the territories with open entries, and the firms that have the most."""
    regions = visit.services.lexicon.regions
    codes = {code for place in places for code in regions.chain(place)}
    mine = [code for code in sorted(codes) if code != regions.home and visit.me.sees_code(code)]
    found: dict[str, Any] = {f"territory:{code}": regions.name_of(code) for code in mine}
    return found | {f"firm:{firm}": firms[firm] for firm in ranked}
