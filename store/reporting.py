"""What was marked as reported (rows are added, never altered), and what of the overdue was told to the office above."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Connection, RowMapping, func, select

from store.inserts import insert_into, wrote
from store.schema import papers, report_calls, report_marks

Owed = tuple[str, str, str]
"""Item, period (its day by rule, 2026-11-10) and region code of the office."""


@dataclass(frozen=True)
class Mark:
    """Somebody said that it was reported (done), or took that back. proof: by what one can tell."""

    item: str
    period: str
    territory: str
    at: datetime
    actor: str
    done: bool
    proof: str
    number: int = 0

    @property
    def owed(self) -> Owed:
        """What it is about."""
        return self.item, self.period, self.territory


def add_mark(db: Connection, mark: Mark, *, once: str) -> bool:
    """Append it; False where the form did so before."""
    values = {field.name: getattr(mark, field.name) for field in fields(Mark) if field.name != "number"}
    statement = insert_into(report_marks, db.dialect.name).values(**values, once=once)
    return wrote(db, statement.on_conflict_do_nothing(index_elements=["once"]))


def newest_marks(db: Connection, items: Collection[str], first: str, last: str) -> Mapping[Owed, Mark]:
    """The newest mark of everything that was due by rule from `first` to `last`."""
    marks = report_marks.c
    asked = (marks.item.in_(items), marks.period >= first, marks.period <= last)
    newest = select(func.max(marks.number)).where(*asked).group_by(marks.item, marks.period, marks.territory)
    found = [_mark(row) for row in db.execute(select(report_marks).where(marks.number.in_(newest))).mappings()]
    return {one.owed: one for one in found}


def marks_of(db: Connection, item: str, period: str) -> list[Mark]:
    """All that was said of one period of an item, newest first."""
    marks = report_marks.c
    query = select(report_marks).where(marks.item == item, marks.period == period).order_by(marks.number.desc())
    return [_mark(row) for row in db.execute(query.limit(500)).mappings()]


def called(db: Connection, items: Collection[str], first: str, last: str) -> Mapping[Owed, datetime]:
    """What was told to the office above, and when."""
    calls = report_calls.c
    query = select(calls.item, calls.period, calls.territory, calls.at)
    rows = db.execute(query.where(calls.item.in_(items), calls.period >= first, calls.period <= last))
    return {(row[0], row[1], row[2]): row[3] for row in rows}


def note_call(db: Connection, owed: Owed, *, to: str, at: datetime) -> bool:
    """Put down that it is told now; False where it was told before."""
    item, period, territory = owed
    values = {"item": item, "period": period, "territory": territory, "to": to, "at": at}
    statement = insert_into(report_calls, db.dialect.name).values(**values)
    keys = ["item", "period", "territory"]
    return wrote(db, statement.on_conflict_do_nothing(index_elements=keys))


@dataclass(frozen=True)
class OwedPaper:
    """A paper of an office about a week or year. at, by: when it was signed by whom; None: a draft."""

    id: str
    kind: str
    subject: str
    territory: str
    at: datetime | None
    by: str | None


def owed_papers(db: Connection, kinds: Collection[str], about: Collection[str]) -> list[OwedPaper]:
    """The papers of these kinds about these weeks and years: drafts, then signed ones, the first signed last."""
    paper = papers.c
    query = select(paper.id, paper.kind, paper.subject, paper.territory, paper.signed_at, paper.signed_by).where(
        paper.kind.in_(sorted(kinds)), paper.subject.in_(sorted(about)), paper.dropped_at.is_(None)
    )
    order = (paper.signed_at.is_not(None), paper.signed_at.desc(), paper.made_at)
    return [OwedPaper(*row) for row in db.execute(query.order_by(*order))]


def _mark(row: RowMapping) -> Mark:
    return Mark(**{field.name: row[field.name] for field in fields(Mark)})
