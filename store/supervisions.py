"""Territories and firms under supervision (挂牌督办). Never changed, only ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from core.clock import beijing
from store.database import take_turn
from store.ledger import NUMBERS_LOCK
from store.schema import supervisions


@dataclass(frozen=True)
class Supervision:
    """One row. kind: territory | firm.  subject: its region code or firm.  territory: whose officers see it.

    document: number of the notice.  terms: on what it ends.  entries: the ledger entries it is about.
    """

    id: str
    kind: str
    subject: str
    territory: str
    title: str
    document: str
    began_on: date
    due_on: date
    terms: str
    entries: tuple[str, ...]
    author: str
    created_at: datetime
    ended_on: date | None = None
    ended_by: str | None = None
    ended_why: str | None = None


def insert_supervision(db: Connection, one: Supervision, *, once: str) -> tuple[Supervision, bool]:
    """Write it with the next number of its year (its id is not read), and whether it is new: a form writes one."""
    take_turn(db, NUMBERS_LOCK)
    there = db.execute(select(supervisions).where(supervisions.c.once == once)).mappings().first()
    if there is not None:
        return _supervision(there), False
    prefix = f"DB-{beijing(one.created_at).year}-"
    count = select(func.count()).where(supervisions.c.id.startswith(prefix))
    values = {name: getattr(one, name) for name in Supervision.__dataclass_fields__}
    values |= {"id": f"{prefix}{db.execute(count).scalar_one() + 1:04d}", "entries": list(one.entries)}
    db.execute(insert(supervisions).values(**values, once=once))
    made = db.execute(select(supervisions).where(supervisions.c.once == once)).mappings().one()
    return _supervision(made), True


def end_supervision(db: Connection, one: Supervision, *, on: date, by: str, why: str) -> bool:
    """End it. False where it is over already."""
    mine = (supervisions.c.id == one.id, supervisions.c.ended_on.is_(None))
    ended = update(supervisions).where(*mine).values(ended_on=on, ended_by=by, ended_why=why)
    return db.execute(ended).rowcount == 1


def find_supervision(db: Connection, number: str) -> Supervision | None:
    """By its number."""
    row = db.execute(select(supervisions).where(supervisions.c.id == number.upper())).mappings().first()
    return _supervision(row) if row else None


def list_supervisions(db: Connection) -> Sequence[Supervision]:
    """All of them, those in force first, newest first."""
    order = (supervisions.c.ended_on.is_not(None), supervisions.c.created_at.desc(), supervisions.c.id.desc())
    return [_supervision(row) for row in db.execute(select(supervisions).order_by(*order)).mappings()]


def supervised_entries(db: Connection) -> frozenset[str]:
    """Ids of the ledger entries that one in force is about."""
    query = select(supervisions.c.entries).where(supervisions.c.ended_on.is_(None))
    return frozenset(entry for entries in db.execute(query).scalars() for entry in entries)


def _supervision(row: RowMapping) -> Supervision:
    values = {name: row[name] for name in Supervision.__dataclass_fields__}
    return Supervision(**{**values, "entries": tuple(row["entries"])})
