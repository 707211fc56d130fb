"""TRS columns: index.html, then index_1.html which is page 2; articles `./202611/t20261123_<seq>.html`.

The editor's div stands inside another one of the same class, as it does on real sites.
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
    pages_of,
)
from demo.sources import SampleSource
from demo.story import Item

LIST = re.compile(r"/(?:index(?:_([1-9]\d*))?\.html)?")
ARTICLE = re.compile(r"/\d{6}/t\d{8}_(\d{9})\.html")
FILE = re.compile(r"/files/(\d{9})\.(xlsx|pdf)")


def answer(source: SampleSource, items: Sequence[Item], request: Request) -> Reply | None:
    """A list page, an article or a file of the column; None for anything else."""
    column = f"/{source.channel}"
    if not request.path.startswith(column):
        return None
    path = request.path[len(column) :]
    if match := LIST.fullmatch(path):
        return _list(source, items, int(match[1] or 0) + 1)
    if match := ARTICLE.fullmatch(path):
        item = find(items, match[1])
        return _article(source, items, item) if item and path == _path(item) else None
    if match := FILE.fullmatch(path):
        return attached(items, match[1], match[2])
    return None


def _path(item: Item) -> str:
    first = beijing(item.first_published)
    return f"/{first:%Y%m}/t{first:%Y%m%d}_{item.token}.html"


def _list(source: SampleSource, items: Sequence[Item], page: int) -> Reply | None:
    pages = pages_of(items, source.page_size)
    if page > pages:
        return None
    recall = source.look.style == "recall"
    rows = "\n".join(
        f'<li><a href=".{_path(item)}" title="{escape(item.title)}" target="_blank">{escape(item.title)}</a>'
        f"<span>{day(item)}</span></li>"
        for item in cut(items, page, source.page_size)
    )
    box = f'<div class="boxl_ul"><ul>\n{rows}\n</ul></div>' if recall else f'<ul class="list_con">\n{rows}\n</ul>'
    pager = (
        f'<div class="page"><script>var currentPage = {page - 1};var countPage = {pages};'
        f'createPageHTML(countPage, currentPage, "index", "html");</script></div>'
    )
    main = f"{crumbs(source, source.title)}\n{box}\n{pager}"
    return column_page(source, items, main)


def _article(source: SampleSource, items: Sequence[Item], item: Item) -> Reply:
    files = attachment_links(item, f"{source.root}/{source.channel}/files")
    if source.look.style == "recall":
        main = (
            f'{crumbs(source, "消费品召回", "国内召回")}\n<div class="show_tit"><h1>{escape(item.title)}</h1></div>\n'
            f'<div class="show_tit2">发布时间：{minute(item)}　字号：【大】【中】【小】</div>\n'
            f'<div class="show_txt">{body_html(item)}{files}</div>'
        )
    else:
        main = (
            f'{crumbs(source, "政务公开", "公示公告")}\n<div class="article"><h1>{escape(item.title)}</h1>\n'
            f'<div class="info"><span>发布时间：{minute(item)}</span><span>来源：{escape(source.title)}</span>'
            f'<span>访问量：<em id="hits">--</em></span></div>\n'
            f'<div class="TRS_Editor"><div class="TRS_Editor">{body_html(item)}</div></div>{files}\n'
            '<div class="share">分享到： <a href="javascript:;">打印</a> <a href="javascript:;">关闭</a></div></div>'
        )
    meta = {"ArticleTitle": item.title, "PubDate": minute(item), "ContentSource": source.title}
    return article_page(
        source, items, item, main, lambda other: f"{source.root}/{source.channel}{_path(other)}", meta=meta
    )
