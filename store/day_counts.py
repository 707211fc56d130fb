"""Daily counts of the keys of anomaly rules, kept up to date in the transaction that judges: three years of a key are
at most 1,110 small rows, however many documents lie behind them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, bindparam, case, delete, func, or_, select, update
from sqlalchemy.schema import Table

from store.inserts import insert_into
from store.schema import (
    counted_keys,
    counted_rules,
    day_chances,
    day_counts,
    day_documents,
    day_pools,
    signal_cards,
    signal_keys,
)


@dataclass(frozen=True)
class Counted:
    """That a document counts for a key. day: ordinal, of Beijing.  value: by which different ones count; or empty."""

    key: str
    document: str
    day: int
    at: datetime
    value: str


@dataclass(frozen=True)
class CountedRule:
    """A rule as it is counted. since, since_at: what had arrived, and how far the story had come, when it came.

    counted: earlier documents are counted in up to there.  again_from, again_key: see day_series.
    """

    rule: str
    version: str
    since: int
    since_at: datetime | None
    counted: int
    again_from: int | None
    again_key: str


def put(db: Connection, table: Table, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Write a row, in place of the one with that key."""
    db.execute(_put(table, db.dialect.name, tuple(key), tuple(values)), {**key, **values})


# Statements are built once: putting one together costs more than running it.
@cache
def _put(table: Table, dialect: str, key: Sequence[str], values: Sequence[str]) -> Insert:
    new = insert_into(table, dialect)
    written: Insert = new.on_conflict_do_update(
        index_elements=list(key), set_={name: new.excluded[name] for name in values}
    )
    return written


# --- what counts ------------------------------------------------------------------------------------------------


def standing_card(db: Connection, document: str) -> tuple[int, datetime, Mapping[str, Any]] | None:
    """(revision, event time, facts) of the revision of a document that counts; None where none does any more."""
    row = db.execute(_STANDING, {"document": document}).first()
    return None if row is None else (row.revision, row.at, row.facts)


_STANDING = (
    select(signal_cards.c.revision, signal_cards.c.at, signal_cards.c.facts)
    .where(signal_cards.c.document == bindparam("document"), signal_cards.c.until.is_(None))
    .order_by(signal_cards.c.revision.desc())
    .limit(1)
)


def crowd_keys(db: Connection, document: str, revision: int, prefix: str) -> list[str]:
    """The keys of a revision that begin so, in order."""
    found = db.execute(_KEYS, {"document": document, "revision": revision}).scalars()
    return sorted(key for key in found if key.startswith(prefix))


_KEYS = select(signal_keys.c.key).where(
    signal_keys.c.document == bindparam("document"), signal_keys.c.revision == bindparam("revision")
)


def add_keys(db: Connection, document: str, revision: int, at: datetime, keys: Iterable[str]) -> None:
    """Let a stored card be found under further keys."""
    rows = [{"key": key, "document": document, "revision": revision, "at": at} for key in sorted(set(keys))]
    if rows:
        db.execute(insert_into(signal_keys, db.dialect.name).on_conflict_do_nothing(), rows)


def counted_of(db: Connection, document: str) -> dict[str, Counted]:
    """What a document counts for, by key."""
    rows = db.execute(_COUNTED, {"document": document}).mappings()
    return {row["key"]: Counted(**row) for row in rows}


_COUNTED = select(day_documents).where(day_documents.c.document == bindparam("document"))


def counted_days_of(db: Connection, documents: Sequence[str]) -> list[tuple[str, int]]:
    """(key, day) that these documents count for."""
    found: list[tuple[str, int]] = []
    for first in range(0, len(documents), 400):
        rows = db.execute(_COUNTED_DAYS, {"documents": documents[first : first + 400]})
        found += [(row.key, row.day) for row in rows]
    return found


_COUNTED_DAYS = select(day_documents.c.key, day_documents.c.day).where(
    day_documents.c.document.in_(bindparam("documents", expanding=True))
)


