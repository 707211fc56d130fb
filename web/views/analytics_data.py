"""The figures of the analytics page as CSV tables and as JSON, by the same address."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from core.clock import beijing, iso_beijing
from core.errors import SearchUnavailable
from core.spreadsheet import csv_text
from nlp.privacy import mask
from search.query import QueryError
from store import audit
from web.analytics import Figures, figures
from web.api_shapes import Moment
from web.bearer import DocumentReader
from web.narrowing import Narrowing, Span
from web.views.analytics import Wanted, novel_rows, read_wanted, special_rows
from web.visit import Here, Refused, Visit

router = APIRouter()
Table = Literal["counts", "times", "heat", "novel", "special", "words"]
MOST_NOVEL = 50
"""New pairs of each kind in a file, where the page shows the six most frequent."""
NEEDS: Mapping[Table, str] = {
    "counts": "lines", "times": "lines", "heat": "heat", "novel": "novel", "special": "special", "words": "words",
}  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """Figures and what puts them into words."""

    visit: Visit
    wanted: Wanted
    found: Figures

    @property
    def narrowing(self) -> Narrowing:
        """Links of the figures."""
        return Narrowing(self.wanted.asked, self.found.at)


def _figures(visit: Visit, parts: Sequence[str]) -> Shown:
    """Raises Refused where the query cannot be read or the index cannot answer."""
    wanted = read_wanted(visit)
    try:
        found = figures(visit, wanted.asked, wanted.by, (wanted.row, wanted.column), parts, novel=MOST_NOVEL)
        return Shown(visit, wanted, found)
    except QueryError as problem:
        raise Refused(400, f"第 {problem.column} 字：{problem.message}") from problem
    except SearchUnavailable as problem:
        raise Refused(503, "检索现在不可用，稍后再试。") from problem


# --- CSV ------------------------------------------------------------------------------------------------------------


@router.get("/analytics/export", include_in_schema=False)
def export_figures(visit: Here, table: Table) -> Response:
    """One table of the page's address as CSV."""
    shown = _figures(visit, [NEEDS[table]])
    header, rows = TABLES[table](shown)
    now = visit.services.clock()
    asked = shown.wanted.asked
    with visit.services.store.write() as db:
        text = mask(asked.text)
        details = {"query": text, "table": table, "rows": len(rows), "from": asked.window.name}
        audit.note(db, visit.me.name, "export_figures", text[:200], at=now, details=details)
    name = f"figures-{table}-{beijing(shown.found.at):%Y%m%d-%H%M}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(csv_text(header, rows), media_type="text/csv; charset=utf-8", headers=headers)


Rows = tuple[Sequence[str], list[Sequence[object]]]


def _counts(shown: Shown) -> Rows:
    found = shown.found
    lines = [found.whole, *found.lines] if found.whole else []
    rows = [(line.group.label, line.count, line.before, _rounded(line.ratio)) for line in lines]
    return (found.axis.label, "本期", "上期", "倍数"), list(rows)


def _times(shown: Shown) -> Rows:
    found = shown.found
    lines = [found.whole, *found.lines] if found.whole else []
    rows: list[Sequence[object]] = [
        (_minute(span.start), _minute(span.end), *(line.bars[at] for line in lines))
        for at, span in enumerate(found.spans)
    ]
    return ("起", "止", *(line.group.label for line in lines)), rows


def _heat(shown: Shown) -> Rows:
    heat = shown.found.heat
    assert heat is not None
    rows: list[Sequence[object]] = [
        (group.label, *(cell.count for cell in cells), total)
        for (group, total), cells in zip(heat.rows, heat.cells, strict=True)
    ]
    rows.append(("合计", *(total for _, total in heat.columns), shown.found.total))
    return (heat.row_axis.label, *(group.label for group, _ in heat.columns), "合计"), rows


def _novel(shown: Shown) -> Rows:
    rows = novel_rows(shown.visit, shown.narrowing, shown.found.novel or ())
    return ("类别", "一", "二", "本期", "首次", "首条文档", "编号"), [
        (row.kind, row.row, row.column, row.count, _minute(row.first.fields["event_time"]),
         row.first.fields["title"], row.first.id)
        for row in rows
    ]  # fmt: skip


def _special(shown: Shown) -> Rows:
    special = (*shown.found.special, *shown.found.words)
    rows = special_rows(shown.visit, shown.narrowing, shown.found, special)
    return ("类别", "值", "命中", "命中总数", "全部", "全部总数", "倍数", "G2"), [
        (row.field, row.word, row.one.hits, row.one.of_hits, row.one.all, row.one.of_all, _rounded(row.one.lift),
         row.one.score)
        for row in rows
    ]  # fmt: skip


def _minute(moment: datetime | None) -> str:
    return f"{beijing(moment):%Y-%m-%d %H:%M}" if moment else ""


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 2)


TABLES: Mapping[Table, Callable[[Shown], Rows]] = {
    "counts": _counts, "times": _times, "heat": _heat, "novel": _novel, "special": _special, "words": _special,
}  # fmt: skip


# --- JSON -----------------------------------------------------------------------------------------------------------


class SpanOut(BaseModel):
    """A time, start <= t < end; null is open."""

    start: Moment | None
    end: Moment | None


class CountOut(BaseModel):
    """A number and the search page that shows what it counts; "" where it counts nothing."""

    count: int
    link: str


