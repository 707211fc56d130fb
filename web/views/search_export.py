"""Every hit of a search as a file: CSV, JSON lines or XLSX, page by page, logged. The index holds masked text only."""

import csv
import io
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from tempfile import SpooledTemporaryFile
from typing import Any, Literal

from fastapi import APIRouter
from openpyxl import Workbook
from starlette.responses import Response, StreamingResponse

from core.clock import beijing
from core.errors import FengsuiError, SearchUnavailable
from core.logs import log_event
from core.records import LEVEL_NAMES
from core.spreadsheet import safe, workbook_text
from nlp.privacy import mask
from search.backend import SearchBackend, SearchRequest, SearchResult, Sort
from search.query import QueryError
from store import audit
from web.names import firm_names
from web.search_state import LABELS, PARAMETERS, Asked, build_request, read_asked, the_index, value_word
from web.visit import Here, Refused, Visit

router = APIRouter(include_in_schema=False)
logger = logging.getLogger(__name__)
Format = Literal["csv", "jsonl", "xlsx"]
TYPES: dict[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
USUAL = ("time", "level", "kind", "source", "product", "firm", "issue", "territory", "title", "url", "id")
PAGE = 1000  # hits asked for at a time
MOST_ROWS = 1_048_575  # of a sheet, below its header
BROKEN = "导出中断"
_IN_MEMORY = 8_000_000  # bytes of a workbook
_PIECE = 65_536

Row = tuple[str, ...]


class Broken(FengsuiError):
    """The index stopped answering in the middle. The sentence is for the file's last line."""


@router.get("/search/export")
def export_search(visit: Here, format: Format = "csv") -> Response:
    """The hits of the search page's address, all of them, in its columns; by time where it sorts by relevance.

    A file that breaks off says so in its last line, and the connection breaks off with it.
    """
    asked = replace(read_asked(visit), page=1, after=None)
    columns = asked.columns or USUAL
    try:
        request, _ = build_request(visit, asked)
        backend = the_index(visit)
        sort = Sort.NEWEST if request.sort is Sort.RELEVANCE else request.sort
        request = replace(request, size=PAGE, sort=sort, facets={}, histogram=False, split=None)
        first = backend.search(request)
    except QueryError as problem:
        raise Refused(400, f"第 {problem.column} 字：{problem.message}") from problem
    except SearchUnavailable as problem:
        raise Refused(503, f"检索现在不可用：{problem}") from problem
    if format == "xlsx" and first.total > MOST_ROWS:
        raise Refused(400, f"共 {first.total} 条，一张 XLSX 最多 {MOST_ROWS} 条；请用 CSV 或缩小范围。")
    now = visit.services.clock()
    _note(visit, "export_search", asked, {"hits": first.total, "format": format, "columns": list(columns)})
    rows = _rows(visit, asked, backend, request, first, columns)
    head = tuple(LABELS[name] for name in columns)
    name = f"signals-{beijing(now):%Y%m%d-%H%M}.{format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Total-Count": str(first.total)}
    body: Iterator[str] | Iterator[bytes]
    if format == "xlsx":  # a workbook is whole or none: it is written before the answer begins
        try:
            pieces = write_book(head, rows)
            body = chain([next(pieces)], pieces)
        except Broken as problem:
            raise Refused(503, f"{problem}。请稍后再试，或用 CSV。") from problem
    else:
        body = _in_pieces(WRITERS[format](head, rows))
    return StreamingResponse(body, media_type=TYPES[format], headers=headers)


def _note(visit: Visit, action: str, asked: Asked, more: Mapping[str, Any]) -> None:
    text = mask(asked.text)  # the log is never changed: what somebody searched for a person by would stay for ever
    details = {"query": text, "from": asked.window.name, "address": mask(asked.address)[:2000], **more}
    with visit.services.store.write() as db:
        audit.note(db, visit.me.name, action, text[:200], at=visit.services.clock(), details=details)


