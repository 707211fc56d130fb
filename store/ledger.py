"""Ledger entries with their append-only history and proofs; as a list: store/ledger_list.py."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, exists, func, insert, or_, select, update

from core.clock import beijing
from core.records import CANARY
from store.database import take_turn
from store.schema import documents, ledger_entries, ledger_proofs, ledger_rows


class HazardState(StrEnum):
    """Where an entry stands. Being overdue is no state: it is computed from the due date."""

    TO_CHECK = "to_check"
    RECTIFYING = "rectifying"
    TO_CLOSE = "to_close"
    CLOSED = "closed"
    RETURNED = "returned"
    FILED = "filed"
    EXCLUDED = "excluded"
    REOPENED = "reopened"


NUMBERS_LOCK = 0x59484E6F
"""Advisory lock of the numbers on PostgreSQL; SQLite has one writer anyway."""
ENDED = (HazardState.CLOSED, HazardState.EXCLUDED)


@dataclass(frozen=True)
class Entry:
    """One row of the ledger; the meaning of each field stands beside its column (store/schema.py)."""

    id: str
    state: HazardState
    level: int
    title: str
    origin: str
    found_on: date
    due_on: date
    territory: str
    created_at: datetime
    updated_at: datetime
    alert: str | None = None
    product: str = ""
    model: str = ""
    firm: str = ""
    uscc: str = ""
    issue: str = ""
    unit: str = ""
    person: str = ""
    measures: str = ""
    case_number: str = ""
    remark: str = ""
    step_due_on: date | None = None
    done_on: date | None = None
    look_on: date | None = None
    closed_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether something is still to be done."""
        return self.state not in ENDED

    def days_over(self, today: date) -> int:
        """Days past due; 0 or less: not overdue. Ended ones never are."""
        return (today - self.due_on).days if self.open else 0


@dataclass(frozen=True)
class EntryRow:
    """One row of an entry's history. details: dates, persons, numbers typed by whoever took the step, and under
    `before` what the step changed.  undoes: number of the row it takes back."""

    entry: str
    number: int
    at: datetime
    actor: str
    action: str
    state: HazardState
    reason: str = ""
    note: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    undoes: int | None = None


def standing_rows(rows: Sequence[EntryRow]) -> list[EntryRow]:
    """The rows that count: without those that were taken back, and without the taking back."""
    undone = {row.undoes for row in rows}
    return [row for row in rows if row.undoes is None and row.number not in undone]


@dataclass(frozen=True)
class Proof:
    """A file that came with a row of the history. type: by its bytes.  sha256: also where it lies."""

    entry: str
    number: int
    kind: str
    name: str
    type: str
    sha256: str
    size: int


def insert_entry(db: Connection, entry: Entry) -> Entry:
    """Write an entry with the next number of its year (its id is not read)."""
    take_turn(db, NUMBERS_LOCK)
    year = beijing(entry.created_at).year
    last = db.execute(select(func.max(ledger_entries.c.serial)).where(ledger_entries.c.year == year)).scalar_one()
    serial = (last or 0) + 1
    made = replace(entry, id=f"YH-{year}-{serial:04d}")
    db.execute(insert(ledger_entries).values(**_values(made), year=year, serial=serial))
    return made


def save_entry(db: Connection, entry: Entry) -> None:
    """Write an entry as it is now."""
    db.execute(update(ledger_entries).where(ledger_entries.c.id == entry.id).values(**_values(entry)))


def find_entry(db: Connection, entry_id: str, *, hold: bool = False) -> Entry | None:
    """By its number. hold: nobody else changes it before this transaction ends."""
    query = select(ledger_entries).where(ledger_entries.c.id == entry_id.upper())
    row = db.execute(query.with_for_update() if hold else query).mappings().first()
    return entry_of_row(row) if row else None


def entries_by_id(db: Connection, ids: Sequence[str]) -> list[Entry]:
    """Those of the entries that are there."""
    found: list[Entry] = []
    for start in range(0, len(ids), 400):
        query = select(ledger_entries).where(ledger_entries.c.id.in_(ids[start : start + 400]))
        found += [entry_of_row(row) for row in db.execute(query).mappings()]
    return found


