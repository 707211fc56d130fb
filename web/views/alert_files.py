"""Files beside an alert: taken, listed and handed out as the ledger's proofs are."""

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import Response

from core.errors import UsageError
from ledger import proofs
from store import alert_log
from store.alerts_at_hand import AlertFile, add_file, files_of
from store.ledger import Proof
from web.kept_files import download
from web.views.actions import MOST_NOTE, allowed, note_act, refused
from web.views.alert import open_alert
from web.visit import Here, Refused, Uploaded, Visit, once_of, redirect

router = APIRouter(include_in_schema=False)
MOST_FILES = 50


@router.get("/alerts/{alert_id}/files/{number}")
def hand_out(visit: Here, alert_id: str, number: int) -> Response:
    """A file, as a download: never shown inside a page of ours."""
    with visit.services.store.read() as db:
        alert = open_alert(db, visit, alert_id)
        found = next((one for one in files_of(db, alert.id) if one.number == number), None)
    if found is None:
        raise Refused(404, f"{alert.number} 没有这份文件。")
    kept = Proof(alert.id, number, "other", found.name, found.type, found.sha256, found.size)
    return download(visit, kept, alert.number)


@router.post("/alerts/{alert_id}/file")
async def upload(visit: Here, form: Uploaded, alert_id: str) -> Response:
    """Take a file."""
    given = form.get("file")
    name, body = (given.filename or "", await given.read()) if isinstance(given, UploadFile) else ("", b"")
    note = str(form.get("note", "")).strip()[:MOST_NOTE]
    return await run_in_threadpool(_take, visit, alert_id, once_of(form), note, name, body)


def _take(visit: Visit, alert_id: str, once: str, note: str, name: str, body: bytes) -> Response:
    act, services = allowed(visit, "file"), visit.services
    try:
        with services.store.read() as db:
            open_alert(db, visit, alert_id)
        kept = proofs.keep(services.settings.data_dir, "other", name, body, services.ledger.proofs)
        with services.store.write() as db:
            alert = open_alert(db, visit, alert_id)
            done = alert_log.history_row_of_form(db, once)
            if done is not None:
                return redirect(f"/alerts/{alert.id}?did={done}")
            held = files_of(db, alert.id)
            same = next((one for one in held if one.sha256 == kept.sha256), None)
            if same is not None:
                raise UsageError(f"内容相同的文件已在：{same.name}")
            if len(held) >= MOST_FILES:
                raise UsageError(f"一条预警至多附 {MOST_FILES} 份文件")
            words = "：".join(filter(None, (kept.name, note)))
            act(db, alert.id, "file", actor=visit.me.name, note=words, now=visit.now, once=once)
            number = alert_log.history_row_of_form(db, once) or 0
            add_file(db, AlertFile(alert.id, number, kept.name, kept.type, kept.sha256, kept.size))
            note_act(db, visit, alert, "file")
    except UsageError as problem:
        return refused(visit, alert_id, problem, typed=note)
    return redirect(f"/alerts/{alert.id}?did={number}")
