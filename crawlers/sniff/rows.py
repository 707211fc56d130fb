"""Finds the list on a page: which element repeats, where its link and its date stand, as selectors of a source file.

Every element that holds a link is grouped with those of its form (same tag below the same chain of ancestors). A group
whose members each have a date near their link is a list of publications; menus have no dates, sidebars are shorter,
lead elsewhere, and stand in boxes that are called so.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import mean, median
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawlers.dates import read_date
from crawlers.markup import ancestors, node_text, one_line
from crawlers.sniff.selectors import chain_of, inside_selector, row_selector
from crawlers.urls import absolute_url, host_of

MAX_LINKS = 4000
MAX_LEVELS = 6
MAX_INSIDE = 80
SHORTEST_TITLE = 4
DATED_SHARE = 0.6
"""Share of rows with a date from which on a group is a dated list: pinned rows and adverts have none."""
MOST_LINKS_IN_ROW = 3
DATE_LIKE = re.compile(
    r"\d{4}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}|(?<!\d)\d{1,2}\s*[-/月]\s*\d{1,2}(?!\d)|(?<!\d)20\d{6}(?!\d)"
    r"|[昨今前][天日]|刚刚|\d+\s*(?:分钟|小时|天)前|\d{1,2}\s+[A-Z][a-z]{2,8}\s+\d{4}|[A-Z][a-z]{2,8}\s+\d{1,2},?\s+\d{4}"
)
SPLIT_DATE = re.compile(r"\d{1,2}\s*日?\s*20\d{2}\s*[-/.年]\s*\d{1,2}月?|20\d{2}\s*[-/.年]\s*\d{1,2}月?\s*\d{1,2}日?")
SIZE_COUNTS = 0.6
"""A list twice as long is not twice as likely the right one: sidebars of hot topics are long."""
FULL_DATE_AT_END = re.compile(
    r"[\[(（【]?\s*\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?(?:\s+\d{1,2}:\d{2}(?::\d{2})?)?\s*[\])）】]?$"
)
AROUND_DATE = 14
"""Characters that may stand beside a date in its element: 发布时间：, brackets, a clock time, a count."""
FURNITURE = re.compile(
    r"(?:^|[-_])(?:nav\w*|menu\w*|foot\w*|header|aside|side\w*|hot\w*|rank\w*|recommend\w*|related|tuijian|friend\w*"
    r"|links?|crumbs?|breadcrumbs?|position|banner|slider?|swiper\w*|login|search)(?:$|[-_\d])",
    re.IGNORECASE,
)
FURNITURE_TAGS = frozenset(("nav", "header", "footer", "aside"))
PAGER = re.compile(r"下一?页|尾页|末页|上一?页|共\s*\d+\s*页|createPageHTML|countPage|totalPage", re.IGNORECASE)
DIGITS = re.compile(r"\d+")
TITLE_PARTS = "h1, h2, h3, h4, h5, [class*=tit], p, b, strong, span, div"
NUMBERED = re.compile(r"[A-Za-z0-9]*\d[A-Za-z0-9]*")
"""A part of an address that tells one publication from another: 20261123, FJ92KD0Q."""


@dataclass(frozen=True)
class RowGuess:
    """A list and how to read it. urls, titles, dates: what its rows say, in order.

    same_host: the rows lead to pages of this site.  accept: what tells its links from others the selector matches.
    outline: the form its addresses share, digits as #.  split_date: day and month stand apart, no selector reads them.
    """

    item: str
    link: str
    item_title: str | None
    item_date: str | None
    urls: tuple[str, ...]
    titles: tuple[str, ...]
    dates: tuple[datetime | None, ...]
    same_host: bool
    accept: str | None
    outline: str
    score: float
    split_date: bool = False

    @property
    def dated(self) -> int:
        """Rows whose date can be read."""
        return sum(1 for date in self.dates if date is not None)

    @property
    def newest(self) -> datetime | None:
        """The youngest of them."""
        return max((date for date in self.dates if date is not None), default=None)


@dataclass(frozen=True)
class _Link:
    node: LexborNode
    url: str
    text: str


@dataclass(frozen=True)
class _Row:
    node: LexborNode
    link: _Link
    links: int
    date_node: LexborNode | None
    date: datetime | None
    split: bool


def find_rows(tree: LexborHTMLParser, url: str, *, now: datetime) -> list[RowGuess]:
    """The lists of a page, best first; empty when nothing on it looks like one."""
    found = [guess for rows in _groups(tree, url, now) if (guess := _guess(tree, rows, url)) is not None]
    best: dict[tuple[str, ...], RowGuess] = {}
    for guess in sorted(found, key=lambda guess: (-guess.score, len(guess.item))):
        best.setdefault(guess.urls, guess)
    return list(best.values())


def outline_of(url: str) -> str:
    """The address without what tells one publication from another: numbers are #, the query keeps its keys."""
    parts = urlsplit(url)
    keys = "&".join(sorted(pair.partition("=")[0] for pair in parts.query.split("&"))) if parts.query else ""
    return f"{parts.netloc}{NUMBERED.sub('#', parts.path)}{'?' if keys else ''}{keys}"


