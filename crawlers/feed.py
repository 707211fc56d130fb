"""RSS, Atom, RDF, CDF through feedparser and JSON Feed by ourselves; dates always by crawlers/dates.py.

`read_feed` never raises: what is wrong with a feed is named in `problems`. Bytes are decoded by crawlers/charset.py and
mended by crawlers/feed_repair.py; feedparser is handed clean UTF-8 and guesses nothing.
"""

import io
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import feedparser

from core.clock import iso_beijing, system_clock
from crawlers.charset import Decoded, decode_page
from crawlers.dates import implausible_date, read_date
from crawlers.feed_repair import balanced, clear_feed
from crawlers.markup import html_to_text, one_line
from crawlers.urls import absolute_url

MAX_BYTES = 20 * 1024**2
"""As much as the crawler downloads."""
MAX_RATIO = 200
"""How many times its size a gzip file may unpack to; feeds come to 20."""
MAX_ENTRIES = 2000
"""Two seconds' work; feeds have 10 to 100 entries, the longest of 1,700 collected ones 741."""
MAX_MARKUP = 1_000_000
"""Characters of one entry that are read."""
HTML_START = re.compile(r"(?:\s|<!--.*?-->)*+<(?:!doctype\s+html|html)[\s>]", re.I | re.S)
ANY_FEED = re.compile(r"<(?:\w+:)?(?:rss|feed|rdf|channel|item|entry)[\s>]", re.I)
CLEAN = {"content-type": "application/xml; charset=utf-8"}
UNSAFE_LINK = re.compile(r"(?:javascript|vbscript|data|file|blob|about):", re.I)


@dataclass(frozen=True)
class FeedEntry:
    """published: aware UTC, None where the feed does not say or says nonsense. summary, content: plain text."""

    title: str
    link: str
    published: datetime | None
    summary: str
    content: str = ""
    content_html: str = ""
    id: str = ""
    author: str = ""
    raw_date: str = ""


@dataclass(frozen=True)
class FeedResult:
    """ok: it is a feed (it may be empty). problems: one sentence each, also for feeds that could be read."""

    ok: bool
    title: str
    entries: tuple[FeedEntry, ...]
    problems: tuple[str, ...]
    version: str = ""


def read_feed(
    data: bytes, *, headers: Mapping[str, str] | None = None, url: str = "", now: datetime | None = None
) -> FeedResult:
    """Read a feed from its bytes. headers: of the HTTP answer; only Content-Type and Content-Location count."""
    known = {name.lower(): value for name, value in (headers or {}).items()}
    problems: list[str] = []
    data = _unpacked(data, problems)
    if not data.strip():
        return FeedResult(False, "", (), (*problems,) or ("the answer is empty",))
    moment = now or system_clock()
    try:
        decoded = decode_page(data, content_type=known.get("content-type"))
        if decoded.text.lstrip()[:1] == "{":
            result = _read_json(decoded, url, moment, problems)
        else:
            result = _read_xml(decoded, url, moment, problems)
    except Exception as error:  # noqa: BLE001 feeds are hostile; feedparser and expat raise what they like
        return FeedResult(False, "", (), (*problems, f"cannot be read: {type(error).__name__}: {error}"[:300]))
    return result


def feed_file(path: Path) -> dict[str, Any]:
    """The line of `fengsui feed` for one file. Raises OSError when it cannot be opened."""
    result = read_feed(path.read_bytes())
    entries = [
        {
            "title": entry.title,
            "link": entry.link,
            "published": iso_beijing(entry.published) if entry.published else None,
            "summary": entry.summary,
        }
        for entry in result.entries
    ]
    return {
        "file": str(path),
        "ok": result.ok,
        "title": result.title,
        "entries": entries,
        "problems": list(result.problems),
    }


def _unpacked(data: bytes, problems: list[str]) -> bytes:
    """`data`, gunzipped where it is gzip, cut at MAX_BYTES."""
    if data.startswith(b"\x1f\x8b"):
        packed = len(data)
        try:
            data = zlib.decompressobj(wbits=31).decompress(data, MAX_BYTES + 1)
        except zlib.error as error:
            problems.append(f"looks like gzip and cannot be unpacked: {error}")
            return b""
        if len(data) > max(packed * MAX_RATIO, 1_000_000):
            problems.append(f"unpacks to more than {MAX_RATIO} times its size: not read")
            return b""
    if len(data) > MAX_BYTES:
        problems.append(f"longer than {MAX_BYTES} bytes: the rest is not read")
        return data[:MAX_BYTES]
    return data


def _read_xml(decoded: Decoded, url: str, now: datetime, problems: list[str]) -> FeedResult:
    text = decoded.text
    is_html = HTML_START.match(text) is not None
    if ANY_FEED.search(text) is None:
        return FeedResult(False, "", (), (*problems, f"this is {'an HTML page' if is_html else 'no feed'}"))
    problems += decoded.problems()
    clean = clear_feed(text, MAX_ENTRIES, problems)
    try:
        parsed = _parse(clean, url)
    except Exception:  # noqa: BLE001 feedparser trips over some soup, with whatever it happens to raise
        parsed = _parse(balanced(clean), url)
    version = str(parsed.get("version") or "")
    if is_html and not version and not parsed.entries:
        return FeedResult(False, "", (), (*problems, "this is an HTML page"))
    read = tuple(_xml_entry(entry, url, now) for entry in parsed.entries[:MAX_ENTRIES])
    _judge(read, now, problems)
    ok = bool(version or read or parsed.feed)
    return FeedResult(ok, _plain_title(parsed.feed.get("title")), read, tuple(problems), version)


