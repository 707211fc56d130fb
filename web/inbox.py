"""The alert inbox: views, filters, order and bands. Every count equals the rows its link shows."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, Generic, NamedTuple

from sqlalchemy import Connection, not_, select

from alerts.reranking import RED
from config.regions import Regions
from core.clock import BEIJING, as_utc
from core.errors import FengsuiError
from core.records import LEVEL_COLOURS, LEVEL_IDS, Alert, AlertLine, AlertState, Listed
from store.alert_log import MERGED, find_alerts, list_alerts, list_lines
from store.alerts_at_hand import assigned_to, mentioning, unread_by
from store.schema import alert_documents, alerts
from store.silences import silenced_alerts
from web.access import OneListed, Viewer
from web.ranking import Placed
from web.times import BANDS, TimeLimit, band_of, limit_of

PAGE_SIZE = 25
OPEN = (AlertState.NEW, AlertState.ACCEPTED, AlertState.DISPATCHED, AlertState.IN_HAND, AlertState.TO_CLOSE)
VIEWS: Mapping[str, tuple[str, tuple[AlertState, ...]]] = {
    "": ("待受理", (AlertState.NEW,)),
    "mine": ("我的", OPEN),
    "work": ("处置中", (AlertState.ACCEPTED, AlertState.DISPATCHED, AlertState.IN_HAND)),
    "close": ("待核销", (AlertState.TO_CLOSE,)),
    "done": ("已办结", (AlertState.CLOSED, AlertState.DISMISSED)),
    "open": ("未办结", OPEN),
    "at": ("@我", tuple(AlertState)),
    "all": ("全部", tuple(AlertState)),
}
SINCE: Mapping[str, tuple[str, timedelta]] = {
    "24h": ("近 24 小时", timedelta(hours=24)),
    "7d": ("近 7 日", timedelta(days=7)),
    "30d": ("近 30 日", timedelta(days=30)),
}
DUE: Mapping[str, str] = {"over": "已超时", "2h": "2 小时内", "today": "今日", "later": "明日及以后"}
"""Bands of the clock one may ask for."""
SORTS: Mapping[str, str] = {"": "按时限", "level": "按级别", "new": "按时间", "limit": "只按时限"}
"""`limit` leaves the learnt order out; it is offered where that one is in use."""
RANK = {band: place for place, band in enumerate(BANDS)}
LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Wanted:
    """What the address asks for. Unknown values are refused, so that a mistyped link does not show everything.

    due: a key of DUE.
    muted: "1" shows what a silence holds back, which is folded away otherwise.
    unread: "1" shows what this person has not opened since it changed.
    """

    view: str = ""
    level: str = ""
    product: str = ""
    firm: str = ""
    region: str = ""
    rule: str = ""
    since: str = ""
    due: str = ""
    late: str = ""
    muted: str = ""
    unread: str = ""
    sort: str = ""
    page: int = 1


@dataclass(frozen=True)
class Own:
    """What is of one person alone: the alerts that are theirs, in whose notes they are named, and not yet read."""

    mine: frozenset[str] = frozenset()
    at: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()


NOBODY = Own()


class Row(NamedTuple, Generic[OneListed]):
    """An alert with its time limit. placed: what the learnt order says of it; None where none is in use."""

    alert: OneListed
    limit: TimeLimit
    band: str
    placed: Placed | None = None


@dataclass(frozen=True)
class Choice:
    """A value one may filter by, and how many rows that would show."""

    value: str
    count: int


class BadAddress(FengsuiError):
    """The address asks for something that does not exist."""


def read_wanted(params: Mapping[str, str]) -> Wanted:
    """The filters of an address. Raises BadAddress."""
    accepted: Mapping[str, Iterable[str]] = {
        "view": VIEWS, "level": ("", *LEVEL_IDS), "since": ("", *SINCE), "due": ("", *DUE), "sort": SORTS,
        "late": ("", "1"), "muted": ("", "1"), "unread": ("", "1"),
    }  # fmt: skip
    for name, values in accepted.items():
        if params.get(name, "") not in values:
            raise BadAddress(f"地址中的 {name}={params[name][:40]} 不存在。可用：{'、'.join(v for v in values if v)}。")
    page = params.get("page", "1")
    if not (page.isascii() and page.isdigit() and 1 <= int(page[:9]) <= 100_000):
        raise BadAddress("页码须为 1 以上的整数。")
    texts = {name: params.get(name, "")[:200] for name in Wanted.__dataclass_fields__ if name != "page"}
    return Wanted(**texts, page=int(page))


def read_moment(text: str) -> datetime:
    """The moment of an address, 2026-11-23T08:30; Beijing where it names no zone. Raises BadAddress."""
    try:
        moment = datetime.fromisoformat(text)
        moment = as_utc(moment if moment.tzinfo else moment.replace(tzinfo=BEIJING))
        if not 2000 <= moment.year < 2200:
            raise ValueError(text)
        return moment
    except (ValueError, OverflowError):
        names = "、".join(SINCE)
        raise BadAddress(f"地址中的时间 {text[:40]} 看不懂。可用：{names}，或 2026-11-23T08:30。") from None


def since_moment(since: str, now: datetime) -> datetime:
    """From when on: of a key of SINCE or a moment."""
    return now - SINCE[since][1] if since in SINCE else read_moment(since)


def matching(
    found: Iterable[OneListed],
    wanted: Wanted,
    *,
    regions: Regions,
    now: datetime,
    silenced: Collection[str] = (),
    own: Own = NOBODY,
    without: str = "",
) -> list[OneListed]:
    """The alerts that pass every filter, except for the one named `without`. silenced: ids of those held back."""
    tests: dict[str, Callable[[Listed], bool]] = {
        "view": _view_test(wanted.view, own),
        "level": lambda alert: alert.level == LEVEL_IDS[wanted.level],
        "product": lambda alert: wanted.product in alert.products,
        "firm": lambda alert: wanted.firm in alert.enterprises,
        "region": lambda alert: regions.is_within(wanted.region, alert.territory),
        "rule": lambda alert: alert.rule == wanted.rule,
        "since": lambda alert: alert.first_at > now - SINCE[wanted.since][1],
        "due": lambda alert: band_of(limit_of(alert, now), now) == DUE[wanted.due],
        "late": lambda alert: limit_of(alert, now).state == "over",
        "muted": lambda alert: (alert.id in silenced) == bool(wanted.muted),
        "unread": lambda alert: alert.id in own.unread,
    }
    passed = list(found)
    given = {name for name in tests if name != without and getattr(wanted, name)}
    if without != "view" and wanted.view != "all":
        given.add("view")
    if without != "muted" and silenced:
        given.add("muted")
    for name, test in tests.items():  # one filter after the other, and only those that are set: found may be thousands
        if name in given:
            passed = [alert for alert in passed if test(alert)]
    return passed


def _view_test(view: str, own: Own) -> Callable[[Listed], bool]:
    # A tuple, not a set: the hash of a member of an enumeration is computed in Python.
    states, ids = VIEWS[view][1], {"mine": own.mine, "at": own.at}.get(view)
    if ids is None:
        return lambda alert: alert.state in states
    return lambda alert: alert.id in ids and alert.state in states


def own_of(db: Connection, viewer: Viewer, *, unread: bool = True) -> Own:
    """What is this person's. unread: False leaves out what was not read, for which every history is looked at."""
    return Own(
        assigned_to(db, viewer.name), mentioning(db, viewer.name),
        unread_by(db, viewer.name) if unread else frozenset(),
    )  # fmt: skip


