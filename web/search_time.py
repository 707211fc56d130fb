"""Times in the address of a search: ranges with a name, moments, and moments relative to now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.clock import BEIJING, beijing
from search.query.dates import read_span
from web.visit import Refused

USUAL = "30d"
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=BEIJING), datetime(2200, 1, 1, tzinfo=BEIJING)
"""Beyond these an address asks for no time: bars and comparisons need room on both sides."""
RANGES: Mapping[str, tuple[str, str, str]] = {
    "1h": ("近 1 小时", "now-1h", ""),
    "24h": ("近 24 小时", "now-24h", ""),
    "today": ("今天", "now/d", ""),
    "yesterday": ("昨天", "now-1d/d", "now-1d/d"),
    "week": ("本周", "now/w", ""),
    "last-week": ("上周", "now-1w/w", "now-1w/w"),
    "month": ("本月", "now/M", ""),
    "last-month": ("上月", "now-1M/M", "now-1M/M"),
    "7d": ("近 7 日", "now-7d", ""),
    "14d": ("近 14 日", "now-14d", ""),
    "30d": ("近 30 日", "now-30d", ""),
    "90d": ("近 90 日", "now-90d", ""),
    "1y": ("近 1 年", "now-365d", ""),
    "all": ("不限时间", "", ""),
}
"""Value of `from`: its words, and from and to as in a query; empty is open."""


@dataclass(frozen=True)
class Window:
    """The time of a search. from_text, to_text: as in the address, defaults left out.

    start, end: start <= t < end, aware UTC; None is open.  name: in words.
    """

    from_text: str
    to_text: str
    start: datetime | None
    end: datetime | None
    name: str

    @property
    def relative(self) -> bool:
        """Whether it moves on with the time."""
        return all(text in RANGES or not text[:1].isdigit() for text in (self.from_text, self.to_text))


def read_window(from_text: str, to_text: str, now: datetime) -> Window:
    """The time an address asks for. Raises Refused for what is no time, and for an end before its start."""
    wanted = from_text or ("" if to_text else USUAL)
    name, low, high = RANGES.get(wanted, ("", wanted, ""))
    start = _moment(low, now, end=False) if low else None
    end = _moment(to_text or high, now, end=True) if to_text or high else None
    low_word, high_word = (in_words(edge, now) if edge else "" for edge in (start, end))
    if start and end and start >= end:
        raise Refused(400, f"结束时间 {high_word} 须晚于开始时间 {low_word}。请改其中一个。")
    if to_text or not name:
        name = f"{low_word or '最早'} 至 {high_word or '现在'}"
    return Window("" if wanted == USUAL and not to_text else wanted, to_text, start, end, name)


def _moment(text: str, now: datetime, *, end: bool) -> datetime:
    """A day, month or year and what is rounded to one stand for its first moment, as an end for the one after it."""
    try:
        span = read_span(text, now)
        whole = span.end - span.start > timedelta(minutes=1)
        moment = span.end if end and whole else span.start
        if not EARLIEST <= moment <= LATEST:
            raise ValueError(text)
        return moment
    except (ValueError, OverflowError):
        names = "、".join(RANGES)
        remedy = f"可用：{names}，2026-11-23T14:00 这样的时间（1900 至 2199 年），或 now-7d/d 这样的相对时间。"
        raise Refused(400, f"时间 {text[:40]} 看不懂。{remedy}") from None


def in_words(moment: datetime, now: datetime) -> str:
    """11-23 14:00, with its year unless it is this one."""
    here = beijing(moment)
    return f"{here:%m-%d %H:%M}" if here.year == beijing(now).year else f"{here:%Y-%m-%d %H:%M}"


def in_address(moment: datetime) -> str:
    """2026-11-23T14:00, Beijing; seconds and milliseconds only where there are some."""
    here = beijing(moment)
    finest = "milliseconds" if here.microsecond >= 1000 else "seconds" if here.second else "minutes"
    return here.replace(tzinfo=None).isoformat(timespec=finest)


def moved(window: Window, now: datetime) -> dict[str, tuple[str, str]]:
    """Windows beside this one as (from, to): back, on, wider. Open ends end now; without a start there is none."""
    if window.start is None:
        return {}
    start, end = window.start, window.end or now
    span = max(end - start, timedelta(minutes=1))
    beside = {"back": (_shifted(start, -span), start), "wider": (_shifted(start, -span / 2), _shifted(end, span / 2))}
    if window.end is not None and window.end < now:
        beside["on"] = (end, _shifted(end, span))
    if window.end is None:
        beside["wider"] = (_shifted(start, -span), _shifted(end, timedelta(minutes=1)))
    return {name: (in_address(low), in_address(high)) for name, (low, high) in beside.items() if low < high}


def _shifted(moment: datetime, by: timedelta) -> datetime:
    return min(max(moment + by, EARLIEST), LATEST)
