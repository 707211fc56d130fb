"""Finds the list on a page: which element repeats, where its link and its date stand, as selectors of a source file.

Every element that holds a link is grouped with those of its form (same tag below the same chain of ancestors). A group
whose members each have a date near their link is a list of publications; menus have no dates, sidebars are shorter,
lead elsewhere, and stand in boxes that are called so.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import mean, median
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawlers.markup import ancestors, one_line
from crawlers.sniff.row_dates import date_apart, date_in, start_of
from crawlers.sniff.selectors import Forms, inside_selector, row_selector
from crawlers.urls import absolute_url, host_of

MAX_LINKS = 2000
MAX_LEVELS = 6
MAX_GROUPS = 24
"""Groups that selectors are made for, the most dated ones."""
SHORTEST_TITLE = 4
DATED_SHARE = 0.6
"""Share of rows with a date from which on a group is a dated list: pinned rows and adverts have none."""
MOST_LINKS_IN_ROW = 3
SIZE_COUNTS = 0.6
"""A list twice as long is not twice as likely the right one: sidebars of hot topics are long."""
FURNITURE = re.compile(
    r"(?:^|[-_])(?:nav\w*|menu\w*|foot\w*|header|aside|side\w*|hot\w*|rank\w*|recommend\w*|related|tuijian|friend\w*"
    r"|links?|crumbs?|breadcrumbs?|position|banner|slider?|swiper\w*|login|search)(?:$|[-_\d])",
    re.IGNORECASE,
)
FURNITURE_TAGS = frozenset(("nav", "header", "footer", "aside"))
PAGER_TEXT = re.compile(r"下一?页|尾页|末页|上一?页|next(?: page)?|[›»]", re.IGNORECASE)
PAGER_SCRIPT = re.compile(r"createPageHTML|countPage|totalPage", re.IGNORECASE)
PAGER_BOXES = "[class*=pagination], [class*=pager], [class=page], [class=pages], [id*=pagination], [id=page]"
DIGITS = re.compile(r"\d+")
NUMBERED = re.compile(r"[A-Za-z0-9]*\d[A-Za-z0-9]*")
"""A part of an address that tells one publication from another: 20261123, FJ92KD0Q."""
TITLE_PARTS = "h1, h2, h3, h4, h5, [class*=tit], p, b, strong, span, div"


@dataclass(frozen=True)
class RowGuess:
    """A list and how to read it. urls, titles, dates: what its rows say, in order.

    same_host: the rows lead to pages of this site.  accept: what tells its links from others the selector matches.
    outline: the form its addresses share, numbers as #.  split_date: there are dates, but no selector reads them.
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
    apart: bool

    @property
    def is_dated(self) -> bool:
        return self.date is not None or self.apart


def find_rows(tree: LexborHTMLParser, url: str, *, now: datetime) -> list[RowGuess]:
    """The lists of a page, best first; empty when nothing on it looks like one. Bounded on any page."""
    groups = [_of_one_kind(rows) for rows in _groups(tree, url, now)]
    groups.sort(key=lambda rows: (sum(row.is_dated for row in rows), len(rows)), reverse=True)
    pagers = _around_pagers(tree)
    found = [guess for rows in groups[:MAX_GROUPS] if (guess := _guess(tree, rows, url, pagers)) is not None]
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
    """Elements of one form that each hold a link."""
    forms = Forms()
    groups: dict[tuple[str, int], dict[int, tuple[LexborNode, list[_Link]]]] = {}
    for link in _links(tree, url):
        node: LexborNode | None = link.node
        for _ in range(MAX_LEVELS):
            if node is None or node.tag in ("body", "html", None):
                break
            members = groups.setdefault((node.tag, forms.above(node)), {})
            members.setdefault(node.mem_id, (node, []))[1].append(link)
            node = node.parent
    for members in groups.values():
        inside = [len({one.url for one in links}) for _, links in members.values()]
        if len(members) >= 2 and median(inside) <= MOST_LINKS_IN_ROW:
            yield [_row(node, links, now) for node, links in members.values()]


def _links(tree: LexborHTMLParser, url: str) -> Iterator[_Link]:
    own = url.partition("#")[0]
    for node in tree.css("a[href]")[:MAX_LINKS]:
        href = (node.attributes.get("href") or "").strip()
        target = absolute_url(url, href) if href and not href.startswith("#") else None
        text = one_line(node.attributes.get("title") or "") or start_of(node)
        if target and target != own and len(text) >= SHORTEST_TITLE:
            yield _Link(node, target, text)


def _row(node: LexborNode, links: Sequence[_Link], now: datetime) -> _Row:
    link = max(links, key=lambda one: len(one.text))
    date_node, date = date_in(node, link.node, now)
    apart = date is None and date_apart(node, link.node, link.text)
    return _Row(node, link, len({one.url for one in links}), date_node, date, apart)