def prefix_of(url: str) -> str:
    """Host and folders of an address, without those made of digits (2026, 202611)."""
    parts = urlsplit(url)
    folders = [part for part in parts.path.split("/")[1:-1] if not DIGITS.fullmatch(part.replace("-", ""))]
    return "/".join([parts.netloc, *folders])


def _groups(tree: LexborHTMLParser, url: str, now: datetime) -> Iterator[list[_Row]]:
    """Elements of one form that each hold a link, outermost forms last."""
    groups: dict[tuple[str, ...], dict[int, tuple[LexborNode, list[_Link]]]] = {}
    for link in _links(tree, url):
        levels = [link.node, *ancestors(link.node)][:MAX_LEVELS]
        for node in levels:
            if node.tag in ("body", "html"):
                break
            members = groups.setdefault((node.tag or "", *chain_of(node)), {})
            members.setdefault(node.mem_id, (node, []))[1].append(link)
    for members in groups.values():
        if len(members) < 2 or median(len({one.url for one in links}) for _, links in members.values()) > (
            MOST_LINKS_IN_ROW
        ):
            continue
        yield [_row(node, links, now) for node, links in members.values()]


def _links(tree: LexborHTMLParser, url: str) -> Iterator[_Link]:
    own = url.partition("#")[0]
    for node in tree.css("a[href]")[:MAX_LINKS]:
        href = (node.attributes.get("href") or "").strip()
        target = absolute_url(url, href) if href and not href.startswith("#") else None
        text = one_line(node.attributes.get("title") or "") or one_line(node_text(node))
        if target and target != own and len(text) >= SHORTEST_TITLE:
            yield _Link(node, target, text)


def _row(node: LexborNode, links: Sequence[_Link], now: datetime) -> _Row:
    link = max(links, key=lambda one: len(one.text))
    date_node, date = _date_in(node, link.node, now)
    apart = date is None and _date_apart(node, link)
    return _Row(node, link, len({one.url for one in links}), date_node, date, apart)


def _date_apart(node: LexborNode, link: _Link) -> bool:
    """A date that no selector reads: day and month in two places, behind the row, or bare in the link's text."""
    rest = one_line(node_text(node, skip=frozenset((link.node.mem_id,)))) if node.mem_id != link.node.mem_id else ""
    if SPLIT_DATE.match(rest) or re.search(rf"(?:{SPLIT_DATE.pattern})$", rest):
        return True
    if (ending := FULL_DATE_AT_END.search(link.text)) and len(link.text) - len(ending[0]) >= 8:
        return True
    after = node.next
    while after is not None and (after.tag or "-").startswith("-"):
        after = after.next
    if after is None or after.tag == node.tag or after.css_first("a[href]") is not None:
        return False
    behind = one_line(node_text(after))
    match = DATE_LIKE.search(behind)
    return match is not None and len(behind) - len(match[0]) <= AROUND_DATE


def _date_in(row: LexborNode, link: LexborNode, now: datetime) -> tuple[LexborNode | None, datetime | None]:
    """The smallest element of a row that is little more than a date."""
    best: tuple[LexborNode | None, datetime | None] = (None, None)
    shortest = 10**6
    for node in [row, *row.css("*")][:MAX_INSIDE]:
        if node.mem_id == link.mem_id:
            continue  # a link called 2026年1月 is an archive's
        text = one_line(node_text(node, skip=frozenset((link.mem_id,))))
        match = DATE_LIKE.search(text)
        if match is None or len(text) - len(match[0]) > AROUND_DATE or len(text) > shortest:
            continue
        date = read_date(text, now=now)
        if date is not None:
            best, shortest = (node, date), len(text)
    return best


def _guess(tree: LexborHTMLParser, rows: list[_Row], url: str) -> RowGuess | None:
    """Selectors and score of one group; None when it is no list of publications."""
    rows = _of_one_kind(rows)
    dated = [row for row in rows if row.date is not None or row.split]
    is_dated = len(dated) >= max(2, DATED_SHARE * len(rows))
    if len({row.link.url for row in rows}) < 2 or not (is_dated or _looks_like_articles(rows)):
        return None
    nodes = [row.node for row in rows]
    item, exact = row_selector(tree, nodes)
    if item is None:
        return None
    readable = [row for row in rows if row.date_node is not None]
    item_date = None
    if is_dated and readable:
        item_date = inside_selector([(row.node, row.date_node) for row in readable if row.date_node is not None])
    outline, share = _outline(rows)
    own_site = [row for row in rows if host_of(row.link.url) == host_of(url)]
    return RowGuess(
        item=item,
        link=inside_selector([(row.node, row.link.node) for row in rows]) or "a",
        item_title=_title_selector(rows),
        item_date=item_date,
        urls=tuple(dict.fromkeys(row.link.url for row in rows)),
        titles=tuple(map(_title_text, rows)),
        dates=tuple(row.date for row in rows),
        same_host=len(own_site) * 2 >= len(rows),
        accept=None if exact else _pattern(outline),
        outline=outline,
        score=_score(rows, url, share, is_dated=is_dated),
        split_date=is_dated and not readable,
    )


