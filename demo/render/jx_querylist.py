"""Jiangxi's provincial platform: POST <root>/queryList answers whole texts; a GET there is a 404.

The column page itself is a shell that a script fills. urls, images and articleFiles are JSON inside JSON strings.
"""

import json
import re
from collections.abc import Sequence
from html import escape
from typing import Any

from demo.render.files import attached
from demo.render.page import (
    Reply,
    Request,
    article_page,
    body_html,
    column_page,
    crumbs,
    cut,
    find,
    json_reply,
    minute,
    number,
    seconds,
)
from demo.sources import SampleSource
from demo.story import Item

SITE = "jxsscjdglj"
UNIT = "368486"
ARTICLE = re.compile(r"/\w+/col/(\w+)/content/content_(\d{9})\.html")
FILE = re.compile(r"/\w+/uploadfile/(\w+)/(\d{9})\.(xlsx|pdf)")


def answer(source: SampleSource, items: Sequence[Item], request: Request) -> Reply | None:
    """The column, the list answer, an article or a file of this column; None for anything else."""
    if request.path == "/queryList":
        return _query(source, items, request)
    if request.path in (f"/{SITE}/{source.channel}/", f"/{SITE}/{source.channel}/index.html"):
        return _column(source, items)
    if (match := ARTICLE.fullmatch(request.path)) and match[1] == source.channel:
        item = find(items, match[2])
        return _article(source, items, item) if item else None
    if (match := FILE.fullmatch(request.path)) and match[1] == source.channel:
        return attached(items, match[2], match[3])
    return None


def _path(source: SampleSource, item: Item) -> str:
    return f"{source.root}/{SITE}/col/{source.channel}/content/content_{item.token}.html"


def _query(source: SampleSource, items: Sequence[Item], request: Request) -> Reply | None:
    asked = request.form
    code = asked.get("channelCode") or asked.get("channelCode[]")
    if request.method != "POST" or code != source.channel:
        return None
    page, size = number(asked.get("current"), 1), number(asked.get("perPage") or asked.get("pageSize"), 20, most=100)
    results = [{"source": _record(source, item)} for item in cut(items, page, size)]
    return json_reply({"code": 200, "msg": "ok", "data": {"total": len(items), "results": results}}, items)


def _record(source: SampleSource, item: Item) -> dict[str, Any]:
    files = [
        {
            "fileName": f"{item.title}.{kind}",
            "domainName": "",
            "filePath": f"{source.root}/{SITE}/uploadfile/{source.channel}/{item.token}.{kind}",
        }
        for kind in item.attachments
    ]
    return {
        "id": item.token,
        "title": item.title,
        "pubDate": seconds(item),
        "content": body_html(item),
        "urls": json.dumps({"pc": _path(source, item), "wap": ""}),
        "images": "[]",
        "articleFiles": json.dumps(files, ensure_ascii=False),
        "channelName": source.title.split()[-1],
        "isTop": "0",
    }


def _column(source: SampleSource, items: Sequence[Item]) -> Reply:
    main = (
        f"{crumbs(source, *source.title.split())}\n"
        f'<div class="list-box" id="list"></div><div id="pagination"></div>\n'
        f"<script>var unitid = '{UNIT}', webSiteCode = 'amr', channelCode = '{source.channel}', perPage = 20;"
        f"$.post('{source.root}/queryList', {{current: 1, unitid: unitid, 'webSiteCode': webSiteCode, "
        f"'channelCode': channelCode, perPage: perPage}}, render);</script>"
    )
    return column_page(source, items, main)


def _article(source: SampleSource, items: Sequence[Item], item: Item) -> Reply:
    main = (
        f"{crumbs(source, *source.title.split())}\n"
        f'<div class="detail"><h1 class="detail-title">{escape(item.title)}</h1>\n'
        f'<div class="detail-info">发布时间：{minute(item)} 来源：{escape(source.title.split()[0])}</div>\n'
        f'<div class="detail-content">{body_html(item)}</div></div>'
    )
    meta = {"ArticleTitle": item.title, "PubDate": minute(item)}
    return article_page(source, items, item, main, lambda other: _path(source, other), meta=meta)
