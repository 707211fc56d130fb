"""Documents over the API: search, one with its reading, its revisions. Personal data is masked everywhere."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.datastructures import QueryParams

from core.errors import SearchUnavailable
from core.records import AttachedFile, Document, Signal
from facts.as_json import recall_json, spot_check_json
from facts.recalls import recall_of
from nlp.privacy import mask_said
from pipelines.shown import shown_text, shown_title
from search.backend import DEEPEST_OFFSET, SearchResult, Sort
from search.query import QueryError
from store.documents import files_of, revisions_of
from web.api_shapes import Masked, Moment, masked
from web.bearer import DocumentReader
from web.cursors import Cursor, a_moment, a_number, read_cursor, write_cursor
from web.document_facts import spot_check_rows
from web.search_state import PAGE_SIZE, SORTS, Asked, build_request, read_state, the_index
from web.views.documents import open_document
from web.visit import Refused, Visit

router = APIRouter(prefix="/api")
LAST_PAGE = DEEPEST_OFFSET // PAGE_SIZE
UNAVAILABLE = "检索现在不可用，稍后再试；其余接口不受影响。"
Revision = Annotated[int | None, Query(ge=1, le=1_000_000, description="the newest where it is not given")]


class HitOut(BaseModel):
    """A document found."""

    id: str
    title: Masked
    snippet: Masked
    source: str
    published: Moment
    level: int


class SearchOut(BaseModel):
    """A page of hits. next: hand in as `cursor` with the same parameters; it stays with what was stored by the first
    page, so nothing shifts."""

    total: int
    page: int
    hits: list[HitOut]
    facets: dict[str, dict[str, int]]
    next: str | None


class MentionOut(BaseModel):
    """A span of `text`, in code points."""

    start: int
    end: int
    text: str
    type: str
    id_or_norm: str | None
    negated: bool


class FileOut(BaseModel):
    """An attached file. problem: why it is not wholly read, for people."""

    url: str
    name: Masked
    kind: str
    size: int
    sha256: str
    chars: int
    tables: int
    problem: str


class RevisionOut(BaseModel):
    """A revision of a document."""

    revision: int
    published: Moment | None
    fetched_at: Moment
    stored_at: Moment
    content_hash: str
    archive_sha256: str | None


class RevisionsOut(BaseModel):
    """All of them, oldest first."""

    items: list[RevisionOut]


class DocumentOut(BaseModel):
    """A document with its reading."""

    id: str
    revision: int
    source: str
    kind: str
    url: str
    title: str
    text: str
    published: Moment | None
    fetched_at: Moment
    content_hash: str
    archive_sha256: str | None
    repost_of: str | None
    withdrawn_at: Moment | None
    is_risk: bool | None
    level: int | None
    mentions: list[MentionOut]
    fields: dict[str, str]
    recall: dict[str, Any] | None
    spot_checks: list[dict[str, Any]]
    files: list[FileOut]


@router.get("/search")
def search(
    visit: DocumentReader,
    q: Annotated[str, Query(description="the desk's query language", examples=["起火 and 级别>=2"])] = "",
    from_: Annotated[str, Query(alias="from", description="now-7d/d, 2026-11-01, all")] = "",
    to: str = "",
    by: Annotated[str, Query(description="order, as on the search page")] = "",
    cursor: Annotated[Cursor, Query()] = "",
) -> SearchOut:
    """Documents, 25 on a page. Also takes the filters of the search page (product=, firm=, territory=, not.kind=)."""
    try:
        asked = _asked(visit, cursor)
        at = asked.at or visit.services.clock()
        request, _ = build_request(visit, asked)
        result = the_index(visit).search(request)
    except QueryError as problem:
        raise Refused(400, f"第 {problem.column} 字：{problem.message}") from problem
    except SearchUnavailable as problem:
        raise Refused(503, UNAVAILABLE) from problem
    hits = [
        HitOut(
            id=hit.id, title=hit.title.text, snippet=hit.snippet.text, source=hit.fields["source"],
            published=hit.fields["event_time"], level=hit.fields["level"],
        )
        for hit in result.hits[:PAGE_SIZE]
    ]  # fmt: skip
    facets = {name: {str(value.value): value.count for value in values} for name, values in result.facets.items()}
    return SearchOut(total=result.total, page=asked.page, hits=hits, facets=facets, next=_next(asked, at, result))


def _asked(visit: Visit, cursor: str) -> Asked:
    """The search of the address, as of the moment of its first page."""
    place = read_cursor("search", cursor, a_number, a_number, a_moment)
    pairs = [(name, value) for name, value in visit.request.query_params.multi_items() if name != "cursor"]
    if place is None:
        return read_state(QueryParams(pairs), visit.now)
    page, after, at = place
    kept = [(name, value) for name, value in pairs if name not in ("page", "after", "at")]
    more = [("page", str(page)), ("at", at.isoformat()), *([("after", str(after - 1))] if after else [])]
    return read_state(QueryParams([*kept, *more]), visit.now)


def _next(asked: Asked, at: datetime, result: SearchResult) -> str | None:
    """Behind the last hit; by number where the order has no such place. 0 stands for no place."""
    if not result.hits or (asked.page - 1) * PAGE_SIZE + len(result.hits) >= result.total:
        return None
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)  # as the index counts
    if SORTS[asked.sort][1] is Sort.RELEVANCE or result.next is None or result.next < 0:
        return write_cursor("search", asked.page + 1, 0, at) if asked.page < LAST_PAGE else None
    return write_cursor("search", asked.page + 1, result.next + 1, at)


@router.get("/documents/{document_id}")
def one_document(visit: DocumentReader, document_id: str, rev: Revision = None) -> DocumentOut:
    """One document."""
    with visit.services.store.read() as db:
        document, signal = open_document(db, visit, document_id, rev)
        files = files_of(db, document)
    return _document_out(document, signal, files)


@router.get("/documents/{document_id}/revisions")
def revisions_of_document(visit: DocumentReader, document_id: str) -> RevisionsOut:
    """What was fetched of a document, each time it had changed; `rev` of the document shows one."""
    with visit.services.store.read() as db:
        open_document(db, visit, document_id, None)
        found = revisions_of(db, document_id)
    names = [name for name in RevisionOut.model_fields if name != "archive_sha256"]
    rows = [
        RevisionOut(
            **{name: getattr(each, name) for name in names},
            archive_sha256=each.archive.sha256 if each.archive else None,
        )
        for each in sorted(found, key=lambda each: each.revision)
    ]
    return RevisionsOut(items=rows)


def _document_out(document: Document, signal: Signal | None, files: tuple[AttachedFile, ...]) -> DocumentOut:
    recall = recall_of(document)
    analysis = signal.analysis if signal else None
    text = shown_text(document, analysis)
    names = ("id", "revision", "source", "kind", "url", "published", "fetched_at", "content_hash", "repost_of")
    spans = [
        MentionOut(
            start=span.start, end=span.end, text=text[span.start : span.end], type=span.type.value,
            id_or_norm=span.id_or_norm, negated=span.negated,
        )
        for span in (analysis.mentions if analysis else ())
    ]  # fmt: skip
    return DocumentOut(
        **{name: getattr(document, name) for name in names},
        title=shown_title(document, analysis),
        text=text,
        archive_sha256=document.archive.sha256 if document.archive else None,
        withdrawn_at=document.withdrawn_at,
        is_risk=analysis.is_risk if analysis else None,
        level=analysis.level if analysis else None,
        mentions=spans,
        fields={name: mask_said(value, name) for name, value in document.fields.items()},
        recall=masked(recall_json(recall)) if recall else None,
        spot_checks=[masked(spot_check_json(row)) for row in spot_check_rows(document)],
        files=[FileOut(**{name: getattr(file, name) for name in FileOut.model_fields}) for file in files],
    )
