"""What goes into a bundle of evidence, file by file. The same store and archive give the same files."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from core.clock import iso_beijing
from core.errors import FengsuiError
from core.ids import digest, to_pretty_json
from core.records import LEVEL_NAMES, Alert, Analysis, ArchiveRef, Document
from crawlers.archive import WHOLE_FILE, ArchiveDamaged
from crawlers.charset import decode_page
from crawlers.exchange import Exchange, read_exchange
from crawlers.markup import html_to_text
from crawlers.run import PRIVATE_KINDS
from nlp.privacy import mask, mask_said
from pipelines.evidence.readme import readme
from pipelines.shown import shown_text, shown_title
from store import documents as store_documents
from store.alert_log import find_alert, findings_ever_of, history_of
from store.database import Store
from store.journey import findings_resting_on

ENDINGS = {
    "html": "html", "xml": "xml", "json": "json", "csv": "csv", "pdf": "pdf", "plain": "txt", "javascript": "js",
    "spreadsheetml": "xlsx", "ms-excel": "xls", "wordprocessingml": "docx", "msword": "doc", "zip": "zip",
    "jpeg": "jpg", "png": "png", "gif": "gif",
}  # fmt: skip
TEXTUAL = ("text", "html", "xml", "json", "javascript", "csv")


@dataclass(frozen=True)
class BundleFile:
    """path: below the bundle's folder, ASCII."""

    path: str
    data: bytes


