"""分析: the figures of a search over time, crossed, compared, and what is new or special in it; each a link back."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.datastructures import QueryParams
from starlette.responses import Response

from charts.svg import Tick, small
from core.clock import beijing
from core.errors import SearchUnavailable
from search.backend import Hit, SearchRequest
from search.insight import NovelPairs, Special
from search.query import QueryError
from search.where import Scalar
from web.analytics import DAY, PARTS, Figures, Line, figures
from web.axes import AXES, Axis
from web.names import firm_names
from web.narrowing import Condition, Narrowing, Span, apart
from web.search_state import LABELS, PARAMETERS, SORTS, Asked, Filter, firms_of, read_state, value_word
from web.search_time import RANGES, in_address
from web.search_time import USUAL as USUAL_TIME
from web.visit import Here, Refused, Visit

router = APIRouter(include_in_schema=False)
MULTIPLES = 12
BY_FIELD = {field.name: name for name, field in PARAMETERS.items()}
OWN = ("by", "row", "column")


@dataclass(frozen=True)
class Wanted:
    """An address of the analytics page: a search, along what it is counted, and what is crossed.

    words: its words are counted as well, each by two questions to the index.
    """

    asked: Asked
    by: Axis
    row: Axis
    column: Axis
    words: bool = False

    def link(self, path: str = "", **changes: str) -> str:
        """This page's address with other axes, at the same moment if it has one."""
        axes = {name: getattr(self, name).name for name in OWN} | ({"words": "1"} if self.words else {}) | changes
        at = [("at", in_address(self.asked.at))] if self.asked.at else []
        kept = [(name, value) for name, value in axes.items() if value != USUAL.get(name, "")]
        return f"{path}?{urlencode([*self.pairs, *at, *kept])}"

    def at_time(self, key: str) -> str:
        """This page for another named time."""
        window = replace(self.asked.window, from_text="" if key == USUAL_TIME else key, to_text="")
        return replace(self, asked=replace(self.asked, window=window, at=None)).link()

    def without(self, each: Filter) -> str:
        """This page without a condition."""
        rest = tuple(kept for kept in self.asked.filters if kept != each)
        return replace(self, asked=replace(self.asked, filters=rest)).link()

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The search itself, without moment or order."""
        return replace(self.asked, sort="").pairs(pages=False)


USUAL = {"by": "product", "row": "product", "column": "region"}


@dataclass(frozen=True)
class NovelRow:
    """A pair never seen before in words. link: its documents among the hits.  first: the first signal with both."""

    kind: str
    row: str
    column: str
    count: int
    link: str
    first: Hit


@dataclass(frozen=True)
class SpecialRow:
    """A special value in words. link: the hits that hold it.  link_all: all signals that do."""

    field: str
    word: str
    one: Special
    link: str
    link_all: str


@router.get("/analytics")
def show_analytics(visit: Here) -> Response:
    """The page; it says so when the query cannot be read or the index cannot answer."""
    wanted = read_wanted(visit)
    with visit.services.store.read() as db:
        firms = firms_of(db, wanted.asked)
    pills = [(each, value_word(visit.names, each.name, each.value, firms)) for each in wanted.asked.filters]
    shown: dict[str, Any] = {
        "wanted": wanted, "asked": wanted.asked, "ranges": RANGES, "axes": AXES, "labels": LABELS, "pills": pills,
        "error": "", "unavailable": "", "found": None,
    }  # fmt: skip
    try:
        parts = PARTS if wanted.words else PARTS - {"words"}
        found = figures(visit, wanted.asked, wanted.by, (wanted.row, wanted.column), parts)
        shown |= {"found": found, **shown_figures(visit, wanted, found)}
    except QueryError as problem:
        shown["error"] = f"第 {problem.column} 字：{problem.message}"
    except SearchUnavailable as problem:
        shown["unavailable"] = str(problem)
    status = 400 if shown["error"] else 503 if shown["unavailable"] else 200
    return visit.page("analytics.html", **shown, status=status)


def shown_figures(visit: Visit, wanted: Wanted, found: Figures) -> dict[str, Any]:
    """What the template needs beside the figures: links, names and charts."""
    narrowing = Narrowing(wanted.asked, found.at)
    lines = [found.whole, *found.lines] if found.whole else []
    most = sorted(lines[1:], key=lambda line: -line.count)[: MULTIPLES - 1]
    drawn = [line for line in lines if line is found.whole or line in most]
    top = max((count for line in most for count in (*line.bars, *line.bars_before)), default=0)
    return {
        "find": narrowing.to,
        "lines": lines,
        "charts": [
            (line, _chart(found, line, max((*line.bars, *line.bars_before, 1)) if line is found.whole else top))
            for line in drawn
        ],
        "hours": bool(found.spans) and _bar_width(found) < DAY,
        "novel": novel_rows(visit, narrowing, found.novel or ()),
        "unseen": sum(each.unseen for each in found.novel or ()),
        "special": special_rows(visit, narrowing, found, found.special),
        "words": special_rows(visit, narrowing, found, found.words),
        "of_all": (found.special or found.words)[0].of_all if found.special or found.words else None,
        "usual_link": usual_narrowing(narrowing, found.usual).to() if found.usual else "",
    }


def read_wanted(visit: Visit) -> Wanted:
    """The page's address. An order of the search page is passed over. Raises Refused for values that do not exist."""
    params = visit.request.query_params
    ours = (*OWN, "words", "page", "after")
    rest = QueryParams([(name, value) for name, value in params.multi_items() if name not in ours])
    by = params.get("by", "")
    by = "" if by in SORTS and by not in AXES else by
    axes = {name: _axis(name, by if name == "by" else params.get(name, "")) for name in OWN}
    if axes["row"] == axes["column"]:
        raise Refused(400, f"交叉表的行和列都是“{axes['row'].label}”。请另选一个。")
    return Wanted(read_state(rest, visit.now), **axes, words=params.get("words") == "1")