def entries_between(db: Connection, first: date, last: date) -> list[Entry]:
    """The entries found from one day to another, both included."""
    query = select(ledger_entries).where(ledger_entries.c.found_on >= first, ledger_entries.c.found_on <= last)
    return [entry_of_row(row) for row in db.execute(query.order_by(ledger_entries.c.found_on)).mappings()]


def list_entries(db: Connection, *, states: Sequence[HazardState] = ()) -> list[Entry]:
    """All of them or those in these states, by due date."""
    query = select(ledger_entries).order_by(ledger_entries.c.due_on, ledger_entries.c.year, ledger_entries.c.serial)
    if states:
        query = query.where(ledger_entries.c.state.in_([state.value for state in states]))
    return [entry_of_row(row) for row in db.execute(query).mappings()]


def entries_of_week(db: Connection, first: date, last: date, begins: datetime, ends: datetime) -> list[Entry]:
    """What a week's figures rest on, by due date: entries found in it, older ones that were open then or changed
    since, and those with a step in it. first, last: its days.  begins, ends: its moments, the end not in it.
    """
    e, r = ledger_entries.c, ledger_rows.c
    since = select(r.entry).where(r.at >= ends)
    stepped = select(r.entry).where(r.at >= begins, r.at < ends, r.action.in_(WEEKLY_STEPS))
    still = or_(e.state.not_in([state.value for state in ENDED]), e.id.in_(since))
    which = or_(and_(e.found_on <= last, or_(e.found_on >= first, still)), e.id.in_(stepped))
    query = select(*(e[name] for name in Entry.__dataclass_fields__)).where(which)
    # By place and not by name: the names of twenty columns cost more than the entry.
    return [
        Entry(row[0], HazardState(row[1]), *row[2:]) for row in db.execute(query.order_by(e.due_on, e.year, e.serial))
    ]


WEEKLY_STEPS = ("close", "talk", "transfer")


def entries_of_alert(db: Connection, alert: str) -> list[Entry]:
    """The entries that came from an alert, oldest first."""
    query = select(ledger_entries).where(ledger_entries.c.alert == alert).order_by(ledger_entries.c.created_at)
    return [entry_of_row(row) for row in db.execute(query).mappings()]


def add_row(db: Connection, row: EntryRow, *, once: str | None = None) -> EntryRow:
    """Append a row to an entry's history; its number is the next one (the given one is not read)."""
    last = db.execute(select(func.max(ledger_rows.c.number)).where(ledger_rows.c.entry == row.entry)).scalar_one()
    made = replace(row, number=(last or 0) + 1)
    values = {name: getattr(made, name) for name in EntryRow.__dataclass_fields__}
    values |= {"state": made.state.value, "details": dict(made.details), "once": once}
    db.execute(insert(ledger_rows).values(**values))
    return made


def row_of_form(db: Connection, once: str) -> EntryRow | None:
    """The row that a form wrote; None where it wrote none."""
    row = db.execute(select(ledger_rows).where(ledger_rows.c.once == once)).mappings().first()
    return history_row(row) if row else None


def rows_of(db: Connection, entry: str) -> list[EntryRow]:
    """An entry's history, oldest first."""
    query = select(ledger_rows).where(ledger_rows.c.entry == entry).order_by(ledger_rows.c.number)
    return [history_row(row) for row in db.execute(query).mappings()]


def rows_of_all(db: Connection, entries: Iterable[str]) -> dict[str, list[EntryRow]]:
    """The histories of several entries, each oldest first."""
    wanted = list(entries)
    found: dict[str, list[EntryRow]] = {entry: [] for entry in wanted}
    for start in range(0, len(wanted), 500):
        mine = ledger_rows.c.entry.in_(wanted[start : start + 500])
        query = select(ledger_rows).where(mine).order_by(ledger_rows.c.entry, ledger_rows.c.number)
        for row in db.execute(query).mappings():
            found[row["entry"]].append(history_row(row))
    return found


