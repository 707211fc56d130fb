"""List pages with a page behind each row: news sites, a portal's board of questions, a forum.

A forum thread keeps the first post and the replies apart; the pack writes replies as `2楼：…` lines.
"""

import re
from collections.abc import Sequence
from html import escape

from core.clock import beijing
from demo.render.files import attached
from demo.render.page import (
    ADVERT,
    ADVERTS,
    Reply,
    Request,
    article_page,
    attachment_links,
    body_html,
    column_page,
    crumbs,
    cut,
    day,
    minute,
    pages_of,
)
from demo.sources import SampleSource
from demo.story import Item, paragraphs

LIST = re.compile(r"/(?:index|list_([2-9]|[1-9]\d+))\.html")
FLOOR = re.compile(r"(\d+楼[^：:]{0,8})[：:](.*)")
FILE = re.compile(r"/files/(\d{9})\.(xlsx|pdf)")


def answer(source: SampleSource, items: Sequence[Item], request: Request) -> Reply | None:
    """A list page (index.html, list_2.html, ...), a page of the list or a file; None for anything else."""
    column = f"/{source.channel}"
    if not request.path.startswith(column):
        return None
    path = request.path[len(column) :]
    if path == "/" or LIST.fullmatch(path):
        match = LIST.fullmatch(path)
        return _list(source, items, int((match and match[1]) or 1))
    if match := FILE.fullmatch(path):
        return attached(items, match[1], match[2])
    item = next((item for item in items if path == _path(source, item)), None)
    return _article(source, items, item) if item else None


def _path(source: SampleSource, item: Item) -> str:
    first = beijing(item.first_published)
    match source.look.style:
        case "paper":
            return f"/{first:%Y-%m/%d}/content_{item.token}.htm"
        case "industry":
            return f"/show-{item.token}.html"
        case "forum":
            return f"/thread-{item.token}-1-1.html"
        case "board":
            return f"/tid/{item.token}"
        case _:
            return f"/{first:%Y%m}/{item.token}.html"


def _list(source: SampleSource, items: Sequence[Item], page: int) -> Reply | None:
    pages = pages_of(items, source.page_size)
    if page > pages:
        return None
    rows = "\n".join(_row(source, item) for item in cut(items, page, source.page_size))
    box = (
        f'<table class="threadlist"><tbody>\n{rows}\n</tbody></table>'
        if source.look.style == "forum"
        else f'<div class="list"><ul class="news-list">\n{rows}\n</ul></div>'
    )
    names = ["index.html", *(f"list_{other}.html" for other in range(2, pages + 1))]
    links = "".join(f'<a href="{source.root}/{source.channel}/{name}">{at}</a>' for at, name in enumerate(names, 1))
    advert = ADVERT.format(n=page, text=ADVERTS[page % len(ADVERTS)])
    main = f'{crumbs(source, source.title)}\n{advert}\n{box}\n<div class="pages">{links}</div>'
    return column_page(source, items, main)


def _row(source: SampleSource, item: Item) -> str:
    link = f"{source.root}/{source.channel}{_path(source, item)}"
    title = escape(item.title)
    match source.look.style:
        case "forum":
            return (
                f'<tr class="thread"><th><a class="subject" href="{link}">{title}</a></th>'
                f'<td class="by"><cite>{escape(item.author or "")}</cite><em>{minute(item)}</em></td>'
                f"<td>{int(item.token) % 89}</td></tr>"
            )
        case "board":
            return (
                f'<li class="msg"><a href="{link}" class="t">{title}</a><i class="from">{escape(item.author or "")}</i>'
                f'<span class="time">{minute(item)}</span></li>'
            )
        case "paper":
            shown = f"{beijing(item.published):%m-%d %H:%M}"
            return f'<li><h3><a href="{link}">{title}</a></h3><p class="meta">{shown}</p></li>'
        case _:
            return f'<li><span class="date">{day(item)}</span><a href="{link}" title="{title}">{title}</a></li>'


def _article(source: SampleSource, items: Sequence[Item], item: Item) -> Reply:
    files = attachment_links(item, f"{source.root}/{source.channel}/files")
    match source.look.style:
        case "forum":
            main = _thread(item)
        case "board":
            main = _question(item)
        case "paper":
            main = _paper(source, item, files)
        case _:
            main = _news(source, item, files)
    main = f"{crumbs(source, source.title, '正文')}\n{main}"
    return article_page(
        source, items, item, main, lambda other: f"{source.root}/{source.channel}{_path(source, other)}"
    )


def _news(source: SampleSource, item: Item, files: str) -> str:
    author = f" 作者：{escape(item.author)}" if item.author else ""
    return (
        f'<div class="article"><h1>{escape(item.title)}</h1>\n<div class="info">时间：{minute(item)} '
        f"来源：{escape(source.title)}{author} 【字体：大 中 小】</div>\n"
        f'<div class="content" id="content">{body_html(item)}{files}</div>\n'
        f'<div class="copyright">责任编辑：示例 | 打印本页 | 返回顶部</div></div>'
    )


def _paper(source: SampleSource, item: Item, files: str) -> str:
    author = f'<span class="author">{escape(item.author)}</span>' if item.author else ""
    return (
        f'<div class="detail"><div class="title"><h1>{escape(item.title)}</h1></div>\n'
        f'<p class="pub">{beijing(item.published):%Y年%m月%d日%H:%M}　{escape(source.title)}　{author}</p>\n'
        f'<div class="text">{body_html(item)}{files}\n{ADVERT.format(n=3, text=ADVERTS[1])}</div></div>'
    )


def _question(item: Item) -> str:
    lines = "".join(f"<p>{escape(line)}</p>" for line in paragraphs(item.text))
    return (
        f'<div class="msg-detail"><h2 class="msg-title">{escape(item.title)}</h2>\n'
        f'<p class="msg-info">留言人：{escape(item.author or "网友")} 时间：{minute(item)} 状态：已受理</p>\n'
        f'<div class="msg-text">{lines}</div></div>'
    )


def _thread(item: Item) -> str:
    posts: list[tuple[str, list[str]]] = [("1楼 楼主", [])]
    for line in paragraphs(item.text):
        if match := FLOOR.fullmatch(line):
            posts.append((match[1], [match[2]]))
        else:
            posts[-1][1].append(line)
    shown = "\n".join(_post(item, floor, lines, place) for place, (floor, lines) in enumerate(posts))
    title = f'<h1 class="ts"><span id="thread_subject">{escape(item.title)}</span></h1>'
    return f'{title}\n<div id="postlist">\n{shown}\n</div>'


def _post(item: Item, floor: str, lines: Sequence[str], place: int) -> str:
    name = escape(item.author or "游客") if place == 0 else f"游客{(int(item.token) + place) % 9973:04d}"
    dated = f'<em class="authorposton">发表于 {minute(item)}</em>' if place == 0 else ""
    text = "".join(f"<p>{escape(line)}</p>" for line in lines)
    return (
        f'<div class="post"><div class="pi"><strong>{escape(floor)}</strong> '
        f'<a class="xw1" href="javascript:;">{name}</a> '
        f'{dated}<img class="avatar" src="/static/avatar.png" alt=""></div>'
        f'<div class="t_f">{text}</div></div>'
    )