def _guess(tree: LexborHTMLParser, rows: list[_Row], url: str, pagers: frozenset[int]) -> RowGuess | None:
    """Selectors and score of one group; None when it is no list of publications."""
    is_dated = sum(row.is_dated for row in rows) >= max(2, DATED_SHARE * len(rows))
    if len({row.link.url for row in rows}) < 2 or not (is_dated or _looks_like_articles(rows)):
        return None
    item, exact = row_selector(tree, [row.node for row in rows])
    if item is None:
        return None
    readable = [(row.node, row.date_node) for row in rows if row.date_node is not None]
    outline, share = Counter(outline_of(row.link.url) for row in rows).most_common(1)[0]
    own_site = [row for row in rows if host_of(row.link.url) == host_of(url)]
    return RowGuess(
        item=item,
        link=inside_selector([(row.node, row.link.node) for row in rows]) or "a",
        item_title=_title_selector(rows),
        item_date=inside_selector(readable) if is_dated and readable else None,
        urls=tuple(dict.fromkeys(row.link.url for row in rows)),
        titles=tuple(map(_title_text, rows)),
        dates=tuple(row.date for row in rows),
        same_host=len(own_site) * 2 >= len(rows),
        accept=None if exact else _pattern(outline),
        outline=outline,
        score=_score(rows, url, share / len(rows), pagers, is_dated=is_dated) * (1.0 if exact else 0.9),
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


def _pattern(outline: str) -> str:
    """A regular expression for addresses of this form."""
    path = outline.partition("/")[2].partition("?")[0]
    return "/" + re.escape(path).replace(r"\#", r"\w+")


def _score(rows: list[_Row], url: str, share: float, pagers: frozenset[int], *, is_dated: bool) -> float:
    """How likely the group is the page's own list. share: of the commonest form of address."""
    folder = urlsplit(url).path.rpartition("/")[0] + "/"
    below = mean(urlsplit(row.link.url).path.startswith(folder) for row in rows) if folder != "/" else 0.0
    title = mean(min(len(row.link.text), 30) for row in rows)
    boxes = [above.mem_id for _, above in zip(range(3), ancestors(rows[0].node), strict=False) if above.tag != "body"]
    return float(
        min(len(rows), 30) ** SIZE_COUNTS
        * (0.1 if not is_dated else 1.0 if any(row.date for row in rows) else 0.9)
        * (0.5 + share)
        * (1.0 + 2.0 * below)
        * (0.4 if title < 8 else 0.8 if title < 12 else 1.0)
        * (2.0 if pagers & set(boxes[:2]) else 1.5 if pagers & set(boxes) else 1.0)
        * (0.3 if _is_furniture(rows[0].node) else 1.0)
        * (1.0 if host_of(rows[0].link.url) == host_of(url) else 0.5)
        * (0.9 if median(row.links for row in rows) > 1 else 1.0)
    )


def _is_furniture(node: LexborNode) -> bool:
    return any(above.tag in FURNITURE_TAGS or _named(above) for above in [node, *ancestors(node)])


def _named(node: LexborNode) -> bool:
    names = f"{node.attributes.get('class') or ''} {node.attributes.get('id') or ''}".split()
    return any(FURNITURE.search(name) for name in names)


def _around_pagers(tree: LexborHTMLParser) -> frozenset[int]:
    """The boxes in which a pager stands, up to three around it."""
    pagers = [node for node in tree.css("a") if PAGER_TEXT.fullmatch(start_of(node).strip(" <>[]"))][:20]
    pagers += [node for node in tree.css("script")[:200] if PAGER_SCRIPT.search((node.text() or "")[:5000])][:20]
    pagers += tree.css(PAGER_BOXES)[:20]
    return frozenset(
        above.mem_id
        for node in pagers
        for _, above in zip(range(3), ancestors(node), strict=False)
        if above.tag != "body"
    )


def _title_text(row: _Row) -> str:
    """What the row's link says, without a date inside it."""
    if row.link.node.attributes.get("title") or row.date_node is None:
        return row.link.text
    return start_of(row.link.node, skip=row.date_node.mem_id) or row.link.text


def _title_selector(rows: list[_Row]) -> str | None:
    """Where the title stands when the link holds more than it (a summary, a picture's caption)."""
    pairs: list[tuple[LexborNode, LexborNode]] = []
    for row in rows:
        link = row.link.node
        if link.attributes.get("title"):
            return None
        apart = (link.mem_id, row.date_node.mem_id if row.date_node is not None else 0)
        parts = [node for node in link.css(TITLE_PARTS)[:20] if node.mem_id not in apart]
        whole = len(start_of(link))
        heads = [node for node in parts if 0.2 * whole < len(start_of(node)) < 0.95 * whole]
        if not heads:
            return None
        pairs.append((row.node, _head(heads)))
    return inside_selector(pairs)


def _head(nodes: Sequence[LexborNode]) -> LexborNode:
    """The heading, else what is called a title, else the first."""
    headings = [node for node in nodes if (node.tag or "") in ("h1", "h2", "h3", "h4", "h5")]
    called = [node for node in nodes if "tit" in (node.attributes.get("class") or "").lower()]
    return (headings or called or nodes)[0]