def rows_of_action(db: Connection, action: str, *, since: datetime) -> list[EntryRow]:
    """Rows of one kind since then that were not taken back, oldest first."""
    back = ledger_rows.alias()
    undone = exists().where(back.c.entry == ledger_rows.c.entry, back.c.undoes == ledger_rows.c.number)
    mine = and_(ledger_rows.c.action == action, ledger_rows.c.at >= since, ~undone)
    query = select(ledger_rows).where(mine).order_by(ledger_rows.c.at, ledger_rows.c.entry)
    return [history_row(row) for row in db.execute(query).mappings()]


def add_proof(db: Connection, proof: Proof) -> None:
    """Note a file; its bytes lie in the data folder."""
    db.execute(insert(ledger_proofs).values(**{name: getattr(proof, name) for name in Proof.__dataclass_fields__}))


def proofs_of(db: Connection, entry: str) -> list[Proof]:
    """The files of an entry, oldest first."""
    return proofs_of_all(db, [entry])[entry]


def proofs_of_all(db: Connection, entries: Iterable[str]) -> dict[str, list[Proof]]:
    """The files of several entries, each oldest first."""
    wanted = list(entries)
    found: dict[str, list[Proof]] = {entry: [] for entry in wanted}
    for start in range(0, len(wanted), 500):
        mine = ledger_proofs.c.entry.in_(wanted[start : start + 500])
        query = select(ledger_proofs).where(mine).order_by(ledger_proofs.c.entry, ledger_proofs.c.number)
        for row in db.execute(query).mappings():
            found[row["entry"]].append(Proof(**row))
    return found


@dataclass(frozen=True)
class NewSignal:
    """A risk signal of its own (no repost) on a firm and product. issues: ids."""

    document: str
    title: str
    at: datetime
    issues: tuple[str, ...]


def newest_signals(db: Connection, firm: str, product: str, *, limit: int = 20) -> list[NewSignal]:
    """The newest risk signals on a firm and product, newest first; none where either is not known."""
    if not (firm and product):
        return []
    query = (
        select(documents.c.id, documents.c.title, documents.c.event_time, documents.c.analysis)
        .where(
            documents.c.enterprise == firm, documents.c.product == product, documents.c.is_risk,
            documents.c.latest, documents.c.withdrawn_at.is_(None), documents.c.repost_of.is_(None),
            documents.c.source != CANARY,
        )
        .order_by(documents.c.event_time.desc(), documents.c.id)
        .limit(limit)
    )  # fmt: skip
    return [NewSignal(row[0], row[1], row[2], tuple((row[3] or {}).get("issues", ()))) for row in db.execute(query)]


def closed_with_signals(db: Connection) -> list[str]:
    """Ids of the closed entries on whose firm and product a risk signal tells of a time after they were closed."""
    newer = and_(
        documents.c.enterprise == ledger_entries.c.firm, documents.c.product == ledger_entries.c.product,
        documents.c.event_time > ledger_entries.c.closed_at, documents.c.is_risk, documents.c.latest,
        documents.c.withdrawn_at.is_(None), documents.c.repost_of.is_(None), documents.c.source != CANARY,
    )  # fmt: skip
    closed = and_(ledger_entries.c.state == HazardState.CLOSED.value, ledger_entries.c.firm != "")
    query = select(ledger_entries.c.id).where(closed, exists().where(newer)).order_by(ledger_entries.c.id)
    return list(db.execute(query).scalars())


def _values(entry: Entry) -> dict[str, Any]:
    values = {name: getattr(entry, name) for name in Entry.__dataclass_fields__}
    return values | {"state": entry.state.value}


def entry_of_row(row: RowMapping) -> Entry:
    """An entry as its row has it."""
    values = {name: row[name] for name in Entry.__dataclass_fields__}
    return Entry(**{**values, "state": HazardState(row["state"])})


def history_row(row: RowMapping) -> EntryRow:
    """A row of the history as its row has it."""
    values = {name: row[name] for name in EntryRow.__dataclass_fields__}
    return EntryRow(**{**values, "state": HazardState(row["state"])})
