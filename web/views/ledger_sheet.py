"""The ledger as xlsx: out as the list shows it, in with a preview before anything is written."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from core.clock import beijing
from core.errors import UsageError
from ledger import proofs
from ledger.book import Deed
from ledger.imports import Importer, Planned
from ledger.steps import act, add, check_draft
from ledger.words import FIELD_WORDS
from store import audit
from store.alert_log import find_alert
from store.database import part_of
from store.ledger import Entry, list_entries, rows_of_all
from store.ledger_list import has
from store.supervisions import supervised_entries
from web import spotcheck_sheet
from web.access import ROLE_NAMES
from web.history import actor_name, people
from web.ledger_list import VIEWS, Shelf, lines_of, read_asked
from web.ledger_sheet import Labels, read, write
from web.names import firm_names
from web.views.ledger import book_of, firm_of
from web.visit import Here, Refused, Uploaded, Visit, once_of, redirect

router = APIRouter(include_in_schema=False)
KINDS = {"new": "新增", "changed": "更新", "same": "无变化", "refused": "未收"}
WAITING = "imports"
KEPT_FOR = timedelta(days=1)


@router.get("/ledger/export.xlsx")
def export_ledger(visit: Here) -> Response:
    """The rows of the list's address, all pages."""
    asked = read_asked(visit.request.query_params)
    with visit.services.store.read() as db:
        listed = supervised_entries(db)
        shelf = Shelf(db, visit.me, visit.services.lexicon.regions, visit.now, listed)
        shown = shelf.rows(asked)
        rows = rows_of_all(db, [entry.id for entry in shown])
        lines = lines_of(db, shown, book_of(visit), shelf.today, listed)
        cells = [(one.entry, rows[one.entry.id], f"{one.have} / {one.need}", one.listed) for one in lines]
        labels = _labels(db, visit, shown)
    at = f"{beijing(visit.now):%Y-%m-%d %H:%M}"
    about = f"{visit.me.territory_name}，{VIEWS[asked.view]}，{len(shown)} 项，{at} 导出，内部使用"
    body = write(cells, labels, about=about)
    return _download(visit, body, "ledger", len(shown))


@router.get("/ledger/spotchecks.xlsx")
def export_spotchecks(visit: Here) -> Response:
    """The follow-up of failed spot checks among the rows of the list's address."""
    asked = read_asked(visit.request.query_params)
    with visit.services.store.read() as db:
        shelf = Shelf(db, visit.me, visit.services.lexicon.regions, visit.now, supervised_entries(db))
        shown = shelf.rows(asked, also=[has("origin", "spotcheck")])
        rows = rows_of_all(db, [entry.id for entry in shown])
        labels = _labels(db, visit, shown)
    at = f"{beijing(visit.now):%Y-%m-%d %H:%M}"
    about = f"{visit.me.territory_name}，{VIEWS[asked.view]}，{len(shown)} 项，{at} 导出，内部使用"
    body = spotcheck_sheet.write(
        [(entry, rows[entry.id]) for entry in shown], labels, rules=visit.services.ledger,
        is_workday=book_of(visit).is_workday, today=shelf.today, about=about,
    )  # fmt: skip
    return _download(visit, body, "spotchecks", len(shown))


def _download(visit: Visit, body: bytes, name: str, rows: int) -> Response:
    with visit.services.store.write() as db:
        told = {"rows": rows, "query": str(visit.request.url.query)[:300], "sheet": name}
        audit.note(db, visit.me.name, "export_ledger", "ledger", at=visit.services.clock(), details=told)
    file = f"{name}-{beijing(visit.now):%Y%m%d-%H%M}.xlsx"
    headers = {"Content-Disposition": f'attachment; filename="{file}"'}
    return Response(body, media_type=proofs.CONTENT["xlsx"], headers=headers)


def _labels(db: Connection, visit: Visit, shown: list[Entry]) -> Labels:
    names, who = visit.names, people(db)
    firms = firm_names(db, [entry.firm for entry in shown])
    numbers: dict[str, str] = {}
    for alert_id in {entry.alert for entry in shown if entry.alert}:
        alert = find_alert(db, alert_id)
        numbers[alert_id] = alert.number if alert and visit.me.sees_alert(alert) else ""
    return Labels(
        product=names.product, issue=names.issue, region=names.region, bureau=names.bureau,
        firm=lambda firm: firms.get(firm, ""), alert=lambda alert: numbers.get(alert or "", ""),
        person=lambda name: who.get(name, actor_name(name)),
    )  # fmt: skip


@router.get("/ledger/import")
def ask_for_file(visit: Here, said: str = "") -> Response:
    """The form."""
    _may(visit)
    return visit.page("ledger_import.html", plan=None, said=_said(said), **_EMPTY)


@router.post("/ledger/import")
async def preview_or_write(visit: Here, form: Uploaded) -> Response:
    """With a file: what it would do. With the hash of one that was previewed: do it."""
    given = form.get("file")
    body = await given.read() if isinstance(given, UploadFile) else None
    return await run_in_threadpool(_import, visit, form, body)


