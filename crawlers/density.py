"""The body of an article: the smallest box that holds most of the page's prose.

Prose is text outside links, with the punctuation of sentences. Each block of it counts for all boxes around it; from
<body> the walk goes down as long as one child holds nearly all. Figures: benchmarks/extraction.py.
"""

import re
from dataclasses import dataclass

from selectolax.lexbor import LexborNode

from core.records import Table
from crawlers.crowd import CONTACT, FOOT, leave_out, leave_out_inserted, prose, weigh
from crawlers.markup import CELLS, MAX_TABLES, expand_table, is_data_table, tables_of
from crawlers.page import Box, Line, Page, is_list_of_links, read_page
from crawlers.strip import LABEL_BEGIN, TOOLS, WAY, is_strip

MOST = 0.7
"""Share of a box's prose that a child must hold for the walk to go on into it."""
BEFORE = 0.15
"""Weight of prose above the title: a column at the left, a list of news."""
LEAST = 12
"""Prose below which a page has no text: what little there is stands in menus and footers."""
CREDIT = re.compile(
    r"^[\s\[【（(]*(?:原标题|责任编辑|责编|编辑|文章录入|录入|审核|校对|监制|本文来源|来源|文章来源|声明|免责声明|版权声明|特别声明|转载请注明|分享到|打印本页|打印|关闭窗口|关闭|返回顶部|"
    r"上一[篇条页]|下一[篇条页]|上一篇文章|下一篇文章|相关阅读|相关新闻|相关链接|延伸阅读|推荐阅读|热门推荐|相关推荐|相关报道|扫一扫|扫码|字号|点击进入专题|更多精彩|关键词|文章关键词|标签|用微信扫码\w*|分享至\w*|举报)\s*(?:[:：】\])）丨|/]|\d|$)"
)
ENDING = re.compile(
    r"[\s—–\-=·.…【\[（(]*(?:END|完|正文完|本文完|全文完|T\s?H\s?E\s+E\s?N\s?D)[\s—–\-=·.…】\])）]*", re.IGNORECASE
)
FILES = re.compile(r"\.(?:xlsx?|xlsm|xlsb|csv|docx?|wps|et|ods|rtf|pdf|zip|rar|7z|ofd)(?:$|[?#&])", re.IGNORECASE)
EMPTY_LABEL = re.compile(r"附件\s*\d{0,2}\s*[:：.、]?")
CREDIT_LENGTH = 60
TAIL = re.compile(
    r"^(?:(?:相关阅读|相关新闻|相关报道|相关推荐|推荐阅读|热门推荐|延伸阅读|相关链接|猜你喜欢|精彩推荐|小编最近文章|大家都在看)\s*[:：]?$"
    r"|我要评论|全部评论|网友评论|热门评论|参与评论|用微信扫码|分享至好友|加载更多)"
)
SIGNED = re.compile(r"^[\s\[【（(]*(?:责任编辑|责编)\s*[:：]")
"""With it the article ends, unless long sentences follow."""
TAIL_AFTER = 120
"""Characters of text that must stand before such a line for the rest to be cut."""


@dataclass(frozen=True)
class Body:
    """text: a line a paragraph, without the cells of data tables, which stand in `tables`.  node: where it was.

    first, last: the lines of the page where its prose begins and where it ends.
    """

    text: str
    tables: tuple[Table, ...] = ()
    node: LexborNode | None = None
    first: int = 0
    last: int = 0


def find_box(page: Page, anchor: int | None = None) -> Box | None:
    """The box of the article; None where there is no prose but in menus, links and footers.

    anchor: the line that is surely the title: what stands above it is hardly the article.
    """
    leave_out(page, anchor)
    best = weigh(page, anchor, BEFORE)
    if page.top.score < LEAST:
        return None
    box = _descend(page.top, best)
    lines = page.lines[box.start : box.end]
    return box if any(prose(line) and not is_strip(line.text) for line in lines) else None


def first_prose(page: Page, box: Box, title: int | None) -> int:
    """The line where sentences begin, below the title where that is in the box; where none do, that of a table."""
    start = box.start if title is None or not box.start <= title < box.end else title + 1
    for at in range(start, box.end):
        line = page.lines[at]
        told = prose(line) >= 20 or (len(line.text) >= 40 and not line.block.out)
        if told and not is_list_of_links(line.block) and not is_strip(line.text):
            return at
    tables = (inner.start for inner in page.boxes.values() if inner.tag == "table" and start <= inner.start < box.end)
    return next(tables, box.end)


def read_body(page: Page, box: Box, title: int | None) -> Body:
    """The text of a box, without the title, the strip under it and the tools under the text."""
    first = first_prose(page, box, title)
    told = (at for at in range(box.start, box.end) if prose(page.lines[at]) and not is_strip(page.lines[at].text))
    last = max(told, default=first)
    head = [at for at in range(box.start, first) if _is_head(page.lines[at], at, title)]
    tail = [at for at in range(last + 1, box.end) if _is_foot(page.lines[at])]
    text = clean_lines(_joined(page, box, head + tail))
    return Body(text, tables_of(box.node), box.node, first, last)


