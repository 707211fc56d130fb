"""检索: a query, its time and its conditions in the address; bars, fields and hits that all lead on by links."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from starlette.background import BackgroundTask
from starlette.responses import Response

from core.errors import SearchUnavailable
from search.backend import DEEPEST_OFFSET, SearchBackend, SearchRequest, SearchResult, Sort
from search.query import QueryError
from search.records import millis
from search.where import Between, both
from store.searches import SavedSearch, list_recent, list_searches, mark_seen, note_query
from web.saved import may_change, may_see, same_search
from web.search_chart import chart_of
from web.search_fields import facets_wanted, field_list
from web.search_hits import columns_of, rows_of
from web.search_state import (
    LABELS,
    PAGE_SIZE,
    PARAMETERS,
    SORTS,
    SPLITS,
    STEPS,
    Asked,
    Filter,
    build_request,
    firms_of,
    read_asked,
    the_index,
    value_word,
)
from web.search_time import RANGES, USUAL, in_address, moved, read_window
from web.visit import Here, Visit, redirect

router = APIRouter(include_in_schema=False)
LAST_PAGE = DEEPEST_OFFSET // PAGE_SIZE
"""The last one that is reached by its number; beyond it the pages follow each other."""


@dataclass(frozen=True)
class Pager:
    """Links to the pages beside this one; empty where there is none. first, last: numbers of the hits shown."""

    before: str
    after: str
    first: int
    last: int


@router.get("/search")
def show_search(visit: Here) -> Response:
    """The page; it says so when the query cannot be read or the index cannot answer."""
    asked = read_asked(visit)
    if any(not value for value in visit.request.query_params.values()):
        return redirect("/search" + asked.link(page=asked.page, after=asked.after, at=asked.at).removesuffix("?"))
    shown = _still(visit, asked)
    try:
        backend = the_index(visit)
        request, shown["warnings"] = build_request(visit, asked)
        result = backend.search(replace(request, facets=facets_wanted(asked.open)))
        shown |= _found(visit, asked, result)
        if asked.at:
            shown["newer"] = newer_than(backend, replace(request, known_at=None), asked.at)
        if not result.total:
            shown["costs"] = _costs(backend, visit, asked, shown["pills"])
    except QueryError as problem:
        shown |= {"error": f"第 {problem.column} 字：{problem.message}", "error_at": problem.column - 1}
    except SearchUnavailable as problem:
        shown["unavailable"] = str(problem)
    status = 400 if shown["error"] else 503 if shown["unavailable"] else 200
    page = visit.page("search.html", **shown, status=status)
    if status == 200 and asked.page == 1:
        page.background = BackgroundTask(_remember, visit, asked, shown["saved"])
    return page


def _still(visit: Visit, asked: Asked) -> dict[str, Any]:
    """What the page shows whether or not the index answers."""
    with visit.services.store.read() as db:
        saved = [each for each in list_searches(db, visit.me.name) if may_see(visit.me, each)]
        recent = list_recent(db, visit.me.name)
        firms = firms_of(db, asked)
    this = next((each for each in saved if same_search(each, asked)), None)
    return {
        "asked": asked, "ranges": RANGES, "sorts": SORTS, "splits": SPLITS, "steps": STEPS, "labels": LABELS,
        "parameters": PARAMETERS, "columns": columns_of(asked), "moved": moved(asked.window, asked.at or visit.now),
        "relative_from": _relative(asked),
        "from_field": _field_time(asked.window.start), "to_field": _field_time(asked.window.end or visit.now),
        "pills": [(each, value_word(visit.names, each.name, each.value, firms)) for each in asked.filters],
        "saved": saved, "this": this, "mine": this is not None and may_change(visit.me, this), "recent": recent,
        "error": "", "error_at": 0, "unavailable": "", "result": None, "warnings": (), "hits": [], "common": (),
        "others": (), "chart": None, "costs": [], "pager": None, "newer": 0, "seen_at": in_address(_now(visit)),
    }  # fmt: skip


def _relative(asked: Asked) -> str:
    """The start of the time as a relative one, to go on from."""
    text = asked.window.from_text or ("" if asked.window.to_text else USUAL)
    written = RANGES[text][1] if text in RANGES else text if asked.window.relative else ""
    return written or "now-7d/d"


def _field_time(moment: datetime | None) -> str:
    """As an <input type=datetime-local> takes it."""
    return in_address(moment)[:16] if moment else ""


def _now(visit: Visit) -> datetime:
    """The moment a page shows, as its links say it: to the millisecond, as the index counts."""
    now = visit.services.clock()
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def _found(visit: Visit, asked: Asked, result: SearchResult) -> dict[str, Any]:
    with visit.services.store.read() as db:
        common, others = field_list(db, visit, asked, result)
        hits = rows_of(db, visit, asked, result.hits)
    pager = _pager(asked, result, asked.at or _now(visit))
    chart = chart_of(visit, asked, result)
    return {"result": result, "hits": hits, "common": common, "others": others, "chart": chart, "pager": pager}


def _pager(asked: Asked, result: SearchResult, at: datetime) -> Pager:
    """The next page goes on behind the last hit shown, as of the moment of the first page: nothing shifts."""
    first = (asked.page - 1) * PAGE_SIZE + 1
    last = first + len(result.hits) - 1
    before = after = ""
    if 1 < asked.page <= LAST_PAGE + 1:
        before = asked.link(page=asked.page - 1, after=None, at=asked.at)
    if last < result.total and result.hits:
        by_number = SORTS[asked.sort][1] is Sort.RELEVANCE or result.next is None
        if not by_number:
            after = asked.link(page=asked.page + 1, after=result.next, at=at)
        elif asked.page < LAST_PAGE:
            after = asked.link(page=asked.page + 1, after=None, at=at)
    return Pager(before, after, first, last)


def newer_than(backend: SearchBackend, request: SearchRequest, moment: datetime) -> int:
    """How many hits were stored after `moment`."""
    later = Between("stored_at", low=millis(moment), with_low=False)
    request = replace(request, where=both([request.where, later]), size=0, offset=0, after=None, facets={})
    return backend.search(replace(request, histogram=False, split=None)).total


def _costs(
    backend: SearchBackend, visit: Visit, asked: Asked, pills: list[tuple[Filter, str]]
) -> list[tuple[str, int, str]]:
    """For an empty page: what each condition costs. (words, hits without it, link)."""
    tries: list[tuple[str, Asked]] = []
    for each, word in pills:
        if not each.off:
            rest = tuple(kept for kept in asked.filters if kept != each)
            word = f"{'不含' if each.negative else ''}{word}"
            tries.append((f"去掉“{LABELS[each.name]}：{word}”", replace(asked, filters=rest)))
    if asked.window.start or asked.window.end:
        tries.append(("放宽到不限时间", replace(asked, window=read_window("all", "", visit.now))))
    if asked.text and (asked.filters or asked.like):
        tries.append(("去掉检索语句", replace(asked, text="")))
    if asked.since:
        tries.append(("不限入库时间", replace(asked, since=None)))
    found = []
    for words, wider in tries[:12]:
        first = replace(wider, page=1, after=None, at=None)
        request, _ = build_request(visit, first)
        total = backend.search(replace(request, size=0, facets={}, histogram=False, split=None)).total
        if total:
            found.append((words, total, first.link(page=1)))
    return found


def _remember(visit: Visit, asked: Asked, saved: list[SavedSearch]) -> None:
    """After the answer is out: the query into the person's own history, and the watched search as looked at."""
    now = _now(visit)
    watched = [each.id for each in saved if each.seen_at and same_search(each, asked)]
    if asked.text or watched:
        with visit.services.store.write() as db:
            if asked.text:
                note_query(db, visit.me.name, asked.text, now=now)
            mark_seen(db, watched, visit.me.name, now=now)