@dataclass
class EvidenceBundle:
    """Gives its files one after the other, the sums last. raw: with the originals that hold personal data.

    whole_files: also with files of which a document is one row among other people's.
    problems: what could not be put in, known when the last file was given.
    """

    store: Store
    archive: Path
    lexicons: Path
    name: str
    ids: tuple[str, ...]
    alert: Alert | None
    raw: bool
    whole_files: bool = True
    problems: list[str] = field(default_factory=list)

    def files(self) -> Iterator[BundleFile]:
        """README.txt first, SHA256SUMS last."""
        sums: dict[str, str] = {}
        for one in self._contents():
            sums[one.path] = hashlib.sha256(one.data).hexdigest()
            yield one
        lines = "".join(f"{sums[path]}  {path}\n" for path in sorted(sums))
        yield BundleFile("SHA256SUMS", lines.encode())

    def _contents(self) -> Iterator[BundleFile]:
        yield BundleFile("README.txt", readme(self.name, raw=self.raw).encode())
        with self.store.read() as db:
            if self.alert is not None:
                yield BundleFile("alert.json", _json(_alert(db, self.alert)))
            versions = {"lexicons_at_export": _lexicons(self.lexicons)}
            for document_id in self.ids:
                yield from self._document(db, document_id, versions)

    def _document(self, db: Connection, document_id: str, versions: Mapping[str, str]) -> Iterator[BundleFile]:
        revisions = store_documents.revisions_of(db, document_id)
        folder = f"documents/{document_id}"
        findings = [
            {
                "rule": finding.rule, "rule_version": finding.rule_version, "level": finding.level,
                "fired_at": _times(finding.fired_at), "reason": finding.reason, "numbers": dict(finding.numbers),
                "alert": alert, "lost_ground_at": _times(lost),
            }
            for finding, alert, lost in findings_resting_on(db, document_id)
        ]  # fmt: skip
        yield BundleFile(f"{folder}/document.json", _json(_about(revisions)))
        for revision in reversed(revisions):
            signal = store_documents.find_signal(db, document_id, revision.revision)
            analysis = signal.analysis if signal else None
            _, kept = store_documents.raw_of(db, revision)
            where = f"{folder}/rev{revision.revision}"
            told: dict[str, Any] = _revision(revision, kept)
            if revision.archive is not None:
                yield from self._page(revision, revision.archive, where, told)
            yield from self._attachments(revision, kept, where, told)
            text = f"{shown_title(revision, analysis)}\n\n{shown_text(revision, analysis)}\n"
            yield BundleFile(f"{where}/text.txt", text.encode())
            if analysis is not None:
                read = _analysis(analysis) | {
                    "findings": findings,
                    "versions": {**versions, "analyzer": analysis.version},
                }
                yield BundleFile(f"{where}/analysis.json", _json(read))
            yield BundleFile(f"{where}/revision.json", _json(told))

    def _page(self, revision: Document, ref: ArchiveRef, where: str, told: dict[str, Any]) -> Iterator[BundleFile]:
        told["page"] = {"sha256": ref.sha256, "warc": asdict(ref)}
        exchange = self._read(ref, where)
        if exchange is None:
            told["page"]["missing"] = True
            return
        told["page"] |= {"request_address": exchange.url, "warc_date": exchange.fetched, "bytes": len(exchange.body)}
        yield BundleFile(f"{where}/headers.txt", _heads(exchange).encode())
        one_row = exchange.url.startswith(WHOLE_FILE)
        if self._shows(revision) and (self.whole_files or not one_row or revision.kind not in PRIVATE_KINDS):
            yield BundleFile(f"{where}/page.{_ending(exchange.content_type, exchange.body)}", exchange.body)
            yield BundleFile(f"{where}/record.warc.gz", exchange.records)
            return
        if one_row:
            told["page"] |= {
                "withheld": True,
                "why": "one row of a file that holds other people's: text.txt is the row",
            }
            return
        told["page"] |= {"withheld": True, "why": "personal data: --raw gives the original"}
        yield BundleFile(f"{where}/page.masked.txt", _masked(exchange).encode())

    def _attachments(
        self, revision: Document, kept: Mapping[str, Any], where: str, told: dict[str, Any]
    ) -> Iterator[BundleFile]:
        for number, file in enumerate(kept.get("files") or (), 1):
            stored = file.get("archive")
            name = str(file.get("name") or "")
            entry = {"number": number, "url": file["url"], "name": mask(name), "sha256": file.get("sha256", "")}
            told["attachments"].append(entry)
            if not stored or ".zip/" in name:
                entry["kept"] = "in its zip" if stored else "not fetched"
                continue
            if not self._shows(revision):
                entry["withheld"] = True
                continue
            exchange = self._read(ArchiveRef(**stored), f"{where}/attachments/{number:02d}")
            if exchange is None:
                entry["missing"] = True
                continue
            path = f"attachments/{number:02d}.{_ending(exchange.content_type, exchange.body, file.get('kind', ''))}"
            entry |= {"file": path, "fetched": exchange.fetched}
            yield BundleFile(f"{where}/{path}", exchange.body)

    def _shows(self, revision: Document) -> bool:
        return self.raw or revision.kind not in PRIVATE_KINDS

    def _read(self, ref: ArchiveRef, where: str) -> Exchange | None:
        try:
            return read_exchange(self.archive, ref)
        except ArchiveDamaged as problem:
            self.problems.append(f"{where}: {problem}")
            return None


def bundle_of(
    store: Store, *, archive: Path, lexicons: Path, asked: str, raw: bool, whole_files: bool = True
) -> EvidenceBundle:
    """The bundle for a document id, an alert id or an alert number. Raises FengsuiError for what is none of them."""
    with store.read() as db:
        alert = find_alert(db, asked)
        if alert is None and store_documents.find_document(db, asked) is None:
            raise FengsuiError(f"no document and no alert {asked!r} (fengsui search and fengsui alerts show ids)")
    ids = tuple(dict.fromkeys(alert.documents)) if alert else (asked,)
    name = f"fengsui-evidence-{alert.number if alert else asked}"
    return EvidenceBundle(store, archive, lexicons, name, ids, alert, raw, whole_files)


def _times(moment: datetime | None) -> dict[str, str] | None:
    if moment is None:
        return None
    return {"beijing": iso_beijing(moment), "utc": moment.astimezone(UTC).isoformat(timespec="seconds")}


