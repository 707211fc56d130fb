"""The risk grade of a firm (风险分级, internal): points from records, each explained. Rules: docs/grades.md."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from config.grades import GRADES, GradeTable, Row
from core.firms import PAPERS, FactKind, FirmFact, PaperState

Fading = Literal["fades", "stands"]
OUTCOMES = {"passed": "合格", "failed": "不合格"}
KINDS = {FactKind.LICENCE: "生产许可证", FactKind.CCC: "强制性产品认证", FactKind.HAZCHEM: "危险化学品许可"}
STATES = {PaperState.LAPSED: "已过期", PaperState.SUSPENDED: "被暂停", PaperState.WITHDRAWN: "被撤销"}


@dataclass(frozen=True)
class Record:
    """Something else than a fact of the registry: a verified alert or a ledger entry.

    kind: opinion | ledger_open | ledger_closed.  count: independent origins of an alert.  link: its page.
    """

    kind: str
    day: date
    words: str
    link: str
    count: int = 1


@dataclass(frozen=True)
class Point:
    """One reason. row: of the points table.  full: its worth when fresh; worth: on the day asked for."""

    row: str
    words: str
    day: date | None
    full: float
    worth: float
    link: str = ""
    document: str = ""


@dataclass(frozen=True)
class Grade:
    """A firm on a day. product: whose row of the table counted, "" the default.  points: their sum, not below 0.

    next_on: the first day on which the grade changes by itself; None: it does not within the years that count.
    """

    firm: str
    day: date
    grade: str
    points: float
    product: str
    reasons: tuple[Point, ...]
    changes: tuple[str, ...] = ()
    next_on: date | None = None
    next_grade: str = ""


def grade_of(
    firm: str, products: Collection[str], facts: Sequence[FirmFact], records: Sequence[Record], table: GradeTable,
    day: date,
) -> Grade:  # fmt: skip
    """The grade of a firm by what is recorded up to `day`; what came later does not count."""
    product, row = table.row(products)
    reasons = _reasons(row, facts, records, table, day)
    points = _total(reasons)
    grade = table.grade(points)
    next_on, next_grade = _next(grade, row, facts, records, table, day)
    changes = _changes(points, grade, row, table, reasons, next_on, next_grade)
    return Grade(firm, day, grade, points, product, tuple(reasons), changes, next_on, next_grade)


def _total(reasons: Iterable[Point]) -> float:
    return round(max(0.0, sum(one.worth for one in reasons)), 1)


def _reasons(
    row: Row, facts: Sequence[FirmFact], records: Sequence[Record], table: GradeTable, day: date
) -> list[Point]:
    found = [Point("product", "产品固有风险", None, row.product, row.product)]
    complaints: list[Point] = []
    for fact in facts:
        point = _of_fact(fact, row, table, day)
        if point is not None:
            (complaints if point.row == "complaints" else found).append(point)
    opinions = [point for one in records if (point := _of_record(one, row, table, day)) and point.row == "opinion"]
    found += [point for one in records if (point := _of_record(one, row, table, day)) and point.row != "opinion"]
    found += _capped(complaints, row.complaints_most) + _capped(opinions, row.opinion_most)
    return sorted(found, key=lambda one: (-abs(one.worth), one.row, one.words))


def _of_fact(fact: FirmFact, row: Row, table: GradeTable, day: date) -> Point | None:
    if fact.kind in PAPERS:
        return _of_paper(fact, row, day)
    known = _known_on(fact)
    if known is not None and known > day:
        return None
    about = "".join(filter(None, (fact.text, f"（{fact.number}）" if fact.number else "")))[:120]
    match fact.kind:
        case FactKind.SAMPLING | FactKind.CHECK:
            if fact.outcome not in OUTCOMES:
                return None
            name, word = f"{fact.kind.value}_{fact.outcome}", "监督抽查" if fact.kind is FactKind.SAMPLING else "检查"
            return _fading(
                name, f"{word}{OUTCOMES[fact.outcome]} {about}".strip(), getattr(row, name), fact, table, day
            )
        case FactKind.PENALTY:
            return _fading("penalty", f"行政处罚 {about}".strip(), row.penalty, fact, table, day)
        case FactKind.RECALL:
            return _fading("recall", f"召回 {about}".strip(), row.recall, fact, table, day)
        case FactKind.COMPLAINTS:
            return _fading("complaints", f"投诉 {fact.count} 件", row.complaints * fact.count, fact, table, day)
        case FactKind.CREDIT if fact.outcome in row.credit:
            full, said = row.credit[fact.outcome], "信用等级" if len(fact.outcome) == 1 else "列入"
            ended = fact.until is not None and fact.until < day
            return None if ended else Point("credit", f"{said} {fact.outcome}", fact.day, full, full)
    return None


def _of_paper(fact: FirmFact, row: Row, day: date) -> Point | None:
    state = fact.state_on(day)
    if state not in STATES:
        return None
    name = f"paper_{state.value}"
    full: float = getattr(row, name)
    since = fact.until if state is PaperState.LAPSED else fact.state_since
    return Point(name, f"{KINDS[fact.kind]} {fact.number} {STATES[state]}", since, full, full, document=fact.document)


def _of_record(one: Record, row: Row, table: GradeTable, day: date) -> Point | None:
    if one.day > day:
        return None
    full: float = getattr(row, one.kind) * (one.count if one.kind == "opinion" else 1)
    worth = full if one.kind == "ledger_open" else _faded(full, one.day, table, day)
    return Point(one.kind, one.words, one.day, full, worth, link=one.link) if worth else None


def _fading(name: str, words: str, full: float, fact: FirmFact, table: GradeTable, day: date) -> Point | None:
    known = _known_on(fact)
    if known is None:
        return None  # nobody knows how old it is
    worth = _faded(full, known, table, day)
    return Point(name, words, known, full, worth, document=fact.document) if worth else None


def _known_on(fact: FirmFact) -> date | None:
    """From when on a record counts: the number of complaints of a period is known when the period is over."""
    return fact.until or fact.day if fact.kind is FactKind.COMPLAINTS else fact.day


def _faded(full: float, since: date, table: GradeTable, day: date) -> float:
    age = (day - since).days
    return 0.0 if age > table.forget else round(full * 0.5 ** (age / table.half_life), 1)


def _capped(points: list[Point], most: float) -> list[Point]:
    """The freshest first, until the row has given all it may."""
    kept: list[Point] = []
    left = most
    for one in sorted(points, key=lambda one: one.day or date.min, reverse=True):
        worth = min(one.worth, left)
        left -= worth
        kept.append(Point(one.row, one.words, one.day, one.full, round(worth, 1), one.link, one.document))
    return kept


def _next(
    grade: str, row: Row, facts: Sequence[FirmFact], records: Sequence[Record], table: GradeTable, day: date
) -> tuple[date | None, str]:
    """The first day on which time alone changes the grade: records fade, papers run out. Looked at week by week."""

    def on(later: date) -> str:
        return table.grade(_total(_reasons(row, facts, records, table, later)))

    edges = {fact.until + timedelta(days=1) for fact in facts if fact.kind in PAPERS and fact.until}
    days = {day + timedelta(days=7 * week) for week in range(1, table.forget // 7 + 2)}
    before = day
    for later in sorted(one for one in days | edges if one > day):
        if on(later) != grade:
            while (later - before).days > 1:
                middle = before + (later - before) // 2
                before, later = (before, middle) if on(middle) != grade else (middle, later)
            return later, on(later)
        before = later
    return None, ""


def _changes(
    points: float, grade: str, row: Row, table: GradeTable, reasons: Sequence[Point], next_on: date | None,
    next_grade: str,
) -> tuple[str, ...]:  # fmt: skip
    """The nearest steps: what single record would raise the risk grade, what would lower it."""
    edges = dict(zip(GRADES[1:], (table.bounds.B, table.bounds.C, table.bounds.D), strict=True))
    told = []
    if grade != "D":
        higher = GRADES[GRADES.index(grade) + 1]
        lack = round(edges[higher] - points, 1)
        single = {
            "一次抽查不合格": row.sampling_failed,
            "一次处罚": row.penalty,
            "一次召回": row.recall,
            "一项未销号隐患": row.ledger_open,
            "一张证过期": row.paper_lapsed,
        }
        enough = [word for word, worth in single.items() if worth >= lack]
        told.append(
            f"再加 {lack:g} 分为 {higher}" + (f"：{'、'.join(enough)}即可" if enough else "，须有两条以上新记录")
        )
    if grade != "A":
        over = round(points - edges[grade], 1)
        lower = GRADES[GRADES.index(grade) - 1]
        ends = [one for one in reasons if one.row in ("ledger_open", *_PAPER_ROWS) and one.worth > over]
        told.append(f"减去多于 {over:g} 分为 {lower}" + "".join(f"；{one.words}了结即可" for one in ends[:2]))
    if next_on is not None:
        told.append(f"没有新记录时，{next_on} 起为 {next_grade}")
    return tuple(told)


_PAPER_ROWS = ("paper_lapsed", "paper_suspended", "paper_withdrawn")
