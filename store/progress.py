"""Counts of handed-in rows, of the ledger and of hand cells for the progress of sampling and of the campaign; and what
people decided of suggested sampling targets."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, case, func, select

from store.database import get_fact
from store.inserts import insert_into, wrote
from store.ledger_list import OPEN
from store.schema import (
    documents,
    enterprises,
    event_documents,
    events,
    firm_facts,
    handed_in,
    ledger_entries,
    weekly_cells,
)
from store.schema import sampling_targets as decided

SAMPLING, CHECKS, SELF = "sampling", "inspections", "self_checks"
Where = Sequence[ColumnElement[bool]]


@dataclass(frozen=True)
class Batches:
    """Sampled batches of one territory and product."""

    territory: str
    product: str
    batches: int
    failed: int
    judged: int
    online: int
    rural: int
    placed: int
    """Batches of which is told whether they were sold online."""
    ruled: int
    """Batches of which is told whether the market is a rural one."""


@dataclass(frozen=True)
class Visits:
    """Rows of inspections or self checks of one territory. done: rows that say they are complete."""

    territory: str
    rows: int
    makers: int
    found: int
    fixed: int
    done: int


@dataclass(frozen=True)
class Hazards:
    """Ledger entries of one territory found in the time; over: open and past due."""

    territory: str
    found: int
    closed: int
    open: int
    over: int


def rows_of(kind: str, first: date, last: date) -> list[ColumnElement[bool]]:
    """The latest rows of a kind in the time, as conditions."""
    table = handed_in.c
    return [table.kind == kind, table.latest, table.day >= first, table.day <= last]


def inside(codes: Collection[str] | None) -> list[ColumnElement[bool]]:
    """Rows of these territories; None: of all."""
    return [] if codes is None else [handed_in.c.territory.in_(sorted(codes))]


def batches(db: Connection, where: Where) -> list[Batches]:
    """Sampled batches by territory and product."""
    table = handed_in.c
    query = select(
        table.territory, table.product, func.count(), _sum(table.outcome == "failed"), _sum(table.outcome != ""),
        _sum(table.online), _sum(table.rural), func.count(table.online), func.count(table.rural),
    )  # fmt: skip
    rows = db.execute(query.where(*where).group_by(table.territory, table.product))
    return [Batches(row[0], row[1], *map(int, row[2:])) for row in rows]


def visits(db: Connection, where: Where) -> list[Visits]:
    """Inspections or self checks by territory."""
    table = handed_in.c
    query = select(
        table.territory, func.count(), _sum(table.site != "dealer"), func.sum(table.found), func.sum(table.fixed),
        _sum(table.done),
    )  # fmt: skip
    return [Visits(row[0], *map(int, row[1:])) for row in db.execute(query.where(*where).group_by(table.territory))]


def firms_in(db: Connection, where: Where) -> list[tuple[str, str]]:
    """Territory and firm of these rows, each pair once."""
    query = select(handed_in.c.territory, handed_in.c.firm).where(*where, handed_in.c.firm != "").distinct()
    return [(row[0], row[1]) for row in db.execute(query)]


Stand = tuple[int, datetime | None, str]


def stand(db: Connection) -> Stand:
    """Where handed-in rows, facts and firms stand: what was counted at the same stand is still so."""
    row = db.execute(select(func.max(handed_in.c.number))).scalar() or 0
    fact = db.execute(select(func.max(firm_facts.c.updated_at))).scalar()
    return row, fact, get_fact(db, "registry_version") or ""


def hazards(db: Connection, first: date, last: date, today: date) -> list[Hazards]:
    """Ledger entries by the territory they lie in, but those that were found to be none."""
    entry = ledger_entries.c
    real = and_(entry.found_on >= first, entry.found_on <= last, entry.state != "excluded")
    over = and_(OPEN, entry.due_on < today)
    query = select(entry.territory, func.count(), _sum(entry.state == "closed"), _sum(OPEN), _sum(over))
    return [Hazards(row[0], *map(int, row[1:])) for row in db.execute(query.where(real).group_by(entry.territory))]


def imported(db: Connection, first: date, last: date) -> list[tuple[str, str, str, int]]:
    """Results that came with registry files and not by intake: region code of the firm, product, outcome, how many."""
    fact, firm = firm_facts.c, enterprises.c
    handed = select(handed_in.c.source).where(handed_in.c.kind == SAMPLING).distinct()
    query = (
        select(firm.region_code, fact.product, fact.outcome, func.count())
        .join(enterprises, firm.id == fact.firm)
        .where(fact.kind == "sampling", fact.day >= first, fact.day <= last, fact.source.not_in(handed))
        .group_by(firm.region_code, fact.product, fact.outcome)
    )
    return [(row[0] or "", row[1], row[2], row[3]) for row in db.execute(query)]


def hand_cells(
    db: Connection, territories: Collection[str], columns: Collection[str], first: str, last: str, *, total: str
) -> dict[tuple[str, str], int]:
    """Sums of what people wrote into the weekly tables of these weeks, by territory and column; columns without a
    figure are missing. total: the row of sums, which is left out."""
    cell = weekly_cells.c
    mine = (cell.territory.in_(sorted(territories)), cell.column.in_(sorted(columns)))
    time = (cell.week >= first, cell.week <= last, cell.row != total)
    newest = (
        select(func.max(cell.serial)).where(*mine, *time).group_by(cell.week, cell.territory, cell.column, cell.row)
    )
    found: dict[tuple[str, str], int] = {}
    for territory, column, value in db.execute(
        select(cell.territory, cell.column, cell.value).where(cell.serial.in_(newest))
    ):
        if value is not None and value.isascii() and value.isdigit():
            found[territory, column] = found.get((territory, column), 0) + int(value)
    return found


def newest_totals(
    db: Connection, territories: Collection[str], column: str, first: str, last: str, *, total: str
) -> dict[str, int]:
    """The sum over the rows of a column in the last week that has any, by territory: a stand, no flow."""
    cell = weekly_cells.c
    mine = (cell.territory.in_(sorted(territories)), cell.column == column, cell.row != total)
    time = (cell.week >= first, cell.week <= last)
    newest = select(func.max(cell.serial)).where(*mine, *time).group_by(cell.week, cell.territory, cell.row)
    weeks: dict[str, dict[str, int]] = {}
    query = select(cell.territory, cell.week, cell.value).where(cell.serial.in_(newest))
    for territory, week, value in db.execute(query):
        if value is not None and value.isascii() and value.isdigit():
            by_week = weeks.setdefault(territory, {})
            by_week[week] = by_week.get(week, 0) + int(value)
    return {territory: by_week[max(by_week)] for territory, by_week in weeks.items()}


# --- what is suggested for sampling -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """Risk documents of an event about one product, territory and firm. official: of a regulator or recall."""

    event: str
    number: str
    title: str
    product: str
    territory: str
    firm: str
    level: int
    origins: int
    official: int
    documents: int
    example: str
    last_at: datetime


OFFICIAL = ("notice", "spotcheck", "recall", "recall_foreign")


def told_in_events(db: Connection, since: datetime, *, codes: Collection[str] | None, limit: int) -> list[Told]:
    """What risk documents since then tell, by the event they stand in, the gravest first. codes: of the documents;
    None: all."""
    doc, member, event = documents.c, event_documents.c, events.c
    inside = [] if codes is None else [doc.jurisdiction.in_(sorted(codes))]
    level = func.max(doc.level)
    query = (
        select(
            event.id, event.year, event.serial, event.title, doc.product, doc.jurisdiction, doc.enterprise, level,
            _sum(doc.repost_of.is_(None)), _sum(doc.kind.in_(OFFICIAL)), func.count(), func.min(doc.id),
            func.max(doc.event_time),
        )
        .select_from(documents)
        .join(event_documents, member.document == doc.id)
        .join(events, event.id == member.event)
        .where(doc.is_risk, doc.latest, doc.event_time >= since, doc.withdrawn_at.is_(None), doc.product != "", *inside)
        .group_by(event.id, doc.product, doc.jurisdiction, doc.enterprise)
        .order_by(level.desc(), event.id)
        .limit(limit)
    )  # fmt: skip
    return [
        Told(row[0], f"SJ-{row[1]}-{row[2]:04d}", row[3], row[4], row[5] or "", row[6] or "", int(row[7] or 0),
             int(row[8]), int(row[9]), row[10], row[11], row[12])
        for row in db.execute(query)
    ]  # fmt: skip


def sampled_since(db: Connection, first: date) -> dict[tuple[str, str], tuple[int, int]]:
    """Batches and failed ones since a day, by product and territory."""
    table = handed_in.c
    query = select(table.product, table.territory, func.count(), _sum(table.outcome == "failed")).where(
        table.kind == SAMPLING, table.latest, table.day >= first
    )
    rows = db.execute(query.group_by(table.product, table.territory))
    return {(row[0], row[1]): (row[2], int(row[3])) for row in rows}


@dataclass(frozen=True)
class Decision:
    """What a person decided of a suggestion. do: accept | decline."""

    product: str
    territory: str
    firm: str
    event: str
    do: str
    note: str
    actor: str
    at: datetime
    office: str
    reason: str
    number: int = 0

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is about."""
        return self.product, self.territory, self.firm


def decide(db: Connection, one: Decision, *, once: str) -> bool:
    """Append it; False where the form did so before."""
    values = {field.name: getattr(one, field.name) for field in fields(Decision) if field.name != "number"}
    statement = insert_into(decided, db.dialect.name).values(**values, once=once)
    return wrote(db, statement.on_conflict_do_nothing(index_elements=["once"]))


def decisions(db: Connection, since: datetime, *, limit: int = 500) -> list[Decision]:
    """The newest decision of each suggestion since then, newest first."""
    newest = select(func.max(decided.c.number)).where(decided.c.at >= since)
    newest = newest.group_by(decided.c.product, decided.c.territory, decided.c.firm)
    query = select(decided).where(decided.c.number.in_(newest)).order_by(decided.c.number.desc()).limit(limit)
    return [_decision(row) for row in db.execute(query).mappings()]


def _decision(row: RowMapping) -> Decision:
    return Decision(**{field.name: row[field.name] for field in fields(Decision)})


def _sum(test: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((test, 1), else_=0)), 0)
