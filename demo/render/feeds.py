"""RSS 2.0 and Atom 1.0 with the pages behind their entries. A feed holds the newest fifty.

Styles: `summary` cuts the description short, `full` carries the text in content:encoded, `titles` has title and a line
or two, `wire` is Atom with the text as HTML content.
"""

import re
from collections.abc import Sequence
from email.utils import format_datetime
from html import escape

from core.clock import beijing, iso_beijing
from demo.render.page import Reply, Request, body_html, find, landing, newest
from demo.sources import SampleSource
from demo.story import Item, paragraphs

NEWEST = 50
SUMMARY = 60
"""Characters of a cut description."""
ARTICLE = re.compile(r"/\d{4}/\d{2}/\d{2}/(\d{9})\.html")


def answer(source: SampleSource, items: Sequence[Item], request: Request) -> Reply | None:
    """The feed (rss.xml or atom.xml) or the page of an entry; None for anything else."""
    if request.path == f"/{source.channel}/rss.xml" and source.family == "rss":
        return Reply(_rss(source, items[:NEWEST], request.base), "application/rss+xml; charset=utf-8", newest(items))
    if request.path == f"/{source.channel}/atom.xml" and source.family == "atom":
        return Reply(_atom(source, items[:NEWEST], request.base), "application/atom+xml; charset=utf-8", newest(items))
    if match := ARTICLE.fullmatch(request.path):
        item = find(items, match[1])
        if item and request.path == _path(item):
            return landing(source, items, item, lambda other: f"{source.root}{_path(other)}")
    return None


def _path(item: Item) -> str:
    return f"/{beijing(item.first_published):%Y/%m/%d}/{item.token}.html"


def _rss(source: SampleSource, items: Sequence[Item], base: str) -> bytes:
    home = f"{base}{source.root}/"
    entries = "\n".join(_entry(source, item, base) for item in items)
    built = newest(items)
    dated = f"<lastBuildDate>{format_datetime(beijing(built))}</lastBuildDate>" if built else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/">\n<channel>\n'
        f"<title>{escape(source.title)}</title><link>{home}</link><description>{escape(source.title)}最新稿件</description>"
        f"<language>zh-cn</language>{dated}<ttl>10</ttl>\n{entries}\n</channel>\n</rss>\n"
    ).encode()


def _entry(source: SampleSource, item: Item, base: str) -> str:
    link = f"{base}{source.root}{_path(item)}"
    author = f"<dc:creator>{escape(item.author)}</dc:creator>" if item.author else ""
    full = f"<content:encoded><![CDATA[{body_html(item)}]]></content:encoded>" if source.look.style == "full" else ""
    return (
        f"<item><title>{escape(item.title)}</title><link>{link}</link>"
        f'<guid isPermaLink="true">{link}</guid><pubDate>{format_datetime(beijing(item.published))}</pubDate>{author}'
        f"<description>{escape(_description(source, item))}</description>{full}</item>"
    )


def _description(source: SampleSource, item: Item) -> str:
    text = "\n".join(paragraphs(item.text))
    if source.look.style == "titles" or len(text) <= SUMMARY:
        return text
    return text[:SUMMARY].rstrip() + "……"


def _atom(source: SampleSource, items: Sequence[Item], base: str) -> bytes:
    home = f"{base}{source.root}/"
    updated = newest(items)
    entries = "\n".join(
        f"<entry><id>tag:wire.invalid,2026:{item.token}</id><title>{escape(item.title)}</title>"
        f'<link rel="alternate" type="text/html" href="{base}{source.root}{_path(item)}"/>'
        f"<published>{iso_beijing(item.first_published)}</published><updated>{iso_beijing(item.published)}</updated>"
        f"<author><name>{escape(item.author or source.title)}</name></author>"
        f'<content type="html">{escape(body_html(item))}</content></entry>'
        for item in items
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="zh-CN">\n'
        f"<id>{home}</id><title>{escape(source.title)}</title>"
        f'<link rel="self" href="{base}{source.root}/{source.channel}/atom.xml"/><link href="{home}"/>'
        f"<updated>{iso_beijing(updated) if updated else '1970-01-01T00:00:00Z'}</updated>\n{entries}\n</feed>\n"
    ).encode()
