"""What people leave to the next shift, and who left, handed over and took over: rows are added, never altered."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, RowMapping, func, select

from store.inserts import create_only
from store.schema import shift_log

Kind = Literal["left", "note", "given", "taken"]
LONGEST_NOTE = 2000


@dataclass(frozen=True)
class ShiftRow:
    """Somebody's line. number: order of writing.  shift: start of the shift it belongs to.  office: region code of the
    desk.  kind: left (signed out) | note | given (handed over) | taken (acknowledged).  alert: what a note is about, or
    empty.  text: of a note, or what was said with the hand-over.
    """

    number: int
    shift: datetime
    office: str
    kind: Kind
    author: str
    at: datetime
    alert: str
    text: str


def add_row(
    db: Connection,
    kind: Kind,
    *,
    shift: datetime,
    office: str,
    author: str,
    at: datetime,
    once: str,
    alert: str = "",
    text: str = "",
) -> bool:
    """Write a line. True when this call wrote it: the same `once` writes nothing a second time."""
    values = {
        "shift": shift, "office": office, "kind": kind, "author": author, "at": at, "alert": alert,
        "text": text[:LONGEST_NOTE], "once": once,
    }  # fmt: skip
    return create_only(db, shift_log, values)


def rows_of_shift(db: Connection, shift: datetime, office: str) -> list[ShiftRow]:
    """Notes and hand-overs of a shift of one desk, in order."""
    mine = select(shift_log).where(shift_log.c.shift == shift, shift_log.c.office == office, shift_log.c.kind != "left")
    return [_row(row) for row in db.execute(mine.order_by(shift_log.c.number)).mappings()]


def last_left(db: Connection, author: str, before: datetime) -> datetime | None:
    """When somebody last signed out or handed over, before a moment."""
    mine = (shift_log.c.author == author, shift_log.c.kind.in_(("left", "given")), shift_log.c.at < before)
    return db.execute(select(func.max(shift_log.c.at)).where(*mine)).scalar_one_or_none()


def _row(row: RowMapping) -> ShiftRow:
    return ShiftRow(**{name: row[name] for name in ShiftRow.__dataclass_fields__})
