"""Documents whose time is over: the row stays for who cites it, its texts go, and what only finds it goes with them.

Kind, source, times, level, product, firm and place stay, so that counts of the past and the days that detectors lean on
are what they were, and a page that still stands on its list is known and not taken in anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

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


def place_at(db: Connection, moment: datetime) -> int:
    """The place of the first row that was stored at or after a moment, found by halving: rows stand in that order."""
    low, high = 0, db.execute(select(func.max(documents.c.seq))).scalar() or 0
    while low < high:
        middle = (low + high) // 2
        query = select(documents.c.seq, documents.c.stored_at).where(documents.c.seq > middle)
        row = db.execute(query.order_by(documents.c.seq).limit(1)).first()
        if row is None or row.stored_at >= moment:
            high = middle
        else:
            low = row.seq
    return low + 1


def needed_offsets(db: Connection, file: str, since: datetime, until: datetime) -> set[int]:
    """Offsets of the records of a file that rows stored in [since, until) lead to."""
    found: set[int] = set()
    first, last = place_at(db, since), place_at(db, until)
    query = select(documents.c.archive, documents.c.raw).where(documents.c.seq >= first, documents.c.seq < last)
    for archive, raw in db.execute(query.where(documents.c.stage.not_in((EXPIRING, EXPIRED)))):
        refs = [archive, *(one.get("archive") for one in (raw or {}).get("files", ()))]
        found.update(ref["offset"] for ref in refs if ref and ref["file"] == file)
    rows = db.execute(select(handed_in.c.archive).where(handed_in.c.archive.like(f"{file} %")).distinct())
    found.update(int(row[0].split()[1]) for row in rows)
    return found


def note_change(db: Connection, file: str, *, why: str, records: int, now: datetime) -> None:
    """Remember that a file of the archive was changed on purpose."""
    values = {"at": now, "why": why, "records": records}
    if db.execute(update(archive_changes).where(archive_changes.c.file == file).values(**values)).rowcount == 0:
        db.execute(archive_changes.insert().values(file=file, **values))


def changed_files(db: Connection) -> dict[str, int]:
    """Files of the archive that were changed on purpose, with how many records were blanked; -1: all is gone."""
    return {row.file: row.records for row in db.execute(select(archive_changes.c.file, archive_changes.c.records))}
