"""Addresses that answer data instead of a page: hot lists, JSON records, XML records."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from crawlers.dates import read_date
from crawlers.pick import json_of
from crawlers.sniff.draft import expectation
from crawlers.sniff.fetch import Fetch, Fetched, NotFetched
from crawlers.sniff.json_shape import HotShape, RecordShape, hot_shape, identities, record_shape
from crawlers.sniff.lists import PAGES
from crawlers.sniff.paging import PAGE_KEYS
from crawlers.sniff.xml_shape import XmlIndexShape, XmlShape, xml_index, xml_shape
from crawlers.urls import absolute_url

JSON_START = re.compile(r"[\[{]|\"\s*[\[{]")
JSONP = re.compile(r"^[\w.$]{1,80}\s*\(\s*[\[{\"]")
OFFSET_KEYS = ("offset", "start", "skip", "from", "startindex", "first")
SIZE_KEYS = ("limit", "count", "size", "pagesize", "perpage", "rows", "num", "per_page", "page_size")
SINCE_KEYS = re.compile(r"start|since|from|begin|after|min", re.IGNORECASE)
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
HOT_PAGE = "<!--s-data:"


def looks_like_json(page: Fetched) -> bool:
    """JSON, JSONP, or a page with the JSON of a hot list inside."""
    text = page.text.lstrip("\ufeff \r\n\t")
    return JSON_START.match(text) is not None or JSONP.match(text) is not None or HOT_PAGE in text[:2_000_000]


def looks_like_xml(page: Fetched) -> bool:
    """XML that is no page."""
    start = page.text.lstrip("\ufeff \r\n\t")[:600].lower()
    is_page = "<html" in start or "<!doctype html" in start or "html" in page.content_type.lower()
    return not is_page and (start.startswith("<?xml") or "xml" in page.content_type.lower())


@dataclass(frozen=True)
class Answers:
    """Makes keys of a source file out of an answer. The last step told says why there are none."""

    ask: Fetch
    tell: Callable[[str], None]
    now: datetime

    async def keys_of(self, page: Fetched) -> dict[str, Any] | None:
        """Keys for hotlist, json_api or xml_report; None when the answer is none of them."""
        if not looks_like_json(page):
            return await self._xml(page)
        hot = hot_shape(page.text)
        if hot is not None:
            return self._hot(page, hot)
        try:
            answer = json_of(page.text)
        except (ValueError, RecursionError) as error:
            self.tell(f"{page.url} 像 JSON，但读不了：{error}")
            return None
        shape = record_shape(answer, now=self.now)
        if shape is None:
            names = "、".join(list(answer)[:12]) if isinstance(answer, Mapping) else type(answer).__name__
            self.tell(f"{page.url} 是 JSON，但没有带标题的记录列表；最外层是：{names}")
            return None
        where = shape.items or "最外层"
        self.tell(f"JSON：{where} 下 {shape.count} 条记录，{shape.dated:.0%} 有日期；取 {_told(shape.map)}")
        keys = {"family": "json_api", "list_url": page.url, "items": shape.items, "map": shape.map}
        going_on = await self._going_on(page, shape)
        return {**keys, **going_on, "titles": shape.titles, "expect": expectation(shape.count, shape.newest, self.now)}

    def _hot(self, page: Fetched, hot: HotShape) -> dict[str, Any]:
        self.tell(f"热榜：{hot.shape} 的形状，{hot.lines} 条")
        return {
            "family": "hotlist", "list_url": page.url, "shape": hot.shape, "platform": hot.platform, "kind": "hotlist",
            "title": f"热榜 {hot.platform}", "expect": {"min_items": max(1, hot.lines // 3)},
        }  # fmt: skip

    async def _xml(self, page: Fetched) -> dict[str, Any] | None:
        shape, index = xml_shape(page.body, now=self.now), xml_index(page.body, now=self.now)
        keys: dict[str, Any] = {"family": "xml_report", "list_url": page.url}
        if index is not None and (isinstance(shape, str) or "text" not in shape.records.map):
            inner = await self._behind_index(page, index)
            if inner is not None:
                keys["index"] = {
                    "item": index.element,
                    "url": index.url,
                    **({"date": index.date} if index.date else {}),
                }
                shape = inner
        if isinstance(shape, str):
            self.tell(f"{page.url}：{shape}")
            return None
        found = shape.records
        self.tell(f"XML：{found.count} 个 {shape.element} 元素，{found.dated:.0%} 有日期；取 {_told(found.map)}")
        return {
            **keys, "items": shape.element, "map": found.map, "titles": found.titles,
            "day_first": shape.day_first or (index is not None and index.day_first),
            "expect": expectation(found.count, found.newest, self.now),
        }  # fmt: skip

    async def _behind_index(self, page: Fetched, index: XmlIndexShape) -> XmlShape | None:
        """The shape of the first report that an index names."""
        address = absolute_url(page.url, index.urls[0])
        try:
            answer = await self.ask(address or "", referer=page.url)
        except NotFetched as error:
            self.tell(f"像是报告的目录（{index.element}），但 {address} 取不到：{error}")
            return None
        shape = xml_shape(answer.body, now=self.now, least=1) if looks_like_xml(answer) else "不是 XML"
        if isinstance(shape, str):
            self.tell(f"像是报告的目录（{index.element}），但 {address} {shape}")
            return None
        self.tell(f"是报告的目录：{len(index.urls)} 个 {index.element}，读了 {address}")
        return shape

    async def _going_on(self, page: Fetched, shape: RecordShape) -> dict[str, Any]:
        """How page 2 is asked for, once it was and had other records; and the day from which to ask on."""
        pairs = parse_qsl(urlsplit(page.url).query, keep_blank_values=True)
        keys = self._since(page.url, pairs)
        page_key = next((name for name, value in pairs if name.lower() in PAGE_KEYS and value.isdecimal()), None)
        offset_key = next((name for name, value in pairs if name.lower() in OFFSET_KEYS and value.isdecimal()), None)
        if page_key is None and offset_key is None:
            self.tell("地址里没有页码或偏移参数，只取这一次的回答")
            return keys
        key = page_key or offset_key or ""
        start = int(dict(pairs)[key])
        told = next(
            (int(v) for name, v in pairs if name.lower() in SIZE_KEYS and v.isdecimal() and int(v)), shape.count
        )
        step = 1 if page_key else told
        if not await self._is_another(page.url, pairs, key, start + step, shape):
            return keys
        by = "page" if page_key else "offset"
        pager = {"by": by, "start": start, **({} if page_key else {"size": told})}
        where = keys.get("list_url", page.url)
        return {**keys, "list_url": _with(where, key, f"{{{by}}}"), "pager": pager, "pages": PAGES}

    async def _is_another(
        self, url: str, pairs: list[tuple[str, str]], key: str, value: int, shape: RecordShape
    ) -> bool:
        asked = _with(url, key, str(value))
        try:
            answer = json_of((await self.ask(asked)).text)
        except (NotFetched, ValueError, RecursionError) as error:
            self.tell(f"第 2 页试 {key}={value}：{error}")
            return False
        other = identities(answer, shape.items, shape.map)
        fresh = other - shape.identities
        self.tell(f"第 2 页试 {key}={value}：{f'{len(fresh)} 条新记录，采用' if fresh else '没有新记录，不翻页'}")
        return bool(fresh)

    def _since(self, url: str, pairs: list[tuple[str, str]]) -> dict[str, Any]:
        """A day in the address from which records are wanted becomes a running one."""
        for name, value in pairs:
            day = read_date(value, now=self.now) if SINCE_KEYS.search(name) and DAY.fullmatch(value) else None
            if day is not None:
                span = max(1, (self.now - day) // timedelta(days=1))
                self.tell(f"地址里的起始日 {name}={value} 换成「{span} 天前」")
                return {"list_url": _with(url, name, "{since}"), "since": f"{span}d"}
        return {}


def _with(url: str, key: str, value: str) -> str:
    """`url` with the query's `key` set to `value`, which may be a placeholder."""
    parts = urlsplit(url)
    pairs = [(name, value if name == key else old) for name, old in parse_qsl(parts.query, keep_blank_values=True)]
    return urlunsplit(parts._replace(query=urlencode(pairs, safe="{}")))


def _told(fields: Mapping[str, Any]) -> str:
    return "，".join(f"{name}={json.dumps(path, ensure_ascii=False)}" for name, path in fields.items())
