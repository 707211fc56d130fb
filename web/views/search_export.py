"""Every hit of a search as a file: CSV, JSON lines or XLSX, page by page, logged. The index holds masked text only."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from tempfile import SpooledTemporaryFile
from typing import IO, Literal

from fastapi import APIRouter
from openpyxl import Workbook
from starlette.responses import Response, StreamingResponse

from core.clock import beijing
from core.errors import SearchUnavailable
from core.records import LEVEL_NAMES
from search.backend import SearchBackend, SearchRequest, SearchResult, Sort
from search.query import QueryError
from store import audit
from web.names import firm_names
from web.search_state import build_request, read_asked, the_index
from web.visit import Here, Refused, Visit

router = APIRouter(include_in_schema=False)
Format = Literal["csv", "jsonl", "xlsx"]
TYPES: dict[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
COLUMNS = ("时间", "级别", "来源类别", "来源", "产品", "企业", "风险问题", "属地", "标题", "网址", "编号")
PAGE = 1000  # hits asked for at a time
MOST_ROWS = 1_048_575  # of a sheet, below its header
_IN_MEMORY = 8_000_000  # bytes of a workbook
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Row = tuple[str, ...]


@router.get("/search/export")
def export_search(visit: Here, format: Format = "csv") -> Response:
    """The hits of the search page's address, all of them; by time where the page sorts by relevance."""
    asked = read_asked(visit)
    try:
        request, _ = build_request(visit, asked)
        backend = the_index(visit)
        sort = Sort.NEWEST if request.sort is Sort.RELEVANCE else request.sort
        request = replace(request, size=PAGE, offset=0, sort=sort, facets={}, histogram=False)
        first = backend.search(request)
    except QueryError as problem:
        raise Refused(400, f"第 {problem.column} 字：{problem.message}") from problem
    except SearchUnavailable as problem:
        raise Refused(503, f"检索现在不可用：{problem}") from problem
    if format == "xlsx" and first.total > MOST_ROWS:
        raise Refused(400, f"共 {first.total} 条，一张 XLSX 最多 {MOST_ROWS} 条；请用 CSV 或缩小范围。")
    now = visit.services.clock()
    with visit.services.store.write() as db:
        details = {"query": asked.text, "hits": first.total, "format": format, "from": asked.window.name}
        audit.note(db, visit.me.name, "export_search", asked.text[:200], at=now, details=details)
    rows = _rows(visit, backend, request, first)
    name = f"signals-{beijing(now):%Y%m%d-%H%M}.{format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Total-Count": str(first.total)}
    return StreamingResponse(WRITERS[format](rows), media_type=TYPES[format], headers=headers)


def _rows(visit: Visit, backend: SearchBackend, request: SearchRequest, first: SearchResult) -> Iterator[Row]:
    """The hits as rows, in the order of the page; signals that arrive meanwhile shift nothing."""
    page = first
    while True:
        yield from _named(visit, page)
        if page.next is None:
            return
        page = backend.search(replace(request, after=page.next))


def _named(visit: Visit, page: SearchResult) -> Iterator[Row]:
    names = visit.names
    with visit.services.store.read() as db:
        firms = firm_names(db, (firm for hit in page.hits for firm in hit.fields["enterprises"]))
    for hit in page.hits:
        fields = hit.fields
        yield (
            f"{beijing(fields['event_time']):%Y-%m-%d %H:%M}",
            LEVEL_NAMES[fields["level"]],
            names.kind(fields["kind"]),
            names.source(fields["source"]),
            "；".join(map(names.product, fields["products"])),
            "；".join(firms[firm] for firm in fields["enterprises"]),
            "；".join(map(names.issue, fields["issues"])),
            "；".join(names.region(code) for code in fields["territory"][-1:]),
            hit.title.text,
            fields["url"],
            hit.id,
        )


def _plain(row: Sequence[str]) -> list[str]:
    """Cells that no spreadsheet takes for a formula: the text comes from outside."""
    return [f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in row]


def _csv(rows: Iterator[Row]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")  # spreadsheets read it as UTF-8
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow(_plain(row))
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _jsonl(rows: Iterator[Row]) -> Iterator[str]:
    for row in rows:
        yield json.dumps(dict(zip(COLUMNS, row, strict=True)), ensure_ascii=False) + "\n"


def _xlsx(rows: Iterator[Row]) -> Iterator[bytes]:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("信号")
    sheet.append(COLUMNS)
    for row in rows:
        sheet.append([_printable(cell) for cell in _plain(row)])
    file: IO[bytes]
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        book.save(file)
        file.seek(0)
        while piece := file.read(65_536):
            yield piece


def _printable(cell: str) -> str:
    """Without the control characters that a workbook cannot hold."""
    return "".join(char for char in cell if char >= " " or char in "\n\t")


WRITERS: Mapping[str, Callable[[Iterator[Row]], Iterator[str] | Iterator[bytes]]] = {
    "csv": _csv, "jsonl": _jsonl, "xlsx": _xlsx,
}  # fmt: skip
