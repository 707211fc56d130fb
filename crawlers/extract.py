"""A page's title, date, source, author, body and tables.

The source's own selectors come first; what they leave open is found by text density over the tree; readability reads
the page once more where density found too little. Measured on saved Chinese pages: benchmarks/extraction.py.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from lxml.etree import LxmlError
from readability import Document as ReadabilityDocument
from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from config.source_parts import Detail
from core.clock import iso_beijing, system_clock
from core.records import Table
from crawlers.charset import decode_page
from crawlers.dates import read_dated
from crawlers.density import Body, body_of, find_body, is_file
from crawlers.headline import find_author, find_date, find_source, find_title, label_value
from crawlers.markup import MAX_CHARS, html_to_text, node_text, one_line, parse_html
from crawlers.urls import absolute_url
from crawlers.weight import TooHeavy

TOO_SHORT = 80
"""Characters of a body below which the page is read a second time. Set by benchmarks/extraction.py."""
MAX_READABILITY = 600_000
MAX_TEXT = 500_000
MAX_LINKS = 20
ATTRIBUTE = re.compile(r"^(.*?)::(?:attr\(([\w-]+)\)|text)$", re.DOTALL)


@dataclass(frozen=True)
class Extracted:
    """published: aware UTC, None where the page does not say.  text: paragraphs, a line each; facts of data tables
    stand in `tables` (first row the header), not in the text.  problems: what was not found or not trusted.
    """

    title: str = ""
    published: datetime | None = None
    author: str | None = None
    source_name: str | None = None
    text: str = ""
    tables: tuple[Table, ...] = ()
    problems: tuple[str, ...] = ()
    attachments: tuple[str, ...] = ()
    fields: dict[str, str] = field(default_factory=dict)
    has_time: bool = False
    refused: str = ""


def extract_page(
    page: bytes | str, url: str = "", selectors: Detail | None = None, *, now: datetime | None = None
) -> Extracted:
    """Read one page. url: for links and as a hint. Never raises on hostile markup; bounded in size, nodes and time."""
    text = page if isinstance(page, str) else decode_page(page).text
    problems = [f"longer than {MAX_CHARS} characters: the rest is not read"] if len(text) > MAX_CHARS else []
    moment = now or system_clock()
    try:
        tree = parse_html(text)
    except TooHeavy as error:
        return Extracted(problems=(*problems, str(error)), refused=str(error))
    if tree.body is None:
        return Extracted(problems=(*problems, "no HTML"))
    chosen = selectors or Detail()
    title = _selected(tree, chosen.title, problems, "title") or find_title(tree)
    dated = read_dated(_selected(tree, chosen.date, problems, "date"), now=moment)
    # read before the body is: the body's search removes what is not text
    dated = dated or find_date(tree, title, now=moment, url=url)
    source_name = label_value(_selected(tree, chosen.source, problems, "source")) or find_source(tree)
    author = label_value(_selected(tree, chosen.author, problems, "author")) or find_author(tree)
    fields = _fields(tree, chosen)
    body = _body(tree, chosen, text, title, problems)
    for what, value in (("title", title), ("date", dated), ("body", body.text or body.tables)):
        if not value:
            problems.append(f"no {what} found")
    return Extracted(
        title=title,
        published=dated.moment if dated else None,
        author=author or None,
        source_name=source_name or None,
        text=body.text[:MAX_TEXT],
        tables=body.tables,
        problems=tuple(problems),
        attachments=_attachments(tree, body.node, chosen, url),
        fields=fields,
        has_time=dated.has_time if dated else False,
    )


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


def _selected(tree: LexborHTMLParser, selector: str | None, problems: list[str], what: str) -> str:
    if selector is None:
        return ""
    text = one_line(select_text(tree, selector))
    if not text:
        problems.append(f"selector for {what} found nothing: {selector}")
    return text


def _fields(tree: LexborHTMLParser, chosen: Detail) -> dict[str, str]:
    """Named facts: by selector, and from label/value rows."""
    found = {name: one_line(select_text(tree, selector)) for name, selector in chosen.fields.items()}
    for node in select_all(tree, chosen.table) if chosen.table else []:
        for row in node.css("tr"):
            cells = [one_line(node_text(cell)) for cell in row.css("td, th")]
            for label, value in zip(cells[::2], cells[1::2], strict=False):
                found.setdefault(label.rstrip(":： "), value)
    return {name: value for name, value in found.items() if name and value}


def _body(tree: LexborHTMLParser, chosen: Detail, markup: str, title: str, problems: list[str]) -> Body:
    if chosen.body is not None:
        nodes = _outermost(select_all(tree, chosen.body))
        body = body_of(nodes)
        if body.text or body.tables or any(link for node in nodes for link in node.css("a[href]") if _is_file(link)):
            return body
        problems.append(f"selector for body found nothing: {chosen.body}")
    body = find_body(tree, title)
    if len(body.text) >= TOO_SHORT or body.tables or len(markup) > MAX_READABILITY:
        return body
    second = _readability(markup)
    return Body(second, body.tables, body.node) if len(second) > 2 * len(body.text) else body


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
        return html_to_text(ReadabilityDocument(markup).summary(html_partial=True))
    except (LxmlError, ValueError, TypeError, AttributeError, RecursionError, AssertionError):
        return ""  # readability wraps what it dislikes in exceptions of many kinds
    except Exception:  # noqa: BLE001 its Unparseable and lxml's relatives have no common base; a second opinion may fail
        return ""


def _attachments(tree: LexborHTMLParser, body: LexborNode | None, chosen: Detail, url: str) -> tuple[str, ...]:
    """Addresses of attached files: by selector, else links inside the body's box that end like a file."""
    if chosen.attachments:
        nodes = select_all(tree, chosen.attachments)
    else:
        box = body.parent if body is not None and body.parent is not None else tree.body
        nodes = [link for link in (box.css("a[href]") if box else []) if _is_file(link)]
    links = (absolute_url(url, node.attributes.get("href") or "") for node in nodes)
    return tuple(dict.fromkeys(link for link in links if link))[:MAX_LINKS]


def _is_file(link: LexborNode) -> bool:
    return is_file(link.attributes.get("href"))
