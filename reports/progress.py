"""How far sampling and the campaign are, by territory: from rows handed in, the ledger and weekly hand cells.

Nothing is guessed: a share needs batches, and what only the weekly table tells stands beside what records tell.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection

from config.progress import ProgressRules
from config.regions import Regions
from core.clock import beijing
from reports.figures import TOTAL
from store import progress as book
from store.ledger_list import OPEN
from store.schema import handed_in, ledger_entries

CELLS = ("self_check_done", "self_found", "self_fixed", "insp_ent", "sampling_batches", "sampling_online",
         "sampling_rural")  # fmt: skip
"""Columns of the weekly table that stand beside what records tell."""


@dataclass
class Sampling:
    """Batches of the year. judged: those with a result.  imported: those of them that came with registry files."""

    batches: int = 0
    key: int = 0
    online: int = 0
    rural: int = 0
    failed: int = 0
    judged: int = 0
    imported: int = 0

    def add(self, other: "Sampling") -> None:
        """Count in."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def share(self, part: str) -> float | None:
        """Percent of the batches; None where there are none. Of failed: of those with a result."""
        whole = self.judged if part == "failed" else self.batches
        return 100 * float(getattr(self, part)) / whole if whole else None


@dataclass
class Row:
    """One territory. firms, self_firms: inspected, and with a finished self check, each once.

    cells: sums of the year's weekly tables by column; what nobody filled is missing.
    """

    code: str
    name: str
    own: bool = False
    sampling: Sampling = field(default_factory=Sampling)
    self_firms: int = 0
    self_found: int = 0
    self_fixed: int = 0
    visits: int = 0
    firms: int = 0
    found: int = 0
    fixed: int = 0
    hazards: int = 0
    closed: int = 0
    open: int = 0
    over: int = 0
    cells: Mapping[str, int] = field(default_factory=dict)

    def rate(self, part: int, whole: int) -> float | None:
        """Percent; None where nothing is to be shared."""
        return 100 * part / whole if whole else None


@dataclass(frozen=True)
class Progress:
    """rows: a territory each, `total` over all of them.  year: of the batches and rows."""

    year: int
    first: date
    last: date
    floor: float
    rows: Sequence[Row]
    total: Row

    def as_json(self) -> dict[str, Any]:
        """For programs; shares in percent, null where nothing can be shared."""
        return {
            "year": self.year, "from": self.first.isoformat(), "to": self.last.isoformat(), "floor": self.floor,
            "rows": [row_json(row) for row in self.rows], "total": row_json(self.total),
        }  # fmt: skip


def row_json(row: Row) -> dict[str, Any]:
    """One territory, flat."""
    sampling = {f"sampling_{each.name}": getattr(row.sampling, each.name) for each in fields(Sampling)}
    shares = {f"share_{part}": _rounded(row.sampling.share(part)) for part in ("key", "online", "rural", "failed")}
    plain = ("self_firms", "self_found", "self_fixed", "visits", "firms", "found", "fixed", "hazards", "closed", "open",
             "over")  # fmt: skip
    return {
        "territory": row.code, "name": row.name, **sampling, **shares, **{name: getattr(row, name) for name in plain},
        "weekly": dict(row.cells),
    }  # fmt: skip


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


@dataclass(frozen=True)
class Asked:
    """Whose progress: a territory; its rows are those right below it and itself. now: story time."""

    territory: str
    year: int
    now: datetime

    @property
    def first(self) -> date:
        """The first day."""
        return date(self.year, 1, 1)

    @property
    def last(self) -> date:
        """The last day, today at most."""
        return min(date(self.year, 12, 31), max(self.first, beijing(self.now).date()))


def progress(db: Connection, asked: Asked, regions: Regions, rules: ProgressRules, *, key: Collection[str]) -> Progress:
    """key: the key products by id. Reads counts only, grouped by the store."""
    below = regions.children.get(asked.territory, ())
    rows = {code: Row(code, regions.name_of(code)) for code in below}
    rows[asked.territory] = Row(asked.territory, "本级" if below else regions.name_of(asked.territory), own=True)
    seat = _seats(regions, rows, asked.territory)
    codes = codes_of(regions, asked.territory)
    _count_samples(db, asked, rows, seat, codes, key)
    _count_visits(db, asked, rows, seat, codes, regions)
    for hazard in book.hazards(db, asked.first, asked.last, beijing(asked.now).date()):
        if (code := seat(hazard.territory)) is not None:
            row = rows[code]
            row.hazards, row.closed = row.hazards + hazard.found, row.closed + hazard.closed
            row.open, row.over = row.open + hazard.open, row.over + hazard.over
    year = str(asked.year)
    cells = book.hand_cells(db, rows, CELLS, f"{year}-W01", f"{year}-W53", total=TOTAL)
    for (code, column), value in cells.items():
        rows[code].cells = {**rows[code].cells, column: value}
    total = _total(db, asked, list(rows.values()), codes)
    return Progress(asked.year, asked.first, asked.last, rules.floor, list(rows.values()), total)


def codes_of(regions: Regions, territory: str) -> frozenset[str]:
    """A region and all below it."""
    return frozenset(one.code for one in regions if regions.is_within(territory, one.code)) | {territory}


