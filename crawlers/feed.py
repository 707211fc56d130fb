"""RSS, Atom, RDF, CDF through feedparser and JSON Feed by ourselves; dates always by crawlers/dates.py.

`read_feed` never raises: what is wrong with a feed is named in `problems`.
"""

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
from crawlers.charset import decode_page
from crawlers.dates import read_date
from crawlers.markup import html_to_text, one_line
from crawlers.urls import absolute_url

MAX_BYTES = 50 * 1024**2
MAX_ENTRIES = 5000
XML_HEAD = re.compile(r"^\s*<\?xml[^>]{0,300}\?>")
HTML_START = re.compile(rb"^\s*(?:<!--(?:(?!-->).){0,500}+-->\s*)*+<(?:!doctype\s+html|html)[\s>]", re.I | re.S)
FIRST_ELEMENT = re.compile(rb"<\w")
GAP = re.compile(rb"\s{2,}")
ANY_FEED = re.compile(rb"<(?:\w+:)?(?:rss|feed|rdf|channel|item|entry)[\s>]", re.I)


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
        return FeedResult(False, "", (), (*problems, "the answer is empty"))
    moment = now or system_clock()
    try:
        if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
            result = _read_json(data, url, moment, problems)
        else:
            result = _read_xml(data, known, url, moment, problems)
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
        try:
            data = zlib.decompressobj(wbits=31).decompress(data, MAX_BYTES + 1)
        except zlib.error as error:
            problems.append(f"looks like gzip and cannot be unpacked: {error}")
            return b""
    if len(data) > MAX_BYTES:
        problems.append(f"longer than {MAX_BYTES} bytes: the rest is not read")
        return data[:MAX_BYTES]
    return data


def _read_xml(data: bytes, headers: Mapping[str, str], url: str, now: datetime, problems: list[str]) -> FeedResult:
    data, headers = _with_right_charset(data, headers, problems)
    parsed = feedparser.parse(
        _without_gaps(data), response_headers={**headers, **({"content-location": url} if url else {})}
    )
    version = str(parsed.get("version") or "")
    entries = parsed.entries[:MAX_ENTRIES]
    if not version and not entries and (HTML_START.match(data) or not ANY_FEED.search(data[:100_000])):
        what = "an HTML page" if HTML_START.match(data) else "no feed"
        return FeedResult(False, "", (), (*problems, f"this is {what}"))
    if parsed.bozo and not isinstance(parsed.bozo_exception, feedparser.CharacterEncodingOverride):
        problems.append(f"malformed: {one_line(str(parsed.bozo_exception))[:200]}")
    if len(parsed.entries) > MAX_ENTRIES:
        problems.append(f"more than {MAX_ENTRIES} entries: the rest is not read")
    read = tuple(_xml_entry(entry, url, now) for entry in entries)
    _judge(read, problems)
    ok = bool(version or read or parsed.feed)
    return FeedResult(ok, _plain_title(parsed.feed.get("title")), read, tuple(problems), version)


def _with_right_charset(
    data: bytes, headers: Mapping[str, str], problems: list[str]
) -> tuple[bytes, Mapping[str, str]]:
    """The bytes in UTF-8 where the declared charset does not fit them; else as they are: feedparser copes."""
    decoded = decode_page(data, content_type=headers.get("content-type"))
    undeclared = decoded.encoding == "gb18030" and b"encoding" not in data[:200]
    wide = decoded.encoding.startswith("utf-16")
    if not decoded.corrected and not undeclared and not wide:
        return data, headers
    if not wide:
        problems.append(f"the declared charset does not fit, read as {decoded.encoding}")
    clean = XML_HEAD.sub("", decoded.text)
    return clean.encode("utf-8", "replace"), {**headers, "content-type": "application/xml; charset=utf-8"}


def _without_gaps(data: bytes) -> bytes:
    """Without runs of blanks before the first element: feedparser looks for entities there in time of their square."""
    first = FIRST_ELEMENT.search(data)
    start = first.start() if first else len(data)
    return GAP.sub(b"\n", data[:start]) + data[start:]


def _xml_entry(entry: Any, url: str, now: datetime) -> FeedEntry:
    raw = str(entry.get("published") or entry.get("updated") or entry.get("created") or "")
    contents = [part.get("value") or "" for part in entry.get("content") or ()]
    markup = max(contents, key=len, default="")
    summary = str(entry.get("summary") or "")
    return FeedEntry(
        title=_plain_title(entry.get("title")),
        link=_link(str(entry.get("link") or ""), url),
        published=read_date(raw, now=now),
        summary=html_to_text(summary or markup),
        content=html_to_text(markup or summary),
        content_html=markup or summary,
        id=str(entry.get("id") or ""),
        author=one_line(str(entry.get("author") or "")),
        raw_date=raw,
    )


def _read_json(data: bytes, url: str, now: datetime, problems: list[str]) -> FeedResult:
    value = json.loads(decode_page(data).text)
    version = str(value.get("version") or "")
    items = value.get("items")
    if "jsonfeed.org/version/" not in version or not isinstance(items, list):
        return FeedResult(False, "", (), (*problems, "JSON, but no JSON Feed: version or items are missing"))
    read = tuple(_json_entry(item, url, now) for item in items[:MAX_ENTRIES] if isinstance(item, dict))
    if len(read) < min(len(items), MAX_ENTRIES):
        problems.append(f"{len(items) - len(read)} items are no objects")
    _judge(read, problems)
    return FeedResult(True, one_line(str(value.get("title") or "")), read, tuple(problems), version)


def _json_entry(item: Mapping[str, Any], url: str, now: datetime) -> FeedEntry:
    markup = str(item.get("content_html") or "")
    text = str(item.get("content_text") or "")
    raw = str(item.get("date_published") or item.get("date_modified") or "")
    body = html_to_text(markup) or html_to_text(text)
    authors = item.get("authors") or [item.get("author")]
    names = [str(author.get("name") or "") for author in authors if isinstance(author, dict)]
    return FeedEntry(
        title=_plain_title(item.get("title")),
        link=_link(str(item.get("url") or item.get("external_url") or ""), url),
        published=read_date(raw, now=now),
        summary=html_to_text(str(item.get("summary") or "")) or body,
        content=body,
        content_html=markup or text,
        id=str(item.get("id") or ""),
        author="、".join(name for name in names if name),
        raw_date=raw,
    )


def _judge(entries: tuple[FeedEntry, ...], problems: list[str]) -> None:
    """Name what the entries lack."""
    if not entries:
        problems.append("no entries")
    for what, count in (
        ("have a date that cannot be read", sum(1 for entry in entries if entry.raw_date and not entry.published)),
        ("have no date", sum(1 for entry in entries if not entry.raw_date)),
        ("have no link", sum(1 for entry in entries if not entry.link)),
        ("have neither title nor text", sum(1 for entry in entries if not entry.title and not entry.summary)),
    ):
        if count:
            problems.append(f"{count} of {len(entries)} entries {what}")


def _plain_title(title: Any) -> str:
    return one_line(html_to_text(str(title or "")))


def _link(link: str, url: str) -> str:
    """The link as a web address where it can be made one, else as it stands (urn:…, tag:…)."""
    return absolute_url(url, link) or link.strip() if link else ""