_EMPTY: dict[str, Any] = {"wrong": "", "counts": {}, "sha256": "", "key": "", "KINDS": KINDS, "FIELDS": FIELD_WORDS}


def _import(visit: Visit, form: FormData, body: bytes | None) -> Response:
    _may(visit)
    once, sha256 = once_of(form), str(form.get("sha256", ""))
    try:
        if body is None:
            return _write(visit, _waiting(visit, sha256), once)
        with visit.services.store.read() as db:
            plan = _plan(db, visit, body)
        kept = _keep(visit, body)
    except UsageError as problem:
        return visit.page("ledger_import.html", plan=None, said="", status=400, **{**_EMPTY, "wrong": str(problem)})
    counts = Counter(one.kind for one in plan)
    told = {**_EMPTY, "counts": counts, "sha256": kept, "key": once}
    return visit.page("ledger_import.html", plan=plan, said="", show=_shower(visit, plan), **told)


def _plan(db: Connection, visit: Visit, body: bytes) -> list[Planned]:
    me = visit.me

    def refuses(entry: Entry, changes: Mapping[str, Any]) -> str:
        if not me.may_step("amend", entry):
            return f"{entry.id} 由{visit.names.bureau(entry.unit or entry.territory)}承办，只能查看"
        if "level" in changes and not me.may("level"):
            return f"调级由{ROLE_NAMES['supervisor']}及以上角色操作"
        return ""

    book, today = book_of(visit), beijing(visit.now).date()

    def check(draft: Entry, due_on: date | None) -> None:
        check_draft(book, draft, today, due_on=due_on)

    entries = [entry for entry in list_entries(db) if me.sees_entry(entry)]
    reader = Importer(visit.services.lexicon, entries, me.sees_code, lambda name: firm_of(db, name), refuses, check)
    return reader.plan(read(body), visit.now)


def _write(visit: Visit, path: Path, once: str) -> Response:
    """All rows that are not refused, in one transaction; planned again, since others may have been faster."""
    body, counts, book = path.read_bytes(), Counter[str](), book_of(visit)
    with visit.services.store.write() as db:
        for one in _plan(db, visit, body):
            deed = Deed(
                visit.me.name, visit.now, f"{once}:{one.line}", territory=visit.me.user.territory, note="表格导入",
                typed={"changes": one.changes},
            )  # fmt: skip
            try:
                with part_of(db):
                    if one.kind == "new" and one.draft is not None:
                        add(book, db, one.draft, deed, due_on=one.due_on)
                    elif one.kind == "changed":
                        act(book, db, one.entry, "amend", deed)
                counts[one.kind] += 1
            except UsageError:
                counts["refused"] += 1
        audit.note(db, visit.me.name, "import_ledger", "ledger", at=visit.services.clock(), details=dict(counts))
    path.unlink(missing_ok=True)
    return redirect(f"/ledger/import?said={counts['new']}-{counts['changed']}-{counts['same']}-{counts['refused']}")


def _said(outcome: str) -> str:
    parts = outcome.split("-")
    if len(parts) != 4 or not all(part.isdecimal() and len(part) < 6 for part in parts):
        return ""
    return "，".join(f"{word} {int(part)} 行" for word, part in zip(KINDS.values(), parts, strict=True)) + "。"


def _may(visit: Visit) -> None:
    if not visit.me.may("ledger_import"):
        raise Refused(403, f"导入台账由{ROLE_NAMES['officer']}及以上角色操作。")


def _keep(visit: Visit, body: bytes) -> str:
    """Put a previewed file aside until it is confirmed, at most a day."""
    folder = visit.services.settings.data_dir / WAITING
    folder.mkdir(parents=True, exist_ok=True)
    too_old = (visit.services.clock() - KEPT_FOR).timestamp()
    for path in folder.iterdir():
        if path.stat().st_mtime < too_old:
            path.unlink(missing_ok=True)
    sha256 = hashlib.sha256(body).hexdigest()
    (folder / sha256).write_bytes(body)
    return sha256


def _waiting(visit: Visit, sha256: str) -> Path:
    """Raises UsageError where the file is no longer there."""
    path = visit.services.settings.data_dir / WAITING / sha256
    if len(sha256) != 64 or not sha256.isalnum() or not path.is_file():
        raise UsageError("待导入的表格已过期或已导入，请重新选择文件")
    return path


def _shower(visit: Visit, plan: list[Planned]) -> Callable[[str, Any], str]:
    """How a changed value is written."""
    with visit.services.store.read() as db:
        firms = firm_names(db, [str(one.changes.get("firm", "")) for one in plan])

    words: dict[str, Callable[[Any], str]] = {
        "level": lambda level: f"{visit.names.level(level)}色",
        "product": visit.names.product,
        "issue": visit.names.issue,
        "territory": visit.names.region,
        "firm": lambda firm: firms.get(firm, ""),
    }
    return lambda name, value: words.get(name, str)(value)