def add_counted(db: Connection, one: Counted) -> int:
    """Count a document in; returns by how much the key's day has grown (0 where its value was there already)."""
    db.execute(_COUNT_IN, {name: getattr(one, name) for name in one.__dataclass_fields__})
    left = bump(db, one.key, one.day, one.value, 1)
    return int(not one.value or left == 1)


_COUNT_IN = day_documents.insert()


def take_counted(db: Connection, one: Counted) -> int:
    """Take a document out again; returns by how much the key's day has shrunk."""
    mine = (day_documents.c.key == one.key, day_documents.c.document == one.document)
    db.execute(delete(day_documents).where(*mine))
    left = bump(db, one.key, one.day, one.value, -1)
    return int(not one.value or left == 0)


def bump(db: Connection, key: str, day: int, value: str, by: int) -> int:
    """Add to a count; returns what it is then. A count of 0 has no row."""
    asked = {"key": key, "day": day, "value": value, "n": by}
    left: int = db.execute(_bump(db.dialect.name), asked).scalar_one()
    if left <= 0:
        same = (day_counts.c.key == key, day_counts.c.day == day, day_counts.c.value == value)
        db.execute(delete(day_counts).where(*same))
    return left


@cache
def _bump(dialect: str) -> Any:
    new = insert_into(day_counts, dialect)
    grown = new.on_conflict_do_update(
        index_elements=["key", "day", "value"], set_={"n": day_counts.c.n + new.excluded.n}
    )
    return grown.returning(day_counts.c.n)


_DAYS = (
    select(day_counts.c.day, func.sum(day_counts.c.n).label("all"), func.count().label("different"))
    .where(
        day_counts.c.key == bindparam("key"),
        day_counts.c.day >= bindparam("first"),
        day_counts.c.day <= bindparam("last"),
    )
    .group_by(day_counts.c.day)
    .order_by(day_counts.c.day)
)


def days_of(db: Connection, key: str, first: int, last: int, *, different: bool) -> dict[int, int]:
    """The key's counts by day, first <= day <= last; days without any are left out. different: count values."""
    rows = db.execute(_DAYS, {"key": key, "first": first, "last": last})
    return {row.day: int(row.different if different else row.all) for row in rows}


def documents_of_days(db: Connection, key: str, first: int, last: int) -> list[Counted]:
    """What counts for a key on these days, in order of event time."""
    rows = db.execute(_DOCUMENTS, {"key": key, "first": first, "last": last})
    return [Counted(*row) for row in rows]


_DOCUMENTS = (
    select(*(day_documents.c[name] for name in Counted.__dataclass_fields__))
    .where(
        day_documents.c.key == bindparam("key"),
        day_documents.c.day >= bindparam("first"),
        day_documents.c.day <= bindparam("last"),
    )
    .order_by(day_documents.c.at, day_documents.c.document)
)


def newest_documents(db: Connection, key: str, day: int, *, limit: int) -> list[str]:
    """The last documents that count for a key up to a day."""
    query = select(day_documents.c.document).where(day_documents.c.key == key, day_documents.c.day <= day)
    order = (day_documents.c.day.desc(), day_documents.c.at.desc())
    return list(db.execute(query.order_by(*order).limit(limit)).scalars())


def stale_values(db: Connection, rule: str, since: int, current: Table, *, limit: int) -> list[str]:
    """Documents of a rule counted under an event they are no longer in. current: event_documents."""
    mine = day_documents.c.key.startswith(f"w:{rule}|", autoescape=True)
    query = (
        select(day_documents.c.document)
        .join(current, current.c.document == day_documents.c.document)
        .where(mine, day_documents.c.day >= since, day_documents.c.value != current.c.event)
    )
    return list(db.execute(query.distinct().limit(limit)).scalars())


# --- keys -------------------------------------------------------------------------------------------------------


def note_key(db: Connection, key: str, rule: str, parent: str, first_day: int, last_day: int) -> None:
    """Write when a key was first and last seen."""
    values = {"rule": rule, "parent": parent, "first_day": first_day, "last_day": last_day}
    put(db, counted_keys, {"key": key}, values)


def widen_key(db: Connection, key: str, rule: str, parent: str, day: int) -> None:
    """Note that a key was seen on a day, beside the days it was seen on before."""
    seen = {"key": key, "rule": rule, "parent": parent, "first_day": day, "last_day": day}
    db.execute(_widen(db.dialect.name), seen)


