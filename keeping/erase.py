"""Erases a person from texts, originals, analyses, rows of other systems, notices, the archive, files handed in.

What a case rests on stays and is told (store/holds.py), and so do the files of cases themselves: alerts, ledger,
papers. The audit log is never changed; personal data does not stand in it.

The database is masked in one transaction, which also notes that the pages are not done yet; killed among the pages, the
note stays, the desk and `fengsui doctor` tell of it, and the same again does the rest.
"""

import hashlib
import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, Table, Text, and_, delete, or_, select, type_coerce, update
from warcio.archiveiterator import ArchiveIterator

from core.clock import as_utc
from core.records import ArchiveRef
from crawlers.archive import Archive, ArchiveDamaged, record_at
from crawlers.archive_blank import blank, finish_blanks, is_blank
from crawlers.archive_members import members
from crawlers.attached.content import UnreadableFile
from keeping.folders import ARCHIVE, alone, is_open
from keeping.handed_files import NOWHERE, HandedPlaces, InFiles, search, waiting_for
from keeping.packed_text import PACKED, is_in, masked
from keeping.person import Person
from store import audit
from store.checks import ref_of
from store.database import Store, get_fact, set_fact
from store.documents import INDEXED, JUDGED
from store.expiry import note_change
from store.holds import cited_in_papers, why_held
from store.schema import Json, documents, handed_in, metadata, recent_queries

CASES = (
    "alerts", "alert_history", "findings", "ledger_entries", "ledger_rows", "ledger_proofs", "supervisions", "papers",
    "paper_values", "weekly_cells", "weekly_acts", "alert_files", "legal_holds", "audit",
)  # fmt: skip
"""Files of cases, and the log of who did what (a search that was exported stands in it): kept by law, told and left."""
NOT_SEARCHED = ("audit_head", "facts", "users", "enterprises", "firm_changes", "archive_changes", "jobs")
"""The register is public; accounts are ended by `fengsui user`."""
SAID = ("title", "text", "raw", "author", "origin", "fields", "tables", "attachments", "analysis", "error")
"""Columns of a document that say something; the others find and count it."""
CODES = frozenset(
    ("id", "document", "event", "other", "alert", "entry", "firm", "product", "territory", "jurisdiction", "source",
     "kind", "key", "rule", "url", "external_id", "sha256", "hash", "state", "stage", "action", "once", "actor",
     "archive", "claimed_by", "channel", "recipient", "user", "owner", "password", "token_hash", "secret", "documents",
     "findings", "previous_hash")
)  # fmt: skip
ERASURES = "erasures"
NOTE = "personal data removed"
HEAD_END = b"\r\n\r\n"
PACKED_BODY = HEAD_END + PACKED
AT_ONCE = 500
DAY = timedelta(days=1)


UNFINISHED = "erasures_begun"
Tell = Callable[[int, int], None]


def unheard(_done: int, _of: int) -> None:
    """Nobody asks how far it is."""


@dataclass(frozen=True)
class Unfinished:
    """An erasure whose pages are not all done. of: fingerprint of the person.  at: ISO."""

    of: str
    reason: str
    by: str
    at: str

    @property
    def fault(self) -> tuple[str, str]:
        """What is wrong, and what to do."""
        day = self.at[:16].replace("T", " ")
        return (
            f"{self.by} 于 {day}（UTC）开始的一次按人删除没有做完（依据：{self.reason}），存档页里还有",
            "用同样的姓名、电话、证号再做一次：fengsui erase-person … --do，或在“管理 · 按人删除”",
        )


@dataclass(frozen=True)
class Hit:
    """A document that names the person. where: columns.  held: why it stays; empty: it does not."""

    document: str
    title: str
    where: tuple[str, ...]
    held: tuple[str, ...] = ()


@dataclass
class Found:
    """rows: of other tables, by table.  cases: of files of cases, which stay.  pages: records of the archive.

    held_pages: those that a held document leads to.  unread: files of the archive that are being written.
    files: that were handed in.
    """

    documents: list[Hit] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)
    cases: Counter[str] = field(default_factory=Counter)
    pages: int = 0
    held_pages: int = 0
    unread: list[str] = field(default_factory=list)
    files: InFiles = field(default_factory=InFiles)

    @property
    def nothing(self) -> bool:
        """Whether the person was found nowhere."""
        return not (self.documents or self.rows or self.cases or self.pages or self.held_pages or self.files.masked)


