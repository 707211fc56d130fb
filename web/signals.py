"""Counts of risk signals for charts: what was seen, what is usual, where the limit lies.

Usual is the mean of the same part of the day over the 28 days before the chart; the limit is the 97.5 % point of a
Poisson count with that mean. No model beyond that: the detectors that raise alerts have their own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, exp, sqrt
from statistics import NormalDist

from sqlalchemy import Connection, or_, select

from charts.svg import Tick, spark, trend
from core.clock import beijing, start_of_beijing_day
from core.records import Alert
from store.schema import documents
from web.access import Viewer

SLOT = timedelta(hours=6)
SHOWN = timedelta(days=14)
USUAL = timedelta(days=28)


@dataclass(frozen=True)
class Point:
    """A signal on a chart."""

    at: datetime
    level: int


@dataclass(frozen=True)
class Series:
    """One value a slot, oldest first. start: left edge of the first slot."""

    start: datetime
    slot: timedelta
    seen: tuple[int, ...]
    expected: tuple[float, ...]
    upper: tuple[float, ...]
    levels: tuple[int, ...]

    @property
    def crossed(self) -> tuple[int, ...]:
        """The slots that lie over their limit."""
        return tuple(i for i, (count, limit) in enumerate(zip(self.seen, self.upper, strict=True)) if count > limit)


def poisson_limit(mean: float, part: float = 0.975) -> int:
    """The smallest count that a Poisson variable of `mean` stays at or below with probability `part`."""
    if mean > 500:  # the exact sum would underflow; the normal approximation is within one count there
        return ceil(mean + NormalDist().inv_cdf(part) * sqrt(mean))
    term = total = exp(-mean)
    count = 0
    while total < part and count < 10_000:
        count += 1
        term *= mean / count
        total += term
    return count


def points(
    db: Connection, viewer: Viewer, since: datetime, until: datetime, *, product: str = "", firms: Sequence[str] = ()
) -> list[Point]:
    """The signals of a span this viewer sees; product and firms narrow (a firm is enough)."""
    query = select(documents.c.event_time, documents.c.level).where(
        documents.c.is_risk, documents.c.latest, documents.c.event_time >= since, documents.c.event_time < until
    )
    if firms:
        query = query.where(documents.c.enterprise.in_(list(firms)))
    elif product:
        query = query.where(documents.c.product == product)
    return [Point(row[0], row[1] or 0) for row in db.execute(query.where(viewer.documents()))]


def slots(found: Iterable[Point], now: datetime, *, shown: timedelta = SHOWN, slot: timedelta = SLOT) -> Series:
    """Count `found` into the slots up to `now`, against the 28 days before them."""
    end = start_of_beijing_day(now) + timedelta(days=1)
    while end - slot > now:
        end -= slot
    start = end - shown
    count, a_day = int(shown / slot), int(timedelta(days=1) / slot)
    seen, levels, before = [0] * count, [0] * count, [0] * a_day
    for point in found:
        place = (point.at - start) // slot
        if 0 <= place < count:
            seen[place] += 1
            levels[place] = max(levels[place], point.level)
        elif place < 0:
            before[place % a_day] += 1
    usual = [total / USUAL.days for total in before]
    expected = tuple(usual[i % a_day] for i in range(count))
    limits = {mean: float(poisson_limit(mean)) for mean in set(expected)}
    return Series(start, slot, tuple(seen), expected, tuple(limits[mean] for mean in expected), tuple(levels))


def chart_span(now: datetime) -> tuple[datetime, datetime]:
    """What `points` must be asked for, so that `slots` has its history."""
    return start_of_beijing_day(now) - SHOWN - USUAL - timedelta(days=1), now


def draw(series: Series, what: str, *, height: int = 150) -> str:
    """The trend with its band; a dot where the limit was crossed, in the colour of the gravest signal there."""
    crossed = series.crossed
    hours = int(series.slot / timedelta(hours=1))
    last = series.seen[-1]
    said = f"{what}，近 {len(series.seen) * hours // 24} 日每 {hours} 小时："
    said += f"末段 {last} 条，期望 {series.expected[-1]:.1f} 条"
    said += f"，{len(crossed)} 段越过上限" if crossed else "，没有越过上限"
    notes = [(crossed[-1], f"{series.seen[crossed[-1]]} 条")] if crossed else []
    marks = [(i, series.levels[i]) for i in crossed]
    return trend(
        series.seen, series.expected, series.upper, label=said, marks=marks, notes=notes, height=height, unit=" 条",
        ticks=_ticks(series),
    )  # fmt: skip


def _ticks(series: Series) -> list[Tick]:
    count, a_day = len(series.seen), int(timedelta(days=1) / series.slot)
    found = []
    for i in range(0, count, 2 * a_day):
        found.append((100 * (i + 0.5) / count, f"{beijing(series.start + i * series.slot):%m-%d}"))
    return found


def sparks(db: Connection, viewer: Viewer, alerts: Sequence[Alert], now: datetime) -> dict[str, str]:
    """A small line for each alert: signals a day of its firm (or product) over the last 14 days. One query for all."""
    days = 14
    first = start_of_beijing_day(now) - timedelta(days=days - 1)
    firms = {firm for alert in alerts for firm in alert.enterprises}
    products = {product for alert in alerts for product in alert.products}
    if not firms and not products:
        return {}
    wanted = or_(documents.c.enterprise.in_(sorted(firms)), documents.c.product.in_(sorted(products)))
    query = select(documents.c.event_time, documents.c.enterprise, documents.c.product).where(
        documents.c.is_risk, documents.c.latest, documents.c.event_time >= first, wanted, viewer.documents()
    )
    rows = [((at - first).days, firm, product) for at, firm, product in db.execute(query)]
    drawn = {}
    for alert in alerts:
        counts = [0] * days
        for day, firm, product in rows:
            if 0 <= day < days and (firm in alert.enterprises or (not alert.enterprises and product in alert.products)):
                counts[day] += 1
        limit = poisson_limit(sum(counts[:-1]) / (days - 1))
        label = f"近 14 日信号，今日 {counts[-1]}，上限 {limit}"
        drawn[alert.id] = spark(counts, [limit] * days, alert.level, label=label)
    return drawn