def _rows(
    visit: Visit,
    asked: Asked,
    backend: SearchBackend,
    request: SearchRequest,
    first: SearchResult,
    columns: Sequence[str],
) -> Iterator[Row]:
    """The hits as rows, in the order of the page; signals that arrive meanwhile shift nothing. Raises Broken."""
    page, written = first, 0
    try:
        while True:
            yield from named_rows(visit, page, columns)
            written += len(page.hits)
            if page.next is None:
                return
            page = backend.search(replace(request, after=page.next))
    except FengsuiError as problem:
        log_event(logger, "export_broken", level=logging.ERROR, written=written, total=first.total, error=str(problem))
        _note(visit, "export_broken", asked, {"written": written, "hits": first.total})
        sentence = f"{BROKEN}：共 {first.total} 条，只导出了前 {written} 条（{problem}）"
        raise Broken(sentence) from problem


def named_rows(visit: Visit, page: SearchResult, columns: Sequence[str]) -> Iterator[Row]:
    """The hits of one page in words."""
    firms: Mapping[str, str] = {}
    if "firm" in columns:
        with visit.services.store.read() as db:
            firms = firm_names(db, (firm for hit in page.hits for firm in hit.fields["enterprises"]))
    for hit in page.hits:
        yield tuple(_cell(visit, name, hit.fields.get(PARAMETERS[name].name), firms) for name in columns)


def _cell(visit: Visit, name: str, value: Any, firms: Mapping[str, str]) -> str:
    """One cell: several values by ；, of a place the narrowest only."""
    if value in (None, ""):
        return ""
    if isinstance(value, datetime):
        return f"{beijing(value):%Y-%m-%d %H:%M}"
    if name in ("title", "body", "url", "id"):
        return str(value)
    if name == "level":
        return LEVEL_NAMES[value]
    if isinstance(value, list):
        kept = value[-1:] if name == "territory" else value
        return "；".join(value_word(visit.names, name, each, firms) for each in kept)
    return value_word(visit.names, name, value, firms)


def write_csv(head: Sequence[str], rows: Iterator[Row]) -> Iterator[str]:
    """Lines as spreadsheets read them. Where `rows` breaks, the last line says so."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)

    def line(cells: Sequence[str]) -> str:
        writer.writerow(cells)
        text = buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        return text

    yield "\ufeff" + line(head)  # the mark by which spreadsheets know UTF-8
    try:
        for row in rows:
            yield line([str(safe(cell)) for cell in row])
    except Broken as problem:
        yield line([str(problem)])
        raise


def write_lines(head: Sequence[str], rows: Iterator[Row]) -> Iterator[str]:
    """JSON lines. Where `rows` breaks, the last line says so."""
    try:
        for row in rows:
            yield json.dumps(dict(zip(head, row, strict=True)), ensure_ascii=False) + "\n"
    except Broken as problem:
        yield json.dumps({BROKEN: str(problem)}, ensure_ascii=False) + "\n"
        raise


def _in_pieces(lines: Iterator[str]) -> Iterator[str]:
    """Lines in larger pieces; what is held goes out before a break does."""
    held: list[str] = []
    size = 0
    try:
        for line in lines:
            held.append(line)
            size += len(line)
            if size >= _PIECE:
                yield "".join(held)
                held, size = [], 0
    except Broken:
        yield "".join(held)
        raise
    yield "".join(held)


def write_book(head: Sequence[str], rows: Iterator[Row]) -> Iterator[bytes]:
    """A workbook; the first piece comes when all of it is written, row by row, so that memory stays flat."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("信号")
    sheet.append(list(head))
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        try:
            for row in rows:
                sheet.append([workbook_text(cell) for cell in row])
        finally:
            book.save(file)  # also after a break: only this takes the library's own temporary file away
        file.seek(0)
        while piece := file.read(_PIECE):
            yield piece


WRITERS: Mapping[str, Callable[[Sequence[str], Iterator[Row]], Iterator[str]]] = {
    "csv": write_csv, "jsonl": write_lines,
}  # fmt: skip
