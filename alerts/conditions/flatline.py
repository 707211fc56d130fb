"""`flatline`: a key that was seen falls silent. Times in, silences out; no query, no clock."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from alerts.conditions.verdict import Verdict, WindowCounts, span_words
from config.conditions import FlatlineCondition


@dataclass(frozen=True)
class Silence:
    """A stretch in which every window held at most `at_most` documents.

    since: the document with whose leaving it began.  begin: when a window was first so empty.  end: when it no longer
    was; None: it lasts.  before: how many of the given times lie at or before begin.
    """

    since: datetime
    begin: datetime
    end: datetime | None
    before: int


def silences(condition: FlatlineCondition, times: Sequence[datetime], until: datetime) -> list[Silence]:
    """The silences that began by `until`, from the key's times in order. It is seen for the first time at times[0].

    A key that was silent for `forget_after` is forgotten: that silence ends there, and the next time is a first one.
    """
    found: list[Silence] = []
    for part, offset, over in _lives(times, condition.forget_after):
        found += _in_one_life(condition, part, offset, until, over)
    return found


def _lives(times: Sequence[datetime], forget: timedelta) -> list[tuple[Sequence[datetime], int, datetime | None]]:
    """The times cut where the key was forgotten: (times, place of the first, when it is forgotten)."""
    cuts = [place for place in range(1, len(times)) if times[place] - times[place - 1] > forget]
    edges = [0, *cuts, len(times)]
    return [
        (times[start:end], start, times[end - 1] + forget if end < len(times) else None)
        for start, end in pairwise(edges)
        if start < end
    ]


def _in_one_life(
    condition: FlatlineCondition, times: Sequence[datetime], offset: int, until: datetime, over: datetime | None
) -> list[Silence]:
    """A silence begins as a document leaves the window and no more than `at_most` are left in it."""
    window, most = condition.window, condition.at_most
    forgotten = over or times[-1] + condition.forget_after
    found: list[Silence] = []
    heard_till = times[0]
    for since in times:
        begin = since + window
        if begin > until:
            break
        if begin < heard_till or bisect_right(times, begin) - bisect_right(times, since) > most:
            continue
        heard_till = _heard_again(times, begin, window, most) or forgotten
        end = heard_till if heard_till <= until else None
        found.append(Silence(since, begin, end, offset + bisect_right(times, begin)))
    return found


def _heard_again(times: Sequence[datetime], begin: datetime, window: timedelta, most: int) -> datetime | None:
    """The first time after begin at which the window holds more than `most`."""
    for place in range(max(bisect_right(times, begin), most), len(times)):
        if times[place] - times[place - most] < window:
            return times[place]
    return None


def judge(condition: FlatlineCondition, counts: WindowCounts) -> Verdict:
    """Fires while the window holds at most `at_most`."""
    span = span_words(condition.window.total_seconds())
    reason = f"{span}内 {counts.current} 篇（不多于 {condition.at_most} 篇即为断更）"
    return Verdict(counts.current <= condition.at_most, reason, {"count": counts.current, "at_most": condition.at_most})
