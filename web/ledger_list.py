"""The ledger as a list: what the address asks for, which rows it shows, what each link counts."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from sqlalchemy import Connection
from starlette.datastructures import QueryParams

from config.regions import Regions
from core.clock import BEIJING, beijing
from core.records import LEVEL_IDS
from ledger.book import Ledger
from ledger.clocks import due_words
from ledger.conditions import proofs_needed, standing_proofs
from ledger.demands import extension_of, received
from store.ledger import Entry, EntryRow, HazardState, proofs_of_all, rows_of_all, standing_rows
from store.ledger_list import VIEWS as VIEW_TESTS
from store.ledger_list import Cond, Day, count_by, count_steps, count_views, has, page_of, within
from web.access import Viewer, codes_within
from web.inbox import BadAddress

PAGE_SIZE = 50
VIEWS = {
    "": "未销号",
    "due": "今日到期",
    "over": "逾期",
    "ready": "待销号",
    "closed": "本周期已销号",
    "look": "待回头看",
    "listed": "挂牌督办",
    "added": "本周期新增",
    "all": "全部",
}
SHOWN_VIEWS = ("", "due", "over", "ready", "closed", "look", "listed")
FILTERS = {
    "level": "级别",
    "product": "产品",
    "region": "属地",
    "unit": "责任单位",
    "issue": "问题类型",
    "firm": "企业",
}
MOST_CHOICES = 40
LEVELS = {level: key for key, level in LEVEL_IDS.items()}
SORTS = ("", "-due")


@dataclass(frozen=True)
class Asked:
    """The address of the list. view: key of VIEWS.  sort: by due date, or from the latest one on."""

    view: str = ""
    level: str = ""
    product: str = ""
    region: str = ""
    unit: str = ""
    issue: str = ""
    firm: str = ""
    sort: str = ""
    page: int = 1


@dataclass(frozen=True)
class Period:
    """A week of the weekly report, Wednesday to Tuesday, in days of Beijing."""

    first: date
    last: date

    @cached_property
    def begins(self) -> datetime:
        """Its first moment."""
        return datetime(self.first.year, self.first.month, self.first.day, tzinfo=BEIJING)


def period_of(today: date) -> Period:
    """The one a day lies in."""
    first = today - timedelta(days=(today.weekday() - 2) % 7)
    return Period(first, first + timedelta(days=6))


@dataclass(frozen=True)
class Line:
    """A row of the table. proofs: of those needed how many are there.  next: what it waits for, in words."""

    entry: Entry
    due: str
    due_state: str
    have: int
    need: int
    next: str
    listed: bool


@dataclass(frozen=True)
class Summary:
    """The sentence above the list. change: against the end of the last period.  over_in: where overdue ones are."""

    period: Period
    added: int
    closed: int
    open: int
    change: int
    over: int
    over_in: tuple[str, ...]


def read_asked(query: QueryParams) -> Asked:
    """Raises BadAddress for what the list does not know."""
    found = {name: query.get(name, "")[:80] for name in ("view", "sort", *FILTERS)}
    page = query.get("page", "1")
    if found["view"] not in VIEWS or found["sort"] not in SORTS or (found["level"] and found["level"] not in LEVEL_IDS):
        raise BadAddress("地址中的视图、级别或排序不对。")
    if not (page.isascii() and page.isdigit() and 1 <= int(page[:6]) <= 100_000):
        raise BadAddress("页码须为正整数。")
    return Asked(**found, page=int(page[:6]))


class Shelf:
    """The entries one viewer sees, on one day, counted by the database. listed: ids under supervision."""

    def __init__(self, db: Connection, me: Viewer, regions: Regions, now: datetime, listed: frozenset[str]) -> None:
        self.db, self.regions, self.today, self.listed = db, regions, beijing(now).date(), listed
        self.period = period_of(self.today)
        self.day = Day(self.today, self.period.begins, listed)
        self.cut = me.entries()

    def rows(self, asked: Asked, *, most: int | None = None, also: Sequence[Cond] = ()) -> list[Entry]:
        """What the address asks for, in its order: all of it, or the page of so many rows. also: further conditions."""
        start = (asked.page - 1) * most if most else 0
        where, turned = [*self._where(asked), *also], asked.sort == "-due"
        return page_of(self.db, asked.view, self.day, where, latest_first=turned, start=start, most=most)

    def counts(self, asked: Asked) -> dict[str, int]:
        """Each view with its count under the same filters."""
        return count_views(self.db, tuple(VIEWS), self.day, self._where(asked))

    def choices(self, asked: Asked) -> dict[str, list[tuple[str, int]]]:
        """What each filter offers, with how many rows it leaves, the most first."""
        found: dict[str, list[tuple[str, int]]] = {}
        for name in FILTERS:
            where = [VIEW_TESTS[asked.view](self.day), *self._where(asked, but=name)]
            if name == "region":
                places: Counter[str] = Counter()
                for territory, count in count_by(self.db, "territory", where):
                    places.update(dict.fromkeys(self.regions.chain(territory), count))
                found[name] = places.most_common(MOST_CHOICES)
            elif name == "level":
                levels = sorted(count_by(self.db, "level", where), reverse=True)
                found[name] = [(LEVELS[level], count) for level, count in levels]
            else:
                found[name] = count_by(self.db, name, where, most=MOST_CHOICES)
        return found

    def summary(self, asked: Asked, counts: Mapping[str, int]) -> Summary:
        """The sentence above the list: without filters. counts: those of the list, which serve where it has none."""
        if any(getattr(asked, name) for name in FILTERS):
            counts = count_views(self.db, ("added", "closed", "", "over"), self.day, self.cut)
        places: Counter[str] = Counter()
        if counts["over"]:
            for code, count in count_by(self.db, "territory", [VIEW_TESTS["over"](self.day), *self.cut]):
                places[self.regions.prefecture_of(code) or code] += count
        changes = count_steps(self.db, ("add", "close", "exclude", "reopen"), self.period.begins, self.cut)
        more = changes.get("add", 0) + changes.get("reopen", 0)
        return Summary(
            period=self.period,
            added=counts["added"],
            closed=counts["closed"],
            open=counts[""],
            change=more - changes.get("close", 0) - changes.get("exclude", 0),
            over=counts["over"],
            over_in=tuple(code for code, _ in places.most_common()),
        )

    def _where(self, asked: Asked, *, but: str = "") -> list[Cond]:
        """The viewer's cut and the filters. but: the filter that is left aside."""
        found = list(self.cut)
        for name in FILTERS:
            value = getattr(asked, name)
            if not value or name == but:
                continue
            if name == "region":
                found.append(within(codes_within(self.regions, value), by_unit=False))
            else:
                found.append(has(name, LEVEL_IDS[value] if name == "level" else value))
        return found


