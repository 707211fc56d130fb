"""Requests and replies of the demo site, and the furniture around its pages: menus, related links, adverts, footers."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from typing import Any

from core.clock import beijing
from core.records import Table
from demo.sources import SampleSource
from demo.story import Item, paragraphs

ADVERT = (
    '<div class="ad-slot" id="ad-{n}"><span class="ad-tag">广告</span>'
    '<a href="javascript:void(0)" rel="nofollow">{text}</a></div>'
)
ADVERTS = (
    "家装节：整屋水电套餐限时立减，先装后付",
    "以旧换新：旧车旧电池最高抵八百元",
    "冬季取暖好物专场 满三百减四十",
    "官方客户端上线 下载领十元话费",
)
SCRIPT = (
    "<script>var _stat=_stat||[];(function(){var s=document.createElement('script');"
    "s.async=true;s.src='/static/stat.js';document.body.appendChild(s);})();</script>"
)


@dataclass(frozen=True)
class Request:
    """What a renderer may know of a request. path: below the site's own root, `/` in front. base: http://host:port."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    base: str = ""


@dataclass(frozen=True)
class Reply:
    """A 200 answer. modified: newest change of what is shown, aware UTC."""

    body: bytes
    content_type: str
    modified: datetime | None = None


def number(text: str | None, default: int, *, most: int = 10_000) -> int:
    """A page number or size from a query, within 1..most; anything else is `default`."""
    return min(max(int(text), 1), most) if text is not None and text.isdigit() else default


def cut(items: Sequence[Item], page: int, size: int) -> Sequence[Item]:
    """Page `page` (from 1) of the items; empty behind the last one."""
    return items[(page - 1) * size : page * size]


