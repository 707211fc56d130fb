"""The enterprise registry as stored: import writes it, the reading and the desk look firms up in it."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, bindparam, func, select, update

from core.addresses import plain_address
from core.credit_code import clean_code
from core.records import RegistryEntry
from store.inserts import create_only
from store.schema import enterprises, firm_changes

LOOKED_UP = ("name", "region_code", "uscc", "parent_id", "address", "person")
"""Fields of an entry that have a column beside it; an address in its plain form, by which neighbours are found."""
AT_ONCE = 400  # values in one question
_FIELDS = tuple(field.name for field in fields(RegistryEntry))


@dataclass(frozen=True)
class Told:
    """An entry and those of its fields that its source speaks of; of a known firm the others stay as they are."""

    entry: RegistryEntry
    fields: Collection[str] = _FIELDS


@dataclass(frozen=True)
class Merged:
    """What became of the entries of one call."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0


def save_entries(db: Connection, entries: Iterable[RegistryEntry], *, now: datetime) -> tuple[int, int]:
    """Write entries by id; returns (new, updated)."""
    new = updated = 0
    for entry in entries:
        values = {name: getattr(entry, name) for name in LOOKED_UP} | {"entry": asdict(entry), "updated_at": now}
        values["address"] = plain_address(entry.address)
        if create_only(db, enterprises, {"id": entry.id, **values}):
            new += 1
        else:
            db.execute(update(enterprises).where(enterprises.c.id == entry.id).values(**values))
            updated += 1
    return new, updated


def merge_entries(db: Connection, told: Sequence[Told], *, source: str, now: datetime) -> Merged:
    """Write entries by id: new ones as they are; of known ones what is told and differs, with history (`changes_of`).

    source: who says it, a file's name.  Each id at most once in a call.
    """
    known = {row[0]: row[1] for row in _rows_with(db, enterprises.c.id, [one.entry.id for one in told])}
    fresh: list[dict[str, Any]] = []
    replaced: list[dict[str, Any]] = []
    history: list[dict[str, Any]] = []
    for one in told:
        entry = one.entry
        before = known.get(entry.id)
        if before is None:
            fresh.append(_columns(_plain(entry), now))
            continue
        changes = _changes(before, one)
        if changes:
            after = before | {name: value for name, (_old, value) in changes.items()}
            replaced.append({**_columns(after, now), "this": entry.id})
            texts = {name: [_text(old), _text(value)] for name, (old, value) in changes.items()}
            history.append({"firm": entry.id, "at": now, "source": source, "changes": texts})
    if fresh:
        db.execute(enterprises.insert(), fresh)
    if replaced:
        db.execute(update(enterprises).where(enterprises.c.id == bindparam("this")), replaced)
        db.execute(firm_changes.insert(), history)
    return Merged(len(fresh), len(replaced), len(told) - len(fresh) - len(replaced))


@dataclass(frozen=True)
class Keys:
    """How stored firms are told: id, credit code, name and region code of each."""

    id: str
    uscc: str
    name: str
    region_code: str


def firms_with(db: Connection, column: str, values: Iterable[str]) -> dict[str, list[Keys]]:
    """The firms whose `column` (id | uscc | name) is one of the values, by value; empty values are not asked for."""
    found: dict[str, list[Keys]] = {}
    wanted = list({value for value in values if value})
    asked = enterprises.c[column]
    for start in range(0, len(wanted), AT_ONCE):
        query = select(enterprises.c.id, enterprises.c.uscc, enterprises.c.name, enterprises.c.region_code)
        for row in db.execute(query.where(asked.in_(wanted[start : start + AT_ONCE])).order_by(enterprises.c.id)):
            keys = Keys(row[0], row[1], row[2], row[3])
            found.setdefault(getattr(keys, column), []).append(keys)
    return found


def firms_coded(db: Connection, asked: str, *, limit: int) -> list[Keys]:
    """The firms whose credit code begins with what somebody typed, six signs at least."""
    begin = clean_code(asked)
    if not (len(begin) >= 6 and begin.isascii() and begin.isalnum() and begin[:2].isdecimal()):
        return []
    firm = enterprises.c
    query = select(firm.id, firm.uscc, firm.name, firm.region_code).where(firm.uscc >= begin, firm.uscc < f"{begin}~")
    return [Keys(*row) for row in db.execute(query.order_by(firm.uscc).limit(limit))]


def each_entry(db: Connection) -> Iterator[RegistryEntry]:
    """The whole registry by id, one firm after the other: memory stays small."""
    query = select(enterprises.c.entry).order_by(enterprises.c.id).execution_options(yield_per=2000)
    return (entry_of(row) for row in db.execute(query).scalars())


def _rows_with(db: Connection, column: "Column[str]", values: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for start in range(0, len(values), AT_ONCE):
        query = select(enterprises.c.id, enterprises.c.entry).where(column.in_(values[start : start + AT_ONCE]))
        for row in db.execute(query):
            yield row[0], row[1]


def _plain(entry: RegistryEntry) -> dict[str, Any]:
    """The fields as JSON has them; `asdict` copies each value, which costs six times as much."""
    values = entry.__dict__
    return {name: list(value) if isinstance(value := values[name], tuple) else value for name in _FIELDS}


def _columns(plain: dict[str, Any], now: datetime) -> dict[str, Any]:
    beside = {name: plain.get(name, "") for name in LOOKED_UP}
    beside["address"] = plain_address(beside["address"])
    return {"id": plain["id"], **beside, "entry": plain, "updated_at": now}


def _changes(before: dict[str, Any], told: Told) -> dict[str, tuple[Any, Any]]:
    found: dict[str, tuple[Any, Any]] = {}
    for name in told.fields:
        value = getattr(told.entry, name)
        after = list(value) if isinstance(value, tuple) else value
        old = before.get(name, [] if isinstance(value, tuple) else "")
        if after != old:
            found[name] = (old, after)
    return found


def _text(value: Any) -> str:
    return ";".join(value) if isinstance(value, list) else str(value)


def load_entries(db: Connection) -> tuple[RegistryEntry, ...]:
    """The whole registry, by id."""
    rows = db.execute(select(enterprises.c.entry).order_by(enterprises.c.id)).scalars()
    return tuple(entry_of(row) for row in rows)


def find_entry(db: Connection, enterprise_id: str) -> RegistryEntry | None:
    """One firm by id."""
    row = db.execute(select(enterprises.c.entry).where(enterprises.c.id == enterprise_id)).scalar_one_or_none()
    return entry_of(row) if row else None


def find_entries(db: Connection, ids: Sequence[str]) -> dict[str, RegistryEntry]:
    """The firms of these ids (at most 400) that the registry has."""
    if not ids:
        return {}
    query = select(enterprises.c.id, enterprises.c.entry).where(enterprises.c.id.in_(list(ids)[:AT_ONCE]))
    return {row[0]: entry_of(row[1]) for row in db.execute(query)}


def find_by_name(db: Connection, name: str) -> str | None:
    """The id of the firm registered under exactly this name; None where there is none, or more than one."""
    found = db.execute(select(enterprises.c.id).where(enterprises.c.name == name).limit(2)).scalars().all()
    return found[0] if len(found) == 1 else None


def count_entries(db: Connection) -> int:
    """How many firms the registry holds."""
    return db.execute(select(func.count()).select_from(enterprises)).scalar_one()


def entry_of(row: dict[str, Any]) -> RegistryEntry:
    """The record of a stored entry."""
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    return RegistryEntry(**values)
