"""The grade of firms by what the store holds, and the nightly pass over those whose grade may have changed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import Connection, select

from alerts.marks import SPEAKING, marks_of, standing_marks
from alerts.told_facts import told_facts, told_of_late
from config.grades import GradeTable
from core.clock import BEIJING, as_utc, beijing, parse_published
from core.errors import UsageError
from core.firms import PAPERS, FirmFact
from core.records import Alert
from enterprises.grade import Grade, Record, grade_of
from enterprises.papers import worse
from store import audit
from store.alert_log import find_alert, find_alerts, list_alerts
from store.database import Store, get_fact, set_fact
from store.firm_facts import changes_of, fact_id, facts_of, said_before
from store.firm_seats import products_of, seats_of
from store.grades import AT_ONCE, GradeRow, Override, add_override, due, end_override, save_grades
from store.ledger import HazardState
from store.schema import alert_history, firm_facts, ledger_entries

LAST = "grades_through"
LONGEST = timedelta(days=366)
LATE = timedelta(days=60)
"""How long after its day a notice may still come in; a night looks at its firms once more until then."""


@dataclass(frozen=True)
class Night:
    """What a pass did."""

    looked: int
    changed: int


Confirmed = Mapping[str, Sequence[Record]]
"""Of each firm its verified alerts."""


def confirmed_alerts(db: Connection) -> Confirmed:
    """The alerts that people marked as true, by firm. Raw posts and alerts nobody verified say nothing."""
    marks = {name: marked for name, marked in standing_marks(db).items() if marked.mark == "confirmed"}
    alerts = {alert.id: alert for alert in find_alerts(db, list(marks))}
    found: dict[str, list[Record]] = {}
    for name, marked in marks.items():
        if name in alerts:
            for firm in alerts[name].enterprises:
                found.setdefault(firm, []).append(_alert_record(alerts[name], marked.at))
    return found


def confirmed_of(db: Connection, firm: str) -> Confirmed:
    """The same of one firm, without reading the marks of all others."""
    alerts = list_alerts(db, firm=firm)
    marks = marks_of(db, [alert.id for alert in alerts])
    true = [alert for alert in alerts if alert.id in marks and marks[alert.id].mark == "confirmed"]
    return {firm: [_alert_record(alert, marks[alert.id].at) for alert in true]}


def _alert_record(alert: Alert, at: datetime) -> Record:
    """A verified alert as the grade counts it."""
    origins = max(1, alert.origins)
    words = f"预警 {alert.number} 核实属实，独立来源 {origins} 个"
    return Record("opinion", beijing(at).date(), words, f"/alerts/{alert.id}", origins)


def grades_for(
    db: Connection, firms: Sequence[str], table: GradeTable, day: date, confirmed: Confirmed, *, as_said: bool = False
) -> list[Grade]:
    """The grades of firms on a day; the registry tells their products, of a firm in no list its signals do.
    What official lists and notices say of their lots counts beside what was imported.

    as_said: papers as a dossier of that day has them, whatever a re-import has made of them since; asks once a firm.
    """
    facts = facts_of(db, firms)
    if as_said:
        facts = {firm: _as_said(db, firm, known, day) for firm, known in facts.items()}
    told = told_facts(db, facts)
    ledger = _ledger(db, firms, day)
    products = products_of(db, firms)
    return [
        grade_of(
            firm,
            products.get(firm, ()),
            [*facts[firm], *told[firm]],
            [*confirmed.get(firm, ()), *ledger.get(firm, ())],
            table,
            day,
        )
        for firm in firms
    ]


def _as_said(db: Connection, firm: str, facts: list[FirmFact], day: date) -> list[FirmFact]:
    end = as_utc(datetime.combine(day, time.max, BEIJING))
    then = said_before(facts, changes_of(db, firm), end)
    return [worse(fact, then.get(fact_id(fact)), day) if fact.kind in PAPERS else fact for fact in facts]


def _ledger(db: Connection, firms: Sequence[str], day: date) -> dict[str, list[Record]]:
    """Ledger entries as they stood on a day: one that was closed later was open then."""
    found: dict[str, list[Record]] = {}
    entry = ledger_entries.c
    columns = (entry.id, entry.firm, entry.title, entry.state, entry.found_on, entry.closed_at)
    for start in range(0, len(firms), AT_ONCE):
        query = select(*columns).where(entry.firm.in_(firms[start : start + AT_ONCE]))
        for number, firm, title, state, found_on, closed_at in db.execute(query):
            if state == HazardState.EXCLUDED:
                continue
            closed = state == HazardState.CLOSED and closed_at is not None and beijing(closed_at).date() <= day
            since = beijing(closed_at).date() if closed else found_on
            words = f"隐患 {number}{'已销号' if closed else '未销号'}：{title[:60]}"
            kind = "ledger_closed" if closed else "ledger_open"
            found.setdefault(firm, []).append(Record(kind, since, words, f"/ledger/{number}"))
    return found


def nightly(store: Store, table: GradeTable, *, now: datetime, everything: bool = False) -> Night:
    """Grade the firms with something new since the last pass, and those that time alone moves; 400 at a time.

    everything: all that have any record, as after a change of the points table.
    """
    day = beijing(now).date()
    with store.read() as db:
        last = get_fact(db, LAST)
        since = parse_published(last) if last and not everything else parse_published("2000-01-01")
        confirmed = confirmed_alerts(db)
        firms = sorted(_touched(db, since, confirmed) | set(_all_due(db, day)))
    changed = 0
    for start in range(0, len(firms), AT_ONCE):
        some = firms[start : start + AT_ONCE]
        with store.read() as db:
            grades, places = grades_for(db, some, table, day, confirmed), seats_of(db, some)
        rows = [(_row(one, places.get(one.firm, "")), _why(one)) for one in grades]
        with store.write() as db:
            changed += save_grades(db, rows)
    with store.write() as db:
        set_fact(db, LAST, now.isoformat())
    return Night(len(firms), changed)


def _touched(db: Connection, since: datetime, confirmed: Confirmed) -> set[str]:
    found = set(db.execute(select(firm_facts.c.firm).where(firm_facts.c.updated_at > since).distinct()).scalars())
    mine = (ledger_entries.c.updated_at > since, ledger_entries.c.firm != "")
    found |= set(db.execute(select(ledger_entries.c.firm).where(*mine).distinct()).scalars())
    found |= told_of_late(db, (since - LATE).date())
    spoken = (alert_history.c.at > since, alert_history.c.action.in_(SPEAKING))
    for name in db.execute(select(alert_history.c.alert).where(*spoken).distinct()).scalars():
        alert = find_alert(db, name)
        found |= set(alert.enterprises) if alert else set()
    return found


def _all_due(db: Connection, day: date) -> Iterator[str]:
    after = ""
    while some := due(db, day, after=after):
        yield from some
        after = some[-1]


def _row(one: Grade, territory: str) -> GradeRow:
    return GradeRow(one.firm, one.day, one.grade, one.points, one.product, territory, one.next_on)


def _why(one: Grade) -> str:
    """The weightiest reasons, without titles of hazards: the firm's county may not see those of others."""
    told = [(reason.words.split("：")[0] if reason.link else reason.words, reason.worth) for reason in one.reasons[:3]]
    return "；".join(f"{words} {worth:+g}" for words, worth in told if worth)


def set_grade(db: Connection, one: Override, *, once: str) -> Override:
    """A person sets another grade for a time, with a reason. Raises UsageError for what is lacking."""
    if len(one.reason.strip()) < 4:
        raise UsageError("须写明理由（至少 4 字）")
    if not one.at < one.until <= one.at + LONGEST:
        raise UsageError("到期日须在今天之后、一年以内")
    made, new = add_override(db, one, once=once)
    if new:
        told = {"level": one.grade, "how": one.kind, "reason": one.reason, "until": f"{beijing(one.until):%Y-%m-%d}"}
        audit.note(db, one.author, "grade_set", one.firm, at=one.at, details=told)
    return made


def take_back(db: Connection, number: int, firm: str, *, by: str, now: datetime) -> None:
    """The computed grade counts again."""
    if not end_override(db, number, by=by, now=now):
        raise UsageError("这条调整已经结束")
    audit.note(db, by, "grade_unset", firm, at=now, details={})
