"""A page's title, date, source, author, body and tables.

The source's own selectors come first; what they leave open is found by text density over the tree; readability reads
the page once more where density found too little. Measured on saved Chinese pages: benchmarks/extraction.py.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from lxml.etree import LxmlError
from readability import Document as ReadabilityDocument
from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from config.source_parts import Detail
from core.clock import beijing, iso_beijing, system_clock
from core.records import Table
from crawlers.charset import decode_page
from crawlers.credits import origin_of, writer_of
from crawlers.dates import REFUSED_DATE, Dated, date_in_url, implausible_date, read_dated
from crawlers.density import (
    Body,
    body_of,
    clean_lines,
    facts_below,
    find_box,
    first_prose,
    is_file,
    is_sentence,
    read_body,
)
from crawlers.headline import Headline, Titles
from crawlers.markup import MAX_CHARS, html_to_text, node_text, one_line, parse_html
from crawlers.metas import read_metas
from crawlers.page import Page, read_page
from crawlers.published import BESIDE, UPDATED_RANK, date_on_page, dates_beside, masthead_date, signature_date
from crawlers.scripts import Scripted, date_in_scripts, name_in_scripts, scripted_article
from crawlers.strip import Places
from crawlers.urls import absolute_url
from crawlers.weight import TooHeavy

STRIP = 6
"""Lines below the title of a page without text in which it is said when and by whom."""
ICON = 60
"""Pixels; a smaller picture is no page of a notice."""
LABEL = re.compile(r"^\s*(?:信息来源|文章来源|稿件来源|新闻来源|来源|稿源|作者|记者|出处)\s*[:：]\s*")
SENTENCE_END = ("。", "！", "？", "!", "?")
FOOT = re.compile(r"版权|备案|ICP|Copyright|©|转载|地址[:：]|邮编|电话[:：]|主办|承办|标识码", re.IGNORECASE)
FEW = 5
"""Sentences."""
TOO_SHORT = 80
"""Characters of a body below which the page is read a second time. Set by benchmarks/extraction.py."""
MAX_READABILITY = 5_000
"""Elements of a page up to which that is tried."""
MAX_TEXT = 500_000
ABSENT = frozenset(f"no {what} found" for what in ("title", "date", "body"))
"""Problems that are none where the row that led to the page says it."""
MAX_LINKS = 20
LINKS = "a[href], iframe[src], embed[src], object[data]"
VIEWER = re.compile(r"[?&](?:file|src|url)=([^&#]+\.(?:pdf|docx?|xlsx?|ofd))\b", re.IGNORECASE)
ATTRIBUTE = re.compile(r"^(.*?)::(?:attr\(([\w-]+)\)|text)$", re.DOTALL)


@dataclass(frozen=True)
class Extracted:
    """published: aware UTC, None where the page does not say.  text: paragraphs, a line each; facts of data tables
    stand in `tables` (first row the header), not in the text.  problems: what was not found or not trusted.
    body_kind: text, or what the page says its matter with instead: table | attachment | image.
    attachments: addresses of files; labels: what the page calls them.  images: pictures of a body without text.
    """

    title: str = ""
    published: datetime | None = None
    author: str | None = None
    source_name: str | None = None
    text: str = ""
    tables: tuple[Table, ...] = ()
    problems: tuple[str, ...] = ()
    attachments: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    body_kind: str = "text"
    images: tuple[str, ...] = ()
    fields: dict[str, str] = field(default_factory=dict)
    has_time: bool = False
    refused: str = ""


def extract_page(
    page: bytes | str, url: str = "", selectors: Detail | None = None, *, now: datetime | None = None
) -> Extracted:
    """Read one page. url: for links and as a hint. Never raises on hostile markup; bounded in size, nodes and time."""
    problems: list[str] = []
    if isinstance(page, str):
        text = page
    else:
        decoded = decode_page(page)
        text = decoded.text
        problems += decoded.problems()
    if len(text) > MAX_CHARS:
        problems.append(f"longer than {MAX_CHARS} characters: the rest is not read")
    try:
        tree = parse_html(text)
    except TooHeavy as error:
        return Extracted(problems=(*problems, str(error)), refused=str(error))
    if tree.body is None:
        return Extracted(problems=(*problems, "no HTML"))
    return _Reading(tree, tree.body, url, selectors or Detail(), now or system_clock(), problems).extracted(text)


class _Reading:
    """One page being read: what its selectors say, and where title and text stand."""

    def __init__(
        self, tree: LexborHTMLParser, root: LexborNode, url: str, chosen: Detail, now: datetime, problems: list[str]
    ) -> None:
        self.tree, self.url, self.chosen, self.now, self.problems = tree, url, chosen, now, problems
        self.stated = read_metas(tree)
        self.page = read_page(root)

    def extracted(self, markup: str) -> Extracted:
        headline, body, places = self._article()
        scripted = self._scripted(headline, body)
        if scripted is not None:
            body = replace(body, text=scripted.text, node=None)
        links = _attachments(self.tree, body.node, self.chosen, self.url)
        images = () if body.text or body.tables else self._images(body, places)
        if not (body.text or body.tables or links or images) and len(self.page.boxes) <= MAX_READABILITY:
            body = replace(body, text=_readability(markup) or self._sentences())
        title = scripted.title if scripted is not None and scripted.title and headline.line is None else headline.text
        dated = self._selected_date() or self._date(places, scripted)
        if dated is None:
            self._tell_refused(places)
        for what, value in (("title", title), ("date", dated), ("body", body.text or body.tables or links or images)):
            if not value:
                self.problems.append(f"no {what} found")
        source, author = self._source(places, scripted), self._author(places, scripted)
        return Extracted(
            title=title,
            published=dated.moment if dated else None,
            author=author if author and author != source else None,
            source_name=source or None,
            text=body.text[:MAX_TEXT],
            tables=body.tables,
            problems=tuple(self.problems),
            attachments=tuple(links),
            labels={link: label for link, label in links.items() if label},
            body_kind=_kind(body, links, images),
            images=images,
            fields=_fields(self.tree, self.chosen),
            has_time=dated.has_time if dated else False,
        )

    def _sentences(self) -> str:
        """A page of a sentence or two has no body to speak of: what is said in whole sentences, and is no link."""
        said = (line.text for line in self.page.lines if not line.linked and not line.heading)
        return "\n".join([text for text in said if text.endswith(SENTENCE_END) and not FOOT.search(text)][:FEW])

    def _article(self) -> tuple[Headline, Body, Places]:
        """Title and text: the one is looked for where the other is."""
        page = self.page
        selected = self._selected(self.chosen.title, "title")
        titles = Titles(page, self.stated)
        anchor = _line_of(page, selected) if selected else titles.anchor()
        nodes = _outermost(select_all(self.tree, self.chosen.body)) if self.chosen.body is not None else []
        own = next((page.boxes[node.mem_id] for node in nodes if node.mem_id in page.boxes), None)
        box = own or find_box(page, anchor)
        first = first_prose(page, box, anchor) if box is not None else len(page.lines)
        headline = Headline(selected, anchor) if selected else titles.choose(first)
        line = headline.line
        if box is None and line is not None:
            first = min(line + STRIP, first)
        body = read_body(page, box, line) if box is not None else facts_below(page, line, first)
        places = Places(line, body.first, body.last)
        return headline, self._chosen_body(nodes) or body, places

    def _chosen_body(self, nodes: list[LexborNode]) -> Body | None:
        """The body that the source's selector finds; None, and a problem, where it finds nothing at all."""
        if self.chosen.body is None:
            return None
        body = body_of(nodes)
        held = (part for node in nodes for part in node.css(f"{LINKS}, img[src]"))
        if body.text or body.tables or any(part.tag == "img" or _is_file(part) for part in held):
            return body
        self.problems.append(f"selector for body found nothing: {self.chosen.body}")
        return None

    def _scripted(self, headline: Headline, body: Body) -> Scripted | None:
        """The article in the page's data, where the markup holds none."""
        if len(body.text) >= TOO_SHORT or body.tables:
            return None
        called = self.stated.title or headline.text
        found = scripted_article(self.tree, called, now=self.now)
        if found is None or len(found.text) <= 2 * len(body.text):
            return None
        same = "".join(found.title.split()) in "".join((called + headline.text).split())
        return found if not body.text or (found.title and same) else None

    def _date(self, places: Places, scripted: Scripted | None) -> Dated | None:
        """When the page says it was published: stated, beside the title, in scripts, in its address, on its masthead.

        A clock time on the page refines a day in the metas; a stated time that the page itself calls its last
        update gives way to the publication date beside it.
        """
        stated, now = self.stated.date(now=self.now), self.now
        found = date_on_page(self.page, places, now=now)
        if stated is not None:
            if found is None or not found.dated.has_time or found.rank < BESIDE:
                return stated
            near = abs(found.dated.moment - stated.moment) <= timedelta(days=1)
            return (
                found.dated
                if near and (not stated.has_time or _is_midnight(stated) or found.updated == stated.moment)
                else stated
            )
        if found is not None and found.rank > UPDATED_RANK:
            return found.dated
        if scripted is not None and scripted.dated is not None:
            return scripted.dated
        in_url = date_in_url(self.url, now=now) if self.url else None
        return (
            date_in_scripts(self.tree, now=now)
            or (found.dated if found is not None else None)
            or (Dated(in_url, False) if in_url else None)
            or masthead_date(self.page, places, self.stated.title, now=now)
            or signature_date(self.page, places, now=now)
        )

    def _selected_date(self) -> Dated | None:
        return read_dated(self._selected(self.chosen.date, "date"), now=self.now)

    def _tell_refused(self, places: Places) -> None:
        """A page without a date may say one that is not believed."""
        selected = select_text(self.tree, self.chosen.date) if self.chosen.date else ""
        for said in (selected, *self.stated.moments(), *dates_beside(self.page, places)):
            if implausible_date(said, now=self.now):
                self.problems.append(f"{REFUSED_DATE}: {one_line(said)[:60]}")
                return

    def _source(self, places: Places, scripted: Scripted | None) -> str:
        selected = label_value(self._selected(self.chosen.source, "source"))
        named = selected or label_value(self.stated.source()) or (scripted.source if scripted is not None else "")
        return named or origin_of(self.page, places) or name_in_scripts(self.tree) or self.stated.publisher()

    def _author(self, places: Places, scripted: Scripted | None) -> str:
        selected = label_value(self._selected(self.chosen.author, "author"))
        named = selected or (scripted.author if scripted is not None else "")
        stated = label_value(self.stated.author())
        return named or writer_of(self.page, places, "" if stated in self.stated.title else stated)

    def _selected(self, selector: str | None, what: str) -> str:
        if selector is None:
            return ""
        text = one_line(select_text(self.tree, selector))
        if not text:
            self.problems.append(f"selector for {what} found nothing: {selector}")
        return text

    def _images(self, body: Body, places: Places) -> tuple[str, ...]:
        """Pictures where the text would be: in the body's box, else below the title; icons are none."""
        if body.node is not None:
            nodes = list(body.node.css("img[src]"))
        else:
            boxes = self.page.boxes.values()
            start = places.title if places.title is not None else 0
            nodes = [box.node for box in boxes if box.tag == "img" and not box.out and box.start > start]
        links = (absolute_url(self.url, node.attributes.get("src") or "") for node in nodes if not _is_icon(node))
        return tuple(dict.fromkeys(link for link in links if link))[:MAX_LINKS]


