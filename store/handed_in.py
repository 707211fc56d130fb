"""Rows that other systems handed in: each revision kept, the latest of a caller's id holds."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, func, insert, select, update

from store import database
from store.schema import handed_in

AT_ONCE = 400
LOCK = 0x1A7E
"""Advisory lock on PostgreSQL: two that hand in the same rows take turns; SQLite has one writer anyway."""


@dataclass(frozen=True)
class Handed:
    """One revision of a row. Columns as in store/schema.py; number is given by the store."""

    kind: str
    source: str
    external_id: str
    revision: int
    hash: str
    day: date
    at: datetime
    actor: str
    archive: str
    body: Mapping[str, Any]
    territory: str = ""
    product: str = ""
    firm: str = ""
    outcome: str = ""
    online: bool | None = None
    rural: bool | None = None
    site: str = ""
    found: int = 0
    fixed: int = 0
    done: bool = False
    document: str = ""
    number: int = 0


def take_turn(db: Connection) -> None:
    """Nobody else hands in before this transaction ends."""
    database.take_turn(db, LOCK)


def newest(db: Connection, kind: str, source: str, ids: Sequence[str]) -> dict[str, Handed]:
    """The latest revision of each of the caller's ids that is known."""
    found: dict[str, Handed] = {}
    mine = (handed_in.c.kind == kind, handed_in.c.source == source, handed_in.c.latest)
    for start in range(0, len(ids), AT_ONCE):
        query = select(handed_in).where(*mine, handed_in.c.external_id.in_(ids[start : start + AT_ONCE]))
        found |= {row["external_id"]: handed_of(row) for row in db.execute(query).mappings()}
    return found


def add(db: Connection, rows: Iterable[Handed]) -> None:
    """Append revisions; each becomes the latest of its id."""
    given = list(rows)
    for one in given:
        if one.revision > 1:
            same = (handed_in.c.kind == one.kind, handed_in.c.source == one.source)
            mine = (*same, handed_in.c.external_id == one.external_id, handed_in.c.latest)
            db.execute(update(handed_in).where(*mine).values(latest=False))
    if given:
        names = [field.name for field in fields(Handed) if field.name != "number"]
        db.execute(
            insert(handed_in),
            [{name: getattr(one, name) for name in names} | {"body": dict(one.body), "latest": True} for one in given],
        )


def find(db: Connection, number: int) -> Handed | None:
    """By its number."""
    row = db.execute(select(handed_in).where(handed_in.c.number == number)).mappings().first()
    return handed_of(row) if row else None


def counts(db: Connection, codes: Collection[str] | None = None) -> dict[str, tuple[int, datetime]]:
    """Latest rows of each kind, and when the last one came. codes: of these territories; None: of all."""
    inside = [] if codes is None else [handed_in.c.territory.in_(sorted(codes))]
    query = select(handed_in.c.kind, func.count(), func.max(handed_in.c.number)).where(handed_in.c.latest, *inside)
    found = db.execute(query.group_by(handed_in.c.kind)).all()  # from the index alone: the time stands in the rows
    last = select(handed_in.c.number, handed_in.c.at).where(handed_in.c.number.in_([row[2] for row in found]))
    at = {row[0]: row[1] for row in db.execute(last)}
    return {row[0]: (row[1], at[row[2]]) for row in found}


def listed(db: Connection, conditions: Collection[ColumnElement[bool]], *, limit: int, before: int = 0) -> list[Handed]:
    """Latest rows that pass, the newest number first. before: a number."""
    query = select(handed_in).where(handed_in.c.latest, *conditions)
    if before:
        query = query.where(handed_in.c.number < before)
    rows = db.execute(query.order_by(handed_in.c.number.desc()).limit(limit)).mappings()
    return [handed_of(row) for row in rows]


def handed_of(row: RowMapping) -> Handed:
    """The record of a row of the table."""
    return Handed(**{field.name: row[field.name] for field in fields(Handed)})