def lines_of(db: Connection, shown: Sequence[Entry], book: Ledger, today: date, listed: Iterable[str]) -> list[Line]:
    """The rows of one page."""
    ids, marked = [entry.id for entry in shown], frozenset(listed)
    rows, proofs = rows_of_all(db, ids), proofs_of_all(db, ids)
    found = []
    for entry in shown:
        mine = standing_rows(rows[entry.id])
        needed = proofs_needed(entry, mine, book.rules, key_product=book.is_key(entry.product))
        have = len({proof.kind for proof in standing_proofs(mine, proofs[entry.id])} & set(needed))
        due, state = due_words(entry.due_on, today) if entry.open else ("", "")
        found.append(
            Line(entry, due, state, have, len(needed), next_word(entry, mine, have, len(needed)), entry.id in marked)
        )
    return found


def next_word(entry: Entry, rows: list[EntryRow], have: int, need: int) -> str:
    """What an entry waits for."""
    if entry.state is HazardState.CLOSED:
        return f"{entry.look_on:%m-%d} 回头看" if entry.look_on else ""
    if not entry.open:
        return ""
    if extension_of(rows):
        return "延期待批"
    if not entry.unit:
        return "待派单"
    if not received(entry, rows):
        return "待签收"
    if entry.state in (HazardState.TO_CHECK, HazardState.REOPENED):
        return "待核查"
    if have < need:
        return f"还差材料 {need - have} 份"
    return "待审核" if entry.state is HazardState.TO_CLOSE else "可申请销号"
