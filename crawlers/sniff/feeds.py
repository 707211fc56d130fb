"""Which feed of a site is worth reading: what the page names, what is usual, and when one is believed."""

import re
from datetime import datetime, timedelta
from statistics import median
from typing import Any
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser

from core.clock import beijing
from crawlers.feed import FeedResult
from crawlers.sniff.draft import expectation
from crawlers.urls import absolute_url, host_of

TYPES = re.compile(r"rss|atom|rdf|feed\+json", re.IGNORECASE)
COMMENTS = re.compile(r"comment|评论|回复", re.IGNORECASE)
ENDS_LIKE_A_FEED = re.compile(r"(?:rss|atom|feed)(?:\.xml|\.php|\.aspx?|\.jsp)?/?$|\.(?:rss|atom)$", re.IGNORECASE)
USUAL = ("/rss.xml", "/feed", "/atom.xml", "/rss.php")
DATED_AND_LINKED = 0.8
NOT_OLDER = timedelta(days=30)
MOST_NAMED = 4
WHOLE_TEXT = 200
"""Characters of the usual entry from which on a feed is taken to carry whole texts, not teasers."""


def alternates(tree: LexborHTMLParser, url: str) -> list[str]:
    """Feeds the page names in its head, then in links; feeds of comments are left out."""
    found: dict[str, None] = {}
    for node in tree.css("link[rel][href]"):
        kinds = (node.attributes.get("rel") or "").lower().split()
        words = f"{node.attributes.get('title') or ''} {node.attributes.get('href') or ''}"
        if "alternate" in kinds and TYPES.search(node.attributes.get("type") or "") and not COMMENTS.search(words):
            found[absolute_url(url, node.attributes.get("href") or "") or ""] = None
    for node in tree.css("a[href]"):
        target = absolute_url(url, node.attributes.get("href") or "")
        if (
            target
            and host_of(target) == host_of(url)
            and ENDS_LIKE_A_FEED.search(target)
            and not COMMENTS.search(target)
        ):
            found[target] = None
    found.pop("", None)
    return list(found)[:MOST_NAMED]


def usual_feeds(url: str) -> list[str]:
    """Addresses below the site's root where feeds mostly lie."""
    return [urljoin(url, path) for path in USUAL]


def accepted(feed: FeedResult, *, now: datetime) -> str | None:
    """Why a feed is not to be used, or None: it has entries, they are dated and linked, the newest is fresh."""
    if not feed.ok or not feed.entries:
        return "；".join(feed.problems) or "没有条目"
    whole = sum(1 for entry in feed.entries if entry.published and entry.link)
    if whole < DATED_AND_LINKED * len(feed.entries):
        return f"{len(feed.entries)} 条中只有 {whole} 条有日期和链接（要八成）"
    newest = max(entry.published for entry in feed.entries if entry.published)
    if now - newest > NOT_OLDER:
        return f"最新一条是 {beijing(newest):%Y-%m-%d}，超过 30 天"
    return None


def feed_keys(feed: FeedResult, url: str, *, now: datetime) -> dict[str, Any]:
    """The keys of a source file for it. A feed with whole texts needs no second request an entry."""
    lengths = [len(entry.content) for entry in feed.entries]
    dates = [entry.published for entry in feed.entries if entry.published]
    return {
        "family": "feed",
        "list_url": url,
        "title": feed.title,
        "follow": median(lengths) < WHOLE_TEXT and any(entry.link for entry in feed.entries),
        "expect": expectation(len(feed.entries), max(dates, default=None), now),
        "attribution": feed.title,
        "titles": tuple(entry.title for entry in feed.entries),
    }
