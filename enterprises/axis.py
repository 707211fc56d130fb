"""Everything recorded of a firm on one time axis: rows for a table, and lanes that show the same rows."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from charts.svg import Lane, Tick, lanes
from core.clock import BEIJING, as_utc, beijing
from core.firms import PAPERS, FactKind, FirmFact
from core.records import Alert, Kind
from enterprises.papers import KINDS, Paper, bars_of
from enterprises.signals import SignalRow
from nlp.privacy import mask
from store.events import Event
from store.ledger import Entry

SPANS: Mapping[str, tuple[str, timedelta | None]] = {
    "90d": ("90 日", timedelta(days=90)),
    "1y": ("1 年", timedelta(days=365)),
    "all": ("全部", None),
}
SPAN = "1y"
LANES: Mapping[str, str] = {
    "signal": "信号",
    "event": "事件",
    "alert": "预警",
    "spot": "抽检",
    "check": "查处",
    "recall": "召回",
    "complaint": "投诉",
    "ledger": "台账",
}
_BY_DOCUMENT: Mapping[str, str] = {
    Kind.NOTICE.value: "spot",
    Kind.SPOTCHECK.value: "spot",
    Kind.RECALL.value: "recall",
    Kind.RECALL_FOREIGN.value: "recall",
    Kind.COMPLAINT.value: "complaint",
}
_BY_FACT: Mapping[FactKind, str] = {
    FactKind.SAMPLING: "spot",
    FactKind.CHECK: "check",
    FactKind.PENALTY: "check",
    FactKind.CREDIT: "check",
    FactKind.RECALL: "recall",
    FactKind.COMPLAINTS: "complaint",
}
OUTCOMES: Mapping[str, str] = {"passed": "合格", "failed": "不合格"}
BARS: Mapping[FactKind, str] = {FactKind.LICENCE: "许可", FactKind.CCC: "CCC", FactKind.HAZCHEM: "危化"}
MOST_BARS = 6
STEP = 0.8  # % of the width: dots nearer than that are drawn as one
SHOWN_IN_DOT = 3
LONGEST = timedelta(days=3650)
At = Callable[[datetime], float]
"""Where a moment stands, in % of the width."""


@dataclass(frozen=True)
class Point:
    """A record at a moment. lane: a key of LANES.  kind: its word.  door: where it is told in full; empty: nowhere.

    whole_day: only the day is known; `at` is its noon in Beijing.  documents: ids of what it rests on.
    repost: it carries the text of another one.
    """

    at: datetime
    lane: str
    kind: str
    title: str
    level: int = 0
    door: str = ""
    source: str = ""
    documents: tuple[str, ...] = ()
    whole_day: bool = False
    repost: bool = False


@dataclass(frozen=True)
class Axis:
    """The rows between two moments, newest first. cut_off: earlier signals were left out, they are too many."""

    start: datetime
    end: datetime
    points: Sequence[Point]
    papers: Sequence[Paper]
    cut_off: bool = False

    def counts(self) -> list[tuple[str, str, int]]:
        """(key, word, rows) of each lane that has any."""
        numbers = {key: sum(point.lane == key for point in self.points) for key in LANES}
        return [(key, word, numbers[key]) for key, word in LANES.items() if numbers[key]]


def noon(day: date) -> datetime:
    """Noon in Beijing: where a record stands of which only the day is known."""
    return as_utc(datetime.combine(day, time(12), BEIJING))


def of_signals(signals: Iterable[SignalRow], kinds: Mapping[str, str]) -> list[Point]:
    """kinds: the words of kinds of documents."""
    return [
        Point(
            one.at, _BY_DOCUMENT.get(one.kind, "signal"), kinds.get(one.kind, one.kind), one.title, one.level,
            f"/documents/{one.id}", one.source, (one.id,), repost=one.repost,
        )
        for one in signals
    ]  # fmt: skip


def of_events(events: Iterable[Event]) -> list[Point]:
    """An event stands where it began."""
    return [
        Point(
            one.first_at, "event", "事件", f"{one.number} {mask(one.title)}（{one.documents} 篇）", one.level,
            f"/events/{one.number}",
        )
        for one in events
    ]  # fmt: skip


def of_alerts(alerts: Iterable[Alert]) -> list[Point]:
    """An alert stands where its story began."""
    return [
        Point(one.first_at, "alert", "预警", f"{one.number} {mask(one.title)}", one.level, f"/alerts/{one.id}")
        for one in alerts
    ]


def of_entries(entries: Iterable[Entry]) -> list[Point]:
    """A ledger entry stands on the day the hazard was found."""
    return [
        Point(noon(one.found_on), "ledger", "台账", f"{one.id} {mask(one.title)}", one.level, f"/ledger/{one.id}",
              whole_day=True)
        for one in entries
    ]  # fmt: skip


def of_facts(facts: Iterable[FirmFact], products: Mapping[str, str]) -> list[Point]:
    """What happened on a day; papers are drawn as bars. products: names by id."""
    return [
        Point(
            noon(one.day), _BY_FACT[one.kind], KINDS[one.kind], fact_words(one, products),
            door=f"/documents/{one.document}" if one.document else "", source=one.source,
            documents=(one.document,) if one.document else (), whole_day=True,
        )
        for one in facts if one.kind not in PAPERS and one.day is not None
    ]  # fmt: skip


def fact_words(fact: FirmFact, products: Mapping[str, str]) -> str:
    """A result, penalty, ... in a line: outcome, product, model, batch, what was written, number."""
    thing = " ".join(part for part in (products.get(fact.product, fact.product), fact.model) if part)
    batch = f"批次 {fact.batch}" if fact.batch else ""
    count = f"{fact.count} 件" if fact.kind is FactKind.COMPLAINTS else ""
    lasting = f"至 {fact.until}" if fact.until and fact.until != fact.day else ""
    outcome = OUTCOMES.get(fact.outcome, fact.outcome)
    told = [outcome, thing, batch, count, fact.text, lasting, fact.number]
    return mask("，".join(part for part in told if part)) or "未写明内容"


def span_of(key: str, end: datetime, points: Iterable[Point]) -> datetime:
    """Where a span ending at `end` begins; `all`: a little before the first record, ten years at the most."""
    length = SPANS[key][1]
    if length is not None:
        return end - length
    first = min((point.at for point in points), default=end - timedelta(days=90))
    return max(min(first - timedelta(days=7), end - timedelta(days=30)), end - LONGEST)


def drawn(axis: Axis, *, today: bool) -> str:
    """The lanes: dots by sort of record, a bar for each paper. today: the axis ends now and not on an earlier day."""
    whole = axis.end - axis.start

    def at(moment: datetime) -> float:
        return min(99.6, max(0.4, 100 * ((moment - axis.start) / whole)))

    rows = [_lane(LANES[key], [p for p in axis.points if p.lane == key], at) for key, _, _ in axis.counts()]
    rows += [_bars(paper, axis, at) for paper in axis.papers[:MOST_BARS]]
    form = "%m-%d" if whole < timedelta(days=200) else "%Y-%m"
    ticks: list[Tick] = [(100 * i / 6, f"{beijing(axis.start + whole * i / 6):{form}}") for i in range(6)]
    said = "、".join(f"{word} {number}" for _, word, number in axis.counts()) or "没有记录"
    bad = sum(paper.bad for paper in axis.papers)
    label = f"时间轴 {beijing(axis.start):%Y-%m-%d} 至 {beijing(axis.end):%Y-%m-%d}：{said}；证照 {len(axis.papers)} 张"
    label += f"，当日无效 {bad} 张" if bad else ""
    return lanes(rows, label=label, ticks=ticks, as_of=(100, "今日" if today else f"截至 {beijing(axis.end):%m-%d}"))


def _lane(name: str, points: Sequence[Point], at: At) -> Lane:
    together: dict[int, list[Point]] = {}
    for point in reversed(points):
        together.setdefault(int(at(point.at) / STEP), []).append(point)
    dots, doors = [], []
    for some in together.values():
        told = "；".join(f"{beijing(point.at):%m-%d} {point.title}" for point in some[:SHOWN_IN_DOT])
        more = f" 等 {len(some)} 条" if len(some) > SHOWN_IN_DOT else ""
        dots.append((at(some[-1].at), max(point.level for point in some), told + more))
        doors.append(some[-1].door)
    return Lane(name, dots=dots, doors=doors if any(doors) else ())


def _bars(paper: Paper, axis: Axis, at: At) -> Lane:
    spans = []
    for start, end, valid in bars_of(paper.fact, beijing(axis.start).date(), beijing(axis.end).date()):
        left, right = (at(as_utc(datetime.combine(day, time(), BEIJING))) for day in (start, end))
        spans.append(
            (left, right, "valid" if valid else "lapsed", "" if right - left < 8 else "有效" if valid else "无效")
        )
    return Lane(f"{BARS[paper.fact.kind]} {re.sub('[^0-9]', '', paper.fact.number)[-3:]}".strip(), spans=spans)
