"""The figures of the analytics page: what the index is asked, and how its counts become lines, a table and lists.

Every count is of signals known at one moment (`Figures.at`), so that the search behind it finds as many later on.
A page asks the index some five times, and one small time for each pair or word that must be looked up.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from search.backend import Pair, SearchBackend, SearchRequest, SearchResult, Sort
from search.insight import (
    NovelPairs,
    Special,
    background_of,
    novel_pairs,
    significant,
    significant_words,
)
from search.page import MOST_PARTS, MOST_VALUES
from search.special import FIELDS as SPECIAL_FIELDS
from search.where import Scalar, both
from web.axes import Axis, Group, fixed_groups, found_groups
from web.narrowing import Span
from web.search_state import Asked, build_request, the_index
from web.visit import Visit

MOST_LINES = 20
MOST_ROWS, MOST_COLUMNS = 12, 12
PAIR_ROWS, PAIR_COLUMNS = 120, 400
"""Values counted together: 48,120 buckets at most, beside 10,000 of facets and bars; both engines stop at 65,000."""
MOST_BARS = 32
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WIDTHS = (HOUR, 3 * HOUR, 6 * HOUR, DAY, 7 * DAY, 14 * DAY, 28 * DAY, 84 * DAY)
TINTS = (1.0, 1.5, 2.0, 3.0)
FEW = 3
"""A cell of fewer signals is never tinted strongly: 1 where 0.2 were expected is chance."""
NOVEL = 6
PARTS = frozenset({"lines", "heat", "novel", "special", "words"})


@dataclass(frozen=True)
class Line:
    """A group over time. before: in the time as long before; None where there is none.

    bars, bars_before: counts of each bar; those before fall below those of the same place.
    """

    group: Group
    count: int
    before: int | None = None
    bars: tuple[int, ...] = ()
    bars_before: tuple[int, ...] = ()

    @property
    def ratio(self) -> float | None:
        """How many times as many as before; None where there are none now or were none."""
        return self.count / self.before if self.before and self.count else None


@dataclass(frozen=True)
class Cell:
    """How many signals are in both groups. expected: row total x column total / all: as if the two had nothing to do
    with each other."""

    count: int
    expected: float

    @property
    def ratio(self) -> float:
        """Count to expected."""
        return self.count / self.expected if self.expected else 0.0

    @property
    def tint(self) -> int:
        """0 for no signal, then 1 to 5: below 1, 1.5, 2, 3 times the expected, and above."""
        if not self.count:
            return 0
        return 1 + sum(self.ratio >= step for step in TINTS[: 1 if self.count < FEW else None])


@dataclass(frozen=True)
class Heat:
    """Two axes crossed. rows, columns: groups with their totals; cells in their order, row by row."""

    row_axis: Axis
    column_axis: Axis
    rows: tuple[tuple[Group, int], ...]
    columns: tuple[tuple[Group, int], ...]
    cells: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Figures:
    """All that the page shows. spans: of the bars, cut at the edges of the time asked for.

    before: the time as long before; None where the time has no start.  whole: all signals over time.
    usual: what the special is held against; None where there is nothing to hold it against.
    """

    at: datetime
    axis: Axis
    total: int
    warnings: tuple[str, ...] = ()
    before: Span | None = None
    spans: tuple[Span, ...] = ()
    whole: Line | None = None
    lines: tuple[Line, ...] = ()
    heat: Heat | None = None
    novel: tuple[NovelPairs, ...] | None = None
    usual: SearchRequest | None = None
    special: tuple[Special, ...] = ()
    words: tuple[Special, ...] = ()


def figures(
    visit: Visit,
    asked: Asked,
    axis: Axis,
    crossed: tuple[Axis, Axis],
    parts: Iterable[str] = PARTS,
    *,
    novel: int = NOVEL,
) -> Figures:
    """The figures of a search. parts: which of PARTS are needed.  novel: new pairs of each kind at most.

    Raises QueryError, SearchUnavailable.
    """
    at = moment_of(visit, asked)
    request, warnings = build_request(visit, replace(asked, at=at))
    request = replace(request, size=0, offset=0, after=None, sort=Sort.NEWEST, split=None, histogram=False, facets={})
    wanted = frozenset(parts)
    count = _Counting(visit, request, axis, crossed, at, wanted)
    found = Figures(at, axis, count.main.total, warnings)
    if "lines" in wanted:
        found = replace(found, before=count.before, spans=count.spans, whole=count.whole(), lines=count.lines())
    if "heat" in wanted:
        found = replace(found, heat=count.heat())
    if "novel" in wanted and request.from_ is not None:
        found = replace(found, novel=novel_pairs(count.backend, request, most=novel))
    usual = background_of(request, now=at)
    if usual is not None and wanted & {"special", "words"}:
        found = replace(found, usual=usual)
        if "special" in wanted:
            found = replace(found, special=significant(count.backend, request, usual, counted=count.main))
        if "words" in wanted and visit.services.segmenter is not None:
            words = significant_words(count.backend, request, usual, words=visit.services.segmenter)
            found = replace(found, words=words)
    return found


def moment_of(visit: Visit, asked: Asked) -> datetime:
    """As of when the page counts, to the millisecond, as the address holds it."""
    at = asked.at or visit.now
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


class _Counting:
    """The main question, the same for the time before, and what follows from their answers."""

    def __init__(
        self,
        visit: Visit,
        request: SearchRequest,
        axis: Axis,
        crossed: tuple[Axis, Axis],
        at: datetime,
        wanted: frozenset[str],
    ) -> None:
        self.backend: SearchBackend = the_index(visit)
        self.visit, self.request, self.axis, self.crossed, self.at = visit, request, axis, crossed, at
        self.wanted = wanted
        self._asked_apart: dict[Group, SearchResult] = {}
        self.pair = _pair_of(*crossed)
        self.width = self._width()
        facets = {axis.field} | ({each.field for each in crossed} if "heat" in wanted else set())
        facets |= set(SPECIAL_FIELDS) if "special" in wanted else set()
        self.main = self._ask(request, facets, pairs=(self.pair,) if "heat" in wanted else ())
        if self.main.histogram is not None:  # without a start its width was chosen by what was found
            self.width = self.main.histogram.width

    def _width(self) -> timedelta | None:
        start, end = self.request.from_, min(self.request.to or self.at, self.at)
        if start is None:
            return None
        return next((width for width in WIDTHS if (end - start) / width < MOST_BARS), None)

    def _ask(
        self,
        request: SearchRequest,
        facets: Iterable[str],
        *,
        pairs: tuple[Pair, ...] = (),
        split: bool = True,
        bars: bool = True,
    ) -> SearchResult:
        bars = bars and "lines" in self.wanted
        asked = replace(
            request, facets=dict.fromkeys(sorted(facets), MOST_VALUES), pairs=pairs, histogram=bars, width=self.width,
            split=self.axis.field if bars and split else None,
        )  # fmt: skip
        return self.backend.search(asked)

    @cached_property
    def past(self) -> tuple[SearchRequest, SearchResult] | None:
        """The time as long before."""
        start = self.request.from_
        if start is None:
            return None
        span = min(self.request.to or self.at, self.at) - start
        if span <= timedelta(0):
            return None
        request = replace(self.request, from_=start - span, to=start)
        return request, self._ask(request, {self.axis.field})

    @property
    def before(self) -> Span | None:
        """The time as long before; None where the time has no start."""
        return Span(self.past[0].from_, self.past[0].to) if self.past else None

    @cached_property
    def starts(self) -> tuple[datetime, ...]:
        """Where bars begin, up to the moment of the page."""
        histogram = self.main.histogram
        if histogram is None:
            return ()
        last = histogram.bars[-1].start
        missing = int((self.at - last) / histogram.width) if self.request.to is None else 0
        return (
            *(bar.start for bar in histogram.bars),
            *(last + histogram.width * n for n in range(1, min(max(missing, 0), MOST_BARS) + 1)),
        )

    @property
    def spans(self) -> tuple[Span, ...]:
        """The bars, cut where the time asked for begins and ends."""
        if self.main.histogram is None:
            return ()
        width, low, high = self.main.histogram.width, self.request.from_, self.request.to
        return tuple(
            Span(max(start, low) if low else start, min(start + width, high) if high else start + width)
            for start in self.starts
        )

    def groups(self, axis: Axis, most: int, *, before: bool = False) -> tuple[Group, ...]:
        """The groups of an axis: given ones, else the values most hits hold.  before: or held in the time before."""
        fixed = fixed_groups(self.visit, axis)
        if fixed is not None:
            return fixed
        values = {value.value: value.count for value in self.main.facets[axis.field]}
        if before and self.past:
            for value in self.past[1].facets[axis.field]:
                values[value.value] = max(values.get(value.value, 0), value.count)
        largest = sorted(values, key=lambda value: (-values[value], str(value)))[:most]
        with self.visit.services.store.read() as db:
            return found_groups(db, self.visit, axis, largest)

    def lines(self) -> tuple[Line, ...]:
        """The groups of the axis, the largest first; given ones in their order."""
        made = [self._line(group) for group in self.groups(self.axis, MOST_LINES, before=True)]
        if fixed_groups(self.visit, self.axis) is None:
            made.sort(key=lambda line: (-line.count, -(line.before or 0), line.group.label))
        return tuple(made)

    def whole(self) -> Line:
        """All signals."""
        everything, past = Group("合计", ()), self.past[1] if self.past else None
        count, bars = self.main.total, self._bars(self.main)
        return Line(everything, count, past.total if past else None, bars, self._bars(past) if past else ())

    def _line(self, group: Group) -> Line:
        count, bars = self._of(group, self.request, self.main)
        if self.past is None:
            return Line(group, count, bars=bars)
        before, bars_before = self._of(group, *self.past)
        return Line(group, count, before, bars, bars_before)

    def _of(self, group: Group, request: SearchRequest, result: SearchResult) -> tuple[int, tuple[int, ...]]:
        """How many signals of a group, and in each bar; asked apart where the common answer may not be whole."""
        counted = _counts(result, self.axis)
        whole = len(counted) < MOST_VALUES or group.value in counted
        split = result.histogram.bars if result.histogram else ()
        if group.where is None and whole and all(len(bar.parts) < MOST_PARTS for bar in split):
            return counted.get(group.value, 0), self._bars(result, group.value)
        only = self._apart(group, self.axis) if request is self.request else self._only(request, group, self.axis, ())
        return only.total, self._bars(only)

    def _bars(self, result: SearchResult, value: Scalar | None = None) -> tuple[int, ...]:
        """Counts of the bars, of one value only; of the time before as that time has them."""
        if result.histogram is None:
            return (0,) * len(self.starts)
        counts = {bar.start: bar.count if value is None else bar.parts.get(value, 0) for bar in result.histogram.bars}
        here = counts.keys() <= set(self.starts)
        return tuple(counts.get(start, 0) for start in self.starts) if here else tuple(counts.values())

    def heat(self) -> Heat:
        """The two axes crossed."""
        row_axis, column_axis = self.crossed
        rows, columns = self.groups(row_axis, MOST_ROWS), self.groups(column_axis, MOST_COLUMNS)
        turned = self.pair.row != row_axis.field
        pairs: dict[tuple[Scalar | None, Scalar | None], int] = {}
        for one in self.main.pairs[self.pair]:
            pairs[(one.column, one.row) if turned else (one.row, one.column)] = one.count
        apart = {
            group: self._apart(group, axis)
            for axis, groups in ((row_axis, rows), (column_axis, columns))
            for group in groups
            if group.where
        }

        def total(axis: Axis, group: Group) -> int:
            if group.where:
                return apart[group].total
            return _counts(self.main, axis).get(group.value, 0)

        def cell(row: Group, column: Group) -> int:
            for special, other, axis in ((row, column, column_axis), (column, row, row_axis)):
                if special.where:
                    return _counts(apart[special], axis).get(other.value, 0)
            return pairs.get((row.value, column.value), 0)

        row_totals, column_totals = ([total(axis, group) for group in groups] for axis, groups in (
            (row_axis, rows), (column_axis, columns),
        ))  # fmt: skip
        everything = max(self.main.total, 1)
        cells = tuple(
            tuple(Cell(cell(row, column), r * c / everything) for column, c in zip(columns, column_totals, strict=True))
            for row, r in zip(rows, row_totals, strict=True)
        )
        return Heat(
            row_axis, column_axis, tuple(zip(rows, row_totals, strict=True)),
            tuple(zip(columns, column_totals, strict=True)), cells,
        )  # fmt: skip

    def _apart(self, group: Group, axis: Axis) -> SearchResult:
        """The counts of a group that the common answer does not tell, asked once for lines and table."""
        if group not in self._asked_apart:
            facets = {other.field for other in self.crossed if axis in self.crossed and other is not axis}
            self._asked_apart[group] = self._only(self.request, group, axis, facets if "heat" in self.wanted else ())
        return self._asked_apart[group]

    def _only(self, request: SearchRequest, group: Group, axis: Axis, facets: Iterable[str]) -> SearchResult:
        asked = replace(request, where=both([request.where, group.asked(axis)]))
        return self._ask(asked, facets, split=False, bars=axis is self.axis)


def _counts(result: SearchResult, axis: Axis) -> dict[Scalar | None, int]:
    return {value.value: value.count for value in result.facets[axis.field]}


def _pair_of(row: Axis, column: Axis) -> Pair:
    """Which of the two an engine counts first: the larger part of 400 values of the second is whole for places, the
    120 most frequent of the first hold the twelve shown for firms."""
    first, second = sorted((row, column), key=lambda axis: (axis.name != "firm", axis.name == "region"))
    return Pair(first.field, second.field, PAIR_ROWS, PAIR_COLUMNS)
