"""Title, date, source and author of a page, from what pages of news sites and authorities usually say."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from difflib import SequenceMatcher
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from core.clock import beijing
from crawlers.dates import Dated, date_in_url, read_dated
from crawlers.markup import node_text, one_line

TITLE_METAS = ("ArticleTitle", "og:title", "twitter:title", "title")
DATE_METAS = (
    "article:published_time",
    "og:published_time",
    "og:release_date",
    "PubDate",
    "publishdate",
    "publish_time",
    "firstpublishedtime",
    "datePublished",
    "apub:time",
    "weibo: article:create_at",
    "_pubtime",
    "publishtime",
    "release_date",
    "sailthru.date",
    "dc.date",
    "date",
)
SOURCE_METAS = ("ContentSource", "source", "mediaid", "article:publisher")
AUTHOR_METAS = ("author", "article:author", "Author")
HEADS = "h1, h2, h3, [class*=title], [id*=title], [class*=Title], [class*=tit], [class*=headline], [id*=subject]"
SPLIT = re.compile(r"\s*[-_|｜–—]+\s*|\s{2,}|<<|>>|\s+·\s+")
BADGE = "原创"
"""Some sites put this mark inside the headline's own element."""
MAX_TITLE = 150
DATE_BOXES = (
    "time, [class*=time], [id*=time], [class*=date], [id*=date], [class*=Time], [class*=Date], [class*=info],"
    " [id*=info], [class*=source], [id*=source], [class*=pub], [id*=pub], [class*=from], [class*=meta],"
    " [class*=author], [class*=tit2], [class*=laiyuan], [class*=desc], [class*=tips], [class*=Info], [class*=post]"
)
DATE_TEXT = re.compile(
    r"(?:(?:发布时间|发布日期|发表时间|时间|日期|更新时间)\s*[:：]?\s*)?"
    r"(?:\d{4}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}\s*日?(?:[\sT]*\d{1,2}:\d{2}(?::\d{2})?)?)"
)
UPDATED = re.compile(r"最后更新|更新时间|最近更新")
SOURCE_TEXT = re.compile(r"(?:信息来源|文章来源|稿件来源|新闻来源|来源|稿源|出处)\s*[:：]\s*([^\s|｜：:]{2,30})")
AUTHOR_TEXT = re.compile(r"(?:作者|记者|撰文|文\s*/\s*)\s*[:：]\s*([^\s|｜：:，。]{2,20})")
LABEL = re.compile(r"^\s*(?:信息来源|文章来源|稿件来源|新闻来源|来源|稿源|作者|记者|出处)\s*[:：]\s*")
LD_BYTES = 200_000
MAX_BOXED = 5_000_000
"""Characters read in all boxes of one kind."""


def find_title(tree: LexborHTMLParser) -> str:
    """The headline: the heading that agrees best with <title>, else what <title> or the metas say."""
    whole = one_line(_text_of(tree, "title"))
    metas = [value for value in (meta(tree, name) for name in TITLE_METAS) if value]
    wanted = whole or (metas[0] if metas else "")
    best, best_score = "", 0.0
    for place, (text, node) in enumerate(_heads(tree)):
        score = _agreement(text, wanted, metas) + (0.15 if node.tag == "h1" else 0.0) - min(place, 100) * 0.001
        if score > best_score:
            best, best_score = text, score
    if best_score >= 0.45:
        return best if whole.startswith(BADGE) else best.removeprefix(BADGE)
    if metas and len(metas[0]) >= 4:
        return _first_part(metas[0])
    return _first_part(whole) or best


def find_date(tree: LexborHTMLParser, title: str, *, now: datetime, url: str = "") -> Dated | None:
    """When the page says it was published: metas and JSON-LD, then boxes named so, then the first date after the title.

    A clock time in the text refines a day in the metas; a stated time that the page
    itself calls its last update gives way to the one beside it. Last the address is asked.
    """
    stated = _stated_date(tree, now)
    boxed, updated = _dates_in_boxes(tree, now)
    if stated is not None:
        to_refine = not stated.has_time or _is_midnight(stated) or (updated and updated.moment == stated.moment)
        seen = (boxed or _date_after_title(tree, title, now)) if to_refine else None
        near = seen is not None and seen.has_time and abs(seen.moment - stated.moment) <= timedelta(days=1)
        return seen if near else stated
    seen = boxed if boxed is not None and boxed.has_time else updated or boxed or _date_after_title(tree, title, now)
    if seen is not None:
        return seen
    in_url = date_in_url(url, now=now) if url else None
    return Dated(in_url, False) if in_url else None


def find_source(tree: LexborHTMLParser) -> str:
    """Who is named as the origin of the text."""
    value = next((value for value in (meta(tree, name) for name in SOURCE_METAS) if _is_name(value)), "")
    return label_value(value) or _labelled(tree, SOURCE_TEXT)