def _of_one_kind(rows: list[_Row]) -> list[_Row]:
    """Without those that have no date where most have one and that lead elsewhere: a `more` link, an advert."""
    dated = [row for row in rows if row.date is not None]
    if len(dated) < max(2, DATED_SHARE * len(rows)):
        return rows
    prefixes = {prefix_of(row.link.url) for row in dated}
    return [row for row in rows if row.date is not None or prefix_of(row.link.url) in prefixes]


def _looks_like_articles(rows: list[_Row]) -> bool:
    """Undated rows are believed only with long titles and numbered addresses, and outside of menus."""
    numbered = sum(1 for row in rows if DIGITS.search(urlsplit(row.link.url).path + urlsplit(row.link.url).query))
    long_titles = mean(len(row.link.text) for row in rows) >= 10
    return len(rows) >= 3 and numbered >= 0.8 * len(rows) and long_titles and not _is_furniture(rows[0].node)


def _outline(rows: list[_Row]) -> tuple[str, float]:
    """The commonest form of the rows' addresses and its share."""
    outline, count = Counter(outline_of(row.link.url) for row in rows).most_common(1)[0]
    return outline, count / len(rows)


def _pattern(outline: str) -> str:
    """A regular expression for addresses of this form."""
    path = outline.partition("/")[2].partition("?")[0]
    return "/" + re.escape(path).replace(r"\#", r"\w+")


def _score(rows: list[_Row], url: str, share: float, *, is_dated: bool) -> float:
    folder = urlsplit(url).path.rpartition("/")[0] + "/"
    below = mean(urlsplit(row.link.url).path.startswith(folder) for row in rows) if folder != "/" else 0.0
    title = mean(min(len(row.link.text), 30) for row in rows)
    return float(
        min(len(rows), 30) ** SIZE_COUNTS
        * (0.1 if not is_dated else 1.0 if any(row.date for row in rows) else 0.9)
        * (0.5 + share)
        * (1.0 + 2.0 * below)
        * (0.4 if title < 8 else 0.8 if title < 12 else 1.0)
        * _pager_nearness(rows[0].node)
        * (0.3 if _is_furniture(rows[0].node) else 1.0)
        * (1.0 if host_of(rows[0].link.url) == host_of(url) else 0.5)
        * (0.9 if median(row.links for row in rows) > 1 else 1.0)
    )


def _is_furniture(node: LexborNode) -> bool:
    return any(above.tag in FURNITURE_TAGS or _named(above) for above in [node, *ancestors(node)])


def _named(node: LexborNode) -> bool:
    names = f"{node.attributes.get('class') or ''} {node.attributes.get('id') or ''}".split()
    return any(FURNITURE.search(name) for name in names)


def _pager_nearness(row: LexborNode) -> float:
    """2 where a pager stands in the list's box or the one around it, 1.5 one further out, else 1."""
    boxes = [above for above in ancestors(row) if above.tag not in ("body", "html")][:3]
    for place, box in enumerate(boxes):
        if PAGER.search((box.html or "")[-20_000:]):
            return 2.0 if place < 2 else 1.5
    return 1.0


def _title_text(row: _Row) -> str:
    """What the row's link says, without a date inside it."""
    if row.link.node.attributes.get("title") or row.date_node is None:
        return row.link.text
    return one_line(node_text(row.link.node, skip=frozenset({row.date_node.mem_id} - {row.link.node.mem_id})))


def _title_selector(rows: list[_Row]) -> str | None:
    """Where the title stands when the link holds more than it (a summary, a picture's caption)."""
    pairs: list[tuple[LexborNode, LexborNode]] = []
    for row in rows:
        if row.link.node.attributes.get("title"):
            return None
        apart = (row.link.node.mem_id, _id(row.date_node))
        parts = [node for node in row.link.node.css(TITLE_PARTS) if node.mem_id not in apart]
        whole = len(one_line(node_text(row.link.node)))
        heads = [node for node in parts if 0.2 * whole < len(one_line(node_text(node))) < 0.95 * whole]
        if not heads:
            return None
        pairs.append((row.node, _head(heads)))
    return inside_selector(pairs)


def _head(nodes: Iterable[LexborNode]) -> LexborNode:
    """The heading, else what is called a title, else the first."""
    found = list(nodes)
    headings = [node for node in found if (node.tag or "") in ("h1", "h2", "h3", "h4", "h5")]
    called = [node for node in found if "tit" in (node.attributes.get("class") or "").lower()]
    return (headings or called or found)[0]


def _id(node: LexborNode | None) -> int:
    return node.mem_id if node is not None else 0
