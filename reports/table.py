"""The weekly table: what the system says and what people wrote, cell by cell, with where each value comes from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from config.weekly import Column, WeeklyTable
from core.clock import iso_beijing
from core.ids import digest, to_json
from reports.figures import NOTHING, TOTAL, Figure, Item, Place, Rows, rate
from store.weekly import CellRow

Kind = Literal["sys", "mix", "hand", "fix", "none"]
"""System; draft of the system; by hand or confirmed; changed by a person; nothing there."""
NOT_REPORTED, NOT_APPLICABLE = "—", "/"
RATES = {"insp_coverage": ("insp_ent", "ent_total"), "nonconf_rate": ("nonconf_batches", "sampling_batches")}
"""Columns that divide two others, whoever filled those."""
SUMMED = ("count", "money")


@dataclass(frozen=True)
class Cell:
    """value: as shown; None: not filled.  system: what the system says.  number: of the newest row of its history.
    typed: how many of the rows that a sum adds are filled."""

    kind: Kind
    value: str | None
    system: str | None = None
    items: tuple[Item, ...] = ()
    note: str = ""
    number: int = 0
    by: str = ""
    at: str = ""
    reason: str = ""
    typed: tuple[int, int] | None = None

    @property
    def figure(self) -> Decimal | None:
        """The value as a number."""
        return number_of(self.value)

    @property
    def late(self) -> int:
        """How many of its rows came after the week's end."""
        return sum(item.late for item in self.items)


EMPTY = Cell("none", None)


@dataclass(frozen=True)
class Sheet:
    """A whole table. rows: id and name, the total last.  cells: every place has one."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, str], ...]
    cells: Mapping[Place, Cell] = field(default_factory=dict)

    def cell(self, column: str, row: str) -> Cell:
        """One cell; a column that came later has none in an old table."""
        return self.cells.get((column, row), EMPTY)

    def lacking(self) -> dict[str, int]:
        """Columns with cells that somebody has to fill, and how many."""
        return self._count(lambda column, row, cell: cell.value is None and editable(column, row) and needed(column))

    def drafts(self) -> dict[str, int]:
        """Columns with drafts that nobody confirmed, and how many."""
        return self._count(lambda column, row, cell: cell.kind == "mix" and editable(column, row))

    def fillers(self) -> frozenset[str]:
        """Who wrote into it."""
        return frozenset(cell.by for cell in self.cells.values() if cell.by)

    def _count(self, which: Any) -> dict[str, int]:
        found: dict[str, int] = {}
        for column in self.columns:
            number = sum(which(column, row, self.cell(column.id, row)) for row, _ in self.rows)
            if number:
                found[column.id] = number
        return found

    @property
    def hash(self) -> str:
        """Tells whether two tables say the same."""
        return digest(*(f"{c}|{r}|{cell.value}|{cell.kind}" for (c, r), cell in sorted(self.cells.items())))


def number_of(value: str | None) -> Decimal | None:
    """A value as a number; None for what is none."""
    try:
        return Decimal(value) if value not in (None, "", NOT_REPORTED, NOT_APPLICABLE) else None
    except ArithmeticError:
        return None


def editable(column: Column, row: str) -> bool:
    """Whether a person may write there: sums follow from their rows, a text stands once."""
    if column.unit == "text":
        return row == TOTAL
    return row != TOTAL or column.unit not in SUMMED


def needed(column: Column) -> bool:
    """Whether a person has to fill it where the system says nothing."""
    return column.source != "system" and column.unit != "text"


def build(
    table: WeeklyTable, rows: Sequence[tuple[str, str]], told: Mapping[Place, Figure], written: Iterable[CellRow]
) -> Sheet:
    """rows: id and name, without the total.  told: what the system says.  written: all that people wrote, in order."""
    newest = {row.place: row for row in written}
    every = (*rows, (TOTAL, "合计"))
    cells: dict[Place, Cell] = {}
    for column in sorted(table.columns, key=lambda one: one.id in RATES):  # rates come after what they divide
        for row, _ in every:
            place = column.id, row
            figure = _rate(cells, column.id, row) if column.id in RATES else told.get(place, NOTHING)
            cells[place] = (
                _of_person(column, figure, newest.get(place))
                if editable(column, row)
                else _sum(column, figure, [cells[column.id, one] for one, _ in rows])
                if column.unit in SUMMED
                else EMPTY
            )
    return Sheet(table.columns, every, cells)


def _rate(cells: Mapping[Place, Cell], column: str, row: str) -> Figure:
    part, whole = (cells.get((other, row), EMPTY).figure for other in RATES[column])
    return NOTHING if part is None or not whole else Figure(rate(float(part), float(whole)))


def _of_person(column: Column, figure: Figure, row: CellRow | None) -> Cell:
    number = row.number if row else 0
    if row is None or row.value is None:
        kind: Kind = "none" if figure.value is None else "mix" if column.source == "mixed" else "sys"
        return Cell(kind, figure.value, figure.value, figure.items, figure.note, number)
    same = figure.value is None or same_value(row.value, figure.value)
    return Cell(
        "hand" if same else "fix", row.value, figure.value, figure.items, figure.note, number,
        row.actor, iso_beijing(row.at), row.reason,
    )  # fmt: skip


def same_value(a: str, b: str) -> bool:
    """Whether two cells say the same: 12 and 12.0 do."""
    return a == b or (number_of(a) is not None and number_of(a) == number_of(b))


def _sum(column: Column, figure: Figure, parts: Sequence[Cell]) -> Cell:
    """What people changed in the rows is added to what the system says of all: firms of two rows count once there."""
    typed = sum(part.value is not None for part in parts), len(parts)
    if figure.value is None:
        numbers = [part.figure for part in parts if part.figure is not None]
        if typed[0] < typed[1]:
            return Cell("none", None, typed=typed)
        return Cell("hand", plain(sum(numbers, Decimal())) if numbers else NOT_APPLICABLE, typed=typed)
    changed = [part for part in parts if part.kind == "fix" or (part.kind == "hand" and part.system is None)]
    more = sum(((part.figure or Decimal()) - (number_of(part.system) or Decimal()) for part in changed), Decimal())
    kind: Kind = "fix" if more else "sys"
    if kind == "sys" and column.source == "mixed":
        kind = "mix" if any(part.kind == "mix" for part in parts) else "hand"
    return Cell(kind, plain(Decimal(figure.value) + more), figure.value, figure.items, figure.note, typed=typed)


def plain(number: Decimal) -> str:
    """12, 12.5; never 1E+1."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


