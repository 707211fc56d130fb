"""What was stored about an event or a firm lately: its documents and, of a firm, its facts."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    and_,
    cast,
    exists,
    false,
    literal,
    null,
    or_,
    select,
    union_all,
)

from store.documents import READ
from store.schema import alert_documents, documents, event_documents, firm_facts
from store.sensitive import EVENT, FIRM

MOST = 200
AT_ONCE = 400


@dataclass(frozen=True, order=True)
class Subject:
    """What a page is about. kind: event | firm.  id: event id; registry id or NIL:<name>."""

    kind: str
    id: str


@dataclass(frozen=True)
class Stored:
    """key: of a revision or fact, short.  about: events and firms it tells of.  place: region code of a document;
    open: it is a record of the registry, which is cut for nobody.
    """

    key: str
    about: frozenset[Subject]
    place: str | None
    open: bool = False


def stored_lately(db: Connection, subjects: Collection[Subject], since: datetime) -> list[Stored]:
    """What came about any of them after `since`, by the index of what moved last: one query however many they are."""
    firms, events = (sorted(one.id for one in subjects if one.kind == kind)[:AT_ONCE] for kind in (FIRM, EVENT))
    moved = and_(documents.c.stage.in_(READ), documents.c.moved_at > since, documents.c.latest)
    mine = or_(_of_firms(firms), event_documents.c.event.in_(events))
    parts = [_documents(moved, mine).limit(MOST)]
    if firms:
        parts.append(_facts(firms, since).limit(MOST))
    return _read(db, parts)


def stored_about(db: Connection, subject: Subject, since: datetime) -> list[Stored]:
    """The same for one of them and any past, by the index of its own documents."""
    if subject.kind == EVENT:
        return _read(db, [_documents(documents.c.moved_at > since, event_documents.c.event == subject.id).limit(MOST)])
    mine = and_(documents.c.enterprise == subject.id, documents.c.latest, documents.c.is_risk)
    return _read(
        db, [_documents(documents.c.moved_at > since, mine).limit(MOST), _facts([subject.id], since).limit(MOST)]
    )


def alert_rests_on(db: Connection, alert: str, event: str) -> bool:
    """Whether a document of the alert stands in the event."""
    joined = alert_documents.join(event_documents, event_documents.c.document == alert_documents.c.document)
    here = select(literal(1)).select_from(joined)
    here = here.where(alert_documents.c.alert == alert, event_documents.c.event == event)
    return bool(db.execute(select(exists(here))).scalar_one())


def _of_firms(firms: Collection[str]) -> ColumnElement[bool]:
    return and_(documents.c.enterprise.in_(firms), documents.c.is_risk) if firms else false()


def _documents(*where: ColumnElement[bool]) -> Select[tuple[str, str, str, str]]:
    joined = documents.outerjoin(event_documents, event_documents.c.document == documents.c.id)
    columns = (
        cast(documents.c.seq, Text).label("key"),
        documents.c.enterprise.label("firm"),
        event_documents.c.event.label("event"),
        documents.c.jurisdiction.label("place"),
    )
    return select(*columns).select_from(joined).where(*where)


def _facts(firms: Collection[str], since: datetime) -> Select[tuple[str, str, str, str]]:
    columns = (
        (literal("f") + firm_facts.c.id).label("key"),
        firm_facts.c.firm.label("firm"),
        cast(null(), Text).label("event"),
        cast(null(), Text).label("place"),
    )
    return select(*columns).where(firm_facts.c.updated_at > since, firm_facts.c.firm.in_(firms))


def _read(db: Connection, parts: list[Select[tuple[str, str, str, str]]]) -> list[Stored]:
    if len(parts) == 1:
        rows = db.execute(parts[0])
    else:
        rows = db.execute(union_all(*(select(part.subquery()) for part in parts)))
    return [_stored(row.key, row.firm, row.event, row.place) for row in rows]


def _stored(key: str, firm: str | None, event: str | None, place: str | None) -> Stored:
    about = [Subject(kind, one) for kind, one in ((FIRM, firm), (EVENT, event)) if one]
    return Stored(key, frozenset(about), place, open=key.startswith("f"))
