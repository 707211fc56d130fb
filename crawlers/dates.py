"""Dates as Chinese sites and feeds write them. No zone means Beijing; what is not sure is None, never a guess of now.

Other parsers are no substitute: feedparser reads 2022年4月13日 as 2022-11-01 and zone-less times as UTC.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

from core.clock import BEIJING, as_utc, beijing

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)
MAX_LENGTH = 200

WIDE = str.maketrans("０１２３４５６７８９：／．－，　", "0123456789:/.-, ")
PREFIX = re.compile(
    r"^\W*(?:发布时间|发布日期|发表时间|发稿时间|更新时间|成文日期|发文日期|公布日期|生成日期|日期|时间|发布于|发表于|发布|编辑于)"
    r"\s*[:：]?\s*"
)
MINUTES = {"刚刚": 0, "刚才": 0, "半小时前": 30, "半个小时前": 30, "一小时前": 60, "1分钟内": 0}
AGO = re.compile(r"(\d{1,4})\s*(秒钟?|分钟?|个?小时|天|日|周|个?月|年)\s*[前之]前?")
AGO_UNITS = {"秒": 1 / 60, "分": 1, "小时": 60, "天": 1440, "日": 1440, "周": 10080}
DAY_WORDS = {"今天": 0, "今日": 0, "昨天": 1, "昨日": 1, "前天": 2, "前日": 2}
CLOCK = re.compile(
    r"(凌晨|早上|早晨|上午|中午|下午|傍晚|晚上|晚间|夜间)?\s*(\d{1,2})\s*(?:[:时点]\s*(\d{1,2})?分?(?:\s*[:]\s*(\d{1,2}))?)(半)?"
)
AFTERNOON = {"下午", "傍晚", "晚上", "晚间", "夜间"}
YMD = re.compile(r"(?<!\d)(\d{4})\s*(?:[-/.年])\s*(\d{1,2})\s*(?:[-/.月])\s*(\d{1,2})(?!\d)\s*(?:日|号)?")
MD = re.compile(r"(?<![\d\-/.])(\d{1,2})\s*(?:-|/|月)\s*(\d{1,2})(?![\d/\-])\s*(?:日|号)?")
DAY_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?!\d)")
COMPACT = re.compile(r"(?<!\d)(20\d{2}|19\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?:T?(\d{2})(\d{2})(\d{2})?)?(?!\d)")
EPOCH = re.compile(r"(\d{10})(?:\.\d+)?|(\d{13})")
ISO = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})", re.IGNORECASE
)
MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTHS = {name: number for number, name in enumerate(MONTH_NAMES, start=1)}
MDY = re.compile(
    r"([A-Za-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})(?:,?\s+(?:at\s+)?(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([AaPp])?)?"
)
DMY = re.compile(
    r"(\d{1,2})(?:st|nd|rd|th)?\s+([A-Za-z]{3,9})\.?,?\s+(\d{4})(?:,?\s+(?:at\s+)?(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([AaPp])?)?"
)
UNIX_DATE = re.compile(r"[A-Za-z]{3}\s+([A-Za-z]{3})\s+(\d{1,2})\s+(\d{2}:\d{2}:\d{2})\s+(\S+)\s+(\d{4})")
RFC_ZONES = {"CST": "+0800", "BJT": "+0800", "CCT": "+0800"}
"""CST on a Chinese feed is China Standard Time; RFC 822 means US Central by it."""
RFC_HEAD = re.compile(r"(?:[A-Za-z]{3,9},?\s+)?\d{1,2}\s+[A-Za-z]{3,9}\s+\d{2,4}\s+\d{1,2}:\d{2}")
URL_DATE = re.compile(
    r"/(20\d{2})[-/]?(0[1-9]|1[0-2])[-/]?(0[1-9]|[12]\d|3[01])(?!\d)|[/_t](20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])[_/]"
)


@dataclass(frozen=True)
class Dated:
    """A moment (aware, UTC) and how much of it was said: with a clock time, or a day only (then 00:00 Beijing)."""

    moment: datetime
    has_time: bool


def read_date(text: str | None, *, now: datetime, day_first: bool = False) -> datetime | None:
    """`text` as aware UTC, or None where it is no date, or an implausible one (before 1990, more than a day ahead).

    now: for relative words and missing years.  day_first: 05/04/2026 is 5 April; else it is nobody's guess.
    """
    dated = read_dated(text, now=now, day_first=day_first)
    return dated.moment if dated else None


def read_dated(text: str | None, *, now: datetime, day_first: bool = False) -> Dated | None:
    """Like `read_date`, also telling whether a clock time was given."""
    if not text:
        return None
    clean = PREFIX.sub("", " ".join(text[:MAX_LENGTH].translate(WIDE).split()))
    for reader in (_dmy, *READERS) if day_first else READERS:
        try:
            dated = reader(clean, beijing(now))
        except (ValueError, OverflowError):
            continue  # 2022-13-45 fits the form and is no date
        if dated is not None:
            moment = dated.moment
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=BEIJING)
            moment = moment.astimezone(UTC)
            return Dated(moment, dated.has_time) if EARLIEST <= moment <= now + AHEAD else None
    return None


def date_in_url(url: str, *, now: datetime) -> datetime | None:
    """The day in an address like /2022-04/13/, /20220413/ or t20220413_1.html, 00:00 Beijing as UTC."""
    for match in URL_DATE.finditer(url):
        year, month, day = (int(part) for part in match.groups() if part)
        try:
            moment = as_utc(datetime(year, month, day, tzinfo=BEIJING))
        except ValueError:
            continue
        if EARLIEST <= moment <= now + AHEAD:
            return moment
    return None


def _iso(text: str, now: datetime) -> Dated | None:
    match = ISO.search(text)
    if match is None:
        return None
    year, month, day, hour, minute = (int(part) for part in match.groups()[:5])
    moment = datetime(year, month, day, 0, minute, int(match[6] or 0) % 60, tzinfo=_zone(match[7]))
    return Dated(moment + timedelta(hours=hour), True)


def _zone(text: str) -> timezone:
    if text.upper() in {"Z", "UTC", "GMT"}:
        return UTC
    sign = -1 if text[0] == "-" else 1
    digits = text[1:].replace(":", "")
    return timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))


def _epoch(text: str, now: datetime) -> Dated | None:
    match = EPOCH.fullmatch(text)
    if match is None:
        return None
    seconds = int(match[1]) if match[1] else int(match[2]) / 1000
    return Dated(datetime.fromtimestamp(seconds, tz=UTC), True)


def _rfc822(text: str, now: datetime) -> Dated | None:
    if unix := UNIX_DATE.fullmatch(text):
        text = f"{unix[2]} {unix[1]} {unix[5]} {unix[3]} {unix[4]}"
    if RFC_HEAD.match(text) is None or text[-1] in "mM":
        return None  # 5:04 pm is English, not RFC 822
    words = text.split()
    if words[-1].upper() in RFC_ZONES:
        words[-1] = RFC_ZONES[words[-1].upper()]
    moment = parsedate_to_datetime(" ".join(words))
    if words[-1] == "-0000":  # RFC 2822: UTC, the sender's own zone not told
        moment = moment.replace(tzinfo=UTC)
    return Dated(moment, True)


def _english(text: str, now: datetime) -> Dated | None:
    if match := MDY.search(text):
        name, day = match[1], match[2]
    elif match := DMY.search(text):
        day, name = match[1], match[2]
    else:
        return None
    month = MONTHS.get(name[:3].lower())
    if month is None:
        return None
    hour = int(match[4] or 0)
    if match[7]:
        hour = hour % 12 + (12 if match[7].lower() == "p" else 0)
    moment = datetime(int(match[3]), month, int(day), hour, int(match[5] or 0), int(match[6] or 0))  # noqa: DTZ001 zone is set by read_dated
    return Dated(moment, match[4] is not None)


def _relative(text: str, now: datetime) -> Dated | None:
    for word, minutes in MINUTES.items():
        if text.startswith(word):
            return Dated(now - timedelta(minutes=minutes), True)
    match = AGO.match(text)
    if match is None:
        return None
    unit = match[2].removeprefix("个").removesuffix("钟")
    if unit in ("月", "年"):
        return Dated(_midnight(now - timedelta(days=int(match[1]) * (30 if unit == "月" else 365))), False)
    return Dated(now - timedelta(minutes=int(match[1]) * AGO_UNITS[unit]), unit not in ("天", "日", "周"))


def _day_word(text: str, now: datetime) -> Dated | None:
    for word, back in DAY_WORDS.items():
        if text.startswith(word):
            return _with_clock(_midnight(now - timedelta(days=back)), text[len(word) :])
    return None


def _ymd(text: str, now: datetime) -> Dated | None:
    match = YMD.search(text)
    if match is None:
        return None
    day = datetime(int(match[1]), int(match[2]), int(match[3]))  # noqa: DTZ001 zone is set by read_dated
    return _with_clock(day, text[match.end() :])


def _dmy(text: str, now: datetime) -> Dated | None:
    match = DAY_FIRST.match(text)
    if match is None:
        return None
    day = datetime(int(match[3]), int(match[2]), int(match[1]))  # noqa: DTZ001 zone is set by read_dated
    return _with_clock(day, text[match.end() :])


def _compact(text: str, now: datetime) -> Dated | None:
    match = COMPACT.search(text)
    if match is None:
        return None
    parts = [int(part) for part in match.groups() if part is not None]
    return Dated(datetime(*parts[:6]), match[4] is not None)  # type: ignore[arg-type]  # noqa: DTZ001 see _ymd


def _md(text: str, now: datetime) -> Dated | None:
    """No year: this one, or the last one when that would be more than a day ahead."""
    match = MD.match(text)
    if match is None:
        return None
    day = datetime(now.year, int(match[1]), int(match[2]), tzinfo=BEIJING)
    dated = _with_clock(day, text[match.end() :])
    if dated.moment > now + AHEAD:
        return Dated(dated.moment.replace(year=now.year - 1), dated.has_time)
    return dated


def _clock_only(text: str, now: datetime) -> Dated | None:
    """`14:20` is today's, or yesterday's when it would be ahead of now."""
    if CLOCK.fullmatch(text) is None:
        return None
    dated = _with_clock(_midnight(now), text)
    return Dated(dated.moment - AHEAD, True) if dated.moment > now else dated


def _with_clock(day: datetime, rest: str) -> Dated:
    match = CLOCK.match(rest.lstrip(" ,，]T日"))
    if match is None:
        return Dated(day, False)
    hour, minute, second = int(match[2]), int(match[3] or 0), int(match[4] or 0)
    if match[1] in AFTERNOON and hour < 12:
        hour += 12
    if match[5]:
        minute = 30
    if hour > 24 or minute > 59:
        return Dated(day, False)
    return Dated(day + timedelta(hours=hour, minutes=minute, seconds=min(second, 59)), True)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


READERS: tuple[Callable[[str, datetime], Dated | None], ...] = (
    _iso,
    _epoch,
    _relative,
    _day_word,
    _rfc822,
    _ymd,
    _compact,
    _english,
    _md,
    _clock_only,
)
