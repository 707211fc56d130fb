"""When a page says it was published.

A date needs a label or a place near the headline: a day that the story tells of is no publication date, nor is the
clock at the top of the page.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from crawlers.dates import Dated, read_dated
from crawlers.page import Page
from crawlers.strip import (
    DATE,
    MADE,
    MAX_STRIP,
    PUBLISHED,
    TODAY,
    UPDATED,
    YEAR_DATE,
    Places,
    above,
    between,
    elsewhere,
    is_strip,
)

OTHER = (
    r"(?:截止|截至|有效|生效|实施|施行|回复|答复|办结|办理|开始|结束|失效|废止|活动|开标|报名|召回|受理|处理|检查|抽样|生产"
    r"|対応開始)\s*(?:时间|日期|期|日|于)?(?:至|到)?"
)
LABELLED = re.compile(
    rf"(?:(?P<other>{OTHER})|(?P<made>{MADE})|(?P<updated>{UPDATED})|(?P<published>{PUBLISHED}))"
    r"\s*[:：]?\s*[\[【(（]?\s*$",
    re.IGNORECASE,
)
DAY_LABEL = re.compile(r"时间|日期|期|日|于|[:：]|[A-Za-z]")
RANKS = {"published": 4, None: 3, "made": 2, "updated": 1}
BESIDE, MADE_RANK, UPDATED_RANK = 3, 2, 1
LABEL_LENGTH = 40
UNDER = 4
WEEKDAYS = re.compile(r"\s*[(（]?(?:星期|周)[一二三四五六日天][)）]?\s*")
SPLIT_DAY = re.compile(r"(?<![\d:.-])(\d{1,2})\s+(\d{4})\s*[-/.年]\s*(\d{1,2})\s*月?(?![\d./-])")
"""The day in large type above year and month: 07 2023-09."""
PAPER = re.compile(r"[报刊]|第?\s*\w{1,4}\s*[版期]")


@dataclass(frozen=True)
class Found:
    """A date on the page.  rank: 4 labelled as published, 3 beside the title, 2 a document's own day, 1 an update.

    updated: when the page says it was last changed, if it does.
    """

    dated: Dated
    rank: int
    updated: datetime | None = None


def date_on_page(page: Page, places: Places, *, now: datetime) -> Found | None:
    """The best date beside the title; where none is there, a labelled one elsewhere."""
    found = list(_dates("\n".join(between(page, places)), now, beside=True))
    found += _dates("\n".join(above(page, places)), now, beside=True)
    if not any(each.rank >= BESIDE for each in found):
        found += _dates("\n".join(elsewhere(page)), now, beside=False)
    if not found:
        found += _under(page, places, now)
    if not found:
        return None
    best = max(found, key=lambda each: each.rank)
    updated = next((each.dated.moment for each in found if each.rank == UPDATED_RANK), None)
    timed = (each.dated for each in found if each.dated.has_time and each.rank >= BESIDE)
    closer = next((dated for dated in timed if _same_day(dated, best.dated)), best.dated)
    return Found(best.dated if best.dated.has_time else closer, best.rank, updated)


def dates_beside(page: Page, places: Places) -> list[str]:
    """What stands beside the title and looks like a date."""
    lines = "\n".join((*between(page, places), *above(page, places)))
    return [match[0] for match in DATE.finditer(lines)]


def _under(page: Page, places: Places, now: datetime) -> Iterator[Found]:
    """A line right under the text that is a moment and little else: so do boards of posts sign."""
    for line in page.lines[places.last + 1 : places.last + 1 + UNDER]:
        match = YEAR_DATE.search(line.spaced) if not line.block.out and is_strip(line.spaced) else None
        if match is not None and (dated := _read(match[0], now)) and dated.has_time:
            yield Found(dated, MADE_RANK)


def masthead_date(page: Page, places: Places, title: str, *, now: datetime) -> Dated | None:
    """The day of a newspaper's page: in <title>, or beside the paper's name above the text."""
    match = YEAR_DATE.search(title)
    if match is not None and (dated := _read(match[0], now)):
        return dated
    for line in page.lines[: places.first]:
        text = line.spaced
        match = YEAR_DATE.search(text) if len(text) <= MAX_STRIP and TODAY.search(text) is None else None
        if match is None or not (PAPER.search(text) or "报" in title):
            continue
        if dated := _read(match[0], now):
            return dated
    return None


def signature_date(page: Page, places: Places, *, now: datetime) -> Dated | None:
    """The day under a notice: one of the lines around its end that is a date and nothing else."""
    for line in reversed(page.lines[max(places.last - 2, places.first) : places.last + 4]):
        text = line.text.strip("()（） ")
        if YEAR_DATE.fullmatch(text) and (dated := _read(text, now)):
            return dated
    return None


def _dates(text: str, now: datetime, *, beside: bool) -> Iterator[Found]:
    """Dates in strips, in order. beside: the strip stands at the title, so that no label is needed."""
    for match in DATE.finditer(text):
        label = LABELLED.search(text[max(0, match.start() - LABEL_LENGTH) : match.start()])
        if label is not None and "\n" in label[0] and DAY_LABEL.search(label[0]) is None:
            label = None  # the line above ends in 召回 or 实施, as headlines do
        kind = label.lastgroup if label else None
        if kind == "other" or (kind is None and not beside):
            continue
        if dated := _read(match[0], now):
            yield Found(dated, RANKS[kind])
    day = SPLIT_DAY.search(text) if beside else None
    if day is not None and (dated := _read(f"{day[2]}-{day[3]}-{day[1]}", now)):
        yield Found(dated, MADE_RANK)


def _read(text: str, now: datetime) -> Dated | None:
    return read_dated(WEEKDAYS.sub(" ", text.replace("：", ":")).strip(), now=now)


def _same_day(one: Dated, other: Dated) -> bool:
    return abs(one.moment - other.moment) < timedelta(days=1)
