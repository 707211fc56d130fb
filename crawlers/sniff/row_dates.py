"""Where the date stands in a row of a list. Every walk is bounded: a row of a hostile page may be the whole page."""

import re
from collections.abc import Iterator
from datetime import datetime

from selectolax.lexbor import LexborNode

from crawlers.dates import read_date
from crawlers.markup import SILENT, one_line

MAX_INSIDE = 80
"""Elements of a row that are looked at."""
MAX_NODES = 400
"""Nodes of a row that are walked for its text."""
LONGEST_TEXT = 300
AROUND_DATE = 14
"""Characters that may stand beside a date in its element: 发布时间：, brackets, a clock time, a count."""
DATE_LIKE = re.compile(
    r"\d{4}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}|(?<!\d)\d{1,2}\s*[-/月]\s*\d{1,2}(?!\d)|(?<!\d)20\d{6}(?!\d)"
    r"|[昨今前][天日]|刚刚|\d+\s*(?:分钟|小时|天)前|\d{1,2}\s+[A-Z][a-z]{2,8}\s+\d{4}|[A-Z][a-z]{2,8}\s+\d{1,2},?\s+\d{4}"
)
SPLIT_DATE = r"\d{1,2}\s*日?\s*20\d{2}\s*[-/.年]\s*\d{1,2}月?|20\d{2}\s*[-/.年]\s*\d{1,2}月?\s*\d{1,2}日?"
"""Day and month apart, as calendar leaves show them: 20 2026-11."""
SPLIT_AT_EDGE = re.compile(rf"^(?:{SPLIT_DATE})|(?:{SPLIT_DATE})$")
FULL_DATE_AT_END = re.compile(
    r"[\[(（【]?\s*\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?(?:\s+\d{1,2}:\d{2}(?::\d{2})?)?\s*[\])）】]?$"
)


def start_of(node: LexborNode, *, skip: int = 0) -> str:
    """The first LONGEST_TEXT characters of a node on one line. skip: mem_id of a node to leave out."""
    pieces: list[str] = []
    length = 0
    stack: list[LexborNode] = [node]
    for _ in range(MAX_NODES):
        if not stack or length > LONGEST_TEXT:
            break
        part = stack.pop()
        tag = part.tag or ""
        if tag == "-text":
            pieces.append(part.text_content or "")
            length += len(pieces[-1])
        elif part.mem_id != skip and tag not in SILENT and tag[:1] not in "-!":
            stack.extend(reversed(list(part.iter(include_text=True))[:MAX_NODES]))
            pieces.append(" ")
    return one_line("".join(pieces)[:LONGEST_TEXT])


def date_in(row: LexborNode, link: LexborNode, now: datetime) -> tuple[LexborNode | None, datetime | None]:
    """The smallest element of a row that is little more than a date. Never the link: 2026年1月 is an archive's."""
    best: tuple[LexborNode | None, datetime | None] = (None, None)
    shortest = LONGEST_TEXT
    for node in _elements(row):
        if node.mem_id == link.mem_id:
            continue
        text = start_of(node, skip=link.mem_id)
        if not _is_date(text) or len(text) > shortest:
            continue
        date = read_date(text, now=now)
        if date is not None:
            best, shortest = (node, date), len(text)
    return best


def date_apart(row: LexborNode, link: LexborNode, title: str) -> bool:
    """A date that no selector reads: day and month in two places, behind the row, or bare in the link's text."""
    rest = start_of(row, skip=link.mem_id) if row.mem_id != link.mem_id else ""
    if SPLIT_AT_EDGE.search(rest):
        return True
    if (ending := FULL_DATE_AT_END.search(title)) and len(title) - len(ending[0]) >= 8:
        return True
    after = row.next
    while after is not None and (after.tag or "-").startswith("-"):
        after = after.next
    if after is None or after.tag == row.tag or after.css_first("a[href]") is not None:
        return False
    return _is_date(start_of(after))


def _is_date(text: str) -> bool:
    match = DATE_LIKE.search(text) if len(text) < 60 else None
    return match is not None and len(text) - len(match[0]) <= AROUND_DATE


def _elements(row: LexborNode) -> Iterator[LexborNode]:
    """The row and the first elements in it, in order."""
    stack = [row]
    for _ in range(MAX_INSIDE):
        if not stack:
            return
        node = stack.pop()
        yield node
        stack.extend(reversed(list(node.iter())[:MAX_INSIDE]))
