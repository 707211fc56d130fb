"""检索: a query and its time in the address; bars, facets and hits that all lead on by links."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter
from markupsafe import Markup, escape
from sqlalchemy import Connection
from starlette.responses import Response

from charts.svg import Tick, bars
from core.clock import as_utc, beijing, iso_beijing
from core.errors import SearchUnavailable
from search.backend import DEEPEST_OFFSET, SearchBackend, SearchRequest, SearchResult, Sort
from search.fields import FACETS, field_named
from search.marking import Marked
from search.query import NO_SYNONYMS, QueryError, read_query
from search.where import Scalar
from web.inbox import links_of
from web.names import firm_names
from web.visit import Here, Refused, Visit

router = APIRouter(include_in_schema=False)
PAGE_SIZE = 20
RANGES: Mapping[str, tuple[str, timedelta | None]] = {
    "24h": ("近 24 小时", timedelta(hours=24)),
    "7d": ("近 7 日", timedelta(days=7)),
    "14d": ("近 14 日", timedelta(days=14)),
    "30d": ("近 30 日", timedelta(days=30)),
    "1y": ("近 1 年", timedelta(days=365)),
    "all": ("不限时间", None),
}
USUAL_RANGE = "30d"
SORTS: Mapping[str, tuple[str, Sort]] = {
    "": ("新近在前", Sort.NEWEST),
    "relevance": ("相关在前", Sort.RELEVANCE),
    "level": ("级别高在前", Sort.LEVEL),
    "oldest": ("较早在前", Sort.OLDEST),
}
FILTERS: Mapping[str, str] = {
    "level": "level", "product": "products", "firm": "enterprises", "territory": "territory", "issue": "issues",
    "source": "source", "kind": "kind", "is_risk": "is_risk",
}  # fmt: skip
"""Parameter in the address and field of the index."""
LABELS = {
    "level": "级别", "product": "产品", "firm": "企业", "territory": "属地", "issue": "风险问题", "source": "来源",
    "kind": "来源类别", "is_risk": "范围",
}  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A search as the address has it."""

    text: str
    start: datetime | None
    end: datetime | None
    range_name: str
    filters: Mapping[str, str]
    sort: str
    page: int
    synonyms: bool = True


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
        shown["chart"] = _chart(backend, visit, request, result)
        if not result.total:
            shown["costs"] = _costs(backend, visit, asked)
    except QueryError as problem:
        shown["error"] = f"第 {problem.column} 字：{problem.message}"
    except SearchUnavailable as problem:
        shown["unavailable"] = str(problem)
    return visit.page("search.html", **shown, status=400 if shown["error"] else 503 if shown["unavailable"] else 200)


def the_index(visit: Visit) -> SearchBackend:
    """The search backend. Raises SearchUnavailable when there is none."""
    if visit.services.search is None:
        raise SearchUnavailable("没有配置检索索引")
    return visit.services.search


