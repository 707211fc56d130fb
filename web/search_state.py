"""The state of a search: the address is all of it. Read here for every page that asks what the search page shows.

    q         the query                         from, to  see web/search_time.py
    <field>   a value the field holds; `*` any  not.<field>  a value it does not hold
    off.<...> a condition kept but not in force
    by        order                             page, after, at  which page, and as of when
    syn=0     without synonyms                  like      documents like this one
    since     only what was stored later        cols, view, split, step, open, show  how it is shown

Several values of one field mean any of them; different fields, and all that is left out, count together. Defaults are
not written.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection
from starlette.datastructures import QueryParams

from core.clock import as_utc
from core.durations import parse_duration
from core.errors import SearchUnavailable
from search.backend import DEEPEST_OFFSET, SearchBackend, SearchRequest
from search.fields import FieldType
from search.insight import more_like
from search.query import NO_SYNONYMS, read_query
from search.records import millis
from search.where import Between, Exists, Not, Nothing, Scalar, Where, both
from web.access import Viewer
from web.names import Names, firm_names
from web.search_asked import (
    ANY,
    LABELS,
    LISTED,
    LOOK,
    MOST_COLUMNS,
    MOST_FILTERS,
    OPEN_AT_FIRST,
    PAGE_SIZE,
    PARAMETERS,
    PLAIN,
    SORTS,
    SPLITS,
    STEPS,
    Asked,
    Filter,
)
from web.search_time import EARLIEST, LATEST, read_window
from web.services import Services
from web.visit import Refused, Visit

__all__ = [
    "ANY", "LABELS", "LISTED", "LOOK", "OPEN_AT_FIRST", "PAGE_SIZE", "PARAMETERS", "PLAIN", "SORTS", "SPLITS", "STEPS",
    "Asked", "Filter", "build_request", "firms_of", "read_asked", "read_state", "request_for", "scalar", "the_index",
    "value_word",
]  # fmt: skip


LONGEST_VALUE = 2_000
"""Characters of one condition of an address: a long web address fits."""


def read_asked(visit: Visit) -> Asked:
    """The search of the request's address. Raises Refused for values that do not exist."""
    return read_state(visit.request.query_params, visit.now)


def read_state(params: QueryParams, now: datetime) -> Asked:
    """The search of an address. A page as of a moment (`at`) keeps that moment as its now. Raises Refused."""
    at, since = _moment(params, "at"), _moment(params, "since")
    after = params.get("after", "")
    sort, view = _one_of(params, "by", SORTS), _one_of(params, "view", ("", "table"))
    if after and not (after.isascii() and after.isdigit() and len(after) <= 19 and int(after) < 1 << 63):
        raise Refused(400, "翻页位置 after 不对。请回到第 1 页。")
    if after and sort == "relevance":
        raise Refused(400, "相关在前时不能从 after 接着翻。请改为按时间排列。")
    return Asked(
        text=params.get("q", "")[:2000].strip(),
        window=read_window(params.get("from", "")[:60].strip(), params.get("to", "")[:60].strip(), at or now),
        filters=_filters(params),
        sort=sort,
        page=_page(params.get("page", "1"), deep=bool(after)),
        after=int(after) if after else None,
        at=at,
        synonyms=params.get("syn", "") != "0",
        like=params.get("like", "")[:80].strip(),
        since=since,
        columns=_names(params, "cols")[:MOST_COLUMNS],
        view=view,
        split=_one_of(params, "split", (*SPLITS, "level")).removeprefix("level"),
        step=_one_of(params, "step", STEPS),
        open=_names(params, "open") if params.get("open") else OPEN_AT_FIRST,
        show=params.get("show", "")[:80].strip(),
    )


def _one_of(params: QueryParams, name: str, known: Any) -> str:
    value = params.get(name, "")
    if value not in known:
        raise Refused(400, f"{name}={value[:20]} 不存在。可用：{'、'.join(key for key in known if key)}。")
    return value


def _page(text: str, *, deep: bool) -> int:
    last = 10_000_000 if deep else DEEPEST_OFFSET // PAGE_SIZE
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= last):
        raise Refused(400, f"页码须为 1 至 {last} 的整数；更早的结果请从上一页接着翻，或缩小时间范围。")
    return int(text)


