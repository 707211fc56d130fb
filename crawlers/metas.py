"""What a page says about itself in <meta>, <time> and JSON-LD."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from crawlers.dates import Dated, read_dated
from crawlers.markup import one_line

TITLES = ("articletitle", "og:title", "twitter:title", "title")
DATES = (
    "article:published_time",
    "og:published_time",
    "og:release_date",
    "pubdate",
    "publishdate",
    "publish_time",
    "firstpublishedtime",
    "datepublished",
    "apub:time",
    "weibo: article:create_at",
    "_pubtime",
    "publishtime",
    "release_date",
    "sailthru.date",
    "dc.date",
    "date",
)
FIRST_PUBLISHED = re.compile(
    r"(?!.*(?:modif|updat|expir|valid))(?:.*[:._-])?(?:first[-_]?)?(?:publi\w*|release|create)[-_ :]?\w*"
    r"(?:at|time|date)",
    re.I,
)
SOURCES = ("contentsource", "source", "mediaid", "article:publisher")
AUTHORS = ("author", "article:author", "og:article:author")
LD_BYTES = 200_000
MAX_NAME = 60
MAX_TITLE = 400
ARTICLE = re.compile(r"article|posting|report|page|videoobject|question|product", re.I)


@dataclass(frozen=True)
class Stated:
    """metas: by lower-case name, the first of each.  linked: the article of JSON-LD.  times: of <time>, attributes."""

    title: str
    metas: Mapping[str, str]
    linked: Mapping[str, Any]
    times: tuple[Mapping[str, str | None], ...]

    def first(self, names: tuple[str, ...]) -> str:
        return next((self.metas[name] for name in names if self.metas.get(name)), "")

    @property
    def headlines(self) -> list[str]:
        """What the page calls itself: metas and JSON-LD, without <title>."""
        named = [self.metas.get(name, "") for name in TITLES]
        return [value for value in (*named, one_line(_text(self.linked.get("headline")))) if value]

    def date(self, *, now: datetime) -> Dated | None:
        """The publication date: the first of `moments` that is one."""
        return next((dated for value in self.moments() if (dated := read_dated(value, now=now))), None)

    def moments(self) -> Iterator[str]:
        """What may be the publication date: a known meta, one named like it, JSON-LD, <time>."""
        named = [self.metas[name] for name in DATES if name in self.metas]
        named += [value for name, value in self.metas.items() if name not in DATES and FIRST_PUBLISHED.fullmatch(name)]
        linked = [_text(self.linked.get(name)) for name in ("datePublished", "dateCreated", "uploadDate")]
        yield from (*named, *linked, *self._times())

    def source(self) -> str:
        return next((self.metas[name] for name in SOURCES if is_name(self.metas.get(name, ""))), "")

    def author(self) -> str:
        named = [self.metas.get(name, "") for name in AUTHORS]
        return next((value for value in (*named, _name(self.linked.get("author"))) if is_name(value)), "")

    def publisher(self) -> str:
        value = _name(self.linked.get("publisher")) or _name(self.linked.get("sourceOrganization"))
        return value if is_name(value) else ""

    def _times(self) -> list[str]:
        """<time datetime>: the one named as published, then one that is not named as an update."""
        said = [
            (f"{each.get('class')} {each.get('itemprop')}".lower(), each.get("datetime") or "") for each in self.times
        ]
        told = [value for names, value in said if "publish" in names or "datecreated" in names]
        return told[:1] or [value for names, value in said if not re.search(r"updat|modif", names)][:1]


def read_metas(tree: LexborHTMLParser) -> Stated:
    metas: dict[str, str] = {}
    for node in tree.css("meta[content]")[:200]:
        attributes = node.attributes
        name = attributes.get("name") or attributes.get("property") or attributes.get("itemprop")
        value = one_line(attributes.get("content") or "") if name else ""
        if name and value and len(name) <= MAX_NAME:
            metas.setdefault(name.strip().lower(), value)
    title = tree.css_first("title")
    times = tuple(node.attributes for node in tree.css("time[datetime]")[:20])
    return Stated(one_line(title.text(deep=True))[:MAX_TITLE] if title is not None else "", metas, _linked(tree), times)


def is_name(value: str) -> bool:
    """Whether a meta holds a name, no address and no sentence."""
    return 2 <= len(value) <= 40 and not value.startswith(("http", "//"))


def _linked(tree: LexborHTMLParser) -> Mapping[str, Any]:
    """The JSON-LD object that speaks of the article; empty when there is none."""
    for script in tree.css('script[type="application/ld+json"]')[:10]:
        text = script.text() or ""
        if not 0 < len(text) <= LD_BYTES:
            continue
        try:
            found = json.loads(text, strict=False)
        except (ValueError, RecursionError):
            continue
        for each in _objects(found):
            if ARTICLE.search(str(each.get("@type"))) and ("datePublished" in each or "headline" in each):
                return each
            if "@type" not in each and "pubDate" in each:
                return {"headline": each.get("title"), "datePublished": each.get("pubDate")}
    return {}


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, dict):
            yield each
            graph = each.get("@graph")
            yield from (part for part in graph if isinstance(part, dict)) if isinstance(graph, list) else ()


def _text(value: Any) -> str:
    if isinstance(value, list) and value:
        return _text(value[0])
    return value if isinstance(value, str) else ""


def _name(value: Any) -> str:
    if isinstance(value, list) and value:
        return _name(value[0])
    if isinstance(value, dict):
        return one_line(_text(value.get("name")))
    return one_line(_text(value))
