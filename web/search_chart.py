"""The bars over the hits: split by level or kind, each one a link to its time."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from charts.svg import Tick, bars
from core.clock import beijing
from search.backend import SearchResult
from search.histogram import Bar
from search.records import millis
from search.where import Scalar
from web.search_state import Asked, value_word
from web.search_time import in_address
from web.visit import Visit
from web.wording import span_word

MOST_PARTS = 6
"""Kinds with a shade of their own, the last of them for all others."""
HEIGHT = 96


@dataclass(frozen=True)
class Part:
    """An entry of the legend. css: its shade.  href: the link to these hits alone; empty for 其他."""

    word: str
    count: int
    css: str
    href: str


@dataclass(frozen=True)
class Chart:
    """drawn: SVG.  first, width: of the bars, ms, for the brush.  step: the width in words."""

    drawn: str
    legend: Sequence[Part]
    first: int
    width: int
    count: int
    step: str


def chart_of(visit: Visit, asked: Asked, result: SearchResult) -> Chart | None:
    """The bars of a result; None where there is nothing to draw."""
    histogram = result.histogram
    if histogram is None or not result.total:
        return None
    totals: Counter[Scalar] = Counter()
    for bar in histogram.bars:
        totals.update(bar.parts)
    shown = _shades(asked, totals)
    width, starts = histogram.width, [bar.start for bar in histogram.bars]
    links = [
        (_narrowed(asked, bar.start, bar.start + width), _words(bar.start, width, bar.count)) for bar in histogram.bars
    ]
    most = max(histogram.bars, key=lambda bar: bar.count)
    label = f"结果分布：共 {result.total} 条，最多一段 {beijing(most.start):%m-%d %H:%M} 起 {most.count} 条"
    stacks = [_stack(bar, shown) for bar in histogram.bars]
    css = "s" if asked.split else "l"
    drawn = bars(stacks, label=label, links=links, ticks=_ticks(starts), height=HEIGHT, unit=" 条", css=css)
    milliseconds = int(width.total_seconds() * 1000)
    legend = _legend(visit, asked, totals, shown, css)
    return Chart(drawn, legend, millis(starts[0]), milliseconds, len(starts), span_word(width))


def _shades(asked: Asked, totals: Mapping[Scalar, int]) -> list[Scalar]:
    """The values with a shade of their own: the levels above 0, or the most frequent kinds; the rest is shade 0."""
    if not asked.split:
        return [1, 2, 3, 4]
    return sorted(totals, key=lambda value: (-totals[value], str(value)))[: MOST_PARTS - 1]


def _stack(bar: Bar, shown: Sequence[Scalar]) -> list[int]:
    parts = [bar.parts.get(value, 0) for value in shown]
    return [bar.count - sum(parts), *parts]


def _legend(visit: Visit, asked: Asked, totals: Mapping[Scalar, int], shown: Sequence[Scalar], css: str) -> list[Part]:
    """What the shades mean, with the hits of each: gravest level or most frequent kind first."""
    name = asked.split or "level"
    rest = sum(totals.values()) - sum(totals.get(value, 0) for value in shown)
    parts = [
        Part(value_word(visit.names, name, value, {}), totals.get(value, 0), f"{css}{at}", _only(asked, name, value))
        for at, value in enumerate(shown, start=1)
    ]
    if not asked.split:
        return [*reversed(parts), Part("未达预警", rest, "l0", _only(asked, "level", 0))]
    return [*parts, Part("其他", rest, "s0", "")] if rest else parts


def _only(asked: Asked, name: str, value: Scalar) -> str:
    """No link where values of the field are asked for already: one more would widen the search."""
    narrowed = any(each.name == name and not each.negative for each in asked.active)
    return "" if narrowed else asked.with_filter(name, str(value))


def _narrowed(asked: Asked, start: datetime, end: datetime) -> str:
    """The link to the time of a bar, as far as the search goes: the outer bars may reach beyond it."""
    window = asked.window
    low = max(start, window.start) if window.start else start
    return asked.at_time(in_address(low), in_address(min(end, window.end) if window.end else end))


def _words(start: datetime, width: timedelta, count: int) -> str:
    return f"{beijing(start):%m-%d %H:%M} 至 {beijing(start + width):%m-%d %H:%M}，{count} 条"


def _ticks(starts: list[datetime]) -> list[Tick]:
    step = max(1, len(starts) // 8)
    span = starts[-1] - starts[0]
    form = "%H:%M" if span <= timedelta(days=2) else "%m-%d" if span <= timedelta(days=360) else "%Y-%m"
    return [(100 * (i + 0.5) / len(starts), f"{beijing(starts[i]):{form}}") for i in range(0, len(starts), step)]