def _moment(params: QueryParams, name: str) -> datetime | None:
    text = params.get(name, "")
    if not text:
        return None
    try:
        moment = as_utc(datetime.fromisoformat(text))
        if not EARLIEST <= moment <= LATEST:
            raise ValueError(text)
        return moment
    except (ValueError, OverflowError):
        raise Refused(400, f"时间 {name}={text[:40]} 看不懂。例：2026-11-23T14:00。") from None


def _names(params: QueryParams, name: str) -> tuple[str, ...]:
    """A list of fields: level,product, or written several times as a form does; `none` is the empty one."""
    written = ",".join(params.getlist(name)).split(",")
    names = tuple(dict.fromkeys(each for each in written if each and each != "none"))
    for each in names:
        _known(name, each)
    return names


def _known(where: str, name: str) -> None:
    if name not in PARAMETERS:
        raise Refused(400, f"地址中的 {where} 没有 {name[:40]} 这个字段。可用：{'、'.join(PARAMETERS)}。")


def _filters(params: QueryParams) -> tuple[Filter, ...]:
    """The conditions, each once, in the order of the address."""
    found: dict[Filter, None] = {}
    for key, value in params.multi_items():
        rest = key.removeprefix("off.")
        name = rest.removeprefix("not.")
        if name != key:
            _known(key.removesuffix(name), name)
        if name in PARAMETERS and value.strip():
            if len(value) > LONGEST_VALUE:
                raise Refused(400, f"{LABELS[name]}的条件最长 {LONGEST_VALUE} 个字符。请改短，或写成检索语句。")
            each = Filter(name, value.strip(), negative=name != rest, off=rest != key)
            found[replace(each, value=str(_value(name, each.value)))] = None
    if len(found) > MOST_FILTERS:
        raise Refused(400, f"条件最多 {MOST_FILTERS} 个。请去掉一些，或写成检索语句。")
    return tuple(found)


def _value(name: str, text: str) -> str:
    """The value in its one form. Raises Refused for one that the field cannot hold."""
    field = PARAMETERS[name]
    if text == ANY:
        return text
    if field.type in PLAIN:
        raise Refused(
            400,
            f"{LABELS[name]}作条件只能问有没有：{name}=*。具体内容请写在检索语句里，如 {field.label}:{field.example}。",
        )
    try:
        match field.type:
            case FieldType.INTEGER:
                number = int(text)
                if number not in (range(5) if name == "level" else WHOLE):
                    raise ValueError(text)
                return str(number)
            case FieldType.NUMBER:
                if not math.isfinite(float(text)):
                    raise ValueError(text)
                return f"{float(text):g}"
            case FieldType.BOOLEAN:
                return {"true": "true", "false": "false"}[text.lower()]
    except (ValueError, KeyError):
        accepted = "0 至 4" if name == "level" else {"boolean": "true 或 false"}.get(field.type, "数")
        raise Refused(400, f"{LABELS[name]} {name}={text[:40]} 不对，须为{accepted}。") from None
    return text


WHOLE = range(-(1 << 31), 1 << 31)
"""Numbers that every engine holds."""


def scalar(name: str, text: str) -> Scalar:
    """The value of a condition as the index holds it."""
    match PARAMETERS[name].type:
        case FieldType.INTEGER:
            return int(text)
        case FieldType.NUMBER:
            return float(text)
        case FieldType.BOOLEAN:
            return text == "true"
        case _:
            return text


def build_request(visit: Visit, asked: Asked) -> tuple[SearchRequest, tuple[str, ...]]:
    """What the index is asked, cut to the viewer's territory, and what the query's reader remarked.

    Raises QueryError, and SearchUnavailable where `like` needs the index.
    """
    return request_for(visit.services, visit.me, asked, visit.now)