@cache
def _widen(dialect: str) -> Any:
    new, known = insert_into(counted_keys, dialect), counted_keys.c
    first = case((new.excluded.first_day < known.first_day, new.excluded.first_day), else_=known.first_day)
    last = case((new.excluded.last_day > known.last_day, new.excluded.last_day), else_=known.last_day)
    return new.on_conflict_do_update(index_elements=["key"], set_={"first_day": first, "last_day": last})


def note_due(db: Connection, key: str, due: datetime | None, *, or_earlier: bool = False) -> None:
    """Write when a key is to be looked at. or_earlier: unless it is to be looked at before."""
    mine = counted_keys.c.key == key
    if or_earlier:
        mine &= or_(counted_keys.c.due.is_(None), counted_keys.c.due > due)
    db.execute(update(counted_keys).where(mine).values(due=due))


def drop_key(db: Connection, key: str) -> None:
    """Nothing counts for the key any more."""
    db.execute(delete(counted_keys).where(counted_keys.c.key == key))


def bounds_of(db: Connection, key: str) -> tuple[int, int] | None:
    """The first and the last day on which something counts for a key, taken from the counts."""
    first, last = db.execute(_BOUNDS, {"key": key}).one()
    return None if first is None else (first, last)


_BOUNDS = select(func.min(day_counts.c.day), func.max(day_counts.c.day)).where(day_counts.c.key == bindparam("key"))


def days_of_key(db: Connection, key: str) -> tuple[int, int] | None:
    """The same as it was noted: one row, however many days there are."""
    found = db.execute(_NOTED, {"key": key}).first()
    return None if found is None else (found.first_day, found.last_day)


_NOTED = select(counted_keys.c.first_day, counted_keys.c.last_day).where(counted_keys.c.key == bindparam("key"))


def first_day_of(db: Connection, rule: str) -> int | None:
    """The first day on which anything counts for a rule."""
    found: int | None = db.execute(_FIRST, {"rule": rule}).scalar_one_or_none()
    return found


_FIRST = select(func.min(counted_keys.c.first_day)).where(counted_keys.c.rule == bindparam("rule"))


def keys_by(db: Connection, parent: str, day: int) -> int:
    """How many keys of a parent had been seen by the end of a day."""
    query = select(func.count()).where(counted_keys.c.parent == parent, counted_keys.c.first_day <= day)
    return int(db.execute(query).scalar_one())


def keys_before(db: Connection, rule: str, day: int) -> int:
    """How many keys of a rule had been seen before a day."""
    query = select(func.count()).where(counted_keys.c.rule == rule, counted_keys.c.first_day < day)
    return int(db.execute(query).scalar_one())


def keys_after(db: Connection, rule: str, key: str, since: int, *, limit: int) -> list[str]:
    """Keys of a rule that were seen on a day since, in order, after `key`."""
    mine = (counted_keys.c.rule == rule, counted_keys.c.key > key, counted_keys.c.last_day >= since)
    return list(db.execute(select(counted_keys.c.key).where(*mine).order_by(counted_keys.c.key).limit(limit)).scalars())


def due_of(db: Connection, key: str) -> datetime | None:
    """When a key is to be looked at."""
    found: datetime | None = db.execute(
        select(counted_keys.c.due).where(counted_keys.c.key == key)
    ).scalar_one_or_none()
    return found


def keys_due(db: Connection, rule: str, until: datetime, *, limit: int) -> list[str]:
    """Keys of a rule that are to be looked at by a moment, in order."""
    mine = (counted_keys.c.rule == rule, counted_keys.c.due <= until)
    return list(db.execute(select(counted_keys.c.key).where(*mine).order_by(counted_keys.c.key).limit(limit)).scalars())


# --- rules ------------------------------------------------------------------------------------------------------


def find_rule(db: Connection, rule: str) -> CountedRule | None:
    """How a rule is counted; None while it is not."""
    row = db.execute(_RULE, {"rule": rule}).mappings().first()
    return CountedRule(**row) if row else None


