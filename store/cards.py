"""Signal cards: the little that rules need of every judged document, found by keys in a window of time.

A card is a view of a document revision: it can be rebuilt by judging again. `until` is when it stopped to count
(replaced by a revision, withdrawn); what counted before that moment is kept, so history can be replayed.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    RowMapping,
    Select,
    Text,
    bindparam,
    delete,
    func,
    select,
    type_coerce,
    update,
)

from store.database import take_turn
from store.schema import alert_documents, alerts, findings, signal_cards, signal_keys


class StoredCard(NamedTuple):
    """document, revision: whose.  at: event time.  until: end of validity, None while it stands.  facts: JSON as text,
    so that who reads it can remember what a text says. A tuple, because thousands are read at once."""

    document: str
    revision: int
    at: datetime
    until: datetime | None
    facts: str


JUDGE_LOCK = 0x6A756467
"""Key of the advisory lock that a judging transaction holds on PostgreSQL ("judg")."""


def one_judge_at_a_time(db: Connection) -> None:
    """Hold other judges back until this transaction ends, else two would open two alerts for one matter.

    SQLite's write transactions wait for each other anyhow.
    """
    take_turn(db, JUDGE_LOCK)


def save_card(
    db: Connection, card: StoredCard, keys: Iterable[str], *, withdrawn_at: datetime | None
) -> frozenset[str]:
    """Write a card with its keys in place of what was there; earlier revisions end when a later one begins.

    Returns the keys of all revisions of the document as they were and as they are.
    """
    revisions = [_Revision(*row) for row in db.execute(_REVISIONS, {"document": card.document})]
    known = set(db.execute(_KNOWN, {"document": card.document}).scalars()) if revisions else set()
    values = {"at": card.at, "until": card.until, "facts": json.loads(card.facts)}
    this = {"document": card.document, "revision": card.revision}
    if any(one.revision == card.revision for one in revisions):
        db.execute(_FORGET_KEYS, {"its": card.document, "that": card.revision})
        db.execute(_REWRITE, {"its": card.document, "that": card.revision, **values})
    else:
        db.execute(_WRITE, {**this, **values})
    new = sorted(set(keys))
    if new:
        db.execute(_WRITE_KEYS, [{"key": key, **this, "at": card.at} for key in new])
    others = (one for one in revisions if one.revision != card.revision)
    _set_ends(db, card, [*others, _Revision(card.revision, card.at, card.until)], withdrawn_at)
    return frozenset(known | set(new))


class _Revision(NamedTuple):
    revision: int
    at: datetime
    until: datetime | None


# Built once: putting a statement together costs more than running it.
_REVISIONS = select(signal_cards.c.revision, signal_cards.c.at, signal_cards.c.until).where(
    signal_cards.c.document == bindparam("document")
)
_KNOWN = select(signal_keys.c.key).where(signal_keys.c.document == bindparam("document"))
_FORGET_KEYS = delete(signal_keys).where(
    signal_keys.c.document == bindparam("its"), signal_keys.c.revision == bindparam("that")
)
_OF_REVISION = (signal_cards.c.document == bindparam("its"), signal_cards.c.revision == bindparam("that"))
_REWRITE = update(signal_cards).where(*_OF_REVISION)
_WRITE, _WRITE_KEYS = signal_cards.insert(), signal_keys.insert()


def _set_ends(db: Connection, card: StoredCard, revisions: Iterable[_Revision], withdrawn_at: datetime | None) -> None:
    """Each revision ends where the next one begins, the last one where it was withdrawn (as its own card tells)."""
    rows = sorted(revisions)
    for place, (revision, at, until) in enumerate(rows):
        last = withdrawn_at if revision == card.revision else until
        following = rows[place + 1].at if place + 1 < len(rows) else last
        end = None if following is None else max(following, at)
        if end != until:
            db.execute(_REWRITE, {"its": card.document, "that": revision, "until": end})


_CARD = [
    signal_cards.c.document, signal_cards.c.revision, signal_cards.c.at, signal_cards.c.until,
    type_coerce(signal_cards.c.facts, Text).label("facts"),
]  # fmt: skip
_SAME = (signal_cards.c.document == signal_keys.c.document) & (signal_cards.c.revision == signal_keys.c.revision)
# Built once: putting the statement together costs more than running it.
_CARDS_WITH: Select[Any] = (
    select(*_CARD, signal_keys.c.key)
    .join(signal_cards, _SAME)
    .where(
        signal_keys.c.key.in_(bindparam("keys", expanding=True)),
        signal_keys.c.at >= bindparam("start"),
        signal_keys.c.at < bindparam("end"),
    )
    .order_by(signal_keys.c.at, signal_keys.c.document, signal_keys.c.revision)
)


def cards_with(db: Connection, keys: Sequence[str], start: datetime, end: datetime) -> dict[str, list[StoredCard]]:
    """For each key the cards with start <= at < end, in order of time."""
    found: dict[str, list[StoredCard]] = {key: [] for key in keys}
    for first in range(0, len(keys), 400):
        some = list(keys[first : first + 400])
        for row in db.execute(_CARDS_WITH, {"keys": some, "start": start, "end": end}):
            found[row[-1]].append(StoredCard._make(row[:-1]))
    return found


AT_ONCE = 2000
"""Rows fetched at a time where all cards of a span are read."""


def cards_between(db: Connection, start: datetime, end: datetime) -> Iterator[StoredCard]:
    """Every card with start <= at <= end in order of event time, document and revision; read as it is asked for."""
    query = (
        select(*_CARD)
        .where(signal_cards.c.at >= start, signal_cards.c.at <= end)
        .order_by(signal_cards.c.at, signal_cards.c.document, signal_cards.c.revision)
    )
    for row in db.execute(query, execution_options={"yield_per": AT_ONCE}).mappings():
        yield _card(row)


def span_of_cards(db: Connection, until: datetime) -> tuple[datetime, datetime, int] | None:
    """(first, last, how many) of the cards up to a moment; None where there is none."""
    query = select(func.min(signal_cards.c.at), func.max(signal_cards.c.at), func.count())
    first, last, count = db.execute(query.where(signal_cards.c.at <= until)).one()
    return (first, last, count) if count else None


def keys_of_documents(db: Connection, documents: Sequence[str], prefix: str) -> list[tuple[str, datetime]]:
    """(key, event time) of every card of these documents, of the keys that begin so; in order."""
    found: set[tuple[str, datetime]] = set()
    for first in range(0, len(documents), 400):
        some = list(documents[first : first + 400])
        query = select(signal_keys.c.key, signal_keys.c.at).where(
            signal_keys.c.document.in_(some), signal_keys.c.key.startswith(prefix, autoescape=True)
        )
        found |= {(row.key, row.at) for row in db.execute(query.distinct())}
    return sorted(found)


def keys_with_findings(db: Connection, documents: Sequence[str], prefix: str) -> list[tuple[str, datetime]]:
    """As keys_of_documents, of the keys under which a finding stands."""
    found: set[tuple[str, datetime]] = set()
    for first in range(0, len(documents), 400):
        rows = db.execute(_KEYS_WITH_FINDINGS, {"documents": documents[first : first + 400]})
        found |= {(row.key, row.at) for row in rows if row.key.startswith(prefix)}
    return sorted(found)


_KEYS_WITH_FINDINGS = (
    select(signal_keys.c.key, signal_keys.c.at)
    .join(findings, (findings.c.key == signal_keys.c.key) & findings.c.withdrawn_at.is_(None))
    .where(signal_keys.c.document.in_(bindparam("documents", expanding=True)))
    .distinct()
)


def next_after(db: Connection, key: str, moment: datetime) -> datetime | None:
    """Event time of the first card of a key after a moment; None where there is none."""
    return db.execute(_NEXT, {"key": key, "moment": moment}).scalar_one_or_none()


_NEXT = select(func.min(signal_keys.c.at)).where(
    signal_keys.c.key == bindparam("key"), signal_keys.c.at > bindparam("moment")
)


def seen_before(db: Connection, key: str, start: datetime, end: datetime) -> bool:
    """Whether any card with start <= at < end carries the key."""
    return db.execute(_SEEN, {"key": key, "start": start, "end": end}).first() is not None


_SEEN = (
    select(signal_keys.c.document)
    .where(signal_keys.c.key == bindparam("key"), signal_keys.c.at >= bindparam("start"))
    .where(signal_keys.c.at < bindparam("end"))
    .limit(1)
)


_RESTING_ON = (
    select(alerts.c.id, alerts.c.subject)
    .join(alert_documents, alert_documents.c.alert == alerts.c.id)
    .where(alert_documents.c.document.in_(bindparam("documents", expanding=True)))
    .distinct()
)


_BY_DOCUMENT = (
    select(alert_documents.c.document, alerts.c.id, alerts.c.subject)
    .join(alerts, alerts.c.id == alert_documents.c.alert)
    .where(alert_documents.c.document.in_(bindparam("documents", expanding=True)))
)


def alerts_by_document(db: Connection, documents: Sequence[str]) -> list[tuple[str, str, str]]:
    """(document, alert id, subject) for each alert that holds one of the documents."""
    found: set[tuple[str, str, str]] = set()
    for first in range(0, len(documents), 400):
        some = list(documents[first : first + 400])
        found |= {(row.document, row.id, row.subject) for row in db.execute(_BY_DOCUMENT, {"documents": some})}
    return sorted(found)


def alerts_resting_on(db: Connection, documents: Sequence[str]) -> list[tuple[str, str]]:
    """(alert id, subject) of every alert that holds one of the documents."""
    found: set[tuple[str, str]] = set()
    for first in range(0, len(documents), 400):
        some = list(documents[first : first + 400])
        found |= {(row.id, row.subject) for row in db.execute(_RESTING_ON, {"documents": some})}
    return sorted(found)


def _card(row: RowMapping) -> StoredCard:
    return StoredCard(row["document"], row["revision"], row["at"], row["until"], row["facts"])


def cards_of(db: Connection, documents: Sequence[str]) -> list[StoredCard]:
    """Every card of these documents, all revisions, in order of event time."""
    found: list[StoredCard] = []
    for first in range(0, len(documents), 400):
        wanted = signal_cards.c.document.in_(list(documents[first : first + 400]))
        found += [_card(row) for row in db.execute(select(*_CARD).where(wanted)).mappings()]
    return sorted(found, key=lambda card: (card.at, card.document, card.revision))