def read_asked(visit: Visit) -> Asked:
    """The search of an address. Raises Refused for values that do not exist."""
    params = visit.request.query_params
    wanted, until = params.get("from", USUAL_RANGE), params.get("to", "")
    if wanted in RANGES:
        span = RANGES[wanted][1]
        start, end, name = visit.now - span if span else None, None, RANGES[wanted][0]
    else:
        start, end = _moment(wanted), _moment(until) if until else None
        name = f"{beijing(start):%m-%d %H:%M} 至 {f'{beijing(end):%m-%d %H:%M}' if end else '现在'}"
    page = params.get("page", "1")
    if params.get("by", "") not in SORTS:
        raise Refused(400, f"排序 by={params['by'][:20]} 不存在。可用：{'、'.join(key for key in SORTS if key)}。")
    if not (page.isascii() and page.isdigit() and 1 <= int(page[:6]) <= DEEPEST_OFFSET // PAGE_SIZE):
        raise Refused(400, f"页码须为 1 至 {DEEPEST_OFFSET // PAGE_SIZE} 的整数；更早的结果请缩小时间范围。")
    filters = {name: params[name][:200] for name in FILTERS if params.get(name)}
    if not filters.get("level", "0").isdigit():
        raise Refused(400, "级别须为 0 至 4。")
    return Asked(
        params.get("q", "")[:2000].strip(),
        start,
        end,
        name,
        filters,
        params.get("by", ""),
        int(page),
        params.get("syn", "") != "0",
    )


def _moment(text: str) -> datetime:
    try:
        return as_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        names = "、".join(RANGES)
        raise Refused(400, f"时间 {text[:40]} 看不懂。可用：{names}，或 2026-11-23T14:00 这样的时间。") from None


def build_request(visit: Visit, asked: Asked) -> tuple[SearchRequest, tuple[str, ...]]:
    """What the index is asked, cut to the viewer's territory, and what the query's reader remarked."""
    others = visit.services.synonyms if asked.synonyms else NO_SYNONYMS
    query = read_query(asked.text, names=visit.services.query_names, now=visit.now, synonyms=others)
    request = SearchRequest(
        where=query.where,
        from_=asked.start,
        to=asked.end,
        filters={FILTERS[name]: (_value(name, value),) for name, value in asked.filters.items()},
        territory=None if visit.me.everywhere else visit.me.user.territory,
        size=PAGE_SIZE,
        offset=(asked.page - 1) * PAGE_SIZE,
        sort=SORTS[asked.sort][1],
    )
    return request, query.warnings


def _value(name: str, text: str) -> Scalar:
    if name == "level":
        return int(text)
    return text == "true" if name == "is_risk" else text


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


def _pills(visit: Visit, asked: Asked) -> list[tuple[str, str, str]]:
    with visit.services.store.read() as db:
        firms = firm_names(db, [asked.filters["firm"]] if "firm" in asked.filters else [])
    return [(name, LABELS[name], _word(visit, name, value, firms)) for name, value in asked.filters.items()]


def _word(visit: Visit, name: str, value: Scalar, firms: Mapping[str, str]) -> str:
    names, text = visit.names, str(value)
    if name == "level":
        return names.level(int(text)) if int(text) < 5 and int(text) else "未达预警"
    if name == "is_risk":
        return "仅风险信号" if text.lower() == "true" else "仅非风险"
    giver: Mapping[str, Callable[[str], str]] = {
        "product": names.product, "territory": names.region, "issue": names.issue, "source": names.source,
        "kind": names.kind, "firm": lambda firm: firms.get(firm, firm),
    }  # fmt: skip
    return giver[name](text)


def _facets(
    db: Connection, visit: Visit, asked: Asked, result: SearchResult
) -> list[tuple[str, str, list[tuple[str, str, int, float, str]]]]:
    """(parameter, label, [(value, word, count, share in %, the query that leaves it out)])."""
    by_field = {field: name for name, field in FILTERS.items()}
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
            rows.append((str(value.value), _word(visit, name, value.value, firms), value.count, share, query))
        if rows:
            found.append((name, LABELS[name], rows))
    return found


def _chart(backend: SearchBackend, visit: Visit, request: SearchRequest, result: SearchResult) -> str:
    """Bars by level: the index counts a bar, four more questions split it."""
    if result.histogram is None or not result.total:
        return ""
    width, all_bars = result.histogram.width, result.histogram.bars
    stacks = [[bar.count, 0, 0, 0, 0] for bar in all_bars]
    place = {bar.start: i for i, bar in enumerate(all_bars)}
    for level in range(1, 5):
        if request.filters.get("level", (level,)) != (level,):
            continue
        only = {**request.filters, "level": (level,)}
        part = backend.search(replace(request, filters=only, size=0, offset=0, facets={}, width=width))
        for bar in part.histogram.bars if part.histogram else ():
            if bar.start in place:
                stacks[place[bar.start]][level] = bar.count
                stacks[place[bar.start]][0] -= bar.count
    links = [(_narrow(visit, bar.start, width), _bar_words(bar.start, width, bar.count)) for bar in all_bars]
    most = max(all_bars, key=lambda bar: bar.count)
    label = f"结果分布：共 {result.total} 条，最多一段 {beijing(most.start):%m-%d %H:%M} 起 {most.count} 条"
    return bars(stacks, label=label, links=links, ticks=_ticks([bar.start for bar in all_bars]), height=96, unit=" 条")


def _narrow(visit: Visit, start: datetime, width: timedelta) -> str:
    return visit.link(**{"from": iso_beijing(start), "to": iso_beijing(start + width)})


def _bar_words(start: datetime, width: timedelta, count: int) -> str:
    return f"{beijing(start):%m-%d %H:%M} 至 {beijing(start + width):%m-%d %H:%M}，{count} 条"


def _ticks(starts: list[datetime]) -> list[Tick]:
    step = max(1, len(starts) // 8)
    days = starts[-1] - starts[0] > timedelta(days=2)
    form = "%m-%d" if days else "%H:%M"
    return [(100 * (i + 0.5) / len(starts), f"{beijing(starts[i]):{form}}") for i in range(0, len(starts), step)]


def _costs(backend: SearchBackend, visit: Visit, asked: Asked) -> list[tuple[str, int, str]]:
    """For an empty page: what each condition costs. (words, hits without it, link)."""
    tries: list[tuple[str, Asked, dict[str, str | int | None]]] = []
    with visit.services.store.read() as db:
        firms = firm_names(db, [asked.filters.get("firm", "")])
    for name, value in asked.filters.items():
        rest = {key: kept for key, kept in asked.filters.items() if key != name}
        words = f"去掉“{LABELS[name]}：{_word(visit, name, value, firms)}”"
        tries.append((words, replace(asked, filters=rest), {name: None}))
    if asked.start or asked.end:
        tries.append(("放宽到不限时间", replace(asked, start=None, end=None), {"from": "all", "to": None}))
    found = []
    for words, wider, changes in tries:
        request, _ = build_request(visit, replace(wider, page=1))
        total = backend.search(replace(request, size=0, facets={}, histogram=False)).total
        if total:
            found.append((words, total, visit.link(**changes)))
    return found
