"""Which earlier document a text repeats: exactly (content hash), or nearly (shared sentences and MinHash).

Measured on the sample pack's 25 reposts among 675 texts (2026-11): 24 found, no two different texts joined; the
thresholds lie in the gap between the two.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Column, Connection, Insert, Select, Table, bindparam, func, select

from core.records import Document
from nlp.near_duplicates import band_keys, is_repost, sentence_hashes, signature, similarity
from nlp.subjects import Subjects
from store.documents import (
    attach_repost,
    find_document,
    first_with_content,
    mark_for_index,
    newest_revisions,
    reposts_of,
)
from store.inserts import insert_into
from store.schema import documents, minhash_bands
from store.schema import sentence_hashes as sentence_table

WITHIN = timedelta(days=30)  # a text that comes back after a month is a new story about an old one
CANDIDATES = 8
MAX_MARKS = 200  # sentences remembered of one text: a longer one shares its first ones too
SHARED_SENTENCES, WITH_LIKENESS, LIKENESS = 0.5, 0.4, 0.6
NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Marks:
    """What is compared of a text."""

    hashes: tuple[int, ...]
    signature: tuple[int, ...]
    bands: tuple[int, ...]
    numbers: frozenset[str]

    @classmethod
    def of(cls, title: str, text: str) -> "Marks":
        """The marks of a cleaned text."""
        whole = signature(f"{title}\n{text}")
        return cls(sentence_hashes(text)[:MAX_MARKS], whole, band_keys(whole), frozenset(NUMBER.findall(text)))

    def repeats(self, other: "Marks") -> bool:
        """Whether both carry the same text. Notices of one office share their phrases but not their figures."""
        alike = similarity(self.signature, other.signature)
        if min(len(self.numbers), len(other.numbers)) >= 2:
            common = len(self.numbers & other.numbers)
            if common * 2 < min(len(self.numbers), len(other.numbers)):
                return False
        return alike >= LIKENESS or (
            alike >= WITH_LIKENESS and is_repost(self.hashes, other.hashes) >= SHARED_SENTENCES
        )


Naming = Callable[[str, str], Subjects]
"""What a title and a text name."""


def attach(db: Connection, document: Document, marks: Marks, naming: Naming) -> str | None:
    """Find the origin of `document` (cleaned) and remember its own marks. Returns the origin's id; None: it is one.

    Where the other text is the later one, it is attached to this document instead (sources deliver out of order).
    """
    origin = _same_text(db, document) or _nearly_same(db, document, marks, naming)
    _remember(db, document, marks)
    if origin is None:
        return None
    if (origin.event_time, origin.id) <= (document.event_time, document.id):
        if document.revision > 1:  # what hung on it as it was hangs on the origin, too
            _hang(db, reposts_of(db, document.id), origin.repost_of or origin.id)
        return origin.repost_of or origin.id
    _hang(db, [origin, *reposts_of(db, origin.id)], document.id)
    return None


def _hang(db: Connection, copies: Sequence[Document], origin: str) -> None:
    for copy in copies:
        attach_repost(db, copy.id, origin)
        mark_for_index(db, copy.id)


def overlaps(db: Connection, origin_of: Mapping[str, str]) -> dict[str, float]:
    """How much of each text stands in its origin, 0-1: the share of its sentences. origin_of: origins by document.

    Texts too short for a sentence of their own, and those whose marks are not kept, are left out. One query.
    """
    wanted = {*origin_of, *origin_of.values()}
    marks: defaultdict[str, set[int]] = defaultdict(set)
    if wanted:
        query = select(sentence_table.c.document, sentence_table.c.hash).where(sentence_table.c.document.in_(wanted))
        for document, mark in db.execute(query):
            marks[document].add(mark)
    return {
        document: len(marks[document] & marks[origin]) / len(marks[document])
        for document, origin in origin_of.items()
        if marks[document] and marks[origin]
    }


def _same_text(db: Connection, document: Document) -> Document | None:
    found = first_with_content(db, document.content_hash, before=document)
    return found if found and abs(found.event_time - document.event_time) <= WITHIN else None


def _nearly_same(db: Connection, document: Document, marks: Marks, naming: Naming) -> Document | None:
    seen: Counter[str] = Counter()
    for table, column, values in _marks_by_table(marks):
        seen.update(_sharing(db, table, column, values, document.event_time))
    seen.pop(document.id, None)
    mine: Subjects | None = None
    nearest = [candidate for candidate, _ in seen.most_common(CANDIDATES)]
    told = _told_by_others(db, nearest, document.source)
    for other in filter(None, map(told.get, nearest)):
        if not marks.repeats(Marks.of(other.title, other.text)):
            continue
        origin = (find_document(db, other.repost_of) if other.repost_of else None) or find_document(db, other.id)
        # What hangs on an earlier revision of this document is a copy of it; a page that has moved is no origin either.
        if origin is None or origin.id == document.id:
            continue
        if origin.source == document.source and origin.withdrawn_at is not None:
            continue
        mine = mine or naming(document.title, document.text)
        # A copy may be cut short and name nobody: its origin says whom it is about.
        alike = [(other.title, other.text)] + ([(origin.title, origin.text)] if origin.id != other.id else [])
        if not any(mine.differ(naming(*texts)) for texts in alike):
            return origin
    return None


def _told_by_others(db: Connection, ids: Sequence[str], source: str) -> Mapping[str, Any]:
    """What documents say, by id. One source does not reprint itself: two of its notices that read alike are two."""
    return {row.id: row for row in db.execute(_TOLD, {"ids": ids, "source": source})} if ids else {}


_TOLD = select(documents.c.id, documents.c.title, documents.c.text, documents.c.repost_of).where(
    documents.c.id.in_(bindparam("ids", expanding=True)),
    documents.c.latest,
    documents.c.source != bindparam("source"),
    documents.c.text != "",
)
"""Without what was fetched and what was read of it: most candidates are none, and those columns are the heaviest."""


def _marks_by_table(marks: Marks) -> list[tuple[Table, Column[int], set[int]]]:
    return [
        (sentence_table, sentence_table.c.hash, {_signed(mark) for mark in marks.hashes}),
        (minhash_bands, minhash_bands.c.band, {_signed(mark) for mark in marks.bands}),
    ]


def _sharing(db: Connection, table: Table, column: Column[int], values: set[int], at: datetime) -> Sequence[str]:
    asked = {"values": sorted(values), "since": at - WITHIN, "until": at + WITHIN}
    return db.execute(_SHARING[column.name], asked).scalars().all() if values else ()


def _sharing_of(column: Column[int]) -> Select[str]:
    near = column.table.c.event_time.between(bindparam("since"), bindparam("until"))
    found = select(column.table.c.document).where(column.in_(bindparam("values", expanding=True)), near)
    return found.limit(2000)


# Built once: putting a statement together costs more than running it.
_SHARING = {column.name: _sharing_of(column) for column in (sentence_table.c.hash, minhash_bands.c.band)}


def _remember(db: Connection, document: Document, marks: Marks) -> None:
    """Keep the marks of the newest revision. Workers may clean an older one after it: that leaves what is there."""
    if document.revision > 1:
        if newest_revisions(db, [document.id])[document.id] > document.revision:
            return
        for table, _column, _values in _marks_by_table(marks):
            db.execute(table.delete().where(table.c.document == document.id))
    own = {"document": document.id, "event_time": document.event_time}
    for _table, column, values in _marks_by_table(marks):
        if values:
            _insert(db, column, sorted(values), own)


def _insert(db: Connection, column: Column[int], values: Sequence[int], own: Mapping[str, Any]) -> None:
    if db.dialect.name == "postgresql":  # one statement for them all takes a third of the server's time
        db.execute(_INSERT_ALL[column.name], {"values": values, **own})
    else:
        db.execute(_INSERT_EACH[column.name], [{column.name: value, **own} for value in values])


def _insert_all(column: Column[int]) -> Insert:
    table = column.table
    its = (bindparam("document", type_=table.c.document.type), bindparam("event_time", type_=table.c.event_time.type))
    rows = select(func.unnest(bindparam("values", type_=ARRAY(BigInteger))), *its)
    new = insert_into(table, "postgresql").from_select([column.name, "document", "event_time"], rows)
    return new.on_conflict_do_nothing()


_MARKED = (sentence_table.c.hash, minhash_bands.c.band)
_INSERT_ALL = {column.name: _insert_all(column) for column in _MARKED}
_INSERT_EACH = {column.name: insert_into(column.table, "sqlite").on_conflict_do_nothing() for column in _MARKED}


def _signed(mark: int) -> int:
    return mark - (1 << 64) if mark >= 1 << 63 else mark