def extract_file(path: Path, url: str = "") -> dict[str, Any]:
    """The line of `fengsui extract` for one file. Raises OSError when it cannot be opened."""
    found = extract_page(path.read_bytes(), url)
    return {
        "file": str(path),
        "title": found.title,
        "published": iso_beijing(found.published) if found.published else None,
        "author": found.author,
        "source_name": found.source_name,
        "text": found.text,
        "tables": [[list(row) for row in table] for table in found.tables],
        "problems": list(found.problems),
    }


def select_all(tree: LexborHTMLParser | LexborNode, selector: str) -> list[LexborNode]:
    """Nodes for a selector; its ::text or ::attr() is not looked at. A selector this engine cannot read finds none."""
    match = ATTRIBUTE.match(selector)
    try:
        return list(tree.css(match[1] if match else selector))
    except (SelectolaxError, ValueError):
        return []


def select_text(tree: LexborHTMLParser | LexborNode, selector: str) -> str:
    """Text (or the attribute that ::attr names) of the first node that has any."""
    match = ATTRIBUTE.match(selector)
    for node in select_all(tree, selector):
        value = (node.attributes.get(match[2]) or "") if match and match[2] else node_text(node)
        if value.strip():
            return value.strip()
    return ""


def label_value(text: str) -> str:
    """`来源：人民网` as 人民网."""
    return LABEL.sub("", text).strip()


