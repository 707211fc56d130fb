"""Grades of firms as they were computed, how they changed, and what people set instead for a time."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, RowMapping, func, insert, or_, select, update

from store.inserts import insert_into
from store.schema import enterprises, firm_grade_changes, firm_grade_overrides, firm_grades

AT_ONCE = 400


@dataclass(frozen=True)
class GradeRow:
    """The computed grade of a firm. territory: its region code.  next_on: when time alone changes it."""

    firm: str
    day: date
    grade: str
    points: float
    product: str
    territory: str
    next_on: date | None = None


@dataclass(frozen=True)
class GradeChange:
    """A grade that became another one. before: empty for the first."""

    firm: str
    day: date
    before: str
    grade: str
    points: float
    why: str


@dataclass(frozen=True)
class Override:
    """What a person set instead. kind: appeal | override.  It stands before `until`, or until it is taken back."""

    number: int
    firm: str
    grade: str
    kind: str
    reason: str
    author: str
    at: datetime
    until: datetime
    ended_at: datetime | None = None
    ended_by: str | None = None


def save_grades(db: Connection, rows: Sequence[tuple[GradeRow, str]]) -> int:
    """Write grades with why they stand; how many became another one. The history holds changes only."""
    before = {row.firm: row.grade for row in grades_of(db, [one.firm for one, _ in rows])}
    changed = [(row, why) for row, why in rows if before.get(row.firm) != row.grade]
    if rows:
        statement = insert_into(firm_grades, db.dialect.name)
        kept = {column.name: statement.excluded[column.name] for column in firm_grades.c if column.name != "firm"}
        values = [{field.name: getattr(row, field.name) for field in fields(GradeRow)} for row, _ in rows]
        db.execute(statement.on_conflict_do_update(index_elements=["firm"], set_=kept), values)
    if changed:
        told = [
            {"firm": row.firm, "day": row.day, "before": before.get(row.firm, ""), "grade": row.grade,
             "points": row.points, "why": why}
            for row, why in changed
        ]  # fmt: skip
        db.execute(insert(firm_grade_changes), told)
    return len(changed)


def grades_of(db: Connection, firms: Sequence[str]) -> list[GradeRow]:
    """The computed grades of those of the firms that have one."""
    found: list[GradeRow] = []
    for start in range(0, len(firms), AT_ONCE):
        query = select(firm_grades).where(firm_grades.c.firm.in_(firms[start : start + AT_ONCE]))
        found += [_grade(row) for row in db.execute(query).mappings()]
    return found


def due(db: Connection, day: date, *, after: str = "", limit: int = AT_ONCE) -> list[str]:
    """Firms whose grade time alone changes by that day, in order of id."""
    query = select(firm_grades.c.firm).where(firm_grades.c.next_on <= day, firm_grades.c.firm > after)
    return list(db.execute(query.order_by(firm_grades.c.firm).limit(limit)).scalars())


def list_grades(
    db: Connection, *, within: Collection[str] | None, grade: str = "", product: str = "", start: int = 0,
    limit: int = 50,
) -> list[tuple[GradeRow, str]]:  # fmt: skip
    """Grades with the firms' names, the most points first. within: region codes; None: all."""
    name = func.coalesce(enterprises.c.name, firm_grades.c.firm)
    query = select(firm_grades, name.label("name")).outerjoin(enterprises, enterprises.c.id == firm_grades.c.firm)
    if within is not None:
        query = query.where(firm_grades.c.territory.in_(sorted(within)))
    if grade:
        query = query.where(firm_grades.c.grade == grade)
    if product:
        query = query.where(firm_grades.c.product == product)
    query = query.order_by(firm_grades.c.points.desc(), firm_grades.c.firm).offset(start).limit(limit)
    return [(_grade(row), row["name"]) for row in db.execute(query).mappings()]


def shares(db: Connection, *, within: Collection[str] | None = None) -> dict[str, int]:
    """How many firms stand in each grade."""
    table = firm_grades.c
    if within is None:
        return {row[0]: row[1] for row in db.execute(select(table.grade, func.count()).group_by(table.grade))}
    query = select(table.grade, func.count()).where(table.territory.in_(sorted(within)))
    counted: Counter[str] = Counter()
    for grade, count in db.execute(query.group_by(table.territory, table.grade)):  # in the order of an index
        counted[grade] += count
    return dict(counted)


def month_ends(today: date, months: int = 12) -> list[date]:
    """The last days of the months before this one, oldest first, and today."""
    found, first = [today], today.replace(day=1)
    for _ in range(months - 1):
        found.append(first - timedelta(days=1))
        first = found[-1].replace(day=1)
    return found[::-1]


