"""原文存档: the text as it was read, its marks, its revisions, and proof of the page as fetched."""

from itertools import groupby
from typing import Annotated, Any

import nh3
from fastapi import APIRouter, Query
from sqlalchemy import Connection, select
from starlette.responses import Response

from config.sources import FileImportSource
from core.records import Document, Signal
from crawlers.archive import WHOLE_FILE, ArchiveDamaged, read_record
from crawlers.run import PRIVATE_KINDS
from nlp.privacy import mask, mask_said
from pipelines.duplicates import overlaps
from pipelines.revision_diff import Line, Part, Version, compare_versions
from pipelines.shown import shown_text, shown_title
from store import documents
from store.expiry import expired_at
from store.schema import documents as table
from web.document_facts import MOST_ROWS, RESULTS, recall_rows, shown_files, spot_check_rows, table_names
from web.evidence import Carried, origins_of, paragraphs
from web.inbox import links_of
from web.names import firm_names
from web.search_state import WORDS
from web.views.alert import name_giver
from web.views.events import event_of
from web.visit import Here, Refused, Visit

router = APIRouter(include_in_schema=False)
Revision = Annotated[int | None, Query(ge=1, le=1_000_000)]
SANDBOX = "sandbox; default-src 'none'; style-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
TAGS = {
    "p", "br", "h1", "h2", "h3", "h4", "ul", "ol", "li", "table", "thead", "tbody", "tr", "td", "th", "caption", "b",
    "strong", "em", "blockquote", "pre", "div", "span", "dl", "dt", "dd", "article", "section", "time", "title",
}  # fmt: skip
OF_A_FILE = (
    "这篇文档是导入文件中的一行，整份文件含他人信息，不在这里显示；这一行的内容见原文页。"
    "办案需要整份文件的，由可见全部属地的带班导出含原件的证据包。"
)
MOST_ARCHIVED = 2_000_000
"""Characters of an archived page that are shown; the record itself keeps all of it."""
LEVEL_WORDS = ("无", "一般", "较大", "重大", "特别重大")
STANCES = {"none": "", "denial": "当事方否认", "refutation": "辟谣", "apology": "致歉"}


def open_document(db: Connection, visit: Visit, document_id: str, rev: int | None) -> tuple[Document, Signal | None]:
    """The document, if this viewer may see it. Raises Refused."""
    document = documents.find_document(db, document_id, rev)
    signal = documents.find_signal(db, document_id, rev)
    if document is not None:
        jurisdiction = signal.analysis.jurisdiction_code if signal else None
        if visit.me.sees_code(jurisdiction) or links_of(db, visit.me, [document_id]):
            return document, signal
    raise Refused(404, f"没有文档 {document_id[:40]}，或不在您的属地之内。")


@router.get("/documents/{document_id}")
def show_document(visit: Here, document_id: str, rev: Revision = None, against: Revision = None) -> Response:
    """One revision; the newest without `rev`. against: the one that it is compared with."""
    with visit.services.store.read() as db:
        document, signal = open_document(db, visit, document_id, rev)
        facts = _document(db, visit, document, signal)
        compared: list[tuple[str, list[list[Line]]]] = []
        if against is not None:
            before = open_document(db, visit, document_id, against)
            older, newer = sorted((before, (document, signal)), key=lambda pair: pair[0].revision)
            parts = compare_versions(version_of(*older), version_of(*newer))
            compared = [(part.name, stretches(part)) for part in parts]
            facts |= {"older": older[0], "newer": newer[0]}
        return visit.page("document.html", **facts, compared=compared)


def version_of(document: Document, signal: Signal | None) -> Version:
    """A revision as people may read it."""
    analysis = signal.analysis if signal else None
    return Version(document, shown_title(document, analysis), shown_text(document, analysis))


def stretches(part: Part) -> list[list[Line]]:
    """The lines of a part, cut where a run of lines without a change begins or ends; one line stays beside a change."""
    changed = [any(piece.kind != "same" for piece in line) for line in part.lines]
    near = [any(changed[max(place - 1, 0) : place + 2]) for place in range(len(changed))]
    return [
        [line for _, line in run] for _, run in groupby(zip(near, part.lines, strict=True), key=lambda pair: pair[0])
    ]


