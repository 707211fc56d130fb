"""What benchmarks/extraction.py runs side by side: ours, and others where they are installed.

An extractor takes a page as fetched and gives title, date (YYYY-MM-DD[ HH:MM:SS]), source, author and body; "" for what
it does not tell.
"""

import importlib
import logging
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from core.clock import beijing, system_clock
from crawlers.charset import decode_page
from crawlers.dates import read_dated
from crawlers.extract import extract_page
from crawlers.markup import html_to_text, one_line


@dataclass(frozen=True)
class Read:
    title: str = ""
    date: str = ""
    source: str = ""
    author: str = ""
    body: str = ""


Extractor = Callable[[bytes, str, datetime | None], Read]
"""Page, address, the moment it is read at (None: now)."""


def ours(page: bytes, url: str, now: datetime | None) -> Read:
    found = extract_page(page, url, now=now)
    published = f"{beijing(found.published):%Y-%m-%d %H:%M:%S}" if found.published else ""
    return Read(found.title, published, found.source_name or "", found.author or "", found.text)


def density_walk(page: bytes, url: str, now: datetime | None) -> Read:
    """Thirty lines over selectolax: the block whose paragraphs hold most text outside links; no dates."""
    tree = LexborHTMLParser(decode_page(page).text)
    if tree.body is None:
        return Read()
    for node in tree.css("script, style, nav, footer, aside, noscript"):
        node.decompose()
    scores: Counter[int] = Counter()
    nodes: dict[int, LexborNode] = {}
    for node in tree.css("p, div, td, section, li"):
        text = _own_text(node).strip()
        links = sum(len(link.text(deep=True)) for link in node.css("a"))
        if len(text) < 10 or links > len(text) / 2 or not any(mark in text for mark in "，。；！"):
            continue
        above = node.parent if node.tag in ("p", "li", "section") else node
        weight = float(len(text))
        for _ in range(3):
            if above is None or above.tag in ("body", "html"):
                break
            scores[above.mem_id] += round(weight)
            nodes[above.mem_id] = above
            above, weight = above.parent, weight * 0.6
    title = tree.css_first("title")
    called = title.text().split("_")[0].split("-")[0].strip() if title is not None else ""
    return Read(called, body=nodes[scores.most_common(1)[0][0]].text(deep=True) if scores else "")


def _own_text(node: LexborNode) -> str:
    if node.tag == "p":
        return node.text(deep=True)
    return "".join(child.text_content or "" for child in node.iter(include_text=True) if child.tag == "-text")


def _readability(module: Any) -> Extractor:
    def read(page: bytes, url: str, now: datetime | None) -> Read:
        document = module.Document(decode_page(page).text)
        return Read(one_line(document.short_title()), body=html_to_text(document.summary(html_partial=True)))

    return read


def _trafilatura(module: Any) -> Extractor:
    def read(page: bytes, url: str, now: datetime | None) -> Read:
        found = module.bare_extraction(decode_page(page).text, url=url or None, with_metadata=True)
        told = {} if found is None else found if isinstance(found, dict) else found.as_dict()
        held = [str(told.get(name) or "") for name in ("title", "date", "sitename", "author", "text")]
        return Read(*held)

    return read


def _gne(module: Any) -> Extractor:
    extractor = module.GeneralNewsExtractor()

    def read(page: bytes, url: str, now: datetime | None) -> Read:
        told = extractor.extract(decode_page(page).text, host=url)
        dated = read_dated(
            str(told.get("publish_time") or ""), now=now or system_clock()
        )  # it gives the page's own form
        date = f"{beijing(dated.moment):{'%Y-%m-%d %H:%M:%S' if dated.has_time else '%Y-%m-%d'}}" if dated else ""
        held = [str(told.get(name) or "") for name in ("title", "source", "author", "content")]
        return Read(held[0], date, *held[1:])

    return read


OTHERS: Mapping[str, tuple[str, Callable[[Any], Extractor]]] = {
    "readability-lxml": ("readability", _readability),
    "trafilatura": ("trafilatura", _trafilatura),
    "gne": ("gne", _gne),
}


def installed() -> tuple[dict[str, Extractor], list[str]]:
    """The others that can be imported, and the names of those that cannot."""
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    found: dict[str, Extractor] = {"density walk": density_walk}
    missing = []
    for name, (module, make) in OTHERS.items():
        try:
            found[name] = make(importlib.import_module(module))
        except ImportError:
            missing.append(name)
    return found, missing


def guarded(extractor: Extractor) -> Extractor:
    """An extractor that gives nothing where it fails: what another's failure looks like is its own matter."""

    def read(page: bytes, url: str, now: datetime | None) -> Read:
        try:
            return extractor(page, url, now)
        except Exception:  # noqa: BLE001 others raise what they like on pages they dislike; it counts as nothing read
            return Read()

    return read