@dataclass(frozen=True)
class Eraser:
    """left_out: documents that are not about this person, a namesake's: left as they are.  places: files handed in."""

    store: Store
    data_dir: Path
    person: Person
    closed_days: int
    left_out: frozenset[str] = frozenset()
    places: HandedPlaces = NOWHERE

    def find(self, now: datetime, tell: Tell = unheard) -> Found:
        """Where the person stands; nothing is changed. tell: how far it is."""
        found = Found(files=waiting_for(self.store, self.places, self.person))
        with self.store.read() as db:
            found.documents = self._documents(db, now)
            for table in self._tables():
                if count := len(self._rows(db, table)):
                    (found.cases if table.name in CASES else found.rows)[table.name] = count
        self._archive(found, now, tell, do=False)
        search(self.store, self.places, self.person, found.files, do=False)
        return found

    def erase(self, now: datetime, *, by: str, reason: str, tell: Tell = unheard) -> Found:
        """Mask the person everywhere but where it is held; audited. tell: how far it is, in bytes of the archive.

        Raises FengsuiError where somebody else removes things just now.
        """
        with alone(self.data_dir):
            waiting = waiting_for(self.store, self.places, self.person)
            found = self._mask(now, by, reason)
            found.files = waiting
            self._archive(found, now, tell, do=True)
            search(self.store, self.places, self.person, found.files, do=True)
            with self.store.write() as db:
                left = [one for one in unfinished(db) if not self.person.is_of(one.of)]
                set_fact(db, UNFINISHED, json.dumps([vars(one) for one in left], ensure_ascii=False))
                details = {
                    "pages": found.pages, "held_pages": found.held_pages, "unread": len(found.unread),
                    "files": found.files.masked,
                }  # fmt: skip
                audit.note(db, by, "erase_person_done", "", at=now, details=details)
        return found

    def _mask(self, now: datetime, by: str, reason: str) -> Found:
        """All of the database, and the note that the pages are still to come."""
        found = Found()
        with self.store.write() as db:
            found.documents = self._documents(db, now)
            free = [one.document for one in found.documents if not one.held]
            for start in range(0, len(free), AT_ONCE):
                self._mask_documents(db, free[start : start + AT_ONCE])
            for table in self._tables():
                rows = self._rows(db, table)
                if rows:
                    (found.cases if table.name in CASES else found.rows)[table.name] = len(rows)
                if rows and table.name not in CASES:
                    self._mask_rows(db, table, rows)
            begun = unfinished(db)
            if not any(self.person.is_of(one.of) for one in begun):
                set_fact(db, ERASURES, str(erasures(db) + 1))
                begun = [*begun, Unfinished(self.person.fingerprint(), reason, by, now.isoformat())]
                set_fact(db, UNFINISHED, json.dumps([vars(one) for one in begun], ensure_ascii=False))
            details = {
                "of": self.person.fingerprint(), "reason": reason, "rows": dict(found.rows),
                "documents": sum(not one.held for one in found.documents),
                "held": sum(bool(one.held) for one in found.documents),
            }  # fmt: skip
            audit.note(db, by, "erase_person", "", at=now, details=details)
        return found

    def _documents(self, db: Connection, now: datetime) -> list[Hit]:
        """Documents of which any revision names the person."""
        columns = _texts(documents)
        texts = [type_coerce(one, Text).label(one.name) for one in columns]
        query = select(documents.c.id, *texts).where(or_(*map(self._names, columns))).order_by(documents.c.seq)
        hits: dict[str, tuple[str, set[str]]] = {}
        for row in db.execute(query.execution_options(yield_per=AT_ONCE)).mappings():
            where = set(self._changed(documents, dict(row)))
            if where and row["id"] not in self.left_out:
                hits.setdefault(row["id"], (row["title"], set()))[1].update(where)
        held = self._held(db, list(hits), now)
        return [
            Hit(document, self.person.masked(title), tuple(sorted(where)), tuple(held.get(document, ())))
            for document, (title, where) in hits.items()
        ]

    def _held(self, db: Connection, ids: Sequence[str], now: datetime) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        papers_of = cited_in_papers(db)
        closed_before = now - DAY * self.closed_days
        for start in range(0, len(ids), AT_ONCE):
            part = list(ids[start : start + AT_ONCE])
            found |= why_held(db, part, now=now, closed_before=closed_before, papers_of=papers_of)
        return found

    def _mask_documents(self, db: Connection, ids: Sequence[str]) -> None:
        mine = documents.c.id.in_(ids)
        for row in self._plain(db, documents, mine):
            self._mask_row(db, documents, row)
        # Who works on one has read what stood there: its claim is gone, and what it would write with it.
        claimed = and_(mine, documents.c.claimed_by.is_not(None))
        db.execute(update(documents).where(claimed).values(claimed_by=None, claimed_until=None))
        again = and_(mine, documents.c.latest, documents.c.stage == INDEXED)
        db.execute(update(documents).where(again).values(stage=JUDGED, attempts=0))  # into the index as it is now

    def _tables(self) -> Iterator[Table]:
        for table in metadata.sorted_tables:
            searched = table is not documents and table.name not in NOT_SEARCHED
            if searched and (_texts(table) or table is recent_queries):
                yield table

    def _rows(self, db: Connection, table: Table) -> list[dict[str, Any]]:
        columns = _texts(table) if table is not recent_queries else [recent_queries.c.text]
        found = self._plain(db, table, or_(*map(self._names, columns)))
        return [row for row in found if table is recent_queries or self._changed(table, row)]

    def _plain(self, db: Connection, table: Table, which: Any) -> list[dict[str, Any]]:
        """Rows with their JSON as the text that is stored."""
        texts = [type_coerce(one, Text).label(one.name) for one in _texts(table)]
        keys = [one for one in table.primary_key.columns if one.name not in {text.name for text in texts}]
        return [dict(row) for row in db.execute(select(*keys, *texts).where(which)).mappings()]

    def _mask_rows(self, db: Connection, table: Table, rows: Collection[dict[str, Any]]) -> None:
        for row in rows:
            if table is recent_queries:
                db.execute(delete(table).where(_is(table, row)))
            else:
                self._mask_row(db, table, row)

    def _mask_row(self, db: Connection, table: Table, row: dict[str, Any]) -> None:
        if changed := self._changed(table, row):
            values = {table.c[name]: type_coerce(value, Text) for name, value in changed.items()}
            db.execute(update(table).where(_is(table, row)).values(values))

    def _changed(self, table: Table, row: Mapping[str, Any]) -> dict[str, str]:
        """The columns of a row that name the person, as they are without."""
        found = {}
        for one in _texts(table):
            told = row[one.name]
            if told and (masked := self.person.masked(told)) != told:
                if isinstance(one.type, Json) and (masked := self.person.masked_json(told)) == told:
                    continue
                found[one.name] = masked
        return found

    def _names(self, column: Column[Any]) -> Any:
        text = type_coerce(column, Text)
        return or_(*(text.contains(one, autoescape=True) for one in self.person.spellings))

    def _archive(self, found: Found, now: datetime, tell: Tell, *, do: bool) -> None:
        """Every record of the archive: one that names the person is written anew without, its old place is blanked."""
        root = self.data_dir / ARCHIVE
        writer = Archive(root, started=now)
        files = sorted(root.glob("*/*.warc.gz"))
        read, whole = 0, sum(path.stat().st_size for path in files)
        try:
            for path in files:
                tell(read, whole)
                name, read = path.relative_to(root).as_posix(), read + path.stat().st_size
                if is_open(path):
                    found.unread.append(name)
                    continue
                self._one_file(path, name, writer, found, now, do=do)
        finally:
            writer.close()

    def _one_file(self, path: Path, name: str, writer: Archive, found: Found, now: datetime, *, do: bool) -> None:
        if do:
            finish_blanks(path)
        hits = [spot for spot in members(path) if not is_blank(path, spot[0]) and self._in_record(path, *spot)]
        if not hits:
            return
        with self.store.read() as db:
            users = _users_of(db, name)
            held = self._held(db, sorted({one for some in users.values() for one, _ in some}), now)
        gone = []
        for offset, length in hits:
            owners = users.get(offset, [])
            if any(document in held or document in self.left_out for document, _ in owners):
                found.held_pages += 1
                continue
            found.pages += 1
            if do and self._rewrite(path, name, offset, length, owners, writer, now):
                gone.append((offset, length))
        if gone:
            blank(path, gone, note=f"{NOTE} {now:%Y-%m-%d}", now=now)

    def _in_record(self, path: Path, offset: int, length: int) -> bool:
        body = _body(path, offset, length)
        packed = body.find(PACKED_BODY)
        if packed < 0:
            return self.person.is_in(body)
        try:
            head, packed_body = body[: packed + len(HEAD_END)], body[packed + len(HEAD_END) :]
            return self.person.is_in(head) or is_in(self.person, packed_body)
        except UnreadableFile:  # told to whoever asks: files of offices are to be looked at by a person
            return False

    def _rewrite(
        self,
        path: Path,
        name: str,
        offset: int,
        length: int,
        owners: Sequence[tuple[str, int]],
        writer: Archive,
        now: datetime,
    ) -> bool:
        """First the new record is on the disk, then the rows lead to it; whether the old one may go now."""
        kept = _masked_record(path, offset, length, self.person, writer, now)
        if kept is None and owners:  # no page of ours: what leads to it would lead nowhere
            return False
        with self.store.write() as db:
            if kept is not None:
                for _document, seq in owners:
                    _lead_to(db, seq, (name, offset), kept)
                old, new = f"{name} {offset} {length}", f"{kept.file} {kept.offset} {kept.length}"
                db.execute(update(handed_in).where(handed_in.c.archive == old).values(archive=new))
            note_change(db, name, why="erased", records=1, now=now)
        return True


