"""Dates in queries. A date stands for the whole span it names: `2026-11` is a month, `now-1d/d` the day before.

Written as in Elasticsearch: `now`, `+` or `-` a number and a unit (y M w d h m s), `/unit` rounds down; `||` puts a
date in the place of now; `q` is a quarter (ours). Chinese words are in chinese_dates.py. No zone means Beijing, and
days, weeks (from Monday) and months are Beijing's.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.clock import BEIJING, as_utc, beijing
from search.query.chinese_dates import Last, read_words
from search.visible import visible

FORMS = "时间:2026-11-01、时间:近7天、时间>=3天前、时间>=now-7d/d"
MATH = re.compile(r"(?:([+-])(\d{1,5})([yqMwdhHms]))|(?:/([yqMwdhHms]))")
PARTIAL = re.compile(r"(\d{4})(?:([-/.])(\d{1,2})(?:\2(\d{1,2}))?)?")
FLOORS = (("month", 1), ("day", 1), ("hour", 0), ("minute", 0), ("second", 0))
FIXED = {"w": "weeks", "d": "days", "h": "hours", "H": "hours", "m": "minutes", "s": "seconds"}
QUARTER = 3


@dataclass(frozen=True)
class Span:
    """start <= t < end, aware UTC."""

    start: datetime
    end: datetime


def read_span(text: str, now: datetime) -> Span:
    """The span that `text` names. Raises ValueError when it is no date."""
    written = text.strip()
    words = read_words("".join(visible(written).split()), beijing(now))
    try:
        if isinstance(words, Last):
            start, end = _step(beijing(now), -words.count, words.unit), beijing(now)
            return Span(as_utc(start.replace(microsecond=0)), as_utc(end.replace(microsecond=0) + timedelta(seconds=1)))
        moment, unit = _read(words or written, now)
        return Span(as_utc(moment), as_utc(_step(moment, 1, unit)))
    except OverflowError:
        raise ValueError(f"{text!r} is out of range") from None


def _read(written: str, now: datetime) -> tuple[datetime, str]:
    """Where the span starts, and the unit it is long."""
    anchor, bar, math = written.partition("||")
    if bar:
        moment, unit = _read_date(anchor)
    elif written.startswith("now"):
        moment, unit, math = beijing(now), "s", written[3:]
        moment = moment if "/" in math else moment.replace(microsecond=0)
    else:
        return _read_date(written)
    return _apply(moment, unit, math)


def _read_date(text: str) -> tuple[datetime, str]:
    partial = PARTIAL.fullmatch(text)
    if partial:
        year, _, month, day = partial.groups()
        unit = "d" if day else "M" if month else "y"
        return datetime(int(year), int(month or 1), int(day or 1), tzinfo=BEIJING), unit
    moment = beijing(datetime.fromisoformat(text))
    whole_day = re.search(r"[T ]\d", text) is None
    minutes_only = re.search(r"[T ]\d{1,2}:\d{2}(?!:?\d)", text) is not None
    return moment.replace(microsecond=0), "d" if whole_day else "m" if minutes_only else "s"


def _apply(moment: datetime, unit: str, math: str) -> tuple[datetime, str]:
    at = 0
    while at < len(math):
        found = MATH.match(math, at)
        if found is None:
            raise ValueError(f"{math[at:]!r} is no date arithmetic")
        sign, number, step, rounding = found.groups()
        if rounding:
            moment, unit = _round(moment, rounding), rounding
        else:
            moment, unit = _step(moment, int(f"{sign}{number}"), step), "s"
        at = found.end()
    return moment, unit


def _step(moment: datetime, count: int, unit: str) -> datetime:
    if unit in FIXED:
        return moment + timedelta(**{FIXED[unit]: count})
    months = moment.year * 12 + moment.month - 1 + count * {"y": 12, "q": QUARTER, "M": 1}[unit]
    year, month = divmod(months, 12)
    if not 1 <= year <= 9998:
        raise ValueError(f"the year {year} is out of range")
    return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))


def _round(moment: datetime, unit: str) -> datetime:
    if unit == "w":
        moment, unit = moment - timedelta(days=moment.weekday()), "d"
    if unit == "q":
        moment, unit = moment.replace(day=1, month=(moment.month - 1) // QUARTER * QUARTER + 1), "M"
    floors = dict(FLOORS["yMdHms".index("H" if unit == "h" else unit) :])
    parts = {name: floors.get(name, getattr(moment, name)) for name, _ in FLOORS}
    return datetime(moment.year, **parts, tzinfo=BEIJING)
