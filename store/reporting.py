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
class Signed:
    """A signed paper of an office about a year."""

    id: str
    kind: str
    subject: str
    territory: str
    at: datetime
    by: str


def signed_papers(db: Connection, kinds: Collection[str], years: Collection[int]) -> list[Signed]:
    """The signed papers of these kinds about these years, the first signed last."""
    paper = papers.c
    about = [f"year:{year}" for year in sorted(years)]
    query = select(paper.id, paper.kind, paper.subject, paper.territory, paper.signed_at, paper.signed_by).where(
        paper.kind.in_(sorted(kinds)), paper.subject.in_(about), paper.signed_at.is_not(None)
    )
    return [Signed(*row) for row in db.execute(query.order_by(paper.signed_at.desc()))]


def _mark(row: RowMapping) -> Mark:
    return Mark(**{field.name: row[field.name] for field in fields(Mark)})