def _document(db: Connection, visit: Visit, document: Document, signal: Signal | None) -> dict[str, Any]:
    analysis = signal.analysis if signal else None
    text = shown_text(document, analysis)
    mentions = analysis.mentions if analysis else ()
    firms = firm_names(db, [*(m.id_or_norm or "" for m in mentions), *(analysis.enterprises if analysis else ())])
    origin = documents.find_document(db, document.repost_of) if document.repost_of else None
    files = documents.files_of(db, document)
    checks = spot_check_rows(document)
    tree = origins_of(db, [signal]) if signal and not document.repost_of else []
    reposts: tuple[Carried, ...] = tree[0].reposts if tree else ()
    return {
        "document": document,
        "title_text": shown_title(document, analysis),
        "paragraphs": paragraphs(text, mentions, name_giver(visit.names, firms)),
        "analysis": analysis,
        "firms": firms,
        "revisions": documents.revisions_of(db, document.id),
        "origin": origin,
        "overlap": overlaps(db, {document.id: origin.id}).get(document.id) if origin else None,
        "reposts": reposts,
        "event": event_of(db, visit, document.id),
        "alerts": links_of(db, visit.me, [document.id]).get(document.id, []),
        "level_words": LEVEL_WORDS,
        "stance": STANCES.get(analysis.stance, analysis.stance) if analysis else "",
        "fields": {name: mask_said(value, name) for name, value in document.fields.items()},
        "origin_told": mask(document.origin or ""),
        "stage": _stage(db, document),
        "expired": expired_at(db, document.id),
        "flags": [WORDS["flag"].get(flag, flag) for flag in document.flags],
        "recall": recall_rows(document),
        "checks": checks[:MOST_ROWS],
        "checks_in_all": len(checks),
        "results": RESULTS,
        "files": shown_files(files),
        "table_names": table_names(document, files),
        "private": document.kind in PRIVATE_KINDS,
        "page_kept": document.archive is not None and not _is_row_of_a_file(visit, document),
    }


def _is_row_of_a_file(visit: Visit, document: Document) -> bool:
    """Whether its archived original is a whole file of complaints."""
    source = visit.services.source_by_key.get(document.source)
    return document.kind in PRIVATE_KINDS and isinstance(source, FileImportSource)


def _stage(db: Connection, document: Document) -> tuple[str, str]:
    query = select(table.c.stage, table.c.error).where(table.c.id == document.id, table.c.revision == document.revision)
    row = db.execute(query).one()
    return row[0], row[1] or ""


@router.get("/documents/{document_id}/archive")
def show_archive(visit: Here, document_id: str, rev: Revision = None) -> Response:
    """The page as fetched, without anything that acts: in a sandbox, tags reduced, personal data masked."""
    with visit.services.store.read() as db:
        document, _ = open_document(db, visit, document_id, rev)
    if document.archive is None:
        raise Refused(404, "这篇文档没有存档页面：它来自表格或接口中的一行。")
    try:
        headers, body = read_record(visit.services.settings.data_dir / "archive", document.archive)
    except ArchiveDamaged as problem:
        raise Refused(503, f"存档读不出来：{problem}") from problem
    if document.kind in PRIVATE_KINDS and headers["WARC-Target-URI"].startswith(WHOLE_FILE):
        raise Refused(404, OF_A_FILE)
    text, is_html = readable(headers.get("Content-Type", ""), body)
    safe = {"Content-Security-Policy": SANDBOX, "Content-Disposition": "inline"}
    if is_html:
        return Response(clean_page(text), media_type="text/html; charset=utf-8", headers=safe)
    return Response(mask(text), media_type="text/plain; charset=utf-8", headers=safe)


def readable(content_type: str, body: bytes) -> tuple[str, bool]:
    """The payload as text, and whether it is HTML. A file that is not text says what it is instead."""
    kind = content_type.lower()
    if not any(word in kind for word in ("text", "html", "json", "xml")) and b"\0" in body[:4096]:
        return f"这份存档不是文本（{content_type or '类型不明'}，{len(body)} 字节），可按散列值从存档库取出。", False
    for charset in ("utf-8", "gb18030"):
        try:
            text = body.decode(charset)
            break
        except UnicodeDecodeError:
            continue
    else:
        text = body.decode("utf-8", "replace")
    return text[:MOST_ARCHIVED], "html" in kind or "<html" in text[:2000].lower()


def clean_page(html: str) -> str:
    """The page with text and tables only: no script, style, link, image or attribute. Personal data masked."""
    inner = nh3.clean(html, tags=TAGS - {"title"}, attributes={}, link_rel=None, clean_content_tags={"script", "style"})
    head = '<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>存档页面</title>'
    return f"{head}<p>存档页面，仅留文字和表格；个人信息已遮蔽。</p><hr>{mask(inner)}"
