"""The newest hits of a kept search as Atom (RFC 4287): stable ids, masked text; the same hits give the same bytes."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from lxml import etree

from core.clock import iso_beijing
from search.backend import Hit, Sort
from store.searches import SavedSearch
from web.access import Viewer
from web.names import Names
from web.saved import asked_of
from web.search_state import request_for
from web.services import Services

ATOM = "http://www.w3.org/2005/Atom"
STARTED = datetime(2026, 1, 1, tzinfo=UTC)
"""What a feed without hits says it was updated."""
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def newest_hits(services: Services, viewer: Viewer, search: SavedSearch, now: datetime, *, limit: int) -> Sequence[Hit]:
    """The newest hits, whatever order the search is kept in. Raises QueryError, SearchUnavailable."""
    asked = asked_of(search, now)
    if services.search is None or asked is None:
        return ()
    request, _ = request_for(services, viewer, asked, now)
    bare = replace(request, size=limit, sort=Sort.NEWEST, facets={}, histogram=False, split=None)
    return services.search.search(bare).hits


def write_hits(search: SavedSearch, hits: Sequence[Hit], names: Names, public_url: str) -> bytes:
    """The feed. public_url: the desk's address, for links; ids do not depend on it."""
    base = public_url.rstrip("/")
    feed = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM})
    feed.set("{http://www.w3.org/XML/1998/namespace}lang", "zh-CN")
    newest = max((hit.fields["stored_at"] for hit in hits), default=STARTED)
    _add(feed, "id", f"urn:fengsui:search:{search.id}")
    _add(feed, "title", f"烽燧 检索：{search.name}")
    _add(feed, "updated", iso_beijing(newest))
    _add(_add(feed, "author"), "name", "烽燧")
    _add(feed, "link", href=f"{base}/search?{search.address}", rel="alternate", type="text/html")
    for hit in hits:
        fields = hit.fields
        entry = _add(feed, "entry")
        _add(entry, "id", f"urn:fengsui:document:{hit.id}")
        _add(entry, "title", f"［{names.level(fields['level'])}］{hit.title.text or '（无标题）'}")
        _add(entry, "published", iso_beijing(fields["event_time"]))
        _add(entry, "updated", iso_beijing(fields["stored_at"]))
        _add(entry, "link", href=f"{base}/documents/{hit.id}", rel="alternate", type="text/html")
        _add(entry, "category", term=names.kind(fields["kind"]))
        _add(entry, "summary", f"{names.source(fields['source'])}：{hit.snippet.text}", type="text")
    written: bytes = etree.tostring(feed, xml_declaration=True, encoding="utf-8", pretty_print=True)
    return written


def _add(parent: etree._Element, name: str, text: str = "", **attributes: str) -> etree._Element:
    element = etree.SubElement(parent, f"{{{ATOM}}}{name}")
    element.text = _NOT_XML.sub("", text) or None
    for key, value in attributes.items():
        element.set(key, _NOT_XML.sub("", value))
    return element
