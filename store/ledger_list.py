"""The ledger as a list: which entries a cut, filters and a view leave, counted, grouped and paged by the database.

Everything the page counts lies in one index (ix_ledger_entries_list), so that no count reads the entries themselves.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, or_, select, true
from sqlalchemy.sql.elements import UnaryExpression

from store.ledger import ENDED, Entry, EntryRow, HazardState, entry_of_row, history_row
from store.schema import ledger_entries, ledger_rows

_C = ledger_entries.c
OPEN_STATES = tuple(state.value for state in HazardState if state not in ENDED)
OPEN = _C.state.in_(OPEN_STATES)
Cond = ColumnElement[bool]


@dataclass(frozen=True)
class Day:
    """What views are judged by. begins: of the week that runs.  listed: ids of entries under supervision."""

    today: date
    begins: datetime
    listed: Collection[str] = ()

    def in_week(self, column: ColumnElement[Any]) -> Cond:
        """Whether a moment lies in that week."""
        return and_(column >= self.begins, column < self.begins + timedelta(days=7))


VIEWS: Mapping[str, Callable[[Day], Cond]] = {
    "": lambda day: OPEN,
    "due": lambda day: and_(OPEN, _C.due_on == day.today),
    "over": lambda day: and_(OPEN, _C.due_on < day.today),
    "ready": lambda day: _C.state == HazardState.TO_CLOSE.value,
    "closed": lambda day: and_(_C.state == HazardState.CLOSED.value, day.in_week(_C.closed_at)),
    "look": lambda day: and_(_C.state == HazardState.CLOSED.value, _C.look_on.is_not(None)),
    "listed": lambda day: _C.id.in_(sorted(day.listed)),
    "added": lambda day: day.in_week(_C.created_at),
    "all": lambda day: true(),
}
"""The views of the list: what an entry must be on a day."""
ORDERS: Mapping[str, UnaryExpression[Any]] = {"closed": _C.closed_at.desc(), "look": _C.look_on.asc()}


def within(codes: Collection[str], *, abroad: str | None = None, by_unit: bool = True) -> Cond:
    """Entries that lie in these regions or, by_unit, are answered for there. abroad: a code that counts as well."""
    inside = [*sorted(codes), *([abroad] if abroad else [])]
    mine = _C.territory.in_(inside)
    return or_(mine, _C.unit.in_(sorted(codes))) if by_unit else mine


def looked_before(today: date) -> Cond:
    """Entries that were to be looked at again before a day."""
    return _C.look_on < today


def has(name: str, value: object) -> Cond:
    """Entries with a value in a column."""
    return _C[name] == value


def count_views(db: Connection, keys: Sequence[str], day: Day, where: Sequence[Cond]) -> dict[str, int]:
    """How many entries each view holds."""
    tests = [case((VIEWS[key](day), 1), else_=0) for key in keys]
    sums = [func.coalesce(func.sum(test), 0).label(f"v{number}") for number, test in enumerate(tests)]
    row = db.execute(select(*sums).select_from(ledger_entries).where(*where)).one()
    return dict(zip(keys, map(int, row), strict=True))


def count_by(db: Connection, column: str, where: Sequence[Cond], *, most: int | None = None) -> list[tuple[Any, int]]:
    """How many entries each value of a column has, the most first; none for the empty value."""
    count = func.count().label("n")
    query = select(_C[column], count).where(*where).group_by(_C[column]).order_by(count.desc(), _C[column]).limit(most)
    return [(row[0], row[1]) for row in db.execute(query) if row[0] != ""]


@dataclass(frozen=True)
class OpenCount:
    """Open entries of one territory or firm. over: those past due."""

    subject: str
    open: int
    over: int


def open_by(
    db: Connection, column: str, today: date, where: Sequence[Cond], *, least_over: int = 0, most: int | None = None
) -> list[OpenCount]:
    """The open entries of each territory or firm, those with the most overdue first; none for the empty value."""
    count, over = func.count().label("n"), func.sum(case((_C.due_on < today, 1), else_=0)).label("over")
    query = select(_C[column], count, over).where(OPEN, _C[column] != "", *where).group_by(_C[column])
    query = query.having(over >= least_over).order_by(over.desc(), count.desc(), _C[column]).limit(most)
    return [OpenCount(row[0], row[1], int(row[2])) for row in db.execute(query)]


def open_ids(db: Connection, where: Sequence[Cond]) -> list[str]:
    """The numbers of open entries, by due date."""
    return list(db.execute(select(_C.id).where(OPEN, *where).order_by(_C.due_on, _C.year, _C.serial)).scalars())


def page_of(
    db: Connection, view: str, day: Day, where: Sequence[Cond], *, latest_first: bool, start: int = 0, most: int | None
) -> list[Entry]:
    """The entries of a view in its order: by due date, or as ORDERS has it."""
    first = ORDERS.get(view, _C.due_on.asc())
    order = [first, _C.year.asc(), _C.serial.asc()]
    if latest_first:
        turned = {"closed": _C.closed_at.asc(), "look": _C.look_on.desc()}.get(view, _C.due_on.desc())
        order = [turned, _C.year.desc(), _C.serial.desc()]
    ids = select(_C.id).where(VIEWS[view](day), *where).order_by(*order).limit(most).offset(start)
    found = list(db.execute(ids).scalars())
    return list(entries_by_id(db, found).values())


def entries_by_id(db: Connection, ids: Collection[str]) -> dict[str, Entry]:
    """The entries with these numbers, in that order."""
    wanted, found = list(ids), dict[str, Entry]()
    for start in range(0, len(wanted), 500):
        query = select(ledger_entries).where(_C.id.in_(wanted[start : start + 500]))
        for row in db.execute(query).mappings():
            found[row["id"]] = entry_of_row(row)
    return {one: found[one] for one in wanted if one in found}


def _steps(actions: Collection[str], since: datetime, until: datetime | None, where: Sequence[Cond]) -> Cond:
    """Rows of these kinds, not taken back, in the histories of such entries."""
    back = ledger_rows.alias()
    undone = exists().where(back.c.entry == ledger_rows.c.entry, back.c.undoes == ledger_rows.c.number)
    mine = and_(ledger_rows.c.action.in_(actions), ledger_rows.c.at >= since, ~undone)
    if until is not None:
        mine = and_(mine, ledger_rows.c.at < until)
    return and_(mine, ledger_rows.c.entry.in_(select(_C.id).where(*where))) if where else mine


def count_steps(
    db: Connection, actions: Collection[str], since: datetime, where: Sequence[Cond], *, until: datetime | None = None
) -> dict[str, int]:
    """How many steps of these kinds were taken since then and not taken back."""
    mine = _steps(actions, since, until, where)
    query = select(ledger_rows.c.action, func.count()).where(mine).group_by(ledger_rows.c.action)
    return {row[0]: row[1] for row in db.execute(query)}


def steps_of(
    db: Connection, actions: Collection[str], since: datetime, where: Sequence[Cond], *, until: datetime | None = None,
    start: int = 0, most: int,
) -> list[EntryRow]:  # fmt: skip
    """The steps that `count_steps` counts, newest first."""
    newest = (ledger_rows.c.at.desc(), ledger_rows.c.entry.desc(), ledger_rows.c.number.desc())
    query = select(ledger_rows).where(_steps(actions, since, until, where)).order_by(*newest).limit(most).offset(start)
    return [history_row(row) for row in db.execute(query).mappings()]


def is_empty(db: Connection, where: Sequence[Cond]) -> bool:
    """Whether there is no entry at all."""
    return db.execute(select(_C.id).where(*where).limit(1)).first() is None


def late_ids(db: Connection, today: date) -> list[str]:
    """Open entries that are past due, or whose next step is."""
    query = select(_C.id).where(OPEN, or_(_C.due_on < today, _C.step_due_on < today))
    return list(db.execute(query.order_by(_C.due_on, _C.year, _C.serial)).scalars())


def entries_of_firm(db: Connection, firm: str, where: Sequence[Cond], *, most: int = 200) -> list[Entry]:
    """The entries of a firm, the newest found first."""
    query = select(ledger_entries).where(_C.firm == firm, *where).order_by(_C.found_on.desc(), _C.serial.desc())
    return [entry_of_row(row) for row in db.execute(query.limit(most)).mappings()]