def pages_of(items: Sequence[Item], size: int) -> int:
    """How many pages the list has, at least one."""
    return max(1, -(-len(items) // size))


def newest(items: Sequence[Item]) -> datetime | None:
    """When the newest of the items was published or changed."""
    return max((item.published for item in items), default=None)


def find(items: Sequence[Item], token: str) -> Item | None:
    """The item at `token`, or None."""
    return next((item for item in items if item.token == token), None)


def json_reply(value: Any, items: Sequence[Item], *, content_type: str = "application/json;charset=utf-8") -> Reply:
    """`value` as JSON, dated by the newest item."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Reply(body, content_type, newest(items))


def html_reply(source: SampleSource, text: str, items: Sequence[Item]) -> Reply:
    """A page in the source's encoding; whether the header tells it, and by which name, is the site's habit."""
    charset = f"; charset={source.look.declared}" if source.look.header_charset else ""
    return Reply(text.encode(source.charset, "xmlcharrefreplace"), f"text/html{charset}", newest(items))


def day(item: Item) -> str:
    """`2026-11-23`, Beijing."""
    return f"{beijing(item.published):%Y-%m-%d}"


def minute(item: Item) -> str:
    """`2026-11-23 07:40`, Beijing."""
    return f"{beijing(item.published):%Y-%m-%d %H:%M}"


def seconds(item: Item) -> str:
    """`2026-11-23 07:40:00`, Beijing."""
    return f"{beijing(item.published):%Y-%m-%d %H:%M:%S}"


def body_html(item: Item) -> str:
    """Paragraphs and tables of an item."""
    return "\n".join([*(f"<p>{escape(line)}</p>" for line in paragraphs(item.text)), *map(table_html, item.tables)])


def table_html(table: Table) -> str:
    """A table as editors paste it: no thead, the header is the first row."""
    rows = "".join("<tr>" + "".join(f"<td><p>{escape(cell)}</p></td>" for cell in row) + "</tr>\n" for row in table)
    return f'<div class="table"><table border="1" cellspacing="0" cellpadding="0">\n{rows}</table></div>'


def document(source: SampleSource, *, title: str, main: str, meta: Mapping[str, str] | None = None) -> str:
    """A whole HTML page: head, menu, `main`, side column, footer."""
    look = source.look
    metas = "".join(
        f'<meta name="{escape(name)}" content="{escape(content)}">\n' for name, content in (meta or {}).items()
    )
    menu = "".join(f'<li><a href="{source.root}/">{escape(entry)}</a></li>' for entry in look.nav)
    return (
        f'<!DOCTYPE html>\n<html lang="zh-CN">\n<head>\n<meta charset="{look.declared}">\n'
        f"<title>{escape(title)}-{escape(source.title)}</title>\n{metas}"
        f'<link rel="stylesheet" href="/static/site.css">\n</head>\n<body>\n'
        f'<div class="top"><a href="javascript:;">设为首页</a> | <a href="javascript:;">加入收藏</a>'
        f'<form class="search"><input name="q" placeholder="请输入关键词"><button>搜索</button></form></div>\n'
        f'<div class="header"><h2 class="logo">{escape(source.title)}</h2><ul class="menu">{menu}</ul></div>\n'
        f'<div class="wrap">\n{main}\n</div>\n'
        f'<div class="footer"><p>{escape(look.footer)}</p><p>备案号：示例备00000000号</p></div>\n'
        f"{SCRIPT}\n</body>\n</html>\n"
    )


def crumbs(source: SampleSource, *names: str) -> str:
    """`首页 > 政务公开 > 通知公告`."""
    path = "".join(f" &gt; {escape(name)}" for name in names)
    return f'<div class="crumb">当前位置：<a href="{source.root}/">首页</a>{path}</div>'


def side(item: Item, items: Sequence[Item], path: Callable[[Item], str]) -> str:
    """Related links (the four texts before this one, so that an old page never changes) and an advert."""
    earlier = [other for other in items if other.first_published < item.first_published][:4]
    links = "".join(
        f'<li><a href="{path(other)}" title="{escape(other.title)}">{escape(other.title)}</a></li>' for other in earlier
    )
    advert = ADVERT.format(n=int(item.token) % 7, text=ADVERTS[int(item.token) % len(ADVERTS)])
    return f'<div class="side"><div class="related"><h3>相关阅读</h3><ul>{links}</ul></div>\n{advert}</div>'


def attachment_links(item: Item, folder: str) -> str:
    """Links to the files of an item, below `folder`."""
    links = (
        f'<p><a href="{folder}/{item.token}.{kind}" target="_blank">附件：{escape(item.title)}.{kind}</a></p>'
        for kind in item.attachments
    )
    return "".join(links)


def column_page(source: SampleSource, items: Sequence[Item], main: str) -> Reply:
    """The page of a column, dated by the newest of its items."""
    return html_reply(source, document(source, title=source.title, main=main), items)


def article_page(
    source: SampleSource,
    items: Sequence[Item],
    item: Item,
    main: str,
    path: Callable[[Item], str],
    *,
    meta: Mapping[str, str] | None = None,
) -> Reply:
    """The page of an item, with the column's other texts at its side. path: of an item, from the host's root."""
    text = document(source, title=item.title, main=f"{main}\n{side(item, items, path)}", meta=meta)
    return html_reply(source, text, [item])


def landing(source: SampleSource, items: Sequence[Item], item: Item, path: Callable[[Item], str]) -> Reply:
    """The page behind an entry of a feed or a record of an API: where readers land. path: as `article_page`."""
    author = f'<span class="author">{escape(item.author)}</span>' if item.author else ""
    main = (
        f'{crumbs(source, source.title, "正文")}\n<article class="post"><h1>{escape(item.title)}</h1>\n'
        f'<p class="meta"><time datetime="{beijing(item.published).isoformat()}">{minute(item)}</time> {author}</p>\n'
        f'<div class="post-body">{body_html(item)}</div>\n{ADVERT.format(n=5, text=ADVERTS[2])}</article>'
    )
    return article_page(source, items, item, main, path)
