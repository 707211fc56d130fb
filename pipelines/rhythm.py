"""When a source is visited next: its own pace between floor and ceiling, and the hours at which it has news.

A visit that brings something new halves the interval, one that brings nothing stretches it by a quarter: in the long
run about every fourth visit brings something. An hour of the day (Beijing) in which a source has often had news counts
as longer, a quiet one as shorter, so that a night is mostly slept through and the morning is not. What was not read
says nothing of a source's pace: it stays, and only the wait grows with each failure.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from config.sources import SourceConfig
from core.clock import beijing
from core.durations import duration_words
from crawlers.run import RunSummary
from store.pulses import WELL, Pulse

FASTER, SLOWER = 0.5, 1.25
"""With these a source without hours of its own ends where one visit in four brings news: ln 1.25 / (ln 1.25 + ln 2)."""
FADING = 0.98
"""What an hour has learnt fades with each visit that brings news: half of it is forgotten after 34 of them."""
UNKNOWN = 1.0
"""Visits with news that each hour is taken to have had before anything is known."""
QUIETEST, BUSIEST = 0.25, 4.0
SPREAD = timedelta(days=2)
"""News after a longer break says nothing of the hour."""
ROWS_USUAL = 10
"""Where a file allows lists without rows: none after so many is a changed layout."""
JITTER = 0.05
"""So many sources that began together drift apart."""


def pulse_after(before: Pulse | None, source: SourceConfig, summary: RunSummary, now: datetime, chance: float) -> Pulse:
    """The pulse of a source after a run. chance: 0 to 1, drawn anew for each run (jitter)."""
    known = _learnt(before or _first(source, now), source, summary, now)
    fresh = before is not None and (summary.new or summary.changed)
    well = known.failures == 0 and summary.status in (WELL, "silent")
    pace, why = known.pace, ""
    if known.every != source.every.total_seconds():
        pace, why = source.every.total_seconds(), "配置的周期已改，从它重新开始"
    elif before is not None and well:
        pace = pace * (FASTER if fresh else SLOWER)
    pace = min(max(pace, source.fastest.total_seconds()), source.slowest.total_seconds())
    if before is not None and fresh and before.run_at > now - SPREAD:
        known = replace(known, hours=_with_news(known.hours, before.run_at, now))
    known = replace(known, pace=pace, every=source.every.total_seconds())
    wait, held = _wait(known, source, now, chance), summary.not_before
    if held is not None and held > now + wait:
        why, next_at = f"网站要求 {beijing(held):%m-%d %H:%M} 之前不再访问", held
    else:
        why, next_at = why or _why(before, known, source, bool(fresh), well), now + wait
    opens = source.opens(next_at)
    if opens > next_at:
        why, next_at = f"{why}；只在 {source.nights} 采集", opens
    return replace(known, next_at=next_at, why=why)


def busy(hours: tuple[float, ...], hour: int) -> float:
    """How much an hour counts: 1 as much as the average one, 0.25 to 4."""
    average = (sum(hours) + 24 * UNKNOWN) / 24
    return min(max((hours[hour] + UNKNOWN) / average, QUIETEST), BUSIEST)


def _first(source: SourceConfig, now: datetime) -> Pulse:
    every = source.every.total_seconds()
    return Pulse(
        source=source.key, every=every, pace=every, next_at=now, why="", run_at=now, first_read_at=None, read_at=None,
        ok_at=None, news_at=None, newest=None, rows=0, trouble=WELL, trouble_why="", failures=0, hours=(0.0,) * 24,
    )  # fmt: skip


def _learnt(known: Pulse, source: SourceConfig, summary: RunSummary, now: datetime) -> Pulse:
    """What the run tells of the source. Lists that are as last time (304) heal nothing and are no news."""
    if summary.status == WELL and not summary.items and not summary.not_modified and known.rows >= ROWS_USUAL:
        why = f"0 rows, {known.rows} the last time"  # allowed by min_items: 0, and yet
        summary = replace(summary, status="changed", problems=(why, *summary.problems))
    told = summary.status != WELL or summary.items > 0
    read = summary.status == "silent" or (summary.status == WELL and (told or summary.not_modified > 0))
    well = told and summary.status == WELL
    whole = well and not summary.not_modified
    failed = summary.status not in (WELL, "silent")
    newest = max(filter(None, (known.newest, summary.newest)), default=None)
    return replace(
        known,
        run_at=now,
        first_read_at=known.first_read_at or (now if read else None),
        read_at=now if read else known.read_at,
        ok_at=now if well else known.ok_at,
        news_at=now if summary.new else known.news_at,
        newest=newest,
        rows=summary.items if whole else known.rows,
        trouble=summary.status if told else known.trouble,
        trouble_why=next(iter(summary.problems), "") if failed else known.trouble_why if not told else "",
        failures=known.failures + 1 if failed else 0 if told else known.failures,
    )


def _wait(known: Pulse, source: SourceConfig, now: datetime, chance: float) -> timedelta:
    fastest, slowest = source.fastest, source.slowest
    if known.failures:
        doubled = known.pace * 2.0 ** min(known.failures - 1, 20)
        return min(timedelta(seconds=doubled * (1 + JITTER * chance)), slowest)
    if fastest == slowest:
        return fastest * (1 + JITTER * chance)
    wait = _until(known.hours, now, known.pace * (1 + JITTER * chance)) - now
    return min(max(wait, fastest), slowest)


def _until(hours: tuple[float, ...], now: datetime, seconds: float) -> datetime:
    """When so many seconds of an average hour have gone by."""
    at, left = now, seconds
    while True:
        here = beijing(at)
        rest = 3600.0 - (here.minute * 60 + here.second + here.microsecond / 1e6)
        speed = busy(hours, here.hour)
        if left <= rest * speed:
            return at + timedelta(seconds=left / speed)
        left -= rest * speed
        at += timedelta(seconds=rest)


def _with_news(hours: tuple[float, ...], since: datetime, now: datetime) -> tuple[float, ...]:
    """One more visit with news, which came at any moment since the visit before."""
    learnt = [value * FADING for value in hours]
    at, whole = since, max((now - since).total_seconds(), 1.0)
    while at < now:
        here = beijing(at)
        end = min(now, at + timedelta(seconds=3600.0 - (here.minute * 60 + here.second + here.microsecond / 1e6)))
        learnt[here.hour] += (end - at).total_seconds() / whole
        at = end
    return tuple(round(value, 4) for value in learnt)


def _why(before: Pulse | None, known: Pulse, source: SourceConfig, fresh: bool, well: bool) -> str:
    pace = duration_words(timedelta(seconds=known.pace))
    if known.failures:
        return f"连续 {known.failures} 次没有读成，逐次放长等待"
    if source.fastest == source.slowest:
        return "固定周期"
    if before is None or not well:
        return f"从 {pace} 开始"
    if before.pace == known.pace:
        bound = "下限" if fresh else "上限"
        return f"{'有' if fresh else '没有'}新内容，间隔已在{bound} {pace}"
    moved = f"由 {duration_words(timedelta(seconds=before.pace))} {'缩到' if fresh else '放到'} {pace}"
    return f"{'有' if fresh else '没有'}新内容，间隔{moved}"
