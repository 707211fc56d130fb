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


WHOLE = {"failed": "judged", "online": "placed", "rural": "ruled"}
"""What a share is of, where not of all batches."""


@dataclass
class Sampling:
    """Batches of the year. judged: those with a result.  imported: those of them that came with registry files.

    placed, ruled: those of which is told whether they were sold online, whether in a rural market.
    """

    batches: int = 0
    key: int = 0
    online: int = 0
    rural: int = 0
    failed: int = 0
    judged: int = 0
    imported: int = 0
    placed: int = 0
    ruled: int = 0

    def add(self, other: "Sampling") -> None:
        """Count in."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def share(self, part: str) -> float | None:
        """Percent of the batches of which it is known; None where there are none. Of failed: of those with a result."""
        whole = getattr(self, WHOLE.get(part, "batches"))
        return 100 * float(getattr(self, part)) / whole if whole else None


@dataclass
class Row:
    """One territory. firms, self_firms: inspected, and with a finished self check, each once.

    cells: sums of the year's weekly tables by column; what nobody filled is missing.
    makers: producers as the last weekly table has them; 0: nobody filled it.
    """

    code: str
    name: str
    own: bool = False
    sampling: Sampling = field(default_factory=Sampling)
    makers: int = 0
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
    plain = ("self_firms", "self_found", "self_fixed", "visits", "firms", "makers", "found", "fixed", "hazards",
             "closed", "open", "over")  # fmt: skip
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


@dataclass(frozen=True)
class Handed:
    """What handed-in rows say of a year and territory. firms, self_firms: territory and firm of each, once."""

    batches: Sequence[book.Batches]
    imported: Sequence[tuple[str, str, str, int]]
    checks: Sequence[book.Visits]
    selfs: Sequence[book.Visits]
    firms: Sequence[tuple[str, str]]
    self_firms: Sequence[tuple[str, str]]


class Kept:
    """The counts of handed-in rows, kept until a row or a registry file comes in: a year has a hundred thousand."""

    MOST = 64

    def __init__(self) -> None:
        self._known: dict[tuple[str, date, date, book.Stand], Handed] = {}

    def handed(self, db: Connection, asked: Asked, codes: Collection[str]) -> Handed:
        """As they are now. Two that ask at once count twice, and say the same."""
        key = (asked.territory, asked.first, asked.last, book.stand(db))
        found = self._known.get(key)
        if found is None:
            found = _handed(db, asked, codes)
            if len(self._known) >= self.MOST:
                self._known.clear()
            self._known[key] = found
        return found


def _handed(db: Connection, asked: Asked, codes: Collection[str]) -> Handed:
    inside = book.inside(codes)
    samples = [*book.rows_of(book.SAMPLING, asked.first, asked.last), *inside]
    checks = [*book.rows_of(book.CHECKS, asked.first, asked.last), *inside]
    selfs = [*book.rows_of(book.SELF, asked.first, asked.last), *inside]
    return Handed(
        book.batches(db, samples), book.imported(db, asked.first, asked.last), book.visits(db, checks),
        book.visits(db, selfs),
        book.firms_in(db, [*checks, handed_in.c.site != "dealer"]), book.firms_in(db, [*selfs, handed_in.c.done]),
    )  # fmt: skip


def progress(
    db: Connection, asked: Asked, regions: Regions, rules: ProgressRules, *, key: Collection[str],
    kept: Kept | None = None,
) -> Progress:  # fmt: skip
    """key: the key products by id.  kept: counts from before, where nothing came since."""
    below = regions.children.get(asked.territory, ())
    rows = {code: Row(code, regions.name_of(code)) for code in below}
    rows[asked.territory] = Row(asked.territory, "本级" if below else regions.name_of(asked.territory), own=True)
    total = Row(asked.territory, "合计")
    seat = _seats(regions, rows, asked.territory)
    handed = (kept or Kept()).handed(db, asked, codes_of(regions, asked.territory))
    _count_samples(handed, rows, seat, key)
    _count_visits(handed, rows, total, seat)
    for hazard in book.hazards(db, asked.first, asked.last, beijing(asked.now).date()):
        if (code := seat(hazard.territory)) is not None:
            row = rows[code]
            row.hazards, row.closed = row.hazards + hazard.found, row.closed + hazard.closed
            row.open, row.over = row.open + hazard.open, row.over + hazard.over
    year = str(asked.year)
    cells = book.hand_cells(db, rows, CELLS, f"{year}-W01", f"{year}-W53", total=TOTAL)
    for (code, column), value in cells.items():
        rows[code].cells = {**rows[code].cells, column: value}
    makers = book.newest_totals(db, rows, "ent_total", f"{year}-W01", f"{year}-W53", total=TOTAL)
    for code, value in makers.items():
        rows[code].makers = value
    _sum_up(total, list(rows.values()))
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
    handed: Handed, rows: Mapping[str, Row], seat: Callable[[str], str | None], key: Collection[str]
) -> None:
    for one in handed.batches:
        if (code := seat(one.territory)) is not None:
            keyed = one.batches if one.product in key else 0
            rows[code].sampling.add(_sampled(one, keyed))
    for territory, product, outcome, count in handed.imported:
        if (code := seat(territory)) is not None:
            failed, judged = count * (outcome == "failed"), count * (outcome in ("failed", "passed"))
            keyed = count if product in key else 0
            rows[code].sampling.add(Sampling(count, keyed, 0, 0, failed, judged, count))


def _sampled(one: book.Batches, keyed: int) -> Sampling:
    return Sampling(
        one.batches, keyed, one.online, one.rural, one.failed, one.judged, placed=one.placed, ruled=one.ruled
    )


def _count_visits(handed: Handed, rows: Mapping[str, Row], total: Row, seat: Callable[[str], str | None]) -> None:
    for one in handed.checks:
        if (code := seat(one.territory)) is not None:
            row = rows[code]
            row.visits, row.found, row.fixed = row.visits + one.rows, row.found + one.found, row.fixed + one.fixed
    for one in handed.selfs:
        if (code := seat(one.territory)) is not None:
            rows[code].self_found += one.found
            rows[code].self_fixed += one.fixed
    for code, count in _firms(handed.firms, seat).items():
        rows[code].firms = count
    for code, count in _firms(handed.self_firms, seat).items():
        rows[code].self_firms = count
    total.firms = len({firm for _, firm in handed.firms})
    total.self_firms = len({firm for _, firm in handed.self_firms})


def _firms(pairs: Sequence[tuple[str, str]], seat: Callable[[str], str | None]) -> dict[str, int]:
    """How many firms each row has, each once."""
    found: dict[str, set[str]] = {}
    for territory, firm in pairs:
        if (code := seat(territory)) is not None:
            found.setdefault(code, set()).add(firm)
    return {code: len(firms) for code, firms in found.items()}


def _sum_up(total: Row, rows: Sequence[Row]) -> None:
    """Sums of what may be added; firms were counted by themselves."""
    cells: dict[str, int] = {}
    for row in rows:
        total.sampling.add(row.sampling)
        for name in ("self_found", "self_fixed", "visits", "found", "fixed", "hazards", "closed", "open", "over"):
            setattr(total, name, getattr(total, name) + getattr(row, name))
        if not row.own or len(rows) == 1:  # the own table is a summary of those below
            for column, value in row.cells.items():
                cells[column] = cells.get(column, 0) + value
            total.makers += row.makers
    total.cells = cells


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