def _axis(name: str, value: str) -> Axis:
    axis = AXES.get(value or USUAL[name])
    if axis is None:
        raise Refused(400, f"{name}={value[:20]} 不存在。可用：{'、'.join(AXES)}。")
    return axis


def novel_rows(visit: Visit, narrowing: Narrowing, found: Iterable[NovelPairs]) -> list[NovelRow]:
    """The pairs in words, kind after kind."""
    found = list(found)
    values = [(name, getattr(pair, side)) for each in found for pair in each.pairs for name, side in _sides(each)]
    word = _words_for(visit, values)
    return [
        NovelRow(
            " × ".join(LABELS[BY_FIELD[name]] for name, _ in _sides(each)),
            word(each.row, pair.row),
            word(each.column, pair.column),
            pair.count,
            narrowing.to(_condition(each.row, pair.row), _condition(each.column, pair.column)),
            pair.first,
        )
        for each in found
        for pair in each.pairs
    ]


def _sides(each: NovelPairs) -> tuple[tuple[str, str], tuple[str, str]]:
    return (each.row, "row"), (each.column, "column")


def special_rows(visit: Visit, narrowing: Narrowing, found: Figures, special: Iterable[Special]) -> list[SpecialRow]:
    """The special values in words."""
    special = list(special)
    if found.usual is None:
        return []
    usual = usual_narrowing(narrowing, found.usual)
    word = _words_for(visit, [(one.field, one.value) for one in special if one.field != "words"])
    rows = []
    for one in special:
        if one.field == "words":
            text = str(one.value)
            rows.append(SpecialRow("用词", text, one, narrowing.to(phrase=text), usual.to(phrase=text)))
        else:
            holding = _condition(one.field, one.value)
            label = LABELS[BY_FIELD[one.field]]
            rows.append(SpecialRow(label, word(one.field, one.value), one, narrowing.to(holding), usual.to(holding)))
    return rows


def usual_narrowing(narrowing: Narrowing, usual: SearchRequest) -> Narrowing:
    """The search that what is special is held against."""
    return replace(narrowing, asked=apart(narrowing.asked, Span(usual.from_, usual.to)))


def _condition(field: str, value: Scalar) -> Condition:
    return Condition(BY_FIELD[field], (str(value),))


def _words_for(visit: Visit, values: Iterable[tuple[str, Scalar]]) -> Any:
    with visit.services.store.read() as db:
        firms = firm_names(db, (str(value) for name, value in values if name == "enterprises"))
    return lambda name, value: value_word(visit.names, BY_FIELD[name], value, firms)


def _bar_width(found: Figures) -> timedelta:
    widest = max(found.spans, key=lambda span: _length(span))
    return _length(widest)


def _length(span: Span) -> timedelta:
    assert span.start is not None
    assert span.end is not None
    return span.end - span.start


def _chart(found: Figures, line: Line, top: float) -> str:
    """A small chart; its label says the finding."""
    most = max(range(len(line.bars)), key=lambda at: line.bars[at], default=None)
    said = f"{line.group.label}：{line.count} 条"
    if line.before is not None:
        said += f"，上期 {line.before} 条"
    start = found.spans[most].start if most is not None else None
    if most is not None and start is not None and line.count:
        said += f"；最多一段 {beijing(start):%m-%d %H:%M} 起 {line.bars[most]} 条"
    return small(line.bars, line.bars_before, top=top, label=said, ticks=_ticks(found))


def _ticks(found: Figures) -> list[Tick]:
    if not found.spans:
        return []
    form = "%H:%M" if len(found.spans) * _bar_width(found) <= 2 * DAY else "%m-%d"
    ends = [span.start for span in (found.spans[0], found.spans[-1])][: 2 if len(found.spans) > 1 else 1]
    return [(at, f"{beijing(start):{form}}") for at, start in zip((0.0, 100.0), ends, strict=False) if start]
