"""Hanweb jpaas columns: an empty column page whose script names the unit, and the gateway that answers with its rows.

As on the real gateway, only the page number inside `paramJson` counts; one outside it is ignored and page 1 repeats.
"""

import json
import re
from collections.abc import Sequence
from html import escape

from core.clock import beijing
from core.ids import digest
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
    json_reply,
    minute,
    number,
    pages_of,
)
from demo.sources import SampleSource
from demo.story import Item

GATEWAY = "/api-gateway/jpaas-publish-server/front/page/build/unit"
TAG = "内容区域"
ARTICLE = re.compile(r"/art/\d{4}/art_([0-9a-f]{32})_(\d{9})\.html")
FILE = re.compile(r"/cms_files/filemanager/(\d{9})\.(xlsx|pdf)")


def unit_ids(source: SampleSource) -> dict[str, str]:
    """webId, tplSetId and pageId of the column: made up, but always the same."""
    return {name: digest(name, source.id)[:32] for name in ("webId", "tplSetId", "pageId")}


def answer(source: SampleSource, items: Sequence[Item], request: Request) -> Reply | None:
    """The column page, the gateway's answer for this column, an article or a file; None for anything else."""
    if request.path == GATEWAY:
        return _unit(source, items, request)
    if request.path in (f"/{source.channel}/", f"/{source.channel}/index.html"):
        return _column(source, items)
    if match := ARTICLE.fullmatch(request.path):
        item = find(items, match[2])
        return _article(source, items, item) if item and request.path == _path(source, item) else None
    if match := FILE.fullmatch(request.path):
        return attached(items, match[1], match[2])
    return None


def _path(source: SampleSource, item: Item) -> str:
    return f"/art/{beijing(item.first_published):%Y}/art_{unit_ids(source)['pageId']}_{item.token}.html"


def _column(source: SampleSource, items: Sequence[Item]) -> Reply:
    ids = unit_ids(source)
    query = (
        "{" + ",".join(f"'{key}':'{value}'" for key, value in {"parseType": "bulidstatic", **ids, "tagId": TAG}.items())
    ) + ",'pageType':'column'}"
    script = f'<script parseType="bulidstatic" url="{GATEWAY}" queryData="{query}" tagId="{TAG}"></script>'
    main = f'{crumbs(source, source.title)}\n<div class="content" id="list">{script}</div>'
    return column_page(source, items, main)


def _unit(source: SampleSource, items: Sequence[Item], request: Request) -> Reply | None:
    asked, ids = request.query, unit_ids(source)
    if asked.get("parseType") != "bulidstatic" or any(asked.get(key) != value for key, value in ids.items()):
        return None
    try:
        wanted = json.loads(asked.get("paramJson") or "{}")
    except ValueError:
        wanted = {}
    page, size = number(str(wanted.get("pageNo", 1)), 1), number(str(wanted.get("pageSize", 20)), 20, most=100)
    rows = "".join(_row(source, item) for item in cut(items, page, size))
    pager = f'<div class="pagination" count="{len(items)}" pageCount="{pages_of(items, size)}" pageNo="{page}"></div>'
    return json_reply({"code": "200", "success": True, "data": {"html": f"<div>{rows}</div>{pager}"}}, items)


def _row(source: SampleSource, item: Item) -> str:
    title = escape(item.title)
    link = f'<a href="{source.root}{_path(source, item)}" title="{title}" target="_blank">{title}</a>'
    if source.look.style == "samr":
        cells = f'<li class="nav04Left02_content">{link}</li><li class="nav04Left02_contenttime">{day(item)}</li>'
        return f"<ul>{cells}</ul>\n"
    return f'<ul class="row"><li class="row-title">{link}</li><li class="row-date">[{day(item)}]</li></ul>\n'


def _article(source: SampleSource, items: Sequence[Item], item: Item) -> Reply:
    body = f"{body_html(item)}{attachment_links(item, f'{source.root}/cms_files/filemanager')}"
    if source.look.style == "samr":
        box = f'<div class="Three_xilan_07" id="zoom"><div class="TRS_Editor">{body}</div></div>'
    else:
        box = f'<div class="main-txt" id="zoom">{body}</div>'
    main = (
        f'{crumbs(source, "新闻", source.title)}\n<div class="Three_xilan_02"><h1>{escape(item.title)}</h1></div>\n'
        f'<ul class="Three_xilan_04"><li>发布时间：{minute(item)}</li><li>信息来源：{escape(source.title)}</li></ul>\n'
        f"{box}\n"
        f'<div class="Three_xilan_09">扫一扫在手机打开当前页</div>'
    )
    meta = {"ArticleTitle": item.title, "PubDate": minute(item), "ContentSource": source.title}
    return article_page(source, items, item, main, lambda other: f"{source.root}{_path(source, other)}", meta=meta)
