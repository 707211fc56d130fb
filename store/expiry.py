"""Documents whose time is over: the row stays for who cites it, its texts go, and what only finds it goes with them.

Kind, source, times, level, product, firm and place stay, so that counts of the past and the days that detectors lean on
are what they were, and a page that still stands on its list is known and not taken in anew.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Text, delete, select, type_coerce, update

from core.records import CANARY
from store.documents import EXPIRED, EXPIRING, INDEXED, QUARANTINED, REFUSED
from store.schema import (
    alert_documents,
    archive_changes,
    day_documents,
    documents,
    event_keys,
    handed_in,
    minhash_bands,
    sentence_hashes,
    signal_cards,
    signal_keys,
)

TITLE = "（按保存期限已删除）"
EMPTY: dict[str, Any] = {
    "title": TITLE, "text": "", "raw": {}, "author": None, "fields": {}, "tables": [], "attachments": [],
    "archive": None, "analysis": None, "error": None, "claimed_by": None, "claimed_until": None, "attempts": 0,
}  # fmt: skip
PAGE = 1000
DONE = (INDEXED, REFUSED, QUARANTINED)


@dataclass(frozen=True)
class Aged:
    """A row as retention sees it."""

    seq: int
    id: str
    kind: str
    risk: bool
    latest: bool
    stored_at: datetime
    stage: str


def aged_after(db: Connection, place: int, *, before: datetime, limit: int) -> list[Aged]:
    """The next rows in the order of arrival that were stored before a moment."""
    columns = (
        documents.c.seq, documents.c.id, documents.c.kind, documents.c.is_risk, documents.c.latest,
        documents.c.stored_at, documents.c.stage,
    )  # fmt: skip
    query = select(*columns).where(documents.c.seq > place, documents.c.source != CANARY)
    rows = db.execute(query.order_by(documents.c.seq).limit(limit)).all()
    found = [Aged(row[0], row[1], row[2], bool(row[3]), row[4], row[5], row[6]) for row in rows]
    return [one for one in found if one.stored_at < before] if found and found[0].stored_at < before else []


def expire(db: Connection, ids: Sequence[str], *, now: datetime) -> list[str]:
    """Take the texts of these documents away, all revisions; those whose newest revision is still being worked on stay.
    Returns which went: they are to leave the index, too (`leave_index`). ids: at most 500."""
    busy = select(documents.c.id).where(documents.c.id.in_(ids), documents.c.stage.not_in(DONE))
    left = sorted(set(ids) - set(db.execute(busy).scalars()))
    if not left:
        return []
    db.execute(update(documents).where(documents.c.id.in_(left)).values(**EMPTY, stage=EXPIRING, moved_at=now))
    for table in (sentence_hashes, minhash_bands, day_documents, event_keys):
        db.execute(delete(table).where(table.c.document.in_(left)))
    cited = set(db.execute(select(alert_documents.c.document).where(alert_documents.c.document.in_(left))).scalars())
    uncited = [one for one in left if one not in cited]  # an alert goes on being explained by its cards
    for table in (signal_cards, signal_keys):
        db.execute(delete(table).where(table.c.document.in_(uncited)))
    return left


def expiring(db: Connection, *, limit: int) -> list[str]:
    """Documents that are still to leave the index."""
    return sorted(set(db.execute(select(documents.c.id).where(documents.c.stage == EXPIRING).limit(limit)).scalars()))


def left_index(db: Connection, ids: Sequence[str]) -> None:
    """They are out of it."""
    mine = documents.c.id.in_(ids)
    db.execute(update(documents).where(mine, documents.c.stage == EXPIRING).values(stage=EXPIRED))


def expired_at(db: Connection, document: str) -> datetime | None:
    """Since when a document is without its texts; None: it has them."""
    gone = documents.c.stage.in_((EXPIRING, EXPIRED))
    return db.execute(select(documents.c.moved_at).where(documents.c.id == document, documents.c.latest, gone)).scalar()


def drop_raw(db: Connection, seqs: Sequence[int]) -> int:
    """Take away what was fetched, as fetched, of rows that keep their masked texts; how many had it."""
    gone = 0
    for seq, raw in db.execute(select(documents.c.seq, documents.c.raw).where(documents.c.seq.in_(seqs))).all():
        kept = {"files": raw["files"]} if raw.get("files") else {}
        if raw != kept:
            db.execute(update(documents).where(documents.c.seq == seq).values(raw=kept))
            gone += 1
    return gone


def needed_offsets(db: Connection, files: Collection[str]) -> dict[str, set[int]]:
    """Of each of these files of the archive the offsets of records that a row leads to. All rows are asked: a page that
    was overlooked would be gone. In one walk, a few rows in memory at a time. A table that was handed in is needed as
    long as one of its rows became no document, or one that is still there."""
    found: dict[str, set[int]] = {name: set() for name in files}
    live = documents.c.stage.not_in((EXPIRING, EXPIRED))
    attached = type_coerce(documents.c.attachments, Text) != "[]"
    pages = select(documents.c.archive).where(live, documents.c.archive.is_not(None))
    for (ref,) in db.execute(pages.execution_options(yield_per=PAGE)):
        if ref and ref["file"] in found:
            found[ref["file"]].add(ref["offset"])
    for (raw,) in db.execute(select(documents.c.raw).where(live, attached).execution_options(yield_per=PAGE)):
        for ref in (one.get("archive") for one in raw.get("files", ())):
            if ref and ref["file"] in found:
                found[ref["file"]].add(ref["offset"])
    gone = select(documents.c.seq).where(documents.c.id == handed_in.c.document, documents.c.latest, ~live).exists()
    handed = select(handed_in.c.archive).where(handed_in.c.archive != "", ~gone)
    for (place,) in db.execute(handed.distinct()):
        name, offset, _length = place.rsplit(" ", 2)
        if name in found:
            found[name].add(int(offset))
    return found


@dataclass(frozen=True)
class FileChange:
    """A file of the archive that was changed on purpose. at: last.  records: that were blanked; -1: all is gone."""

    at: datetime
    records: int


def note_change(db: Connection, file: str, *, why: str, records: int, now: datetime) -> None:
    """Remember that a file of the archive was changed on purpose."""
    values = {"at": now, "why": why, "records": records}
    if db.execute(update(archive_changes).where(archive_changes.c.file == file).values(**values)).rowcount == 0:
        db.execute(archive_changes.insert().values(file=file, **values))


def changed_files(db: Connection) -> dict[str, FileChange]:
    """Files of the archive that were changed on purpose."""
    columns = (archive_changes.c.file, archive_changes.c.at, archive_changes.c.records)
    return {row.file: FileChange(row.at, row.records) for row in db.execute(select(*columns))}
