"""One ledger entry: what is missing for its close-out, its files and history, the forms of its steps."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from core.clock import beijing
from core.errors import UsageError
from ledger import proofs
from ledger.book import Deed
from ledger.clocks import due_words
from ledger.conditions import standing_proofs
from ledger.demands import extension_of, received
from ledger.quiet import last_new_signal
from ledger.steps import act
from ledger.undoing import undo, undoable
from ledger.words import ACTION_WORDS, FIELD_WORDS, MOMENTS, PROOF_KINDS, RETESTS, TRANSFER_TO, reason_word
from store.alert_log import delivery_log, find_alert
from store.documents import find_signals
from store.ledger import Entry, EntryRow, Proof, find_entry, proofs_of, row_of_form, rows_of, standing_rows
from store.supervisions import supervised_entries
from web.access import MAY, ROLE_NAMES
from web.history import people
from web.kept_files import download
from web.ledger_forms import FORMS, offered
from web.ledger_laws import readings
from web.names import DELIVERY_STATES, firm_names
from web.views.ledger import WORDS, book_of, note_act
from web.visit import Here, Posted, Refused, Uploaded, Visit, once_of, redirect

router = APIRouter(include_in_schema=False)
STEPS_BY_FORM = "|".join(name for name in FORMS if name != "proof")
MOST_NOTE, MOST_FIELD, MOST_SENT = 2000, 300, 20
SPOT_WORDS = {field.name: field.label for field in FORMS["spotcheck"].fields}


def open_entry(db: Connection, visit: Visit, entry_id: str) -> Entry:
    """The entry, if this viewer may see it: one that is hidden answers as if it were not there."""
    entry = find_entry(db, entry_id)
    if entry is None or not visit.me.sees_entry(entry):
        raise Refused(404, f"台账中没有 {entry_id[:20]}，或不在您的属地之内。")
    return entry


@router.get("/ledger/{entry_id}")
def show_entry(visit: Here, entry_id: str, did: int = 0) -> Response:
    """The whole page."""
    with visit.services.store.read() as db:
        return _page(db, visit, open_entry(db, visit, entry_id), did=did)


@router.get("/ledger/{entry_id}/proofs/{number}")
def hand_out(visit: Here, entry_id: str, number: int) -> Response:
    """A file, as a download: never shown inside a page of ours."""
    with visit.services.store.read() as db:
        entry = open_entry(db, visit, entry_id)
        found = next((one for one in proofs_of(db, entry.id) if one.number == number), None)
    if found is None:
        raise Refused(404, f"{entry.id} 没有这份材料。")
    return download(visit, found, entry.id)


@router.post("/ledger/{entry_id}/proof")
async def upload(visit: Here, form: Uploaded, entry_id: str) -> Response:
    """Take a file for a condition."""
    return await run_in_threadpool(_take, visit, form, entry_id, "proof", await _file_of(form))


@router.post("/ledger/{entry_id}/undo")
def take_back(visit: Here, form: Posted, entry_id: str) -> Response:
    """Take the own last step back, while nothing followed it."""
    once, number = once_of(form), str(form.get("of", ""))
    try:
        with visit.services.store.write() as db:
            entry = open_entry(db, visit, entry_id)
            _may(visit, entry, "undo")
            deed = Deed(visit.me.name, visit.now, once, territory=visit.me.user.territory)
            new = row_of_form(db, once) is None
            undo(db, entry.id, int(number) if number.isdecimal() and len(number) < 9 else 0, deed)
            if new:
                note_act(db, visit, entry.id, "undo")
    except UsageError as problem:
        with visit.services.store.read() as db:
            entry = open_entry(db, visit, entry_id)
            return _page(db, visit, entry, refused=f"本次操作未生效：{problem}", status=409)
    return redirect(f"/ledger/{entry.id}")


@router.post("/ledger/{entry_id}/{action}")
def take_step(
    visit: Here, form: Posted, entry_id: str, action: Annotated[str, Path(pattern=f"^({STEPS_BY_FORM})$")]
) -> Response:
    """Take one step. Refused: the page again with the reason, and what was typed."""
    return _take(visit, form, entry_id, action, None)


async def _file_of(form: FormData) -> tuple[str, bytes]:
    given = form.get("file")
    return (given.filename or "", await given.read()) if isinstance(given, UploadFile) else ("", b"")


def _take(visit: Visit, form: FormData, entry_id: str, action: str, file: tuple[str, bytes] | None) -> Response:
    once, typed = once_of(form), _typed(form)
    try:
        with visit.services.store.read() as db:
            entry = open_entry(db, visit, entry_id)
            if row_of_form(db, once) is not None:  # a double click; the entry may be another office's by now
                return redirect(f"/ledger/{entry.id}")
            _may(visit, entry, action)
        proof = _kept(visit, typed, file) if file else None
        with visit.services.store.write() as db:
            entry = open_entry(db, visit, entry_id)
            _may(visit, entry, action)
            new = row_of_form(db, once) is None
            if new and action == "dispatch" and typed["unit"] not in _units(visit, entry):
                raise UsageError("承办单位须在列表中选定")
            deed = Deed(
                visit.me.name, visit.now, once, territory=visit.me.user.territory,
                called=visit.me.user.display_name, note=typed.pop("note"),
                reason=typed.pop("reason"), typed=typed, proof=proof,
            )  # fmt: skip
            act(book_of(visit), db, entry.id, action, deed)
            if new:
                note_act(db, visit, entry.id, action)
            number = rows_of(db, entry.id)[-1].number
    except UsageError as problem:
        with visit.services.store.read() as db:
            entry = open_entry(db, visit, entry_id)
            told = f"本次操作未生效：{problem}"
            return _page(db, visit, entry, refused=told, typed=_typed(form), action=action, status=409)
    return redirect(f"/ledger/{entry.id}?did={number}")


def _may(visit: Visit, entry: Entry, action: str) -> None:
    if visit.me.may_step(action, entry):
        return
    if visit.me.may(f"ledger_{action}"):
        unit = visit.names.bureau(entry.unit or entry.territory)
        raise Refused(403, f"{entry.id} 由{unit}承办，“{ACTION_WORDS[action]}”由承办单位及其上级操作。")
    raise Refused(403, f"“{ACTION_WORDS[action]}”由{ROLE_NAMES[MAY[f'ledger_{action}']]}及以上角色操作。")


def _typed(form: FormData) -> dict[str, Any]:
    """What the form holds, cut to size; a list where several may be marked."""
    names = {field.name for one in FORMS.values() for field in one.fields if field.kind not in ("file", "checks")}
    found: dict[str, Any] = {name: str(form.get(name, "")).strip()[:MOST_FIELD] for name in names}
    found |= {"note": str(form.get("note", "")).strip()[:MOST_NOTE], "reason": str(form.get("reason", ""))[:40]}
    return found | {"refused": [str(value)[:40] for value in form.getlist("refused")][:20]}


def _kept(visit: Visit, typed: Mapping[str, Any], file: tuple[str, bytes]) -> Proof:
    if typed["kind"] not in PROOF_KINDS:
        raise UsageError("材料种类须选定")
    name, body = file
    return proofs.keep(visit.services.settings.data_dir, typed["kind"], name, body, visit.services.ledger.proofs)


def _units(visit: Visit, entry: Entry) -> dict[str, str]:
    """To whom it can be dispatched: where it lies and what is above, then the others of that prefecture."""
    regions = visit.services.lexicon.regions
    near = [code for code in regions.chain(entry.territory) if regions.is_within(regions.home, code)]
    prefecture = regions.prefecture_of(entry.territory)
    beside = regions.children.get(prefecture, ()) if prefecture else ()
    codes = [code for code in dict.fromkeys((*near, *beside)) if visit.me.sees_code(code) and code != entry.unit]
    return {code: visit.names.bureau(code) for code in codes}


def _page(
    db: Connection, visit: Visit, entry: Entry, *, did: int = 0, refused: str = "", typed: dict[str, Any] | None = None,
    action: str = "", status: int = 200,
) -> Response:  # fmt: skip
    history, files, book = rows_of(db, entry.id), proofs_of(db, entry.id), book_of(visit)
    rows = standing_rows(history)
    today = beijing(visit.now).date()
    main, others = offered(entry, rows, visit.me)
    last = history[-1]
    back = undoable(history, visit.me.name) if visit.me.may_step("undo", entry) else None
    done = last.number == did and last.actor == visit.me.name and not refused
    told = f"已{ACTION_WORDS[last.action]} {entry.id}"
    alert = find_alert(db, entry.alert) if entry.alert else None
    due, due_state = due_words(entry.due_on, today) if entry.open else ("", "")
    step_due = due_words(entry.step_due_on, today) if entry.open and entry.step_due_on else None
    conditions = book.conditions(db, entry, today)
    return visit.page(
        "ledger_entry.html", status=status, entry=entry, rows=history, files=files, main=main, others=others,
        conditions=conditions, lacking=sum(not one.met for one in conditions), today=today, due=due,
        due_state=due_state, step_due=step_due, step_word=_step_word(entry, received(entry, rows)),
        standing={one.number for one in standing_proofs(rows, files)}, extension=extension_of(rows),
        signal=last_new_signal(db, entry), units=_units(visit, entry), firms=firm_names(db, [entry.firm]),
        alert=alert if alert and visit.me.sees_alert(alert) else None, people=people(db), typed=typed or {},
        wrong=refused, action=action, said=refused or (told if done and not back else ""),
        done=told if done and back else "", back=back, undone={row.undoes for row in history},
        listed=entry.id in supervised_entries(db), sent=delivery_log(db, entry=entry.id, limit=MOST_SENT),
        DELIVERY_STATES=DELIVERY_STATES, woken_by=_titles(db, history), laws=readings(entry, rows, visit.services.laws),
        may_law=entry.open and visit.me.may_step("law", entry), SPOT=SPOT_WORDS, RETESTS=RETESTS,
        ACTIONS=ACTION_WORDS, PROOF_KINDS=PROOF_KINDS, TRANSFER_TO=TRANSFER_TO,
        moments=MOMENTS,
        why=reason_word, FIELDS=FIELD_WORDS, most=visit.services.ledger.proofs, day=_day_words, **WORDS,
    )  # fmt: skip


def _titles(db: Connection, rows: list[EntryRow]) -> dict[str, str]:
    """The titles of the signals that opened it again."""
    wanted = [row.details["document"] for row in rows if row.action == "reopen" and row.details.get("document")]
    return {one.document.id: one.document.title for one in find_signals(db, wanted)}


def _step_word(entry: Entry, taken: bool) -> str:
    if entry.unit and not taken:
        return "签收"
    return "审核" if entry.state.value == "to_close" else "核查"


def _day_words(text: str) -> str:
    """2026-11-23 as it stands; what is no day is left out."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""