def _fields(tree: LexborHTMLParser, chosen: Detail) -> dict[str, str]:
    """Named facts: by selector, and from label/value rows."""
    found = {name: one_line(select_text(tree, selector)) for name, selector in chosen.fields.items()}
    for node in select_all(tree, chosen.table) if chosen.table else []:
        for row in node.css("tr"):
            cells = [one_line(node_text(cell)) for cell in row.css("td, th")]
            for label, value in zip(cells[::2], cells[1::2], strict=False):
                found.setdefault(label.rstrip(":： "), value)
    if chosen.label and chosen.value:
        pairs = zip(select_all(tree, chosen.label), select_all(tree, chosen.value), strict=False)
        for label_node, value_node in pairs:
            found.setdefault(one_line(node_text(label_node)).rstrip(":： "), one_line(node_text(value_node)))
    return {name: value for name, value in found.items() if name and value}


def _kind(body: Body, links: Collection[str], images: Collection[str]) -> str:
    """What a page says its matter with."""
    if body.text or not (body.tables or links or images):
        return "text"
    return "table" if body.tables else "attachment" if links else "image"


def _line_of(page: Page, title: str) -> int | None:
    """The line that a selected title is."""
    bare = "".join(title.split())
    return next((at for at, line in enumerate(page.lines) if "".join(line.text.split()) == bare), None)


