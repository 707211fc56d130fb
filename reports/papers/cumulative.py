"""The weekly table's columns over many weeks: what the system counts over all of them, and what people wrote."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection

from config.weekly import Column
from reports.figures import NOTHING, TOTAL, Figure, Place, rate
from reports.table import NOT_APPLICABLE, NOT_REPORTED, RATES, SUMMED, number_of, plain
from reports.weekly import Office, WeeklyBook
from reports.weeks import Span
from store.weekly import CellRow, acts_of, newest_cells

STANDING = frozenset({"ent_total", "haz_open"})
"""Columns that tell how things stand at the end, and are not added."""


@dataclass(frozen=True)
class Total:
    """value: None where nothing is known.  missing: weeks in which a person should have written and did not."""

    value: str | None
    missing: int = 0


@dataclass(frozen=True)
class Sums:
    """totals: of every place.  late: records that came after their week.  reopened: weeks signed and opened again.

    signed: weeks that are signed now.
    """

    span: Span
    totals: Mapping[Place, Total]
    late: int
    reopened: tuple[str, ...]
    signed: tuple[str, ...]

    def of(self, column: str, row: str = TOTAL) -> Total:
        """One of them."""
        return self.totals.get((column, row), Total(None))

    def gaps(self, columns: tuple[Column, ...]) -> list[tuple[Column, int]]:
        """Columns of people with weeks in which nothing was written in some row."""
        found = []
        for column in columns:
            most = max((total.missing for (key, _), total in self.totals.items() if key == column.id), default=0)
            if most:
                found.append((column, most))
        return found


def sums_of(book: WeeklyBook, db: Connection, span: Span, office: Office, *, now: datetime) -> Sums:
    """All columns over the span."""
    told = book.told(db, span, office, now=now)
    weeks = span.each
    ids = [week.id for week in weeks]
    written = newest_cells(db, ids, office.territory)
    acts = {week: acts_of(db, week, office.territory) for week in ids}
    totals: dict[Place, Total] = {}
    rows = [row for row, _ in book.rows if row != TOTAL]
    for column in book.table.columns:
        if column.unit == "text" or column.id in RATES:
            continue
        for row in rows:
            totals[column.id, row] = _place(column, told.get((column.id, row), NOTHING), written, ids, row)
        totals[column.id, TOTAL] = (
            _whole(column, told.get((column.id, TOTAL), NOTHING), [totals[column.id, row] for row in rows], told, rows)
            if column.unit in SUMMED
            else _place(column, told.get((column.id, TOTAL), NOTHING), written, ids, TOTAL)
        )
    for name, (part, whole) in RATES.items():
        for row in (*rows, TOTAL):
            a, b = (number_of(totals.get((one, row), Total(None)).value) for one in (part, whole))
            totals[name, row] = Total(rate(float(a), float(b)) if a is not None and b else None)
    return Sums(
        span,
        totals,
        late=len({item.id for figure in told.values() for item in figure.items if item.late}),
        reopened=tuple(week for week in ids if any(act.action == "reopen" for act in acts[week])),
        signed=tuple(week for week in ids if acts[week] and acts[week][-1].action == "sign"),
    )


def _place(
    column: Column, figure: Figure, written: Mapping[tuple[str, Place], CellRow], weeks: list[str], row: str
) -> Total:
    """A cell over all weeks."""
    mine = [written.get((week, (column.id, row))) for week in weeks]
    typed = [one for one in mine if one is not None and one.value is not None]
    if column.id in STANDING or column.unit == "percent":
        last = next((one for one in reversed(mine) if one is not None and one.value is not None), None)
        return Total(last.value if last else figure.value)
    if column.source == "manual" or (column.source == "mixed" and figure.value is None):
        numbers = [number_of(one.value) for one in typed]
        known = [number for number in numbers if number is not None]
        none = all(one.value == NOT_APPLICABLE for one in typed)
        value = plain(sum(known, Decimal())) if known else NOT_APPLICABLE if typed and none else None
        missing = len(weeks) - sum(one.value != NOT_REPORTED for one in typed)
        return Total(value, missing)
    apart = sum(
        ((number_of(one.value) or Decimal()) - (number_of(one.system) or Decimal()) for one in typed), Decimal()
    )
    if figure.value is None:
        return Total(plain(apart) if typed else None)
    return Total(plain(Decimal(figure.value) + apart))


def _whole(column: Column, figure: Figure, parts: list[Total], told: Mapping[Place, Figure], rows: list[str]) -> Total:
    """The total: a firm of two rows counts once, as the system counts it; what people changed is added."""
    numbers = [number_of(part.value) for part in parts]
    known = [number for number in numbers if number is not None]
    missing = max((part.missing for part in parts), default=0)
    if figure.value is None:
        return Total(plain(sum(known, Decimal())) if known else None, missing)
    system = [number_of(told.get((column.id, row), NOTHING).value) or Decimal() for row in rows]
    people = sum(known, Decimal()) - sum(system, Decimal())
    return Total(plain(Decimal(figure.value) + people), missing)