def _about(revisions: list[Document]) -> dict[str, Any]:
    newest = revisions[0]
    return {
        "id": newest.id,
        "source": newest.source,
        "kind": newest.kind.value,
        "address": newest.url,
        "published": _times(newest.published),
        "first_fetched_at": _times(revisions[-1].fetched_at),
        "withdrawn_at": _times(newest.withdrawn_at),
        "repost_of": newest.repost_of,
        "revisions": [
            {"revision": each.revision, "fetched_at": _times(each.fetched_at), "content_hash": each.content_hash,
             "withdrawn_at": _times(each.withdrawn_at)}
            for each in reversed(revisions)
        ],
    }  # fmt: skip


def _revision(revision: Document, kept: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "document": revision.id,
        "revision": revision.revision,
        "address": revision.url,
        "published": _times(revision.published),
        "date_source": kept.get("date_source", ""),
        "fetched_at": _times(revision.fetched_at),
        "stored_at": _times(revision.stored_at),
        "withdrawn_at": _times(revision.withdrawn_at),
        "encoding": kept.get("encoding"),
        "origin": mask(revision.origin or "") or None,
        "fields": {name: mask_said(value, name) for name, value in revision.fields.items()},
        "tables": [[list(row) for row in table] for table in revision.tables],
        "content_hash": revision.content_hash,
        "flags": list(revision.flags),
        "attachment_addresses": list(revision.attachments),
        "attachments": [],
    }


def _analysis(analysis: Analysis) -> dict[str, Any]:
    return asdict(analysis) | {"level_name": LEVEL_NAMES[analysis.level]}


def _alert(db: Connection, alert: Alert) -> dict[str, Any]:
    findings = [
        {**asdict(finding), "window_start": _times(finding.window_start), "window_end": _times(finding.window_end),
         "fired_at": _times(finding.fired_at), "lost_ground_at": _times(lost)}
        for finding, lost in findings_ever_of(db, alert.id).values()
    ]  # fmt: skip
    history = [
        {"number": row.number, "at": _times(row.at), "story_at": _times(row.story_at), "actor": row.actor,
         "action": row.action, "level": row.level, "state": row.state.value, "note": mask(row.note)}
        for row in history_of(db, alert.id)
    ]  # fmt: skip
    moments = {name: _times(getattr(alert, name)) for name in ("first_at", "updated_at", "created_at", "due_at")}
    state = {"state": alert.state.value, "level_name": LEVEL_NAMES[alert.level]}
    return {**asdict(alert), **moments, **state, "findings": findings, "history": history}


def _heads(exchange: Exchange) -> str:
    asked = exchange.request_head or "（没有保存请求报文头）\n"
    answer = exchange.answer_head or "（不是经 HTTP 取得）\n"
    return f"地址：{exchange.url}\n取得（UTC）：{exchange.fetched}\n\n【请求】\n{asked}\n【应答】\n{answer}"


def _masked(exchange: Exchange) -> str:
    kind = exchange.content_type.lower()
    if not any(word in kind for word in TEXTUAL):
        return f"（不是文本：{exchange.content_type or '类型不明'}，{len(exchange.body)} 字节；加 --raw 取得原件）\n"
    text = decode_page(exchange.body, content_type=exchange.content_type).text
    return mask(html_to_text(text) if "html" in kind else text) + "\n"


def _ending(content_type: str, body: bytes, kind: str = "") -> str:
    if kind.isalnum() and kind.isascii() and kind not in ("other", "image", "text"):
        return kind
    found = next((ending for word, ending in ENDINGS.items() if word in content_type.lower()), "")
    return found or ("html" if b"<html" in body[:2000].lower() else "bin")


def _lexicons(folder: Path) -> str:
    """One hash of all word lists as they are now."""
    files = sorted(path for path in folder.glob("**/*") if path.is_file())
    return digest(*(f"{path.relative_to(folder)} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files))


def _json(value: Any) -> bytes:
    return to_pretty_json(value).encode()