def rows_of(
    found: Sequence[OneListed], *, now: datetime, sort: str, placed: Mapping[str, Placed] | None = None
) -> list[Row[OneListed]]:
    """The rows in the order asked for: by time limit, by level, or newest first.

    placed: of the learnt order, which ranks what is due in the same band; red ones stay first.
    """
    learnt = placed or {}
    rows = [Row(alert, limit := limit_of(alert, now), band_of(limit, now), learnt.get(alert.id)) for alert in found]
    newest = sorted(rows, key=lambda row: row[0].updated_at, reverse=True)
    if sort == "level":
        return sorted(newest, key=lambda row: -row.alert.level)
    if sort == "new":
        return newest
    by_limit = sorted(newest, key=lambda row: row.alert.due_at or LATEST)
    if sort == "" and learnt:
        by_limit.sort(key=lambda row: (row.alert.level < RED, -row.placed.share if row.placed else 0.0))
    return sorted(by_limit, key=lambda row: RANK[row[2]])


def banded(
    rows: Sequence[Row[OneListed]], everything: Sequence[Row[Any]]
) -> list[tuple[str, int, list[Row[OneListed]]]]:
    """The rows of a page under their headings: (heading, rows under it on all pages, rows here)."""
    totals = Counter(row.band for row in everything)
    return [(band, totals[band], here) for band in BANDS if (here := [row for row in rows if row.band == band])]


