"""Which earlier document a text repeats: exactly (content hash), or nearly (shared sentences, then MinHash)."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from nlp.near_duplicates import band_keys, is_repost, sentence_hashes, signature
from sqlalchemy import Column, Connection, select
from sqlalchemy.schema import Table

from core.records import Document
from store.alert_log import create_only
from store.documents import attach_repost, find_document, first_with_content, mark_for_index
from store.schema import minhash_bands
from store.schema import sentence_hashes as sentence_table

WITHIN = timedelta(days=30)  # a text that comes back after a month is a new story about an old one
CANDIDATES = 8


def attach(db: Connection, document: Document, title: str, text: str) -> str | None:
    """Find the origin of `document` and remember its own marks. Returns the origin's id, or None for an origin.

    Where the other text is the later one, it is attached to this document instead (sources deliver out of order).
    """
    hashes, bands = sentence_hashes(text), band_keys(signature(f"{title}\n{text}"))
    origin = _same_text(db, document) or _nearly_same(db, document, text, hashes, bands)
    _remember(db, document, hashes, bands)
    if origin is None:
        return None
    if (origin.event_time, origin.id) <= (document.event_time, document.id):
        return origin.repost_of or origin.id
    attach_repost(db, origin.id, document.id)
    mark_for_index(db, origin.id)
    return None


def _same_text(db: Connection, document: Document) -> Document | None:
    found = first_with_content(db, document.content_hash, before=document)
    return found if found and abs(found.event_time - document.event_time) <= WITHIN else None


def _nearly_same(
    db: Connection, document: Document, text: str, hashes: Iterable[int], bands: Iterable[int]
) -> Document | None:
    seen: Counter[str] = Counter()
    for table, column, marks in (
        (sentence_table, sentence_table.c.hash, hashes),
        (minhash_bands, minhash_bands.c.band, bands),
    ):
        seen.update(_sharing(db, table, column, set(marks), document.event_time))
    seen.pop(document.id, None)
    for candidate, _shared in seen.most_common(CANDIDATES):
        other = find_document(db, candidate)
        if other is not None and other.text and is_repost(text, other.text):
            return find_document(db, other.repost_of) if other.repost_of else other
    return None


def _sharing(db: Connection, table: Table, column: Column[int], marks: set[int], at: datetime) -> list[str]:
    near = table.c.event_time.between(at - WITHIN, at + WITHIN)
    query = select(table.c.document).where(column.in_(marks), near).limit(2000)
    return list(db.execute(query).scalars())


def _remember(db: Connection, document: Document, hashes: Iterable[int], bands: Iterable[int]) -> None:
    for table in (sentence_table, minhash_bands):
        db.execute(table.delete().where(table.c.document == document.id))
    own = {"document": document.id, "event_time": document.event_time}
    for mark in set(hashes):
        create_only(db, sentence_table, {"hash": mark, **own})
    for mark in set(bands):
        create_only(db, minhash_bands, {"band": mark, **own})