class LineOut(BaseModel):
    """A group of `by` over time. before: in the time as long before. bars: a count for each of `bars` of the answer."""

    key: str
    label: str
    now: CountOut
    before: CountOut | None
    bars: list[int]


class CellOut(BaseModel):
    """Documents of a row and a column. expected: row total x column total / all."""

    row: str
    column: str
    count: int
    link: str
    expected: float


class CrossedOut(BaseModel):
    """Two fields crossed; rows and columns by key."""

    row_field: str
    column_field: str
    rows: dict[str, CountOut]
    columns: dict[str, CountOut]
    labels: dict[str, str]
    cells: list[CellOut] = Field(description="cells over 0")


class NovelOut(BaseModel):
    """Two values that no document of the year before held together. first: id of the first that did."""

    kind: str
    values: tuple[str, str]
    now: CountOut
    first: str
    first_at: Moment


class SpecialOut(BaseModel):
    """A value that more hits hold than chance would put there; `words`: a word of title or body. score: G2."""

    field: str
    value: str
    label: str
    hits: CountOut
    of_hits: int
    all: CountOut
    of_all: int
    score: float


class FiguresOut(BaseModel):
    """The figures of a search, of what was stored by `at`."""

    at: Moment
    total: CountOut
    by: str
    before: SpanOut | None
    bars: list[SpanOut]
    lines: list[LineOut]
    crossed: CrossedOut
    novel: list[NovelOut] | None = Field(description="null where the time has no start")
    unseen: int = Field(description="pairs that were not looked up: too many")
    special: list[SpecialOut]


@router.get("/api/analytics")
def figures_as_json(
    visit: DocumentReader,
    q: str = Query("", description="the desk's query language; also from, to, at and the filters of the search page"),
    by: str = Query("", description="product, region, issue, tier, kind, source, level or firm"),
    row: str = Query("", description="rows of the crossed table, as `by`; product"),
    column: str = Query("", description="columns of the crossed table, as `by`; region"),
) -> FiguresOut:
    """Counts over time, compared with the time before; two fields crossed; new pairs; special values and words."""
    shown = _figures(visit, list(NEEDS.values()))
    found, find = shown.found, shown.narrowing.to
    return FiguresOut(
        at=_story(found.at),
        total=_count(found.total, find()),
        by=found.axis.name,
        before=_span(found.before) if found.before else None,
        bars=[_span(span) for span in found.spans],
        lines=_lines_out(shown),
        crossed=_crossed_out(shown),
        novel=None if found.novel is None else _novel_out(shown),
        unseen=sum(each.unseen for each in found.novel or ()),
        special=_special_out(shown),
    )


def _story(moment: datetime) -> datetime:
    return datetime.fromisoformat(iso_beijing(moment))


def _span(span: Span) -> SpanOut:
    start, end = (_story(edge) if edge else None for edge in (span.start, span.end))
    return SpanOut(start=start, end=end)


def _count(count: int, link: str) -> CountOut:
    return CountOut(count=count, link=link if count else "")


def _lines_out(shown: Shown) -> list[LineOut]:
    found, find = shown.found, shown.narrowing.to
    return [
        LineOut(
            key=line.group.key,
            label=line.group.label,
            now=_count(line.count, find(*line.group.conditions)),
            before=None
            if line.before is None
            else _count(line.before, find(*line.group.conditions, span=found.before)),
            bars=list(line.bars),
        )
        for line in (*((found.whole,) if found.whole else ()), *found.lines)
    ]


def _crossed_out(shown: Shown) -> CrossedOut:
    heat, find = shown.found.heat, shown.narrowing.to
    assert heat is not None
    sides = heat.rows, heat.columns
    rows, columns = ({group.key: _count(total, find(*group.conditions)) for group, total in side} for side in sides)
    cells = [
        CellOut(
            row=row.key, column=column.key, count=cell.count, link=find(*row.conditions, *column.conditions),
            expected=round(cell.expected, 2),
        )
        for (row, _), line in zip(heat.rows, heat.cells, strict=True)
        for (column, _), cell in zip(heat.columns, line, strict=True)
        if cell.count
    ]  # fmt: skip
    return CrossedOut(
        row_field=heat.row_axis.name, column_field=heat.column_axis.name, rows=rows, columns=columns, cells=cells,
        labels={group.key: group.label for side in sides for group, _ in side},
    )  # fmt: skip


def _novel_out(shown: Shown) -> list[NovelOut]:
    return [
        NovelOut(
            kind=row.kind, values=(row.row, row.column), now=_count(row.count, row.link), first=row.first.id,
            first_at=_story(row.first.fields["event_time"]),
        )
        for row in novel_rows(shown.visit, shown.narrowing, shown.found.novel or ())
    ]  # fmt: skip


def _special_out(shown: Shown) -> list[SpecialOut]:
    special = (*shown.found.special, *shown.found.words)
    return [
        SpecialOut(
            field=row.one.field, value=str(row.one.value), label=row.word, hits=_count(row.one.hits, row.link),
            of_hits=row.one.of_hits, all=_count(row.one.all, row.link_all), of_all=row.one.of_all, score=row.one.score,
        )
        for row in special_rows(shown.visit, shown.narrowing, shown.found, special)
    ]  # fmt: skip