def request_for(
    services: Services, viewer: Viewer, asked: Asked, now: datetime
) -> tuple[SearchRequest, tuple[str, ...]]:
    """As build_request, without a request of a browser (feeds)."""
    others = services.synonyms if asked.synonyms else NO_SYNONYMS
    query = read_query(asked.text, names=services.query_names, now=asked.at or now, synonyms=others)
    alike, remarks = _alike(services, viewer, asked)
    request = SearchRequest(
        where=both([query.where, *_existing(asked), *alike, *_newer(asked)]),
        from_=asked.window.start,
        to=asked.window.end,
        filters=_values(asked, negative=False),
        without=_values(asked, negative=True),
        known_at=asked.at,
        territory=_cut(viewer),
        size=PAGE_SIZE,
        offset=0 if asked.after is not None else (asked.page - 1) * PAGE_SIZE,
        after=asked.after,
        sort=SORTS[asked.sort][1],
        split=asked.split or "level",
        width=bar_width(asked),
    )
    return request, (*query.warnings, *remarks)


def bar_width(asked: Asked) -> timedelta | None:
    """The width of the bars that was chosen."""
    return parse_duration(asked.step) if asked.step else None


def _values(asked: Asked, *, negative: bool) -> dict[str, tuple[Scalar, ...]]:
    found: dict[str, tuple[Scalar, ...]] = {}
    for each in asked.active:
        if each.negative is negative and each.value != ANY:
            field = PARAMETERS[each.name].name
            found[field] = (*found.get(field, ()), scalar(each.name, each.value))
    return found


def _existing(asked: Asked) -> list[Where]:
    wanted = [(each, Exists(PARAMETERS[each.name].name)) for each in asked.active if each.value == ANY]
    return [Not(exists) if each.negative else exists for each, exists in wanted]


def _newer(asked: Asked) -> list[Where]:
    return [Between("stored_at", low=millis(asked.since), with_low=False)] if asked.since else []


def _alike(services: Services, viewer: Viewer, asked: Asked) -> tuple[list[Where], tuple[str, ...]]:
    """What documents like `like` hold, and what to say of it."""
    if not asked.like:
        return [], ()
    if services.search is None or services.segmenter is None:
        raise SearchUnavailable("没有配置检索索引")
    found = more_like(services.search, asked.like, words=services.segmenter, territory=_cut(viewer))
    if found is None:
        return [Nothing()], (f"检索索引中没有文档 {asked.like}，或不在您的属地之内，找不出相似的文档",)
    if not found.words:
        return [Nothing()], (f"文档 {asked.like} 的用词在别处都没有，找不出相似的文档",)
    return [found.where], (f"相似：含“{'、'.join(found.words)}”中至少 {found.shared} 个词，转载不列",)


def _cut(viewer: Viewer) -> str | None:
    return None if viewer.everywhere else viewer.user.territory


def the_index(visit: Visit) -> SearchBackend:
    """The search backend. Raises SearchUnavailable when there is none."""
    if visit.services.search is None:
        raise SearchUnavailable("没有配置检索索引")
    return visit.services.search


def value_word(names: Names, name: str, value: Scalar, firms: Mapping[str, str]) -> str:
    """The value of a field as people say it. firms: web.names.firm_names of the firms that may come."""
    text = str(value)
    if text == ANY:
        return "有值"
    if name == "level":
        return names.level(int(text)) if int(text) else "未达预警"
    if isinstance(value, bool) or PARAMETERS[name].type is FieldType.BOOLEAN:
        return "是" if text.lower() == "true" else "否"
    if name in WORDS:
        return WORDS[name].get(text, text)
    giver: Mapping[str, Callable[[str], str]] = {
        "product": names.product, "territory": names.region, "region": names.region, "issue": names.issue,
        "source": names.source, "kind": names.kind, "firm": lambda firm: firms.get(firm, firm),
    }  # fmt: skip
    return giver[name](text) if name in giver else text


WORDS: Mapping[str, Mapping[str, str]] = {
    "stance": {"none": "无", "denial": "当事方否认", "refutation": "辟谣", "apology": "致歉"},
    "tier": {"1": "一级", "2": "二级", "3": "三级", "4": "四级"},
    "flag": {
        "date_guessed": "日期按入库推定",
        "given_id": "编号由来源给定",
        "body_image": "正文是图片",
        "body_attachment": "正文在附件里",
        "body_table": "正文是表格",
        "file_unread": "有附件未读",
    },
}
"""Words of values that have no table of their own."""


def firms_of(db: Connection, asked: Asked) -> dict[str, str]:
    """Names of the firms among the conditions."""
    return firm_names(db, (each.value for each in asked.filters if each.name == "firm" and each.value != ANY))