def facts_below(page: Page, title: int | None, first: int) -> Body:
    """A page without prose may say its matter in tables of facts below the title: 产品名称, 涉及数量 and so on."""
    below = [box for box in page.boxes.values() if box.tag == "table" and title is not None and box.start > title]
    told = [box for box in below[:MAX_TABLES] if not box.out and not _leads_on(page, box) and is_data_table(box.node)]
    return Body("", tuple(filter(None, (expand_table(box.node) for box in told))), None, first, first)


def _leads_on(page: Page, box: Box) -> bool:
    """Mostly links: a menu, a list of other pages."""
    lines = page.lines[box.start : box.end]
    return sum(line.linked for line in lines) > 0.45 * sum(len(line.text) for line in lines)


def body_of(nodes: list[LexborNode]) -> Body:
    """The text and tables of boxes that a selector chose, without adverts and links to files in them."""
    texts = []
    for node in nodes:
        page = read_page(node)
        leave_out_inserted(page)
        texts.append(_joined(page, page.top, [], keep_links=True))
    lines = [line for line in "\n".join(filter(None, texts)).split("\n") if EMPTY_LABEL.fullmatch(line) is None]
    tables = tuple(table for node in nodes for table in tables_of(node))
    return Body("\n".join(lines), tables, nodes[0] if nodes else None)


def clean_lines(text: str, title: str = "") -> str:
    """Lines that are no part of the article cut: its title again, credits, and what follows `相关阅读`."""
    lines = text.split("\n")
    bare_title = "".join(title.split())
    while lines and bare_title and "".join(lines[0].split()) == bare_title:
        lines.pop(0)
    kept: list[str] = []
    length = 0
    for at, line in enumerate(lines):
        if length >= TAIL_AFTER and (
            TAIL.match(line) or (SIGNED.match(line) and not any(map(_is_long, lines[at + 1 :])))
        ):
            break
        if len(line) > CREDIT_LENGTH or (CREDIT.match(line) is None and ENDING.fullmatch(line) is None):
            kept.append(line)
            length += len(line)
    return "\n".join(kept)


def is_sentence(line: str) -> bool:
    """Whether a line of text is prose, and no strip or footer."""
    prosaic = len(line) >= 20 and re.search(r"[。！？.!?]", line) is not None
    return prosaic and not any(form.search(line) for form in (FOOT, CONTACT)) and not is_strip(line)


def _is_long(line: str) -> bool:
    return len(line) >= 80 and "。" in line


def is_file(href: str | None) -> bool:
    """Whether an address ends like an attached file."""
    return FILES.search(href or "") is not None


def _is_head(line: Line, at: int, title: int | None) -> bool:
    return (title is not None and at <= title) or is_strip(line.text) or is_strip(line.spaced)


def _is_foot(line: Line) -> bool:
    """Below the last sentence: tools, the way to other pages, whose site it is."""
    return len(line.text) <= 80 and any(form.search(line.text) for form in (WAY, TOOLS, FOOT, LABEL_BEGIN))


def _descend(top: Box, best: dict[int, Box]) -> Box:
    """From the top down, while one child holds nearly all of the prose."""
    box = top
    for _ in range(200):
        child = best.get(id(box))
        if child is None or child.score < MOST * box.score or child.tag in ("p", "li", "blockquote", "h1", "h2", "h3"):
            return box
        if child.tag == "table" and _holds_facts(child, best):
            return box
        if child.outer is not None and id(child) not in best:
            return box
        box = child
    return box


def _holds_facts(table: Box, best: dict[int, Box]) -> bool:
    """A data table, and no layout around an article: no cell of it holds nearly all of the prose in several blocks."""
    if not is_data_table(table.node):
        return False
    box: Box | None = table
    while box is not None and box.tag not in CELLS:
        box = best.get(id(box))
    return box is None or box.score < MOST * table.score or box.end - box.start < 3


def _joined(page: Page, box: Box, without: list[int], *, keep_links: bool = False) -> str:
    """The lines of a box that are left, cells of a row on one line; no lists of links, names of files, data tables."""
    dropped = set(without)
    tables = [inner for inner in page.boxes.values() if inner.tag == "table"]
    for table in [table for table in tables if box.start <= table.start and table.end <= box.end][:MAX_TABLES]:
        if is_data_table(table.node):
            dropped.update(range(table.start, table.end))
    kept: list[str] = []
    before: Line | None = None
    for at in range(box.start, box.end):
        line = page.lines[at]
        block = line.block
        if at in dropped or block.out or (not keep_links and is_list_of_links(block)):
            continue
        text = _without_files(line)
        if not text:
            continue
        same_row = before is not None and block.tag in CELLS and before.block.tag in CELLS
        if same_row and before is not None and block is not before.block and block.parent is before.block.parent:
            kept[-1] += " " + text
        else:
            kept.append(text)
        before = line
    return "\n".join(line for line in kept if EMPTY_LABEL.fullmatch(line) is None)


def _without_files(line: Line) -> str:
    """The text of a line but for the names of attached files: their addresses are kept as attachments."""
    held = [box.link for _, box in line.pieces if box.link is not None]
    if not any(is_file(link.attributes.get("href")) for link in held):
        return line.text
    pieces = [piece for piece, box in line.pieces if box.link is None or not is_file(box.link.attributes.get("href"))]
    return " ".join("".join(pieces).split())
