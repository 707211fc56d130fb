"""Events: which documents tell one story. Every document stands in one event at most; an event that was merged away
keeps its row, so that its number and address lead on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    RowMapping,
    Select,
    Text,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
    type_coerce,
    union_all,
    update,
)

from core.clock import beijing
from core.ids import short_id
from store.schema import documents, event_documents, event_keys, event_moves, event_parted, events

EACH_SIDE = 30
"""Documents looked at before and after, for each key: what placing a document costs stays bounded."""


@dataclass(frozen=True)
class Event:
    """facts: firms, accidents, scenes, ... as the pipeline keeps them.  merged_into: where its documents went."""

    id: str
    number: str
    title: str
    first_at: datetime
    last_at: datetime
    level: int
    documents: int
    origins: int
    facts: Mapping[str, Any]
    merged_into: str | None
    created_at: datetime


@dataclass(frozen=True)
class Member:
    """A document in its event. like, points, why: what brought it there.  held: a person put it there."""

    document: str
    event: str
    at: datetime
    risk: bool
    held: bool
    like: str | None
    points: float
    why: tuple[str, ...]
    traits: Mapping[str, Any]


@dataclass(frozen=True)
class Neighbour:
    """A document near another one. traits: as JSON text, so that who reads it can remember what a text says."""

    document: str
    event: str
    at: datetime
    risk: bool
    held: bool
    traits: str


def open_event(db: Connection, document: str, at: datetime, *, now: datetime) -> str:
    """A new event with the next number of the year, begun by `document`. It has no members yet."""
    year = beijing(at).year
    serial = (db.execute(_SERIAL, {"year": year}).scalar_one() or 0) + 1
    attempt = 0
    while _known(db, found := short_id("v", document, str(attempt))):
        attempt += 1
    empty = {"title": "", "level": 0, "documents": 0, "origins": 0, "facts": {}}
    values = {"id": found, "year": year, "serial": serial, "first_at": at, "last_at": at, "created_at": now, **empty}
    db.execute(_OPEN, values)
    return found


# Statements are built once: putting one together costs more than running it.
_SERIAL = select(func.max(events.c.serial)).where(events.c.year == bindparam("year"))
_OPEN = events.insert()
_KNOWN = select(events.c.id).where(events.c.id == bindparam("id"))


def _known(db: Connection, event: str) -> bool:
    return db.execute(_KNOWN, {"id": event}).first() is not None


def find_event(db: Connection, name: str) -> Event | None:
    """By id or number (SJ-2026-0211); one that was merged away leads to where it went."""
    where = events.c.id == name
    parts = name.upper().split("-")
    if len(parts) == 3 and parts[0] == "SJ" and all(part.isdecimal() and len(part) < 10 for part in parts[1:]):
        where = (events.c.year == int(parts[1])) & (events.c.serial == int(parts[2]))
    row = db.execute(select(events).where(where)).mappings().first()
    while row is not None and row["merged_into"]:
        row = db.execute(select(events).where(events.c.id == row["merged_into"])).mappings().first()
    return event_of(row) if row else None


def find_events(db: Connection, ids: Iterable[str]) -> dict[str, Event]:
    """The events of these ids, merged ones as they are."""
    wanted = sorted(set(ids))
    rows = db.execute(_EVENTS, {"ids": wanted}).mappings() if wanted else ()
    return {row["id"]: event_of(row) for row in rows}


def events_of_documents(db: Connection, ids: Sequence[str]) -> list[Event]:
    """The events in which any of these documents stands, the largest first."""
    found: set[str] = set()
    for first in range(0, len(ids), 400):
        some = event_documents.c.document.in_(list(ids[first : first + 400]))
        found |= set(db.execute(select(event_documents.c.event).where(some).distinct()).scalars())
    return sorted(find_events(db, found).values(), key=lambda event: (-event.documents, event.number))


_EVENTS = select(events).where(events.c.id.in_(bindparam("ids", expanding=True)))


def list_events(
    db: Connection, *, since: datetime | None = None, least: int = 1, limit: int = 100, offset: int = 0
) -> list[Event]:
    """Events that were heard of since, the newest first. least: documents with a text of their own."""
    query = select(events).where(events.c.merged_into.is_(None), events.c.documents > 0, events.c.origins >= least)
    if since is not None:
        query = query.where(events.c.last_at >= since)
    query = query.order_by(events.c.last_at.desc(), events.c.id).limit(limit).offset(offset)
    return [event_of(row) for row in db.execute(query).mappings()]


def save_summary(
    db: Connection, event: str, *, title: str, first_at: datetime, last_at: datetime, level: int,
    documents: int, origins: int, facts: Mapping[str, Any],
) -> None:  # fmt: skip
    """Write what is known of an event."""
    values = {"title": title, "first_at": first_at, "last_at": last_at, "level": level, "facts": dict(facts)}
    db.execute(_SUMMARY, {"event": event, **values, "documents": documents, "origins": origins})


_SUMMARY = update(events).where(events.c.id == bindparam("event"))


def member_of(db: Connection, document: str) -> Member | None:
    """Where a document stands."""
    row = db.execute(_MEMBER, {"document": document}).mappings().first()
    return _member(row) if row else None


_MEMBER = select(event_documents).where(event_documents.c.document == bindparam("document"))


def members_of(db: Connection, event: str, *, limit: int = 500, newest: bool = False) -> list[Member]:
    """Its documents in order of event time (the first ones, or the newest first)."""
    order = event_documents.c.at.desc() if newest else event_documents.c.at
    query = select(event_documents).where(event_documents.c.event == event)
    query = query.order_by(order, event_documents.c.document).limit(limit)
    return [_member(row) for row in db.execute(query).mappings()]


def counts_of(db: Connection, event: str) -> tuple[int, int]:
    """(documents that are a risk, those of them that repeat no other document)."""
    mine = event_documents.c.event == event
    risk = mine & event_documents.c.risk
    total = db.execute(select(func.count()).select_from(event_documents).where(risk)).scalar_one()
    copies = (
        select(func.count())
        .select_from(event_documents.join(documents, documents.c.id == event_documents.c.document))
        .where(risk, documents.c.latest, documents.c.repost_of.is_not(None))
    )
    return total, total - db.execute(copies).scalar_one()


def _side(number: int, after: bool) -> Any:
    key, at = event_keys.c.key == bindparam(f"key{number}"), event_keys.c.at
    where = (
        (at > bindparam("at"), at <= bindparam("end")) if after else (at <= bindparam("at"), at >= bindparam("start"))
    )
    order = at if after else at.desc()
    return select(select(event_keys.c.document).where(key, *where).order_by(order).limit(EACH_SIDE).subquery())


@cache
def _near(keys: int) -> Any:
    return union_all(*(_side(number, after) for number in range(keys) for after in (False, True)))


AT_ONCE = 8
"""Keys asked for in one statement."""
_NEIGHBOUR = ("document", "event", "at", "risk", "held")
_SOME: Select[Any] = select(
    *(event_documents.c[name] for name in _NEIGHBOUR), type_coerce(event_documents.c.traits, Text).label("traits")
).where(event_documents.c.document.in_(bindparam("documents", expanding=True)))


def members_near(db: Connection, keys: Sequence[str], at: datetime, start: datetime, end: datetime) -> list[Neighbour]:
    """The documents nearest in time under each of the keys, with start <= at <= end."""
    found: set[str] = set()
    for first in range(0, len(keys), AT_ONCE):
        some = {f"key{number}": key for number, key in enumerate(keys[first : first + AT_ONCE])}
        found |= set(db.execute(_near(len(some)), {**some, "at": at, "start": start, "end": end}).scalars())
    names: list[str] = sorted(found)
    rows: list[Neighbour] = []
    for first in range(0, len(names), 400):
        rows += [Neighbour(*row) for row in db.execute(_SOME, {"documents": names[first : first + 400]})]
    return rows


def put_member(db: Connection, member: Member, keys: Iterable[str], *, new: bool = False) -> None:
    """Write a document into its event with the keys it is found by, in place of what was there. new: nothing was."""
    values = {name: getattr(member, name) for name in Member.__dataclass_fields__}
    values |= {"why": list(member.why), "traits": dict(member.traits)}
    if not new:
        remove_member(db, member.document)
    db.execute(_PUT, values)
    rows = [{"key": key, "at": member.at, "document": member.document} for key in sorted(set(keys))]
    if rows:
        db.execute(_PUT_KEYS, rows)


_PUT, _PUT_KEYS = event_documents.insert(), event_keys.insert()


def remove_member(db: Connection, document: str) -> None:
    """Take a document out of its event."""
    db.execute(delete(event_keys).where(event_keys.c.document == document))
    db.execute(delete(event_documents).where(event_documents.c.document == document))


def move_members(db: Connection, chosen: Sequence[str], to: str, *, held: bool | None = None) -> None:
    """Let these documents stand in another event. held: also note that a person did it."""
    more = {} if held is None else {"held": held}
    for first in range(0, len(chosen), 400):
        some = event_documents.c.document.in_(list(chosen[first : first + 400]))
        db.execute(update(event_documents).where(some).values(event=to, **more))


def merge_into(db: Connection, event: str, into: str) -> None:
    """Everything of `event` goes over; its row leads on, and whatever led to it too."""
    db.execute(update(event_documents).where(event_documents.c.event == event).values(event=into))
    gone = or_(events.c.id == event, events.c.merged_into == event)
    db.execute(update(events).where(gone).values(merged_into=into, documents=0, origins=0))
    for other in parted_from(db, [event])[event] - {into}:
        part(db, into, other)
    forget_parting(db, event)


def revive(db: Connection, event: str) -> None:
    """An event that went into another stands by itself again, under its number and address."""
    db.execute(update(events).where(events.c.id == event).values(merged_into=None))


def set_held(db: Connection, held: Mapping[str, bool]) -> None:
    """Whether a person put each of these documents where it is."""
    for value in (True, False):
        some = [document for document, was in held.items() if was is value]
        for first in range(0, len(some), 400):
            mine = event_documents.c.document.in_(some[first : first + 400])
            db.execute(update(event_documents).where(mine).values(held=value))


def hold(db: Connection, event: str) -> None:
    """A person has looked at the event: its documents stay where they are."""
    db.execute(update(event_documents).where(event_documents.c.event == event).values(held=True))


def part(db: Connection, a: str, b: str) -> None:
    """The two are never brought together again by the machine."""
    known = parted_from(db, [a])[a]
    if b not in known and a != b:
        db.execute(event_parted.insert(), [{"event": a, "other": b}, {"event": b, "other": a}])


def forget_parting(db: Connection, event: str, other: str | None = None) -> None:
    """Undo `part`, of one pair or of everything with this event."""
    pairs = [event_parted.c.event == event, event_parted.c.other == event]
    if other is not None:
        pairs = [pairs[0] & (event_parted.c.other == other), pairs[1] & (event_parted.c.event == other)]
    db.execute(delete(event_parted).where(or_(*pairs)))


def parted_from(db: Connection, ids: Sequence[str]) -> dict[str, set[str]]:
    """For each event those it was parted from."""
    found: dict[str, set[str]] = {event: set() for event in ids}
    for row in db.execute(_PARTED, {"ids": sorted(found)}) if found else ():
        found[row.event].add(row.other)
    return found


_PARTED = select(event_parted).where(event_parted.c.event.in_(bindparam("ids", expanding=True)))


# --- what people brought together and took apart ----------------------------------------------------------------


@dataclass(frozen=True)
class Move:
    """A merge or a split by hand. event: the one that stays.  other: what went into it, or was split off.
    documents: what moved, each with whether a person had put it there.  parted: the two were held apart before.
    """

    number: int
    kind: str
    event: str
    other: str
    documents: Mapping[str, bool]
    parted: bool
    actor: str
    at: datetime
    undone_by: str | None
    undone_at: datetime | None


def add_move(
    db: Connection, kind: str, event: str, other: str, *, documents: Mapping[str, bool], parted: bool, actor: str,
    at: datetime,
) -> None:  # fmt: skip
    """Write it down, so that it can be taken back."""
    values = {"kind": kind, "event": event, "other": other, "documents": dict(documents), "parted": parted}
    db.execute(event_moves.insert().values(**values, actor=actor, at=at))


def moves_of(db: Connection, event: str) -> list[Move]:
    """What people did to an event, newest first."""
    mine = or_(event_moves.c.event == event, event_moves.c.other == event)
    rows = db.execute(select(event_moves).where(mine).order_by(event_moves.c.number.desc())).mappings()
    return [Move(**row) for row in rows]


def find_move(db: Connection, number: int) -> Move | None:
    """One of them."""
    row = db.execute(select(event_moves).where(event_moves.c.number == number)).mappings().first()
    return Move(**row) if row else None


def move_undone(db: Connection, number: int, actor: str, at: datetime) -> None:
    """It was taken back."""
    mine = event_moves.c.number == number
    db.execute(update(event_moves).where(mine).values(undone_by=actor, undone_at=at))


def event_of(row: RowMapping) -> Event:
    """The record of a row of `events`."""
    values = {name: row[name] for name in Event.__dataclass_fields__ if name != "number"}
    return Event(**values, number=f"SJ-{row['year']}-{row['serial']:04d}")


def _member(row: RowMapping) -> Member:
    values = {name: row[name] for name in Member.__dataclass_fields__}
    return Member(**{**values, "why": tuple(row["why"])})


@dataclass(frozen=True)
class EventPulse:
    """An event of which something was heard: how many documents before and after a moment."""

    event: Event
    before: int
    after: int


def event_pulses(db: Connection, first: datetime, middle: datetime, end: datetime) -> list[EventPulse]:
    """Events with risk documents in [first, end), and how many of them came before and from `middle` on."""
    at = event_documents.c.at
    later = func.sum(case((at >= middle, 1), else_=0))
    query = (
        select(event_documents.c.event, func.count(), later)
        .where(at >= first, at < end, event_documents.c.risk)
        .group_by(event_documents.c.event)
    )
    counted = {row[0]: (row[1] - row[2], row[2]) for row in db.execute(query)}
    found: list[EventPulse] = []
    ids = sorted(counted)
    for start in range(0, len(ids), 400):
        some = find_events(db, ids[start : start + 400])
        found += [EventPulse(one, *counted[one.id]) for one in some.values() if one.merged_into is None]
    return sorted(found, key=lambda one: (-one.after, one.event.number))


def gone_quiet(db: Connection, first: datetime, end: datetime, *, least: int) -> list[Event]:
    """Events last heard of in [first, end). least: documents with a text of their own."""
    query = select(events).where(events.c.merged_into.is_(None), events.c.origins >= least)
    query = query.where(events.c.last_at >= first, events.c.last_at < end).order_by(events.c.origins.desc())
    return [event_of(row) for row in db.execute(query).mappings()]
