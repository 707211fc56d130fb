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
from store.ledger import Entry, EntryRow, HazardState, list_entries, proofs_of_all, rows_of_all
from web.access import Viewer
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

    def has(self, moment: datetime | None) -> bool:
        """Whether a moment lies in it."""
        return moment is not None and self.begins <= moment < self.begins + timedelta(days=7)


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


@dataclass(frozen=True)
class Placed:
    """An entry with the views it is in and its values of each filter, worked out once."""

    entry: Entry
    views: frozenset[str]
    values: Mapping[str, tuple[str, ...]]

    def passes(self, filters: Mapping[str, str], *, but: str = "") -> bool:
        """Whether it has each filter's value. but: the filter that is left aside."""
        return all(value in self.values[name] for name, value in filters.items() if name != but)


class Shelf:
    """The entries one viewer sees, on one day. listed: ids under supervision."""

    def __init__(self, db: Connection, me: Viewer, regions: Regions, now: datetime, listed: frozenset[str]) -> None:
        self.regions, self.today, self.listed = regions, beijing(now).date(), listed
        self.period = period_of(self.today)
        self._chains: dict[str, tuple[str, ...]] = {}
        self.placed = [self._place(entry) for entry in list_entries(db) if me.sees_entry(entry)]

    def rows(self, asked: Asked) -> list[Entry]:
        """What the address asks for, in its order."""
        filters = _filters(asked)
        found = [one.entry for one in self.placed if asked.view in one.views and one.passes(filters)]
        if asked.view == "closed":
            found.sort(key=lambda entry: entry.closed_at or entry.updated_at, reverse=True)
        elif asked.view == "look":
            found.sort(key=lambda entry: entry.look_on or self.today)
        return found[::-1] if asked.sort == "-due" else found

    def counts(self, asked: Asked) -> list[tuple[str, str, int]]:
        """Each view with its count under the same filters."""
        filters = _filters(asked)
        counts = Counter(view for one in self.placed if one.passes(filters) for view in one.views)
        return [(key, VIEWS[key], counts[key]) for key in SHOWN_VIEWS]

    def choices(self, asked: Asked) -> dict[str, list[tuple[str, int]]]:
        """What each filter offers, with how many rows it leaves, the most first."""
        filters = _filters(asked)
        here = [one for one in self.placed if asked.view in one.views]
        found: dict[str, list[tuple[str, int]]] = {}
        for name in FILTERS:
            passing = (one.values[name] for one in here if one.passes(filters, but=name))
            ranked = Counter(value for values in passing for value in values if value).most_common(MOST_CHOICES)
            found[name] = sorted(ranked, key=lambda pair: -LEVEL_IDS[pair[0]]) if name == "level" else ranked
        return found

    def summary(self, changes: Mapping[str, int]) -> Summary:
        """changes: rows of the history in this period by action."""
        counts = Counter(view for one in self.placed for view in one.views)
        over = [one.entry.territory for one in self.placed if "over" in one.views]
        places = Counter(self.regions.prefecture_of(code) or code for code in over)
        more = changes.get("add", 0) + changes.get("reopen", 0)
        return Summary(
            period=self.period,
            added=counts["added"],
            closed=counts["closed"],
            open=counts[""],
            change=more - changes.get("close", 0) - changes.get("exclude", 0),
            over=len(over),
            over_in=tuple(code for code, _ in places.most_common()),
        )

    def _place(self, entry: Entry) -> Placed:
        closed = entry.state is HazardState.CLOSED
        views = {
            "": entry.open,
            "due": entry.open and entry.due_on == self.today,
            "over": entry.days_over(self.today) > 0,
            "ready": entry.state is HazardState.TO_CLOSE,
            "closed": closed and self.period.has(entry.closed_at),
            "look": closed and entry.look_on is not None,
            "listed": entry.id in self.listed,
            "added": self.period.has(entry.created_at),
            "all": True,
        }
        if entry.territory not in self._chains:
            self._chains[entry.territory] = self.regions.chain(entry.territory)
        values = {
            "level": (LEVELS[entry.level],),
            "product": (entry.product,),
            "region": self._chains[entry.territory],
            "unit": (entry.unit,),
            "issue": (entry.issue,),
            "firm": (entry.firm,),
        }
        return Placed(entry, frozenset(view for view, there in views.items() if there), values)


def _filters(asked: Asked) -> dict[str, str]:
    return {name: value for name in FILTERS if (value := getattr(asked, name))}


def lines_of(db: Connection, shown: Sequence[Entry], book: Ledger, today: date, listed: Iterable[str]) -> list[Line]:
    """The rows of one page."""
    ids, marked = [entry.id for entry in shown], frozenset(listed)
    rows, proofs = rows_of_all(db, ids), proofs_of_all(db, ids)
    found = []
    for entry in shown:
        mine = rows[entry.id]
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
        return f"还差 {need - have} 项"
    return "待审核" if entry.state is HazardState.TO_CLOSE else "可申请销号"
