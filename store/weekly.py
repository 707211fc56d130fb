"""The weekly table's cells and its signatures: rows are added, never altered."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, and_, func, insert, select

from store import database
from store.schema import weekly_acts, weekly_cells

LOCK = 0x5A42
"""Advisory lock on PostgreSQL: who fills and who signs take turns; SQLite has one writer anyway."""
Action = Literal["sign", "reopen"]
Place = tuple[str, str]
"""Column and row of a cell."""


@dataclass(frozen=True)
class CellRow:
    """What somebody wrote into a cell. value: None takes back what was there.  system: what the system said then."""

    column: str
    row: str
    number: int
    at: datetime
    actor: str
    value: str | None
    system: str | None
    reason: str

    @property
    def place(self) -> Place:
        """Column and row."""
        return self.column, self.row


@dataclass(frozen=True)
class SheetAct:
    """A signature, or its being taken back. frozen: the table as it was signed."""

    week: str
    territory: str
    number: int
    at: datetime
    actor: str
    action: Action
    reason: str
    frozen: Mapping[str, Any] | None
    hash: str


@dataclass(frozen=True)
class SheetState:
    """How far a table is. touched: whether anybody wrote into it.  act: the last signature or reopening, its table
    left out."""

    touched: bool
    act: SheetAct | None

    @property
    def signed(self) -> bool:
        """Whether it is closed."""
        return self.act is not None and self.act.action == "sign"


def take_turn(db: Connection) -> None:
    """Nobody else fills or signs before this transaction ends."""
    database.take_turn(db, LOCK)


def history_of(db: Connection, week: str, territory: str, column: str | None = None) -> list[CellRow]:
    """All that was written into a table, or into one column of it, oldest first."""
    query = select(weekly_cells).where(weekly_cells.c.week == week, weekly_cells.c.territory == territory)
    if column is not None:
        query = query.where(weekly_cells.c.column == column)
    return [_cell(row) for row in db.execute(query.order_by(weekly_cells.c.serial)).mappings()]


def newest_cells(db: Connection, weeks: Iterable[str], territory: str) -> dict[tuple[str, Place], CellRow]:
    """What stands in the cells that people wrote, by week and place."""
    these = weekly_cells.c.week.in_(list(weeks))
    query = select(weekly_cells).where(these, weekly_cells.c.territory == territory).order_by(weekly_cells.c.serial)
    return {(row["week"], (row["column"], row["row"])): _cell(row) for row in db.execute(query).mappings()}


def add_cell(db: Connection, week: str, territory: str, cell: CellRow, *, once: str) -> None:
    """Append a row; `number` is one more than the newest of its cell."""
    values = {name: getattr(cell, name) for name in CellRow.__dataclass_fields__}
    db.execute(insert(weekly_cells).values(week=week, territory=territory, once=once, **values))


def was_written(db: Connection, once: str) -> bool:
    """Whether a form did its work before."""
    cells = select(weekly_cells.c.serial).where(weekly_cells.c.once == once).limit(1)
    acts = select(weekly_acts.c.number).where(weekly_acts.c.once == once)
    return db.execute(cells).first() is not None or db.execute(acts).first() is not None


def acts_of(db: Connection, week: str, territory: str) -> list[SheetAct]:
    """Signatures and reopenings of a table, oldest first."""
    query = select(weekly_acts).where(weekly_acts.c.week == week, weekly_acts.c.territory == territory)
    return [_act(row) for row in db.execute(query.order_by(weekly_acts.c.number)).mappings()]


def add_act(db: Connection, act: SheetAct, *, once: str) -> None:
    """Append a signature or a reopening."""
    values = {name: getattr(act, name) for name in SheetAct.__dataclass_fields__}
    frozen = dict(act.frozen) if act.frozen is not None else None
    db.execute(insert(weekly_acts).values(**{**values, "frozen": frozen}, once=once))


def states_of(db: Connection, weeks: Iterable[str], territories: Iterable[str]) -> dict[tuple[str, str], SheetState]:
    """How far the tables of these weeks and territories are; those nobody touched are missing."""
    these, those = list(weeks), list(territories)
    cells, acts = weekly_cells.c, weekly_acts.c
    touched = select(cells.week, cells.territory).where(cells.week.in_(these), cells.territory.in_(those)).distinct()
    newest = (
        select(acts.week, acts.territory, func.max(acts.number).label("number"))
        .where(acts.week.in_(these), acts.territory.in_(those))
        .group_by(acts.week, acts.territory)
        .subquery()
    )
    same = and_(acts.week == newest.c.week, acts.territory == newest.c.territory, acts.number == newest.c.number)
    wanted = [column for column in weekly_acts.c if column.name != "frozen"]
    last = {
        (row["week"], row["territory"]): _act({**row, "frozen": None})
        for row in db.execute(select(*wanted).join(newest, same)).mappings()
    }
    filled = {(row[0], row[1]) for row in db.execute(touched)}
    return {key: SheetState(key in filled, last.get(key)) for key in filled | set(last)}


def _cell(row: RowMapping) -> CellRow:
    return CellRow(**{name: row[name] for name in CellRow.__dataclass_fields__})


def _act(row: Mapping[str, Any] | RowMapping) -> SheetAct:
    return SheetAct(**{name: row[name] for name in SheetAct.__dataclass_fields__})