def choices(
    found: Sequence[Listed], wanted: Wanted, *, regions: Regions, now: datetime, silenced: Collection[str] = (),
    own: Own = NOBODY,
) -> dict[str, list[Choice]]:  # fmt: skip
    """What one may filter by, each with its count under all other filters; the ten most frequent."""

    every = matching(found, wanted, regions=regions, now=now, silenced=silenced, own=own)

    def rest(name: str) -> list[Listed]:
        if not getattr(wanted, name):
            return every
        return matching(found, wanted, regions=regions, now=now, silenced=silenced, own=own, without=name)

    def most(counts: Counter[str]) -> list[Choice]:
        return [Choice(value, count) for value, count in counts.most_common(10) if value]

    levels = Counter(map(attrgetter("level"), rest("level")))
    begun = list(map(attrgetter("first_at"), rest("since")))
    products: Counter[str] = Counter()
    for some, count in Counter(map(attrgetter("products"), rest("product"))).items():
        products.update(dict.fromkeys(some, count))
    return {
        "level": [Choice(key, levels[level]) for key, level in sorted(LEVEL_IDS.items(), key=lambda item: -item[1])],
        "product": most(products),
        "region": most(_by_prefecture(rest("region"), regions)),
        "rule": most(Counter(map(attrgetter("rule"), rest("rule")))),
        "since": [Choice(key, _later(begun, now - span)) for key, (_, span) in SINCE.items()],
    }


def _later(times: Iterable[datetime], moment: datetime) -> int:
    return sum(at > moment for at in times)


def _by_prefecture(found: Iterable[Listed], regions: Regions) -> Counter[str]:
    counts: Counter[str] = Counter()
    for territory, count in Counter(map(attrgetter("territory"), found)).items():
        counts[regions.prefecture_of(territory) or ""] += count
    return counts


def view_counts(
    found: Sequence[Listed], wanted: Wanted, *, regions: Regions, now: datetime, silenced: Collection[str] = (),
    own: Own = NOBODY,
) -> list[tuple[str, str, int]]:  # fmt: skip
    """(key, name, rows) of each view under the filters in force."""
    rest = matching(found, wanted, regions=regions, now=now, silenced=silenced, own=own, without="view")
    counts: dict[str, Counter[AlertState]] = {"": Counter(map(attrgetter("state"), rest))}
    for key, ids in (("mine", own.mine), ("at", own.at)):
        counts[key] = Counter(alert.state for alert in rest if alert.id in ids)
    return [
        (key, name, sum(counts.get(key, counts[""])[state] for state in states))
        for key, (name, states) in VIEWS.items()
    ]


def standing_lines(db: Connection, viewer: Viewer) -> list[AlertLine]:
    """As standing_alerts, without what is long: what is counted, sifted and ordered by."""
    return viewer.alerts(list_lines(db))


def in_full(db: Connection, rows: Sequence[Row[AlertLine]]) -> list[Row[Alert]]:
    """The same rows with all that is known of each alert; a page of them."""
    whole = {alert.id: alert for alert in find_alerts(db, [row.alert.id for row in rows])}
    return [Row(whole[row.alert.id], row.limit, row.band, row.placed) for row in rows]


def standing_alerts(
    db: Connection, viewer: Viewer, *, limit: int | None = None, states: Sequence[AlertState] = (), firm: str = ""
) -> list[Alert]:
    """The alerts this viewer sees, newest update first; those merged into another are told of there.

    states: in these alone; empty is all.  firm: about this one alone; empty is any.
    """
    return viewer.alerts(list_alerts(db, limit=limit, states=states, firm=firm, merged=False))


def standing_among(db: Connection, viewer: Viewer, ids: Iterable[str]) -> list[Alert]:
    """Those of these alerts that this viewer sees, as standing_alerts; the others are not read."""
    return viewer.alerts(find_alerts(db, sorted(set(ids)), merged=False))


def links_of(db: Connection, viewer: Viewer, documents: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """(id, number) of the standing alerts that rest on each document. One query."""
    query = (
        select(alert_documents.c.document, alerts.c.id, alerts.c.number, alerts.c.territory, alerts.c.territories)
        .join(alerts, alerts.c.id == alert_documents.c.alert)
        .where(alert_documents.c.document.in_(list(documents)), not_(MERGED))
        .order_by(alerts.c.number)
    )
    found: dict[str, list[tuple[str, str]]] = {}
    for document, alert, number, owner, told in db.execute(query):
        if any(viewer.sees_code(code) for code in (owner, *told)):
            found.setdefault(document, []).append((alert, number))
    return found


def open_counts(db: Connection, viewer: Viewer, now: datetime) -> int:
    """How many alerts wait to be accepted, silenced ones aside: the number in the bar of every page."""
    query = select(alerts.c.id, alerts.c.territory, alerts.c.territories).where(
        alerts.c.state == AlertState.NEW.value, not_(MERGED)
    )
    silenced = silenced_alerts(db, now)
    return sum(
        alert not in silenced and any(viewer.sees_code(code) for code in (owner, *told))
        for alert, owner, told in db.execute(query)
    )


def level_sentence(levels: Iterable[int]) -> str:
    """红 1、橙 2、蓝 4: what there is, gravest first."""
    counts = Counter(levels)
    return "、".join(f"{LEVEL_COLOURS[level]} {counts[level]}" for level in (4, 3, 2, 1, 0) if counts[level])
