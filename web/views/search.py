"""检索: a query and its time in the address; bars, facets and hits that all lead on by links."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter
from markupsafe import Markup, escape
from sqlalchemy import Connection
from starlette.responses import Response

from charts.svg import Tick, bars
from core.clock import beijing
from core.errors import SearchUnavailable
from search.backend import SearchBackend, SearchResult
from search.fields import FACETS, field_named
from search.marking import Marked
from search.query import QueryError
from web.inbox import links_of
from web.names import firm_names
from web.search_state import (
    LABELS,
    PAGE_SIZE,
    PARAMETERS,
    SORTS,
    Asked,
    Filter,
    build_request,
    firms_of,
    read_asked,
    the_index,
    value_word,
)
from web.search_time import RANGES, in_address, read_window
from web.visit import Here, Visit

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Hit:
    """A hit with what a row shows."""

    id: str
    title: Markup
    snippet: Markup
    at: datetime
    level: int
    meta: tuple[str, ...]
    repost: bool
    withdrawn: bool
    alerts: list[tuple[str, str]]


@router.get("/search")
def show_search(visit: Here) -> Response:
    """The page; it says so when the query cannot be read or the index cannot answer."""
    asked = read_asked(visit)
    shown: dict[str, Any] = {
        "asked": asked, "ranges": RANGES, "sorts": SORTS, "labels": LABELS, "error": "", "unavailable": "",
        "result": None, "warnings": (), "hits": [], "pills": _pills(visit, asked), "facets": [], "chart": "",
        "costs": [], "pages": 0, "params": visit.request.query_params,
    }  # fmt: skip
    try:
        request, warnings = build_request(visit, asked)
        backend = the_index(visit)
        result = backend.search(request)
        shown |= {"result": result, "warnings": warnings, "pages": -(-result.total // PAGE_SIZE)}
        with visit.services.store.read() as db:
            shown["hits"] = _hits(db, visit, result)
            shown["facets"] = _facets(db, visit, asked, result)
        shown["chart"] = _chart(visit, asked, result)
        if not result.total:
            shown["costs"] = _costs(backend, visit, asked)
    except QueryError as problem:
        shown["error"] = f"第 {problem.column} 字：{problem.message}"
    except SearchUnavailable as problem:
        shown["unavailable"] = str(problem)
    return visit.page("search.html", **shown, status=400 if shown["error"] else 503 if shown["unavailable"] else 200)


def marked_words(piece: Marked) -> Markup:
    """The text escaped, with the places that were asked for in <mark>."""
    parts, at = [], 0
    for start, end in piece.spans:
        parts += [escape(piece.text[at:start]), Markup("<mark>{}</mark>").format(piece.text[start:end])]
        at = end
    return Markup("").join([*parts, escape(piece.text[at:])])


def _hits(db: Connection, visit: Visit, result: SearchResult) -> list[Hit]:
    ids = [hit.id for hit in result.hits]
    alerts = links_of(db, visit.me, ids)
    firms = firm_names(db, (firm for hit in result.hits for firm in hit.fields["enterprises"][:1]))
    found = []
    for hit in result.hits:
        fields = hit.fields
        meta = (
            visit.names.source(fields["source"]),
            *(visit.names.product(product) for product in fields["products"][:1]),
            *(firms[firm] for firm in fields["enterprises"][:1]),
            *(visit.names.region(code) for code in fields["territory"][-1:]),
        )
        title = marked_words(hit.title) if hit.title.text else Markup("（无标题）")
        found.append(
            Hit(
                hit.id, title, marked_words(hit.snippet), fields["event_time"], fields["level"], meta,
                fields["repost_of"] is not None, fields["withdrawn"],
                alerts.get(hit.id, [])[:3],
            )
        )  # fmt: skip
    return found


def _pills(visit: Visit, asked: Asked) -> list[tuple[Filter, str]]:
    with visit.services.store.read() as db:
        firms = firms_of(db, asked)
    return [(each, value_word(visit.names, each.name, each.value, firms)) for each in asked.filters]


def _facets(
    db: Connection, visit: Visit, asked: Asked, result: SearchResult
) -> list[tuple[str, str, list[tuple[str, str, int, float, str]]]]:
    """(parameter, label, [(value, word, count, share in %, the query that leaves it out)])."""
    by_field = {field.name: name for name, field in PARAMETERS.items()}
    firms = firm_names(db, (str(value.value) for value in result.facets.get("enterprises", ())))
    found = []
    for field in FACETS:
        name = by_field[field]
        label = field_named(field)
        rows = []
        for value in result.facets.get(field, ()):
            left_out = f'not {label.label if label else field}:"{value.value}"'
            query = f"({asked.text}) and {left_out}" if asked.text else left_out
            share = 100 * value.count / max(result.total, 1)
            rows.append(
                (str(value.value), value_word(visit.names, name, value.value, firms), value.count, share, query)
            )
        if rows:
            found.append((name, LABELS[name], rows))
    return found


def _chart(visit: Visit, asked: Asked, result: SearchResult) -> str:
    """Bars by level."""
    if result.histogram is None or not result.total:
        return ""
    width, all_bars = result.histogram.width, result.histogram.bars
    stacks = [[bar.parts.get(level, 0) for level in range(5)] for bar in all_bars]
    links = [(_narrow(asked, bar.start, width), _bar_words(bar.start, width, bar.count)) for bar in all_bars]
    most = max(all_bars, key=lambda bar: bar.count)
    label = f"结果分布：共 {result.total} 条，最多一段 {beijing(most.start):%m-%d %H:%M} 起 {most.count} 条"
    return bars(stacks, label=label, links=links, ticks=_ticks([bar.start for bar in all_bars]), height=96, unit=" 条")


def _narrow(asked: Asked, start: datetime, width: timedelta) -> str:
    return asked.at_time(in_address(start), in_address(start + width))


def _bar_words(start: datetime, width: timedelta, count: int) -> str:
    return f"{beijing(start):%m-%d %H:%M} 至 {beijing(start + width):%m-%d %H:%M}，{count} 条"


def _ticks(starts: list[datetime]) -> list[Tick]:
    step = max(1, len(starts) // 8)
    days = starts[-1] - starts[0] > timedelta(days=2)
    form = "%m-%d" if days else "%H:%M"
    return [(100 * (i + 0.5) / len(starts), f"{beijing(starts[i]):{form}}") for i in range(0, len(starts), step)]


def _costs(backend: SearchBackend, visit: Visit, asked: Asked) -> list[tuple[str, int, str]]:
    """For an empty page: what each condition costs. (words, hits without it, link)."""
    tries: list[tuple[str, Asked]] = []
    for each, word in _pills(visit, asked):
        rest = tuple(kept for kept in asked.filters if kept != each)
        tries.append((f"去掉“{LABELS[each.name]}：{word}”", replace(asked, filters=rest)))
    if asked.window.start or asked.window.end:
        tries.append(("放宽到不限时间", replace(asked, window=read_window("all", "", visit.now))))
    found = []
    for words, wider in tries:
        request, _ = build_request(visit, replace(wider, page=1, after=None))
        total = backend.search(replace(request, size=0, facets={}, histogram=False)).total
        if total:
            found.append((words, total, wider.link(page=1)))
    return found
