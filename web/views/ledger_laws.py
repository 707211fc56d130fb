"""A person's word on which article applies to a ledger entry: confirmed or struck, with who and when."""

from fastapi import APIRouter
from starlette.responses import Response

from core.errors import UsageError
from ledger.book import Deed
from ledger.steps import act
from store.ledger import row_of_form, rows_of
from web.access import ROLE_NAMES
from web.views.ledger import book_of, note_act
from web.views.ledger_entry import open_entry
from web.visit import Here, Posted, Refused, once_of, redirect

router = APIRouter(include_in_schema=False)
MOST_LAW, MOST_NOTE = 100, 500


@router.post("/ledger/{entry_id}/law")
def say(visit: Here, form: Posted, entry_id: str) -> Response:
    """law: id of an article of laws.yml, or one in words that a person adds.  applies: yes | no."""
    once, text = once_of(form), " ".join(str(form.get("law", "")).split())
    try:
        if not 4 <= len(text) <= MOST_LAW and text not in {one.id for one in visit.services.laws}:
            raise UsageError(f"条款须写明法名和条号，4 至 {MOST_LAW} 字")
        with visit.services.store.write() as db:
            entry = open_entry(db, visit, entry_id)
            if not visit.me.may_step("law", entry):
                raise Refused(403, f"条款由承办单位及其上级的{ROLE_NAMES['officer']}确认。")
            title = next((one.title for one in visit.services.laws if one.id == text), text)
            deed = Deed(
                visit.me.name, visit.now, once, territory=visit.me.user.territory,
                note=str(form.get("note", "")).strip()[:MOST_NOTE],
                typed={"law": text, "title": title, "applies": str(form.get("applies", ""))},
            )  # fmt: skip
            new = row_of_form(db, once) is None
            act(book_of(visit), db, entry.id, "law", deed)
            if new:
                note_act(db, visit, entry.id, "law")
            number = rows_of(db, entry.id)[-1].number
    except UsageError as problem:
        raise Refused(409, f"没有登记：{problem}。") from problem
    return redirect(f"/ledger/{entry.id}?did={number}#laws")
