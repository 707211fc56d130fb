"""Counts of risk signals by parts of a day, for the chart of an alert: what was seen, what is usual, the limit.

Usual is the mean of the same part of the day over the 28 days before the chart; the limit is the 97.5 % point of a
Poisson count with that mean. No model beyond that: the detectors that raise alerts have their own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, exp, sqrt
from statistics import NormalDist

from sqlalchemy import ColumnElement, Connection, select

from charts.png import trend_svg
from charts.svg import Tick
from core.clock import beijing, start_of_beijing_day
from core.records import Alert, Finding
from store.schema import documents

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

    def said(self, what: str) -> str:
        """`锂电池风险信号，近 14 日每 6 小时：末段 3 条，期望 0.4 条，2 段越过上限`."""
        hours, crossed = int(self.slot / timedelta(hours=1)), self.crossed
        told = f"{what}，近 {len(self.seen) * hours // 24} 日每 {hours} 小时："
        told += f"末段 {self.seen[-1]} 条，期望 {self.expected[-1]:.1f} 条"
        return told + (f"，{len(crossed)} 段越过上限" if crossed else "，没有越过上限")

    def ticks(self, every: int = 2) -> list[Tick]:
        """The day below each so many days."""
        count, step = len(self.seen), every * int(timedelta(days=1) / self.slot)
        return [
            (100 * (i + 0.5) / count, f"{beijing(self.start + i * self.slot):%m-%d}") for i in range(0, count, step)
        ]


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
    db: Connection,
    where: ColumnElement[bool],
    since: datetime,
    until: datetime,
    *,
    product: str = "",
    firms: Sequence[str] = (),
) -> list[Point]:
    """The signals of a span; product and firms narrow (a firm is enough). where: which documents count."""
    query = select(documents.c.event_time, documents.c.level).where(
        documents.c.is_risk, documents.c.latest, documents.c.event_time >= since, documents.c.event_time < until
    )
    if firms:
        query = query.where(documents.c.enterprise.in_(list(firms)))
    elif product:
        query = query.where(documents.c.product == product)
    return [Point(row[0], row[1] or 0) for row in db.execute(query.where(where))]


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


def tells_a_course(alert: Alert, finding: Finding | None) -> bool:
    """Whether a chart says something of it: it rests on a count against what is usual, or goes on for days."""
    numbers = finding.numbers if finding else {}
    counted = "count" in numbers and any(name in numbers for name in ("usual", "expected", "upper"))
    return counted or beijing(alert.first_at).date() != beijing(alert.updated_at).date()


def drawn(series: Series, what: str) -> str:
    """The chart for a mail, as SVG: `charts.png.png_of` makes the picture of it."""
    crossed = series.crossed
    note = f"共 {sum(series.seen)} 条" + (f"，{len(crossed)} 段越过上限" if crossed else "")
    return trend_svg(
        series.seen, series.expected, series.upper, [0.0] * len(series.seen), label=series.said(what),
        marks=[(i, series.levels[i]) for i in crossed], note=note, unit=" 条", ticks=series.ticks(3),
    )  # fmt: skip
