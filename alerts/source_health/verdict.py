"""How a source is, in one word, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from alerts.source_health.usual import YOUNG_DAYS, IsWorkday, Usual
from config.sources import SourceConfig
from core.clock import beijing
from core.durations import duration_words
from crawlers.problem_words import in_chinese
from store.pulses import Pulse, SourceDay
from store.source_states import WELL

STATE_WORDS: Mapping[str, str] = {
    WELL: "正常",
    "silent": "静默",
    "surging": "激增",
    "layout_changed": "版面改变",
    "blocked": "被拒",
    "failed": "失败",
}
FAILED_AFTER = 2
"""Runs in a row. One failure is weather; a source that was never read well is in trouble at once."""
RARE_SURGE, RARE_FALL, RARE_GAP = 1e-5, 1e-4, 1e-4
SURGE_LEAST, SURGE_TIMES = 10, 3.0
FALL_LEAST, FALL_SHARE = 5.0, 0.25
FALL_DAYS = (1, 7)
GAP_TIMES, GAP_LEAST = 2.0, timedelta(hours=6)
"""A silence must be this much longer than any of the last eight weeks, besides being improbable."""


@dataclass(frozen=True)
class Verdict:
    """state: see store.source_states.STATES.  why: a sentence.  young: too little history to judge its volume."""

    state: str
    why: str
    young: bool = False


@dataclass(frozen=True)
class Seen:
    """What a source is judged by. before: its state so far.  days: its last ones by ordinal, today included.

    usual: what was learnt up to yesterday; None: too little.  watched: days of history.
    """

    source: SourceConfig
    pulse: Pulse
    before: str
    days: Mapping[int, SourceDay]
    usual: Usual | None
    watched: int


def judge(seen: Seen, now: datetime, is_workday: IsWorkday) -> Verdict:
    """Blocked, changed and failed by the runs; silent and surging by its own history. The first that holds."""
    found = _trouble(seen) or _stale(seen)
    if found is not None:
        return found
    if seen.pulse.read_at is None:
        return Verdict(seen.before, "还没有读成过", young=True)
    if seen.usual is None:
        days = max(seen.watched, 0)
        return Verdict(WELL, f"历史 {days} 天，满 {YOUNG_DAYS} 天后判断发布量", young=True)
    return (
        _gap(seen, seen.usual, is_workday)
        or _fall(seen, seen.usual, now, is_workday)
        or _surge(seen, seen.usual, now, is_workday)
        or Verdict(WELL, _well(seen))
    )


def _trouble(seen: Seen) -> Verdict | None:
    pulse = seen.pulse
    told = in_chinese(pulse.trouble_why)[:300]
    if pulse.trouble == "blocked":
        return Verdict("blocked", told)
    if pulse.trouble == "changed":
        return Verdict("layout_changed", told)
    if pulse.trouble == "failed":
        if pulse.failures >= FAILED_AFTER or pulse.ok_at is None:
            return Verdict("failed", f"连续 {pulse.failures} 次：{told}")
        return Verdict(seen.before, f"1 次失败：{told}")
    return None


def _stale(seen: Seen) -> Verdict | None:
    """Held against what its file expects; as of the last time it was read."""
    limit, pulse = seen.source.expect.newest_within, seen.pulse
    if limit is None or pulse.newest is None or pulse.read_at is None or pulse.read_at - pulse.newest <= limit:
        return None
    age = duration_words(pulse.read_at - pulse.newest)
    return Verdict("silent", f"最新一行是 {age} 前的，应不超过 {duration_words(limit)}")


def _gap(seen: Seen, usual: Usual, is_workday: IsWorkday) -> Verdict | None:
    """Longer without news than ever lately, and longer than chance explains."""
    pulse = seen.pulse
    if pulse.news_at is None or pulse.read_at is None or pulse.read_at <= pulse.news_at:
        return None
    awake = usual.awake(pulse.news_at, pulse.read_at, is_workday)
    if awake < max(GAP_TIMES * usual.longest, GAP_LEAST):
        return None
    missed = usual.expected(pulse.news_at, pulse.read_at, is_workday)
    if usual.at_most(0, missed) >= RARE_GAP:
        return None
    gap, longest = duration_words(pulse.read_at - pulse.news_at), duration_words(usual.longest)
    return Verdict("silent", f"{gap} 没有新内容，通常应有约 {missed:.0f} 篇；近八周最长间隔 {longest}")


def _fall(seen: Seen, usual: Usual, now: datetime, is_workday: IsWorkday) -> Verdict | None:
    """Far fewer than usual on the last whole day, or in the last seven; over as soon as today brings enough."""
    pulse, today = seen.pulse, beijing(now).date()
    if pulse.read_at is None or beijing(pulse.read_at).date() < today:
        return None  # the last day is not known to its end
    so_far = seen.days.get(today.toordinal())
    if so_far is not None and so_far.found >= max(1.0, FALL_SHARE * usual.least(today, is_workday)):
        return None
    for span in FALL_DAYS:
        window = [date.fromordinal(today.toordinal() - back) for back in range(1, span + 1)]
        rows = [seen.days.get(day.toordinal()) for day in window]
        if any(row is None or row.reads == 0 for row in rows):
            return None
        count = sum(row.found for row in rows if row is not None)
        mean = sum(usual.least(day, is_workday) for day in window)
        if mean < FALL_LEAST or count > FALL_SHARE * mean or usual.at_most(count, mean) >= RARE_FALL:
            continue
        when = f"{window[0]:%m-%d} 全天" if span == 1 else f"近 {span} 天"
        return Verdict("silent", f"{when} {count} 篇，通常约 {mean:.0f} 篇")
    return None


def _surge(seen: Seen, usual: Usual, now: datetime, is_workday: IsWorkday) -> Verdict | None:
    """Far more than usual, today so far or yesterday: it is over after one usual day."""
    today = beijing(now).date()
    for day, word in ((today, "今日已有"), (today - timedelta(days=1), f"{today - timedelta(days=1):%m-%d} 有")):
        row, mean = seen.days.get(day.toordinal()), usual.most(day, is_workday)
        if row is None or row.found < max(SURGE_LEAST, SURGE_TIMES * mean):
            continue
        if usual.at_least(row.found, max(mean, 1 / usual.days)) < RARE_SURGE:
            return Verdict("surging", f"{word} {row.found} 篇，这样的一天通常约 {mean:.1f} 篇")
    return None


def _well(seen: Seen) -> str:
    pulse = seen.pulse
    rows = f"列表 {pulse.rows} 行" if pulse.rows else "读成"
    return f"{rows}，最新一行 {beijing(pulse.newest):%m-%d %H:%M}" if pulse.newest else rows
