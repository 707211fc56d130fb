"""Pieces of the search page that are fetched when somebody opens them, and its small forms."""

from dataclasses import replace

from fastapi import APIRouter
from starlette.datastructures import QueryParams
from starlette.responses import JSONResponse, Response

from core.errors import SearchUnavailable
from search.fields import FieldType
from search.query import QueryError
from search.special import background_of, significant
from search.where import OneOf, both
from store.searches import forget_recent, watched_searches
from web.names import firm_names
from web.saved import news_of
from web.search_fields import SHOWN_VALUES, facets_wanted, one_field
from web.search_hits import every_field
from web.search_state import (
    ANY,
    LABELS,
    PARAMETERS,
    Asked,
    build_request,
    read_asked,
    read_state,
    the_index,
    value_word,
)
from web.views.search import newer_than
from web.visit import Here, Posted, Refused, Visit, redirect

router = APIRouter(include_in_schema=False)
MOST_ON_PAGE = 8


def _refusal(problem: QueryError | SearchUnavailable) -> Refused:
    if isinstance(problem, QueryError):
        return Refused(400, f"第 {problem.column} 字：{problem.message}")
    return Refused(503, f"检索现在不可用：{problem}")


@router.get("/search/field")
def show_field(visit: Here, name: str) -> Response:
    """One field opened, for the search of the other parameters."""
    if name not in PARAMETERS:
        raise Refused(404, f"没有 {name[:40]} 这个字段。")
    asked = read_asked(visit)
    asked = replace(asked, open=tuple(dict.fromkeys((*asked.open, name))))
    try:
        request, _ = build_request(visit, asked)
        facets = facets_wanted([name])
        result = the_index(visit).search(replace(request, size=0, facets=facets, histogram=False, split=None))
    except (QueryError, SearchUnavailable) as problem:
        raise _refusal(problem) from problem
    counted = result.facets.get(PARAMETERS[name].name)
    with visit.services.store.read() as db:
        firms = firm_names(db, (str(each.value) for each in (counted or ())[:SHOWN_VALUES] if name == "firm"))
    field = one_field(visit, asked, name, counted, result.total, firms)
    return visit.page("search_field.html", asked=asked, field=field)


@router.get("/search/hit/{document_id}")
def show_hit(visit: Here, document_id: str) -> Response:
    """Every field of one hit, for the search of the parameters."""
    asked = read_asked(visit)
    try:
        request, _ = build_request(visit, Asked("", replace(asked.window, start=None, end=None)))
        only = both([request.where, OneOf("id", (document_id[:80],))])
        bare = replace(request, where=only, size=1, facets={}, histogram=False, split=None)
        hits = the_index(visit).search(bare).hits
    except (QueryError, SearchUnavailable) as problem:
        raise _refusal(problem) from problem
    if not hits:
        raise Refused(404, f"检索索引中没有文档 {document_id[:40]}，或不在您的属地之内。")
    with visit.services.store.read() as db:
        firms = firm_names(db, hits[0].fields["enterprises"])
    return visit.page("search_hit.html", asked=asked, fields=every_field(visit, hits[0], firms))


@router.get("/search/new")
def count_new(visit: Here) -> Response:
    """{n}: hits stored since `at`, for the bar above a page that stays as it is."""
    asked = read_asked(visit)
    if asked.at is None:
        raise Refused(400, "缺少截至时间 at。例：at=2026-11-23T14:00。")
    try:
        request, _ = build_request(visit, replace(asked, page=1, after=None))
        return JSONResponse({"n": newer_than(the_index(visit), replace(request, known_at=None), asked.at)})
    except (QueryError, SearchUnavailable) as problem:
        raise _refusal(problem) from problem


@router.get("/search/watched")
def show_watched(visit: Here) -> Response:
    """The watched searches with what is new in each: fetched by the page, so that it need not wait for it."""
    with visit.services.store.read() as db:
        watched = watched_searches(db, visit.me.name)[:MOST_ON_PAGE]
    return visit.page("search_watched.html", news=news_of(visit.services, visit.me, watched, visit.now))


@router.get("/search/special")
def show_special(visit: Here) -> Response:
    """The values that are more frequent in these hits than around them; the page of figures has all of it."""
    asked = replace(read_asked(visit), page=1, after=None)
    try:
        request, _ = build_request(visit, asked)
        usual = background_of(request, now=asked.at or visit.now)
        found = significant(the_index(visit), request, usual)[:SHOWN_VALUES] if usual else None
    except (QueryError, SearchUnavailable) as problem:
        raise _refusal(problem) from problem
    by_field = {field.name: name for name, field in PARAMETERS.items()}
    with visit.services.store.read() as db:
        firms = firm_names(db, (str(one.value) for one in found or () if one.field == "enterprises"))
    rows = [
        (
            by_field[one.field],
            value_word(visit.names, by_field[one.field], one.value, firms),
            one,
            asked.with_filter(by_field[one.field], str(one.value)),
        )
        for one in found or ()
    ]
    return visit.page("search_special.html", asked=asked, rows=rows, all=found is None, labels=LABELS)


@router.get("/search/add")
def add_condition(visit: Here, field: str = "", how: str = "is", value: str = "") -> Response:
    """The form for a condition: names are looked up as in a query; leads back to the search with it."""
    asked = read_asked(visit)
    if field not in PARAMETERS or how not in ("is", "not", "any", "none"):
        raise Refused(400, "这个条件不对：请选字段和比较方式。")
    if how in ("any", "none"):
        return redirect(f"/search{asked.with_filter(field, ANY, negative=how == 'none')}")
    if not value.strip():
        raise Refused(400, "缺少条件的值。请填写，或改选“有值”“没有值”。")
    for text in _ids(visit, field, value.strip()[:200]):
        link = asked.with_filter(field, text, negative=how == "not").removeprefix("?")
        asked = read_state(QueryParams(link), visit.now)  # a value that its field cannot hold is refused here
    return redirect(f"/search{asked.link(page=1)}")


def _ids(visit: Visit, name: str, text: str) -> tuple[str, ...]:
    """What a person's word stands for: 电动自行车 is ebike, 橙 is 3, 投诉 is complaint; else the text itself."""
    field = PARAMETERS[name]
    named = visit.services.query_names.resolve(field.name, text)
    if named:
        return named
    if field.words and text in field.words:
        word = field.words[text]
        return (str(word).lower() if field.type is FieldType.BOOLEAN else str(word),)
    return (text,)


@router.post("/search/recent/clear")
def clear_recent(visit: Here, form: Posted) -> Response:
    """Forget what this person asked."""
    with visit.services.store.write() as db:
        forget_recent(db, visit.me.name)
    return redirect("/search")
