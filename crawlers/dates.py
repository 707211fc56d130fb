"""Dates as Chinese sites and feeds write them. No zone means Beijing; what is not sure is None, never a guess of now.

Other parsers are no substitute: feedparser reads 2022年4月13日 as 2022-11-01 and zone-less times as UTC. Refused on
purpose: two-digit years (24-03-15 is one of three days; RFC 822 and 850 define theirs), 03/04/2024 unless the source
says which comes first, the lunar calendar, days to come (明天), a month or a week without a day, figures that count
something (浏览次数：20220413). Of a range the first day is taken.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from core.clock import BEIJING, as_utc, beijing
from crawlers.date_clock import CLOCK, Dated, with_clock
from crawlers.date_words import folded, read_ago, read_calendar_word, read_day_word

__all__ = ["REFUSED_DATE", "Dated", "date_in_url", "implausible_date", "read_date", "read_dated"]

EARLIEST = datetime(1990, 1, 1, tzinfo=BEIJING)
AHEAD = timedelta(days=1)
MAX_LENGTH = 200
"""Characters that are looked at: a date stands at the beginning of what is called one."""

PUBLISHED = re.compile(
    r"(?:发布|发表|发稿|刊发|成文|发文|公布|公开|生成|印发)(?:时间|日期|于)\s*[:\]】]?\s*|(?:发布|发表)\s*[:]\s*|published(?:\s+on)?\s*:?\s*",
    re.I,
)
LABEL = re.compile(r"(?:时间|日期|编辑于|更新于|date|updated)\s*[:\]】]?\s*", re.I)
WEEKDAY_FIRST = re.compile(r"^(?:星期|周|礼拜)[一二三四五六日天][\s,)]*(?=\d{1,4}\s*[-/.年月]\s*\d|\d{1,2} \d{1,2}月)")
LUNAR = re.compile(r"(?:农历|阴历|夏历|旧历)\s*$")
LAST_DAY = r"(\d{2}(?=\d{2}:\d{2})|\d{1,2}(?!\d))"
YMD = re.compile(rf"(?<![\d.])(\d{{4}})\s*[-/.年_·]\s*(\d{{1,2}})\s*[-/.月_·]\s*{LAST_DAY}(?!\.\d)\s*[日号]?")
ERA = re.compile(r"(民国|令和|平成)\s*(\d{1,3}|元)\s*年\s*(\d{1,2})\s*月\s*(\d{1,2})\s*日")
ERA_STARTS = {"民国": 1911, "令和": 2018, "平成": 1988}
MD = re.compile(r"(?<![\d\-/.年月])(\d{1,2})\s*月\s*(\d{1,2})\s*[日号]")
MD_FIGURES = re.compile(r"(\d{1,2})\s*[-/]\s*(\d{1,2})(?=$|[\s,T|)\]])")
SPLIT = (
    (re.compile(r"(\d{1,2})\s+(\d{4})\s*[-/.年]\s*(\d{1,2})\s*月?$"), (2, 3, 1)),
    (re.compile(r"(\d{4})\s+(\d{1,2})\s*[-/.月]\s*(\d{1,2})(?!\d)日?"), (1, 2, 3)),
    (re.compile(r"(\d{1,2})\s*[-/.月]\s*(\d{1,2})日?\s+(\d{4})(?!\d)年?"), (3, 1, 2)),
    (re.compile(r"(\d{1,2})\s+(\d{1,2})月\s+(\d{4})(?!\d)"), (3, 2, 1)),
)
"""A day in a box of its own, as calendars of government sites have it, and RFC 822 in a Chinese locale."""
FIGURES = re.compile(r"(?<![\d.])(\d{1,2})([-/.])(\d{1,2})\2(\d{4})(?!\d)")
COMPACT = re.compile(r"((?:19|20)\d{2})(\d{2})(\d{2})(?:[T\s_-]?(\d{2}):?(\d{2})(?::?(\d{2}))?)?(?!\d)")
COMPACT_END = re.compile(r"\s*(?:Z|[+-]\d{2}:?\d{2}|[.,]\d{1,9}Z?)?(?=$|[\s,;|)\]])")
EPOCH = re.compile(r"(?:/Date\()?(\d{10})(?:(\d{3})(?:\d{3}){0,2})?(?:\.\d+)?(?:[+-]\d{4})?(?:\)/)?")
MONTHS = {
    "january": 1, "february": 2, "march": 3, "april": 4, "may": 5, "june": 6, "july": 7, "august": 8, "september": 9,
    "october": 10, "november": 11, "december": 12, "jan": 1, "feb": 2, "mar": 3, "apr": 4, "jun": 6, "jul": 7, "aug": 8,
    "sep": 9, "sept": 9, "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
MONTH = rf"({'|'.join(sorted(MONTHS, key=len, reverse=True))})\b\.?"
ORDINAL = r"(?<!\d)(\d{1,2})(?:st|nd|rd|th)?"
ENGLISH = (
    (re.compile(rf"\b{MONTH}\s+{ORDINAL},?\s+(\d{{4}})(?!\d)", re.I), (3, 1, 2)),
    (re.compile(rf"{ORDINAL}[-\s/]+(?:of\s+)?{MONTH},?[-\s/]+(\d{{4}})(?!\d)", re.I), (3, 2, 1)),
    (re.compile(rf"(?<!\d)(\d{{4}})[-\s/]+{MONTH}[-\s/]+(\d{{1,2}})(?!\d)", re.I), (1, 2, 3)),
    (
        re.compile(rf"^(?:[a-z]+,\s*)?(\d{{1,2}})[-\s]{MONTH}[-\s](\d\d)(?=\s+\d{{1,2}}:\d\d\S*\s+[A-Z+-])", re.I),
        (3, 2, 1),
    ),
)
"""A form and where in it year, month and day stand."""
UNIX = re.compile(rf"\b{MONTH}\s+(\d{{1,2}})\s+(\d{{1,2}}:\d{{2}}(?::\d{{2}})?)\s+(?:(\S{{1,9}})\s+)?(\d{{4}})$", re.I)
URL_DATE = re.compile(
    r"/(20\d{2})[-/]?(0[1-9]|1[0-2])[-/]?(0[1-9]|[12]\d|3[01])(?!\d)|[/_t](20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])[_/]"
)


REFUSED_DATE = "a date before 1990 or in the future is not taken"


def read_date(text: str | None, *, now: datetime, day_first: bool = False) -> datetime | None:
    """`text` as aware UTC, or None where it is no date, or an implausible one (before 1990, more than a day ahead).

    now: for relative words and missing years.  day_first: 05/04/2026 is 5 April; else it is nobody's guess.
    """
    dated = read_dated(text, now=now, day_first=day_first)
    return dated.moment if dated else None


def read_dated(text: str | None, *, now: datetime, day_first: bool = False) -> Dated | None:
    """Like `read_date`, also telling whether a clock time was given."""
    dated = _stated(text, now, day_first)
    return dated if dated and _is_plausible(dated.moment, now) else None


def implausible_date(text: str | None, *, now: datetime, day_first: bool = False) -> datetime | None:
    """The moment that `text` says where `read_date` refuses it as before 1990 or in the future: for a warning."""
    dated = _stated(text, now, day_first)
    return dated.moment if dated and not _is_plausible(dated.moment, now) else None


def date_in_url(url: str, *, now: datetime) -> datetime | None:
    """The day in an address like /2022-04-13/, /20220413/ or t20220413_1.html, 00:00 Beijing as UTC."""
    for match in URL_DATE.finditer(url):
        year, month, day = (int(part) for part in match.groups() if part)
        try:
            moment = as_utc(datetime(year, month, day, tzinfo=BEIJING))
        except ValueError:
            continue
        if _is_plausible(moment, now):
            return moment
    return None


def _is_plausible(moment: datetime, now: datetime) -> bool:
    return EARLIEST <= moment <= now + AHEAD


def _stated(text: str | None, now: datetime, day_first: bool) -> Dated | None:
    if not text:
        return None
    clean, here = folded(text[:MAX_LENGTH]), beijing(now)
    for part in _parts(clean):
        for reader in (_day_first, *READERS) if day_first else READERS:
            try:
                dated = reader(part, here)
                if dated is not None:
                    return Dated(dated.moment.astimezone(UTC), dated.has_time)
            except (ValueError, OverflowError):
                continue  # 2022-13-45 fits the form and is no date
    return None


def _parts(text: str) -> Iterator[str]:
    """What follows a label that says published, what follows another, the whole."""
    for label in (PUBLISHED, LABEL):
        if match := label.search(text):
            yield text[match.end() :]
    yield WEEKDAY_FIRST.sub("", text.lstrip("[(【<{\"'*-—:,. "))


def _day(year: str | int, month: str | int, day: str | int) -> datetime:
    return datetime(int(year), int(month), int(day), tzinfo=BEIJING)


def _epoch(text: str, now: datetime) -> Dated | None:
    match = EPOCH.fullmatch(text)
    if match is None:
        return None
    return Dated(datetime.fromtimestamp(int(match[1]) + int(match[2] or 0) / 1000, tz=UTC), True)


def _ymd(text: str, now: datetime) -> Dated | None:
    for match in YMD.finditer(text):
        if LUNAR.search(text[: match.start()]) is None:
            return with_clock(_day(match[1], match[2], match[3]), text[: match.start()], text[match.end() :])
    if match_era := ERA.search(text):
        year = ERA_STARTS[match_era[1]] + (1 if match_era[2] == "元" else int(match_era[2]))
        return with_clock(_day(year, match_era[3], match_era[4]), "", text[match_era.end() :])
    return None


def _compact(text: str, now: datetime) -> Dated | None:
    """20220413 at the start only: elsewhere it may count visitors."""
    match = COMPACT.match(text)
    if match is None or COMPACT_END.match(text, match.end()) is None:
        return None
    year, month, day, hour, minute, second = match.groups()
    clock = f"T{hour}:{minute}:{second or '00'}{text[match.end() :]}" if hour else text[match.end() :]
    return with_clock(_day(year, month, day), "", clock)


def _english(text: str, now: datetime) -> Dated | None:
    if unix := UNIX.search(text):
        return with_clock(_day(unix[5], MONTHS[unix[1].lower()], unix[2]), "", f" {unix[3]} {unix[4] or ''}")
    for form, places in ENGLISH:
        if match := form.search(text):
            year, month, day = (match[place] for place in places)
            if len(year) == 2:  # RFC 2822, 4.3
                year = f"{'20' if int(year) < 50 else '19'}{year}"
            return with_clock(_day(year, MONTHS[month.lower()], day), text[: match.start()], text[match.end() :])
    return None


def _split(text: str, now: datetime) -> Dated | None:
    for form, (year, month, day) in SPLIT:
        if match := form.match(text):
            return with_clock(_day(match[year], match[month], match[day]), "", text[match.end() :])
    return None


def _figures(text: str, now: datetime) -> Dated | None:
    """18.05.2023 and 05/18/2023, where only one reading is a date."""
    match = FIGURES.search(text)
    if match is None or (int(match[1]) <= 12 and int(match[3]) <= 12 and match[1] != match[3]):
        return None
    day, month = (match[1], match[3]) if int(match[3]) <= 12 else (match[3], match[1])
    return with_clock(_day(match[4], month, day), text[: match.start()], text[match.end() :])


def _day_first(text: str, now: datetime) -> Dated | None:
    match = FIGURES.search(text)
    if match is None:
        return None
    return with_clock(_day(match[4], match[3], match[1]), text[: match.start()], text[match.end() :])


def _md(text: str, now: datetime) -> Dated | None:
    """No year: this one, or the last one when that would be more than a day ahead."""
    match = MD.search(text) or MD_FIGURES.match(text)
    if match is None or LUNAR.search(text[: match.start()]):
        return None
    for year in (now.year, now.year - 1):
        try:
            day = _day(year, match[1], match[2])
        except ValueError:
            continue  # 29 February
        dated = with_clock(day, text[: match.start()], text[match.end() :])
        if dated.moment <= now + AHEAD:
            return dated
    return None


def _clock_only(text: str, now: datetime) -> Dated | None:
    """`14:20` is today's, or yesterday's when it would be ahead of now."""
    if CLOCK.fullmatch(text) is None:
        return None
    dated = with_clock(now.replace(hour=0, minute=0, second=0, microsecond=0), "", text)
    if not dated.has_time:
        return None
    return Dated(dated.moment - AHEAD, True) if dated.moment > now else dated


READERS: tuple[Callable[[str, datetime], Dated | None], ...] = (
    _ymd,
    _epoch,
    _compact,
    _english,
    _figures,
    _split,
    read_ago,
    read_day_word,
    read_calendar_word,
    _md,
    _clock_only,
)