def shares_before(
    db: Connection, days: Sequence[date], today: Mapping[str, int], *, within: Collection[str] | None = None
) -> list[dict[str, int]]:
    """How many firms stood in each grade at the end of each of the days: today's numbers without what came later.

    today: `shares` of the same places. A firm counts for the place where it lies today.
    """
    since = min(days, default=date.max)
    change = firm_grade_changes.c
    query = select(change.day, change.before, change.grade, func.count()).where(change.day > since)
    if within is not None:
        query = query.join(firm_grades, firm_grades.c.firm == change.firm)
        query = query.where(firm_grades.c.territory.in_(sorted(within)))
    moved = db.execute(query.group_by(change.day, change.before, change.grade)).all()
    found = []
    for day in days:
        then = dict(today)
        for on, before, grade, count in moved:
            if on > day:
                then[grade] = then.get(grade, 0) - count
                if before:
                    then[before] = then.get(before, 0) + count
        found.append(then)
    return found


def newest_changes(db: Connection, *, within: Collection[str] | None, limit: int = 12) -> list[tuple[GradeChange, str]]:
    """Grades that became another one, with the firms' names, newest first."""
    change, name = firm_grade_changes.c, func.coalesce(enterprises.c.name, firm_grade_changes.c.firm)
    query = select(firm_grade_changes, name.label("name")).where(change.before != "")
    query = query.outerjoin(enterprises, enterprises.c.id == change.firm)
    if within is not None:
        query = query.join(firm_grades, firm_grades.c.firm == change.firm)
        query = query.where(firm_grades.c.territory.in_(sorted(within)))
    rows = db.execute(query.order_by(change.number.desc()).limit(limit)).mappings()
    return [(_change(row), row["name"]) for row in rows]


def last_reasons(db: Connection, firms: Sequence[str]) -> dict[str, str]:
    """Why each of the firms (at most 400) has the grade it has: the reasons told when it came to it."""
    change = firm_grade_changes.c
    last = select(func.max(change.number)).where(change.firm.in_(firms[:AT_ONCE])).group_by(change.firm)
    query = select(change.firm, change.why).where(change.number.in_(last))
    return {row[0]: row[1] for row in db.execute(query)}


def changes(db: Connection, *, firm: str = "", since: date | None = None, limit: int = 200) -> list[GradeChange]:
    """Changes of one firm or of all since a day, newest first."""
    query = select(firm_grade_changes)
    if firm:
        query = query.where(firm_grade_changes.c.firm == firm)
    if since:
        query = query.where(firm_grade_changes.c.day >= since)
    rows = db.execute(query.order_by(firm_grade_changes.c.number.desc()).limit(limit)).mappings()
    return [_change(row) for row in rows]


def add_override(db: Connection, one: Override, *, once: str) -> tuple[Override, bool]:
    """Write it (its number is not read), and whether it is new: a form writes one."""
    there = db.execute(select(firm_grade_overrides).where(firm_grade_overrides.c.once == once)).mappings().first()
    if there is not None:
        return _override(there), False
    values = {field.name: getattr(one, field.name) for field in fields(Override) if field.name != "number"}
    db.execute(insert(firm_grade_overrides).values(**values, once=once))
    made = db.execute(select(firm_grade_overrides).where(firm_grade_overrides.c.once == once)).mappings().one()
    return _override(made), True


def end_override(db: Connection, number: int, *, by: str, now: datetime) -> bool:
    """Take it back. False where it is over."""
    mine = (firm_grade_overrides.c.number == number, firm_grade_overrides.c.ended_at.is_(None))
    changed = update(firm_grade_overrides).where(*mine, firm_grade_overrides.c.until > now)
    return db.execute(changed.values(ended_at=now, ended_by=by)).rowcount == 1


def overrides_of(db: Connection, firms: Iterable[str], now: datetime) -> dict[str, Override]:
    """What stands now for each of the firms (at most 400), the newest."""
    table = firm_grade_overrides.c
    standing = (table.at <= now, table.until > now, or_(table.ended_at.is_(None), table.ended_at > now))
    query = select(firm_grade_overrides).where(table.firm.in_(list(firms)[:AT_ONCE]), *standing).order_by(table.number)
    return {row["firm"]: _override(row) for row in db.execute(query).mappings()}


def _change(row: RowMapping) -> GradeChange:
    return GradeChange(**{field.name: row[field.name] for field in fields(GradeChange)})


def _grade(row: RowMapping) -> GradeRow:
    return GradeRow(**{field.name: row[field.name] for field in fields(GradeRow)})


def _override(row: RowMapping) -> Override:
    return Override(**{field.name: row[field.name] for field in fields(Override)})
