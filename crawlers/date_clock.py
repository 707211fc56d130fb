"""The clock beside a day: 15:05, 下午3点半, 晚上9时许, 3:05 p.m., with or without a zone."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from core.clock import BEIJING


@dataclass(frozen=True)
class Dated:
    """A moment (aware, UTC) and how much of it was said: with a clock time, or a day only (then 00:00 Beijing)."""

    moment: datetime
    has_time: bool


HOURS = {
    "CST": 8, "BJT": 8, "CCT": 8, "HKT": 8, "SGT": 8, "JST": 9, "KST": 9, "UTC": 0, "GMT": 0, "UT": 0, "Z": 0,
    "EST": -5, "EDT": -4, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "WET": 0, "BST": 1, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3,
    "AEST": 10, "AEDT": 11, "NZST": 12,
}  # fmt: skip
"""CST in what a Chinese desk reads is China Standard Time, though RFC 822 means US Central by it."""
PLACES = {"ET": ZoneInfo("America/New_York"), "CT": ZoneInfo("America/Chicago"), "PT": ZoneInfo("America/Los_Angeles")}
MORNING = ("凌晨", "清晨", "清早", "大早", "一早", "早晨", "早上", "早间", "早", "上午", "AM", "A.M.")
NOON = ("中午", "正午", "午间")
AFTERNOON = ("下午", "午后", "傍晚", "PM", "P.M.")
NIGHT = ("深夜", "半夜", "午夜", "夜里")
EVENING = ("晚上", "晚间", "夜间", "夜晚", "入夜", "晚", "夜")
TWELVE_IS_MIDNIGHT = ("凌晨", "AM", "A.M.")
PARTS = "|".join((*MORNING, *NOON, *AFTERNOON, *NIGHT, *EVENING)).replace(".", r"\.")
ZONE = (
    r"(?:(?:UTC|GMT|UT)?\s*(?P<sign>[+-])(?P<zone_hour>\d{1,2}?)(?::?(?P<zone_minute>\d{2}))?(?!\d)"
    rf"|(?P<zone>{'|'.join(sorted((*HOURS, *PLACES), key=len, reverse=True))})(?![A-Za-z]))"
)
CLOCK_TEXT = (
    rf"(?P<part>{PARTS})?\s*(?<!\d)(?P<hour>\d{{1,2}})\s*"
    r"(?::\s*(?P<minute>\d{1,2})(?!\d)(?:\s*:\s*(?P<second>\d{1,2})(?!\d)(?:[.,]\d{1,9})?)?"
    r"|[时点]\s*(?:(?P<half>半)|(?P<quarter>[13])刻|(?P<minutes>\d{1,2})\s*分\s*(?:(?P<seconds>\d{1,2})\s*秒)?"
    r"|(?P<bare>\d{2})(?!\d))?(?:整|许)?|(?=\s*[AaPp]\.?[Mm]\b))"
    r"\s*(?P<meridiem>[AaPp]\.?[Mm]\b\.?)?"
)
CLOCK = re.compile(rf"{CLOCK_TEXT}(?:\s*\(?{ZONE})?")
CLOCK_AT_END = re.compile(rf"{CLOCK_TEXT}[\s,·|]*(?:on\s+)?$")
GAP = re.compile(
    r"(?:[\s,.:|/\]()】_·-]|[T日]|at\b|@|(?:星期|周|礼拜)[一二三四五六日天]|[月火水木金土日](?:曜日?)?(?=\))"
    r"|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}\b)*",
    re.I,
)
FURTHEST = timedelta(hours=14)


def with_clock(day: datetime, before: str, after: str, *, night_follows: bool = False) -> Dated:
    """`day` (00:00, no zone: Beijing) with the clock that stands after it, or before it; the day alone without one.

    night_follows: the small hours of 昨夜 and 昨晚 are those of the next day.
    """
    gap = GAP.match(after)
    start = gap.end() if gap else 0
    match = CLOCK.match(after, start) or CLOCK_AT_END.search(before[-40:])
    span = _span(match, night_follows=night_follows) if match else None
    if match is None or span is None:
        return Dated(day.replace(tzinfo=day.tzinfo or BEIJING), False)
    zone = _zone(match, joined="T" in after[:start].upper()) if match.re is CLOCK else None
    return Dated(day.replace(tzinfo=zone or day.tzinfo or BEIJING) + span, True)


def _span(clock: re.Match[str], *, night_follows: bool) -> timedelta | None:
    """Time since midnight; None where it is no clock, or nobody can tell which."""
    said = clock.groupdict()
    minute = int(said["minute"] or said["minutes"] or said["bare"] or 0)
    if said["half"]:
        minute = 30
    elif said["quarter"]:
        minute = 15 * int(said["quarter"])
    part = f"{said['meridiem'][0].upper()}M" if said["meridiem"] else said["part"] or ""
    hour = _hour(part, int(said["hour"]), colon=said["minute"] is not None, night_follows=night_follows)
    if hour is None or int(said["hour"]) > 24 or minute > 59:
        return None
    return timedelta(hours=hour, minutes=minute, seconds=min(int(said["second"] or said["seconds"] or 0), 59))


def _hour(part: str, hour: int, *, colon: bool, night_follows: bool) -> int | None:
    """The hour of the day, up to 28 for the night that follows it. 晚上2点 without more is None: of which night?"""
    if part in AFTERNOON:
        return hour + 12 if hour < 12 else hour
    if part in NIGHT or part in EVENING:
        if hour == 12:
            return 24
        if hour < 5:
            return hour + 24 if night_follows else hour if part in NIGHT else None
        return hour + 12 if hour < 12 else hour
    if part in NOON:
        return hour + 12 if hour < 4 else hour
    midnight = hour == 12 and (part in TWELVE_IS_MIDNIGHT or (part == "上午" and colon))
    return 0 if midnight else hour


def _zone(clock: re.Match[str], *, joined: bool) -> tzinfo | None:
    """None where no zone is said. 09:00-11:00 is a span of time unless the day was joined by T, as ISO 8601 has it."""
    said = clock.groupdict()
    if name := said["zone"]:
        return PLACES.get(name) or (UTC if HOURS[name] == 0 else timezone(timedelta(hours=HOURS[name])))
    if not said["sign"]:
        return None
    offset = timedelta(hours=int(said["zone_hour"]), minutes=int(said["zone_minute"] or 0))
    is_span = said["sign"] == "-" and offset and not joined and said["second"] is None
    if offset > FURTHEST or is_span:
        return None
    return timezone(offset if said["sign"] == "+" else -offset)