# -- frozen -------------------------------------------------------------------------------------------------------


def freeze(sheet: Sheet) -> dict[str, Any]:
    """The table as it is kept when it is signed."""
    return {
        "columns": [column.model_dump(mode="json", by_alias=True) for column in sheet.columns],
        "rows": [list(row) for row in sheet.rows],
        "cells": {f"{column}|{row}": _frozen(cell) for (column, row), cell in sheet.cells.items()},
    }


def frozen_hash(frozen: Mapping[str, Any]) -> str:
    """What the signature stands for."""
    return digest(to_json(frozen))


def _frozen(cell: Cell) -> dict[str, Any]:
    values = {name: getattr(cell, name) for name in Cell.__dataclass_fields__ if name != "items"}
    kept = {name: value for name, value in values.items() if value not in (None, "", 0)}
    items = [[item.kind, item.id, item.count, int(item.late)] for item in cell.items]
    return {**kept, "items": items} if items else kept


def thaw(frozen: Mapping[str, Any]) -> Sheet:
    """The table of a signature."""
    cells: dict[Place, Cell] = {}
    for place, values in frozen["cells"].items():
        column, _, row = place.partition("|")
        items = tuple(Item(kind, one, count, bool(late)) for kind, one, count, late in values.get("items", ()))
        typed = tuple(values["typed"]) if values.get("typed") else None
        cells[column, row] = Cell(**{"value": None, **values, "items": items, "typed": typed})
    columns = tuple(Column.model_validate(one) for one in frozen["columns"])
    return Sheet(columns, tuple((row[0], row[1]) for row in frozen["rows"]), cells)


@dataclass(frozen=True)
class Change:
    """Against the week before. much: so much that it is marked."""

    text: str
    much: bool


def change_of(cell: Cell, before: Cell, table: WeeklyTable) -> Change | None:
    """None where nothing changed or one of the two says nothing."""
    now, then = cell.figure, before.figure
    if now is None or then is None or now == then:
        return None
    apart, times = now - then, Decimal(str(table.rules.much.times))
    low, high = sorted((now, then))
    text = f"{'+' if apart > 0 else '−'}{plain(abs(apart))}"
    return Change(text, abs(apart) >= table.rules.much.least and high >= times * low)


def rows_of(products: Iterable[tuple[str, str]]) -> tuple[Rows, list[tuple[str, str]]]:
    """The rows of the table from the key products, id and name."""
    named = list(products)
    return Rows(tuple(one for one, _ in named)), [*named, ("other", "本地增列及其他")]