def _parse(clean: bytes, url: str) -> Any:
    """Through a stream: feedparser would try bare bytes as the name of a file. HTML is made text by us, not here."""
    headers = {**CLEAN, **({"content-location": url} if url else {})}
    return feedparser.parse(
        io.BytesIO(clean), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )


def _xml_entry(entry: Any, url: str, now: datetime) -> FeedEntry:
    raw, published = _first_date([entry.get(name) for name in ("published", "updated", "created")], now)
    contents = [part.get("value") or "" for part in entry.get("content") or ()]
    markup = max(contents, key=len, default="")[:MAX_MARKUP]
    summary = str(entry.get("summary") or "")[:MAX_MARKUP]
    text, whole = html_to_text(summary or markup), markup or summary
    return FeedEntry(
        title=_plain_title(entry.get("title")),
        link=_link(str(entry.get("link") or ""), url),
        published=published,
        summary=text,
        content=text if whole == (summary or markup) else html_to_text(whole),
        content_html=whole,
        id=str(entry.get("id") or ""),
        author=one_line(str(entry.get("author") or "")),
        raw_date=raw,
    )


def _read_json(decoded: Decoded, url: str, now: datetime, problems: list[str]) -> FeedResult:
    problems += decoded.problems()
    value = json.loads(decoded.text, strict=False)
    version = str(value.get("version") or "")
    items = value.get("items")
    if "jsonfeed.org/version/" not in version or not isinstance(items, list):
        return FeedResult(False, "", (), (*problems, "JSON, but no JSON Feed: version or items are missing"))
    read = tuple(_json_entry(item, url, now) for item in items[:MAX_ENTRIES] if isinstance(item, dict))
    if len(read) < min(len(items), MAX_ENTRIES):
        problems.append(f"{len(items) - len(read)} items are no objects")
    _judge(read, now, problems)
    return FeedResult(True, one_line(str(value.get("title") or "")), read, tuple(problems), version)


def _json_entry(item: Mapping[str, Any], url: str, now: datetime) -> FeedEntry:
    markup, text = _said(item, "content_html"), _said(item, "content_text")
    raw, published = _first_date([item.get("date_published"), item.get("date_modified")], now)
    body = html_to_text(markup) or html_to_text(text)
    authors = item.get("authors")
    people = authors if isinstance(authors, list) else [item.get("author")]
    names = [str(author.get("name") or "") for author in people if isinstance(author, dict)]
    return FeedEntry(
        title=_plain_title(_said(item, "title")),
        link=_link(_said(item, "url") or _said(item, "external_url"), url),
        published=published,
        summary=html_to_text(_said(item, "summary")) or body,
        content=body,
        content_html=markup or text,
        id=str(item.get("id") or ""),
        author="、".join(name for name in names if name),
        raw_date=raw,
    )


def _said(item: Mapping[str, Any], name: str) -> str:
    """A text of an item; a list or an object in its place says nothing."""
    value = item.get(name)
    return str(value) if isinstance(value, str | int) else ""


def _first_date(values: list[Any], now: datetime) -> tuple[str, datetime | None]:
    """What the first of `values` that can be read says, and when that is; else the first that says anything."""
    said = [str(value) for value in values if value]
    for raw in said:
        if (published := read_date(raw, now=now)) is not None:
            return raw, published
    return (said[0] if said else ""), None


def _judge(entries: tuple[FeedEntry, ...], now: datetime, problems: list[str]) -> None:
    """Name what the entries lack."""
    if not entries:
        problems.append("no entries")
    unread = [entry.raw_date for entry in entries if entry.raw_date and not entry.published]
    refused = [moment for raw in unread if (moment := implausible_date(raw, now=now))]
    example = f"such as {iso_beijing(refused[0])[:10]}" if refused else ""
    for what, count in (
        (f"have a date in the future or before 1990, {example}", len(refused)),
        (f"have a date that cannot be read, such as {''.join(unread[:1])[:40]}", len(unread) - len(refused)),
        ("have no date", sum(1 for entry in entries if not entry.raw_date)),
        ("have no link", sum(1 for entry in entries if not entry.link)),
        ("have neither title nor text", sum(1 for entry in entries if not entry.title and not entry.summary)),
    ):
        if count:
            problems.append(f"{count} of {len(entries)} entries {what}")


def _plain_title(title: Any) -> str:
    return one_line(html_to_text(str(title or "")))


def _link(link: str, url: str) -> str:
    """The link as a web address where it can be made one, else as it stands (urn:…, tag:…); no link that runs code."""
    bare = "".join(char for char in link if char > " ")
    if not bare or UNSAFE_LINK.match(bare):
        return ""
    return absolute_url(url, bare) or link.strip()