def find_author(tree: LexborHTMLParser) -> str:
    """Who is named as its writer."""
    value = next((value for value in (meta(tree, name) for name in AUTHOR_METAS) if _is_name(value)), "")
    return label_value(value) or _labelled(tree, AUTHOR_TEXT)


def label_value(text: str) -> str:
    """`来源：人民网` as 人民网."""
    return LABEL.sub("", text).strip()


def meta(tree: LexborHTMLParser, name: str) -> str:
    """Content of the meta with this name, property or itemprop."""
    for attribute in ("name", "property", "itemprop"):
        node = tree.css_first(f'meta[{attribute}="{name}" i]')
        if node is not None and (value := one_line(node.attributes.get("content") or "")):
            return value
    return ""


def _heads(tree: LexborHTMLParser) -> Iterator[tuple[str, LexborNode]]:
    left = MAX_BOXED
    for node in tree.css(HEADS)[:300]:
        text = node.text(deep=True, separator="")
        left -= len(text)
        if left < 0:
            return
        if len(text) <= MAX_TITLE * 4 and 4 <= len(text := one_line(text)) <= MAX_TITLE:
            yield text, node


def _agreement(text: str, whole: str, metas: list[str]) -> float:
    """0-1: how well a heading and the page's own title say the same."""
    if not whole:
        return 0.5
    bare, wanted = "".join(text.split()), "".join(whole.split())
    if bare in wanted:
        return 0.4 + 0.6 * len(bare) / len("".join(_first_part(whole).split()) or wanted) if len(bare) >= 4 else 0.0
    return (
        max(SequenceMatcher(None, bare, "".join(other.split())).ratio() for other in (_first_part(whole), *metas)) * 0.9
    )


def _first_part(whole: str) -> str:
    """`标题_频道_站名` as 标题: the longest leading part."""
    parts = [part for part in SPLIT.split(whole) if part]
    if not parts:
        return whole
    return parts[0] if len(parts[0]) >= 6 else max(parts[:2], key=len)


def _stated_date(tree: LexborHTMLParser, now: datetime) -> Dated | None:
    for name in DATE_METAS:
        dated = read_dated(meta(tree, name), now=now)
        if dated is not None:
            return dated
    for script in tree.css('script[type="application/ld+json"]')[:10]:
        dated = read_dated(_ld_date(script.text() or ""), now=now)
        if dated is not None:
            return dated
    node = tree.css_first("time[datetime]")
    return read_dated(node.attributes.get("datetime"), now=now) if node is not None else None


def _ld_date(text: str) -> str | None:
    try:
        value: Any = json.loads(text[:LD_BYTES])
    except (ValueError, RecursionError):
        match = re.search(r'"(?:datePublished|pubDate)"\s*:\s*"([^"]{8,40})"', text[:LD_BYTES])
        return match[1] if match else None
    for part in value if isinstance(value, list) else [value]:
        if isinstance(part, dict) and (found := part.get("datePublished") or part.get("pubDate")):
            return str(found)
    return None


def _dates_in_boxes(tree: LexborHTMLParser, now: datetime) -> tuple[Dated | None, Dated | None]:
    """From boxes named for it: the first date, better one with a clock time; and the one called the last update."""
    first: Dated | None = None
    updated: Dated | None = None
    for text in _boxes(tree):
        match = DATE_TEXT.search(text)
        dated = read_dated(match[0], now=now) if match else None
        if match is None or dated is None:
            continue
        if UPDATED.search(match.string[: match.end()]):
            updated = updated or dated
        elif first is None or (dated.has_time and not first.has_time):
            first = dated
    return first, updated


def _is_midnight(dated: Dated) -> bool:
    return beijing(dated.moment).time() == time.min


def _date_after_title(tree: LexborHTMLParser, title: str, now: datetime) -> Dated | None:
    if tree.body is None:
        return None
    text = node_text(tree.body)
    start = max(text.find(title), 0) if title else 0
    for match in DATE_TEXT.finditer(text, start, start + 3000):
        dated = read_dated(match[0], now=now)
        if dated is not None:
            return dated
    return None


def _labelled(tree: LexborHTMLParser, form: re.Pattern[str]) -> str:
    return next((match[1] for text in _boxes(tree) if (match := form.search(text))), "")


def _boxes(tree: LexborHTMLParser) -> Iterator[str]:
    """The short texts of boxes named for date, source or author. Boxes inside boxes are read again and again, so the
    whole is bounded."""
    left = MAX_BOXED
    for node in tree.css(DATE_BOXES)[:200]:
        text = node.text(deep=True, separator=" ")
        left -= len(text)
        if left < 0:
            return
        if len(text) <= 600:
            yield one_line(text)


def _is_name(value: str) -> bool:
    return 2 <= len(label_value(value)) <= 40 and not value.startswith(("http", "//"))


def _text_of(tree: LexborHTMLParser, selector: str) -> str:
    node = tree.css_first(selector)
    return node.text(deep=True) if node is not None else ""
