"""What was stored about an event or a firm lately: documents, moves of them; of a firm its facts and ledger steps."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)

from store.documents import READ
from store.schema import (
    alert_documents,
    documents,
    event_documents,
    event_moves,
    firm_facts,
    ledger_entries,
    ledger_rows,
)
from store.sensitive import EVENT, FIRM

MOST = 200
OPEN = ("f", "m")
"""Keys of what is cut for nobody: records of the registry, moves of an event whose page is open."""
AT_ONCE = 400


@dataclass(frozen=True, order=True)
class Subject:
    """What a page is about. kind: event | firm.  id: event id; registry id or NIL:<name>."""

    kind: str
    id: str


@dataclass(frozen=True)
class Stored:
    """key: of a revision, fact, ledger step or move, short.  about: events and firms it tells of.  places: region
    codes, one of which a viewer must see; open: it is cut for nobody who may open the subject's page.
    """

    key: str
    about: frozenset[Subject]
    places: tuple[str | None, ...]
    open: bool = False


def stored_lately(db: Connection, subjects: Collection[Subject], since: datetime) -> list[Stored]:
    """What came about any of them after `since`, by the index of what moved last: one query however many they are."""
    firms, events = (sorted(one.id for one in subjects if one.kind == kind)[:AT_ONCE] for kind in (FIRM, EVENT))
    moved = and_(documents.c.stage.in_(READ), documents.c.moved_at > since, documents.c.latest)
    mine = or_(_of_firms(firms), event_documents.c.event.in_(events))
    parts = [_documents(moved, mine).limit(MOST)]
    if firms:
        parts += [part.limit(MOST) for part in _of_firms_lately(firms, since)]
    if events:
        parts.append(_moves(events, since).limit(MOST))
    return _read(db, parts)


def stored_about(db: Connection, subject: Subject, since: datetime) -> list[Stored]:
    """The same for one of them and any past, by the index of its own documents."""
    if subject.kind == EVENT:
        found = _documents(documents.c.moved_at > since, event_documents.c.event == subject.id)
        return _read(db, [found.limit(MOST), _moves([subject.id], since).limit(MOST)])
    mine = and_(documents.c.enterprise == subject.id, documents.c.latest, documents.c.is_risk)
    parts = [_documents(documents.c.moved_at > since, mine), *_of_firms_lately([subject.id], since)]
    return _read(db, [part.limit(MOST) for part in parts])


def alert_rests_on(db: Connection, alert: str, event: str) -> bool:
    """Whether a document of the alert stands in the event."""
    joined = alert_documents.join(event_documents, event_documents.c.document == alert_documents.c.document)
    here = select(literal(1)).select_from(joined)
    here = here.where(alert_documents.c.alert == alert, event_documents.c.event == event)
    return bool(db.execute(select(exists(here))).scalar_one())


def _of_firms(firms: Collection[str]) -> ColumnElement[bool]:
    return and_(documents.c.enterprise.in_(firms), documents.c.is_risk) if firms else false()


Row = Select[tuple[str, str, str, str, str]]


def _documents(*where: ColumnElement[bool]) -> Row:
    joined = documents.outerjoin(event_documents, event_documents.c.document == documents.c.id)
    columns = (
        cast(documents.c.seq, Text).label("key"),
        documents.c.enterprise.label("firm"),
        event_documents.c.event.label("event"),
        documents.c.jurisdiction.label("place"),
        cast(null(), Text).label("unit"),
    )
    return select(*columns).select_from(joined).where(*where)


def _of_firms_lately(firms: Collection[str], since: datetime) -> list[Row]:
    return [_facts(firms, since), _ledger(firms, since), _moves_of_firms(firms, since)]


def _facts(firms: Collection[str], since: datetime) -> Row:
    columns = (
        (literal("f") + firm_facts.c.id).label("key"),
        firm_facts.c.firm.label("firm"),
        cast(null(), Text).label("event"),
        cast(null(), Text).label("place"),
        cast(null(), Text).label("unit"),
    )
    return select(*columns).where(firm_facts.c.updated_at > since, firm_facts.c.firm.in_(firms))


def _ledger(firms: Collection[str], since: datetime) -> Row:
    """Steps of ledger entries, seen where the hazard lies and where it is answered for."""
    entry, step = ledger_entries.c, ledger_rows.c
    columns = (
        (literal("l") + step.entry + literal(":") + cast(step.number, Text)).label("key"),
        entry.firm.label("firm"),
        cast(null(), Text).label("event"),
        entry.territory.label("place"),
        entry.unit.label("unit"),
    )
    joined = ledger_entries.join(ledger_rows, step.entry == entry.id)
    return select(*columns).select_from(joined).where(entry.firm.in_(firms), step.at > since)


def _moved_since(since: datetime) -> ColumnElement[bool]:
    return or_(event_moves.c.at > since, event_moves.c.undone_at > since)


def _move_key(sign: str) -> ColumnElement[str]:
    return literal(sign) + cast(event_moves.c.number, Text) + func.coalesce(event_moves.c.undone_by, "")


def _moves(events: Collection[str], since: datetime) -> Row:
    """Documents moved from event to event, for those who have one of the two open."""
    moves, mine = event_moves.c, case((event_moves.c.event.in_(events), event_moves.c.event), else_=event_moves.c.other)
    columns = (
        _move_key("m").label("key"),
        cast(null(), Text).label("firm"),
        mine.label("event"),
        cast(null(), Text).label("place"),
        cast(null(), Text).label("unit"),
    )
    return select(*columns).where(_moved_since(since), or_(moves.event.in_(events), moves.other.in_(events)))


def _moves_of_firms(firms: Collection[str], since: datetime) -> Row:
    """The same where one of the events tells of a firm, seen where such a document lies."""
    moves, member = event_moves.c, event_documents.c
    joined = event_moves.join(event_documents, or_(member.event == moves.event, member.event == moves.other))
    joined = joined.join(documents, documents.c.id == member.document)
    columns = (
        _move_key("n").label("key"),
        documents.c.enterprise.label("firm"),
        cast(null(), Text).label("event"),
        documents.c.jurisdiction.label("place"),
        cast(null(), Text).label("unit"),
    )
    return select(*columns).select_from(joined).where(_moved_since(since), documents.c.latest, _of_firms(firms))


def _read(db: Connection, parts: list[Row]) -> list[Stored]:
    if len(parts) == 1:
        rows = db.execute(parts[0])
    else:
        rows = db.execute(union_all(*(select(part.subquery()) for part in parts)))
    return [_stored(row.key, row.firm, row.event, (row.place, *([row.unit] if row.unit else []))) for row in rows]


def _stored(key: str, firm: str | None, event: str | None, places: tuple[str | None, ...]) -> Stored:
    about = [Subject(kind, one) for kind, one in ((FIRM, firm), (EVENT, event)) if one]
    return Stored(key, frozenset(about), places, open=key[0] in OPEN)
