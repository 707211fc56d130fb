"""开放数据: alerts, events and recalls as JSON lines or CSV, for people and programs, cut to their territory."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from core.clock import beijing, parse_published
from store import audit
from store.handed_in import counts
from web.bearer import AlertReader, DocumentReader, EventReader
from web.inbox import BadAddress
from web.open_data import MEDIA, SHAPES, TYPES, Format, What, rows_of, written
from web.visit import Here, Refused, Visit

router = APIRouter()
LINES: dict[str, Any] = {"type": "string", "description": "一行一条；字段见 docs/data_dictionary.md"}
ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "全部行，边读边发",
        "content": {kind.partition(";")[0]: {"schema": LINES} for kind in MEDIA.values()},
    }
}
Since = Annotated[str, Query(max_length=40, description="ISO 日期或时间；空：全部")]
HOW: dict[str, Any] = {"response_class": StreamingResponse, "responses": ANSWER}


@router.get("/export", include_in_schema=False)
def show_export(visit: Here) -> Response:
    """What there is to take away and what stands in it; what other systems handed in."""
    with visit.services.store.read() as db:
        taken = counts(db, visit.me.codes())
    return visit.page("export.html", shapes=SHAPES, TYPES=TYPES, kinds=visit.services.intake.kinds, taken=taken)


@router.get("/export/{what}.{form}", include_in_schema=False)
def download(visit: Here, what: What, form: Format, since: str = "") -> Response:
    """A set as a file."""
    try:
        moment = _since(since)
    except (ValueError, OverflowError):
        raise BadAddress(f"地址中的 since={since[:20]} 看不懂。写法：2026-11-23。") from None
    return _file(visit, what, form, moment)


@router.get("/api/export/alerts", **HOW)
def export_alerts(visit: AlertReader, format: Format = "jsonl", since: Since = "") -> Response:
    """Alerts of the own territory, all of them in one answer. since: changed then or later."""
    return _answer(visit, "alerts", format, since)


@router.get("/api/export/events", **HOW)
def export_events(visit: EventReader, format: Format = "jsonl", since: Since = "") -> Response:
    """Events of the own territory. since: with a document of then or later."""
    return _answer(visit, "events", format, since)


@router.get("/api/export/recalls", **HOW)
def export_recalls(visit: DocumentReader, format: Format = "jsonl", since: Since = "") -> Response:
    """Recalls of the own territory; those of no place are the province's. since: published then or later."""
    return _answer(visit, "recalls", format, since)


def _answer(visit: Visit, what: What, form: Format, since: str) -> Response:
    try:
        return _file(visit, what, form, _since(since))
    except (ValueError, OverflowError):
        wrong = {"where": "query.since", "what": "须为 ISO 日期或时间"}
        raise Refused(422, "since 看不懂：须为 ISO 日期或时间，如 2026-11-23。", more={"errors": [wrong]}) from None


def _file(visit: Visit, what: What, form: Format, since: datetime | None) -> Response:
    now = visit.services.clock()
    with visit.services.store.write() as db:
        told = {"format": form, "since": since.isoformat() if since else ""}
        audit.note(db, visit.me.name, "export_data", what, at=now, details=told)
    lines = written(what, rows_of(visit.services.store, what, visit.me, since), form)
    name = f"{what}-{beijing(now):%Y%m%d-%H%M}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(lines, media_type=MEDIA[form], headers=headers)


def _since(text: str) -> datetime | None:
    """The moment, None where none is given. Raises ValueError."""
    if not text:
        return None
    moment = parse_published(text)
    if not 1990 <= moment.year < 2200:
        raise ValueError(text)
    return moment
