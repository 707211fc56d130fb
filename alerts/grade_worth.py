"""The worth of the grades by the bureau's own records: hazards confirmed since a day, and the grade the day before."""

from collections.abc import Iterator
from datetime import date, timedelta

from sqlalchemy import Connection, func, or_, select

from alerts.grading import confirmed_alerts, grades_for
from config.grades import GradeTable
from core.firms import FactKind
from enterprises.grade_worth import Case, case_of
from store.ledger import HazardState
from store.registry import find_entry
from store.schema import firm_facts, ledger_entries

MOST = 5_000


def cases_since(db: Connection, table: GradeTable, since: date, until: date) -> list[Case]:
    """The first failed sample, recall or ledger entry of each firm from `since` to `until`, oldest first, MOST at most.

    Each is graded as of the day before, by what was recorded until then and is known today.
    """
    first: dict[str, tuple[date, str]] = {}
    for firm, day, what in _hazards(db, since, until):
        if firm not in first or day < first[firm][0]:
            first[firm] = (day, what)
    confirmed = confirmed_alerts(db)
    found = []
    for firm, (day, what) in sorted(first.items(), key=lambda item: (item[1][0], item[0]))[:MOST]:
        [graded] = grades_for(db, [firm], table, day - timedelta(days=1), confirmed, as_said=True)
        entry = find_entry(db, firm)
        found.append(case_of(graded, entry.name if entry else firm.removeprefix("NIL:"), day, what))
    return found


def _hazards(db: Connection, since: date, until: date) -> Iterator[tuple[str, date, str]]:
    fact, entry = firm_facts.c, ledger_entries.c
    failed = (fact.kind == FactKind.SAMPLING) & (fact.outcome == "failed")
    query = select(fact.firm, func.min(fact.day), fact.kind).group_by(fact.firm, fact.kind)
    for firm, day, kind in db.execute(
        query.where(fact.day.between(since, until), or_(failed, fact.kind == FactKind.RECALL))
    ):
        yield firm, day, "召回" if kind == FactKind.RECALL else "抽查不合格"
    told = select(entry.firm, func.min(entry.found_on)).group_by(entry.firm)
    for firm, day in db.execute(
        told.where(entry.firm != "", entry.state != HazardState.EXCLUDED, entry.found_on.between(since, until))
    ):
        yield firm, day, "列入台账"