def _seats(regions: Regions, rows: Mapping[str, Row], own: str) -> Callable[[str], str | None]:
    """The row that a region code counts in; None: it lies elsewhere."""
    known: dict[str, str | None] = {}

    def seat(code: str) -> str | None:
        if code not in known:
            chain = regions.chain(code)
            known[code] = next((one for one in chain if one in rows), None) if own in chain else None
        return known[code]

    return seat


def _count_samples(
    db: Connection, asked: Asked, rows: Mapping[str, Row], seat: Callable[[str], str | None], codes: Collection[str],
    key: Collection[str],
) -> None:  # fmt: skip
    where = [*book.rows_of(book.SAMPLING, asked.first, asked.last), *book.inside(codes)]
    for one in book.batches(db, where):
        if (code := seat(one.territory)) is not None:
            keyed = one.batches if one.product in key else 0
            rows[code].sampling.add(Sampling(one.batches, keyed, one.online, one.rural, one.failed, one.judged))
    for territory, product, outcome, count in book.imported(db, asked.first, asked.last):
        if (code := seat(territory)) is not None:
            failed, judged = count * (outcome == "failed"), count * (outcome in ("failed", "passed"))
            keyed = count if product in key else 0
            rows[code].sampling.add(Sampling(count, keyed, 0, 0, failed, judged, count))


def _count_visits(
    db: Connection, asked: Asked, rows: Mapping[str, Row], seat: Callable[[str], str | None], codes: Collection[str],
    regions: Regions,
) -> None:  # fmt: skip
    checks = book.rows_of(book.CHECKS, asked.first, asked.last)
    selfs = [*book.rows_of(book.SELF, asked.first, asked.last), handed_in.c.done]
    for one in book.visits(db, [*checks, *book.inside(codes)]):
        if (code := seat(one.territory)) is not None:
            row = rows[code]
            row.visits, row.found, row.fixed = row.visits + one.rows, row.found + one.found, row.fixed + one.fixed
    for one in book.visits(db, [*selfs[:-1], *book.inside(codes)]):
        if (code := seat(one.territory)) is not None:
            rows[code].self_found += one.found
            rows[code].self_fixed += one.fixed
    for code, row in rows.items():
        mine = frozenset({code}) if row.own and len(rows) > 1 else codes_of(regions, code)
        if row.visits:
            row.firms = book.firms_in(db, [*checks, *book.inside(mine)])
        row.self_firms = book.firms_in(db, [*selfs, *book.inside(mine)])


def _total(db: Connection, asked: Asked, rows: Sequence[Row], codes: Collection[str]) -> Row:
    """Sums; firms are counted anew, each once."""
    total = Row(asked.territory, "合计")
    for row in rows:
        total.sampling.add(row.sampling)
        for name in ("self_found", "self_fixed", "visits", "found", "fixed", "hazards", "closed", "open", "over"):
            setattr(total, name, getattr(total, name) + getattr(row, name))
    inside = book.inside(codes)
    total.firms = book.firms_in(db, [*book.rows_of(book.CHECKS, asked.first, asked.last), *inside])
    selfs = [*book.rows_of(book.SELF, asked.first, asked.last), handed_in.c.done, *inside]
    total.self_firms = book.firms_in(db, selfs)
    cells: dict[str, int] = {}
    for row in rows:
        if not row.own or len(rows) == 1:
            for column, value in row.cells.items():
                cells[column] = cells.get(column, 0) + value
    total.cells = cells
    return total


# --- what a number counts ---------------------------------------------------------------------------------------------

PARTS: Mapping[str, Mapping[str, str]] = {
    book.SAMPLING: {"": "全部批次", "key": "重点产品", "online": "网络抽样", "rural": "农村市场", "failed": "不合格"},
    book.CHECKS: {"": "全部检查", "found": "发现隐患的"},
    book.SELF: {"": "全部自查", "done": "已完成的", "found": "发现隐患的"},
    "ledger": {"": "年内发现的", "closed": "已销号", "open": "未销号", "over": "逾期"},
}
"""What of a kind may be asked for."""


def conditions(
    kind: str, part: str, asked: Asked, codes: Collection[str], key: Collection[str]
) -> list[ColumnElement[bool]]:
    """The handed-in rows behind a number, as conditions."""
    table = handed_in.c
    parts: dict[str, ColumnElement[bool]] = {
        "key": table.product.in_(sorted(key)), "online": table.online, "rural": table.rural,
        "failed": table.outcome == "failed", "found": table.found > 0, "done": table.done,
    }  # fmt: skip
    asks = [parts[part]] if part else []
    return [*book.rows_of(kind, asked.first, asked.last), *book.inside(codes), *asks]


def hazard_conditions(part: str, asked: Asked, codes: Collection[str]) -> list[ColumnElement[bool]]:
    """The ledger entries behind a number."""
    entry, today = ledger_entries.c, beijing(asked.now).date()
    parts: dict[str, list[ColumnElement[bool]]] = {
        "closed": [entry.state == "closed"], "open": [OPEN], "over": [OPEN, entry.due_on < today], "": [],
    }  # fmt: skip
    found = [entry.found_on >= asked.first, entry.found_on <= asked.last, entry.state != "excluded"]
    return [*found, entry.territory.in_(sorted(codes)), *parts[part]]