def unfinished(db: Connection) -> list[Unfinished]:
    """Erasures that were cut off among the pages, oldest first."""
    return [Unfinished(**one) for one in json.loads(get_fact(db, UNFINISHED) or "[]")]


def erasures(db: Connection) -> int:
    """How many were done."""
    return int(get_fact(db, ERASURES) or 0)


def _texts(table: Table) -> list[Column[Any]]:
    """Columns that may say something of a person: texts and JSON, not keys and codes."""
    if table is documents:
        return [table.c[name] for name in SAID]
    keys = {one.name for one in table.primary_key.columns} | CODES
    return [one for one in table.columns if isinstance(one.type, Text | Json) and one.name not in keys]


def _is(table: Table, row: dict[str, Any]) -> Any:
    return and_(*(one == row[one.name] for one in table.primary_key.columns))


def _users_of(db: Connection, name: str) -> dict[int, list[tuple[str, int]]]:
    """By offset the documents that lead to a record of this file, each with its place: all rows are asked, for one that
    is overlooked would lead nowhere."""
    found: defaultdict[int, list[tuple[str, int]]] = defaultdict(list)
    query = select(documents.c.seq, documents.c.id, documents.c.archive)
    for row in db.execute(query.where(type_coerce(documents.c.archive, Text).contains(name, autoescape=True))):
        if row.archive["file"] == name:
            found[ref_of(row.archive).offset].append((row.id, row.seq))
    held = select(documents.c.seq, documents.c.id, documents.c.raw)
    attached = type_coerce(documents.c.attachments, Text) != "[]"
    names = type_coerce(documents.c.raw, Text).contains(name, autoescape=True)
    for row in db.execute(held.where(attached, names)):
        for ref in (one.get("archive") for one in row.raw.get("files", ())):
            if ref and ref["file"] == name:
                found[ref["offset"]].append((row.id, row.seq))
    return found


