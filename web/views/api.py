"""The JSON API: the same data, the same cut, the same session. Errors are problem+json."""

from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from core.clock import iso_beijing
from core.errors import SearchUnavailable
from core.records import LEVEL_COLOURS, Alert
from facts.as_json import recall_json, spot_check_json
from facts.recalls import recall_of
from pipelines.shown import shown_text, shown_title
from search.query import QueryError
from store.documents import files_of
from web import inbox
from web.document_facts import spot_check_rows
from web.search_state import PAGE_SIZE, build_request, read_asked, the_index
from web.views.alert import open_alert
from web.views.documents import open_document
from web.visit import Here, Refused

router = APIRouter(prefix="/api", tags=["desk"])


class AlertOut(BaseModel):
    """An alert. Times are story time with +08:00."""

    id: str
    number: str
    level: int
    colour: str
    state: str
    first_at: datetime
    updated_at: datetime
    due_at: datetime | None
    title: str
    rule: str
    reason: str
    products: list[str]
    enterprises: list[str]
    issues: list[str]
    territory: str
    territories: list[str]
    documents: list[str]
    origins: int
    unconfirmed: bool
    late: bool
    late_seconds: int


class AlertPage(BaseModel):
    """A page of alerts."""

    total: int
    page: int
    alerts: list[AlertOut]


class HitOut(BaseModel):
    """A document found."""

    id: str
    title: str
    snippet: str
    source: str
    published: datetime
    level: int


class SearchOut(BaseModel):
    """A page of hits."""

    total: int
    page: int
    hits: list[HitOut]
    facets: dict[str, dict[str, int]]


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
    name: str
    kind: str
    size: int
    sha256: str
    chars: int
    tables: int
    problem: str


class DocumentOut(BaseModel):
    """A document with its reading; personal data is masked."""

    id: str
    revision: int
    source: str
    kind: str
    url: str
    title: str
    text: str
    published: datetime | None
    fetched_at: datetime
    content_hash: str
    archive_sha256: str | None
    repost_of: str | None
    withdrawn_at: datetime | None
    is_risk: bool | None
    level: int | None
    mentions: list[MentionOut]
    fields: dict[str, str]
    recall: dict[str, Any] | None
    spot_checks: list[dict[str, Any]]
    files: list[FileOut]


MADE = ("colour", "late", "late_seconds")
"""What is not a field of the record as it is shown."""


def _out(alert: Alert) -> AlertOut:
    values: dict[str, Any] = {name: getattr(alert, name) for name in AlertOut.model_fields if name not in MADE}
    for name in ("first_at", "updated_at", "due_at"):
        values[name] = iso_beijing(values[name]) if values[name] else None
    values |= {"state": alert.state.value, "colour": LEVEL_COLOURS[alert.level]}
    return AlertOut(**values, late=alert.late > 0, late_seconds=alert.late)


@router.get("/alerts")
def list_of_alerts(
    visit: Here,
    view: Literal["", "work", "close", "done", "open", "all"] = "",
    level: Literal["", "blue", "yellow", "orange", "red"] = "",
    product: str = "",
    firm: str = "",
    region: str = "",
    rule: str = "",
    since: Literal["", "24h", "7d", "30d"] = "",
    page: int = Query(1, ge=1, le=100_000),
) -> AlertPage:
    """Alerts, in order of their time limit; the filters of the inbox."""
    wanted = inbox.Wanted(view, level, product, firm, region, rule, since, page=page)
    with visit.services.store.read() as db:
        seen = inbox.standing_alerts(db, visit.me)
    found = inbox.matching(seen, wanted, regions=visit.services.lexicon.regions, now=visit.now)
    rows = inbox.rows_of(found, now=visit.now, sort="")
    start = (page - 1) * inbox.PAGE_SIZE
    here = [_out(row.alert) for row in rows[start : start + inbox.PAGE_SIZE]]
    return AlertPage(total=len(rows), page=page, alerts=here)


@router.get("/alerts/{alert_id}")
def one_alert(visit: Here, alert_id: str) -> AlertOut:
    """One alert by id or number."""
    with visit.services.store.read() as db:
        return _out(open_alert(db, visit, alert_id))


@router.get("/search")
def search(
    visit: Here, q: str = Query("", description="the desk's query language; also from, to, by, page and the filters")
) -> SearchOut:
    """Documents; the parameters of the search page."""
    asked = read_asked(visit)
    try:
        request, _ = build_request(visit, asked)
        result = the_index(visit).search(request)
    except QueryError as problem:
        raise Refused(400, f"第 {problem.column} 字：{problem.message}") from problem
    except SearchUnavailable as problem:
        raise Refused(503, f"检索现在不可用：{problem}") from problem
    hits = [
        HitOut(
            id=hit.id, title=hit.title.text, snippet=hit.snippet.text, source=hit.fields["source"],
            published=datetime.fromisoformat(iso_beijing(hit.fields["event_time"])), level=hit.fields["level"],
        )
        for hit in result.hits[:PAGE_SIZE]
    ]  # fmt: skip
    facets = {name: {str(value.value): value.count for value in values} for name, values in result.facets.items()}
    return SearchOut(total=result.total, page=asked.page, hits=hits, facets=facets)


@router.get("/documents/{document_id}")
def one_document(visit: Here, document_id: str, rev: int | None = Query(None, ge=1, le=1_000_000)) -> DocumentOut:
    """One document; the newest revision without `rev`."""
    with visit.services.store.read() as db:
        document, signal = open_document(db, visit, document_id, rev)
        files = files_of(db, document)
    recall = recall_of(document)
    analysis = signal.analysis if signal else None
    names = ("id", "revision", "source", "kind", "url", "published", "fetched_at", "content_hash", "repost_of")
    spans = analysis.mentions if analysis else ()
    return DocumentOut(
        **{name: getattr(document, name) for name in names},
        title=shown_title(document, analysis),
        text=shown_text(document, analysis),
        archive_sha256=document.archive.sha256 if document.archive else None,
        withdrawn_at=document.withdrawn_at,
        is_risk=analysis.is_risk if analysis else None,
        level=analysis.level if analysis else None,
        mentions=[MentionOut(**{name: getattr(span, name) for name in MentionOut.model_fields}) for span in spans],
        fields=dict(document.fields),
        recall=recall_json(recall) if recall else None,
        spot_checks=[spot_check_json(row) for row in spot_check_rows(document)],
        files=[FileOut(**{name: getattr(file, name) for name in FileOut.model_fields}) for file in files],
    )


@router.get("/openapi.json", include_in_schema=False)
def openapi(request: Request, visit: Here) -> Response:
    """The description of this API."""
    return JSONResponse(request.app.openapi())