def _is_midnight(dated: Dated) -> bool:
    return beijing(dated.moment).time() == time.min


def _is_icon(image: LexborNode) -> bool:
    sizes = [(image.attributes.get(name) or "").removesuffix("px") for name in ("width", "height")]
    return any(len(size) < 6 and size.isdecimal() and int(size) < ICON for size in sizes)


def _outermost(nodes: list[LexborNode]) -> list[LexborNode]:
    """Without nodes that stand inside another of them (an editor's div is often doubled)."""
    chosen = {node.mem_id for node in nodes}
    kept = []
    for node in nodes:
        parent = node.parent
        while parent is not None and parent.mem_id not in chosen:
            parent = parent.parent
        if parent is None:
            kept.append(node)
    return kept


def _readability(markup: str) -> str:
    try:
        text = clean_lines(html_to_text(ReadabilityDocument(markup).summary(html_partial=True)))
        return text if any(is_sentence(line) for line in text.split("\n")) else ""
    except (LxmlError, ValueError, TypeError, AttributeError, RecursionError, AssertionError):
        return ""  # readability wraps what it dislikes in exceptions of many kinds
    except Exception:  # noqa: BLE001 its Unparseable and lxml's relatives have no common base; a second opinion may fail
        return ""


def _attachments(tree: LexborHTMLParser, body: LexborNode | None, chosen: Detail, url: str) -> dict[str, str]:
    """Addresses of attached files and what the page calls them: by selector, else what in the body's box ends like a
    file, framed and embedded ones too."""
    nodes = select_all(tree, chosen.attachments) if chosen.attachments else []
    if not nodes:
        box = body.parent if body is not None and body.parent is not None else tree.body
        found = box.css(LINKS) if box else []
        nodes = [node for node in found if is_file(_address(node))]
    links: dict[str, str] = {}
    for node in nodes:
        link = absolute_url(url, _address(node))
        if link and link != url:
            links[link] = links.get(link) or one_line(node.attributes.get("title") or node_text(node))
    first = sorted(links, key=lambda link: not is_file(link))  # a broad selector finds other links, too
    return {link: links[link] for link in first[:MAX_LINKS]}


def _address(node: LexborNode) -> str:
    """Where a link, frame or embedded thing leads; a viewer's address holds the file's own."""
    address = node.attributes.get("href") or node.attributes.get("src") or node.attributes.get("data") or ""
    viewer = VIEWER.search(address) if node.tag != "a" else None
    return unquote(viewer[1]) if viewer else address


def _is_file(link: LexborNode) -> bool:
    return is_file(_address(link))