def _lead_to(db: Connection, seq: int, old: tuple[str, int], kept: ArchiveRef) -> None:
    """Let a row lead to the new record: as its page, or as one of its attached files."""
    query = select(documents.c.archive, documents.c.raw).where(documents.c.seq == seq)
    archive, raw = db.execute(query).one()
    values: dict[str, Any] = {}
    if archive and (archive["file"], archive["offset"]) == old:
        values["archive"] = vars(kept)
    files = [
        {**one, "archive": vars(kept)}
        if one.get("archive") and (one["archive"]["file"], one["archive"]["offset"]) == old
        else one
        for one in raw.get("files", ())
    ]
    if files != raw.get("files", []):
        values["raw"] = {**raw, "files": files}
    if values:
        db.execute(update(documents).where(documents.c.seq == seq).values(**values))


def _body(path: Path, offset: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return zlib.decompressobj(zlib.MAX_WBITS + 16).decompress(file.read(length))


def _masked_record(
    path: Path, offset: int, length: int, person: Person, writer: Archive, now: datetime
) -> ArchiveRef | None:
    """The record written anew without the person; None for what is no page: its request, a warcinfo."""
    root, name = path.parent.parent, f"{path.parent.name}/{path.name}"
    body = _payload(path, offset, length)
    try:
        record, payload, _ = record_at(root, ArchiveRef(name, offset, length, hashlib.sha256(body).hexdigest()))
    except ArchiveDamaged:
        return None
    uri = person.masked(record.rec_headers.get_header("WARC-Target-URI") or "")
    fetched = as_utc(datetime.fromisoformat(record.rec_headers.get_header("WARC-Date").replace("Z", "+00:00")))
    if record.rec_type == "response":
        told = [(key, value) for key, value in record.http_headers.headers if key.lower() != "content-length"]
        headers = [(key, person.masked(value)) for key, value in told]
        status = int(record.http_headers.get_statuscode())
        note = ("X-Archive-Note", f"{NOTE} {now:%Y-%m-%d}")
        return writer.write_response(uri, status, [*headers, note], _without(person, payload), fetched)
    if record.rec_type == "resource":
        kind = record.rec_headers.get_header("Content-Type") or "application/octet-stream"
        return writer.write_file(uri, kind, _without(person, payload), fetched)
    return None


def _without(person: Person, payload: bytes) -> bytes:
    try:
        return masked(person, payload)
    except UnreadableFile:  # it is here for what stands before it
        return payload


def _payload(path: Path, offset: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return bytes(next(iter(ArchiveIterator(BytesIO(file.read(length))))).content_stream().read())
