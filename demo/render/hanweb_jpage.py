"""Older Hanweb columns: rows stand as CDATA in a datastore script of the page, further pages come from dataproxy.jsp.

Of the proxy's parameters only `page` and `perpage` (at most 100) do anything, as on real sites.
"""

import re
from collections.abc import Sequence
from html import escape

from core.clock import beijing
from demo.render.files import attached
from demo.render.page import (
    Reply,
    Request,
    article_page,
    attachment_links,
    body_html,
    column_page,
    crumbs,
    cut,
    day,
    find,
    minute,
    newest,
    number,
    pages_of,
)
from demo.sources import SampleSource
from demo.story import Item

PROXY = "/module/web/jpage/dataproxy.jsp"
ARTICLE = re.compile(r"/art/\d{4}/\d{1,2}/\d{1,2}/art_\d+_(\d{9})\.html")
FILE = re.compile(r"/module/download/(\d{9})\.(xlsx|pdf)")


def answer(source: SampleSource, items: Sequence[Item], request: Request) -> Reply | None:
    """The column, the proxy's XML, an article or a file; None for anything else."""
    if request.path in (f"/col/{source.channel}/", f"/col/{source.channel}/index.html"):
        return _column(source, items)
    if request.path == PROXY:
        return _proxy(source, items, {**request.query, **request.form})
    if match := ARTICLE.fullmatch(request.path):
        item = find(items, match[1])
        return _article(source, items, item) if item and request.path == _path(source, item) else None
    if match := FILE.fullmatch(request.path):
        return attached(items, match[1], match[2])
    return None


def _path(source: SampleSource, item: Item) -> str:
    first = beijing(item.first_published)
    return f"/art/{first.year}/{first.month}/{first.day}/art_{source.channel.removeprefix('col')}_{item.token}.html"


def _datastore(source: SampleSource, items: Sequence[Item], page: int, size: int) -> str:
    column = source.channel.removeprefix("col")
    records = "\n".join(
        f'<record><![CDATA[<li><a href="{source.root}{_path(source, item)}" title="{escape(item.title)}" '
        f'target="_blank">{escape(item.title)}</a><span class="bt-data-time">{day(item)}</span></li>]]></record>'
        for item in cut(items, page, size)
    )
    following = f"{source.root}{PROXY}?page={page + 1}&amp;appid=1&amp;webid=7&amp;columnid={column}&amp;unitid=49611"
    return (
        f"<datastore>\n<totalrecord>{len(items)}</totalrecord><totalpage>{pages_of(items, size)}</totalpage>\n"
        f'<nextgroup><![CDATA[<a href="{following}"></a>]]></nextgroup>\n'
        f"<recordset>\n{records}\n</recordset>\n</datastore>"
    )


def _column(source: SampleSource, items: Sequence[Item]) -> Reply:
    size = source.page_size
    main = (
        f"{crumbs(source, source.title)}\n"
        f'<div id="49611" class="list" jpage="true" perpage="{size}"><script type="text/xml">'
        f"{_datastore(source, items, 1, size)}</script></div>\n"
        f'<script src="{source.root}/script/jpage.js"></script>'
    )
    return column_page(source, items, main)


def _proxy(source: SampleSource, items: Sequence[Item], asked: dict[str, str]) -> Reply | None:
    if asked.get("columnid", source.channel[3:]) != source.channel.removeprefix("col"):
        return None
    page, size = number(asked.get("page"), 1), number(asked.get("perpage"), source.page_size, most=100)
    xml = f"<?xml version='1.0' encoding='UTF-8'?>\n{_datastore(source, items, page, size)}"
    return Reply(xml.encode(), "text/xml;charset=UTF-8", newest(items))


def _article(source: SampleSource, items: Sequence[Item], item: Item) -> Reply:
    files = attachment_links(item, f"{source.root}/module/download")
    main = (
        f'{crumbs(source, "政务公开", "通知公告")}\n<div class="arc"><p class="arc-title">{escape(item.title)}</p>\n'
        f'<p class="arc-info">发布日期：{minute(item)} 来源：{escape(source.title)} 浏览次数：<span>--</span> '
        f"字体：[大 中 小]</p>\n"
        f'<div id="zoom" class="bt-content"><!--ZJEG_RSS.content.begin-->{body_html(item)}<!--ZJEG_RSS.content.end-->'
        f"{files}</div></div>"
    )
    meta = {"ArticleTitle": item.title, "pubdate": minute(item), "contentsource": source.title}
    return article_page(source, items, item, main, lambda other: f"{source.root}{_path(source, other)}", meta=meta)