_RULE = select(counted_rules).where(counted_rules.c.rule == bindparam("rule"))


def save_rule(db: Connection, one: CountedRule) -> None:
    """Write how a rule is counted."""
    values = {name: getattr(one, name) for name in one.__dataclass_fields__ if name != "rule"}
    put(db, counted_rules, {"rule": one.rule}, values)


def judge_again(db: Connection, rule: str, day: int) -> None:
    """All keys of a rule are to be judged again from a day on."""
    known = find_rule(db, rule)
    before = None if known is None else known.again_from
    day = day if before is None else min(day, before)
    db.execute(_AGAIN, {"which": rule, "again_from": day, "again_key": ""})


_AGAIN = update(counted_rules).where(counted_rules.c.rule == bindparam("which"))


def forget_counts(db: Connection, rule: str) -> None:
    """The rule's words have changed: what was counted by the old ones goes."""
    for table in (day_counts, day_documents):
        for begin in (f"w:{rule}|", f"t:{rule}|"):
            db.execute(delete(table).where(table.c.key.startswith(begin, autoescape=True)))
    db.execute(delete(day_counts).where(day_counts.c.key == f"t:{rule}"))
    for table in (counted_keys, day_pools, day_chances):
        db.execute(delete(table).where(table.c.rule == rule))


def pools_of(db: Connection, rule: str, since: int) -> dict[int, Any]:
    """The rule's pooled factors by month, from a month on."""
    return {row.month: row.content for row in db.execute(_POOLS, {"rule": rule, "since": since})}


_POOLS = select(day_pools.c.month, day_pools.c.content).where(
    day_pools.c.rule == bindparam("rule"), day_pools.c.month >= bindparam("since")
)


def save_pool(db: Connection, rule: str, month: int, content: Any) -> None:
    """Write the pooled factors for judging a month."""
    put(db, day_pools, {"rule": rule, "month": month}, {"content": content})


def chances_of(db: Connection, rule: str, day: int) -> dict[str, float]:
    """The small p-values of a day, by key."""
    mine = (day_chances.c.rule == rule, day_chances.c.day == day)
    return {row.key: row.p for row in db.execute(select(day_chances.c.key, day_chances.c.p).where(*mine))}


def days_with_chances(db: Connection, rule: str, since: int) -> list[int]:
    """The days from one on that have small p-values, in order."""
    mine = (day_chances.c.rule == rule, day_chances.c.day >= since)
    return list(db.execute(select(day_chances.c.day).where(*mine).distinct().order_by(day_chances.c.day)).scalars())


def save_chance(db: Connection, rule: str, day: int, key: str, p: float) -> None:
    """Write the small p-value of a key's day."""
    put(db, day_chances, {"rule": rule, "day": day, "key": key}, {"p": p})


def forget_chances(db: Connection, rule: str, key: str, since: int) -> None:
    """The key's days from one on are judged anew."""
    mine = (day_chances.c.rule == rule, day_chances.c.day >= since, day_chances.c.key == key)
    db.execute(delete(day_chances).where(*mine))


# --- sightings --------------------------------------------------------------------------------------------------


def sightings(
    db: Connection, key: str, start: datetime, end: datetime, *, limit: int, newest: bool = False
) -> list[tuple[datetime, str]]:
    """(event time, document) under a key with start <= at < end, oldest (or newest) first; any revision counts."""
    columns = (signal_keys.c.at, signal_keys.c.document)
    query = select(*columns).where(signal_keys.c.key == key, signal_keys.c.at >= start, signal_keys.c.at < end)
    order: Sequence[Any] = [column.desc() for column in columns] if newest else columns
    return [(row.at, row.document) for row in db.execute(query.order_by(*order).limit(limit))]


def seen_between(db: Connection, key: str) -> tuple[datetime, datetime] | None:
    """When a key was first and last seen."""
    first, last = db.execute(_SEEN, {"key": key}).one()
    return None if first is None else (first, last)


_SEEN = select(func.min(signal_keys.c.at), func.max(signal_keys.c.at)).where(signal_keys.c.key == bindparam("key"))
