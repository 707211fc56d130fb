"""The default detector: how unusual are the last days of each key, for its level, weekday, holiday and season?

A key's counts are negative binomial around level x weekday x Chinese calendar x season, all learnt from days before.
The score weighs "more than usual since one of the last 14 days" against "nothing began"; see docs/calendar_nb.md for
the formulae, what was tried, and the figures. A result for a day is a function of the counts up to that day.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np

from alerts.detectors.calendar_nb_counts import CalendarNb, Flags, Floats, Ints, KeyCounts
from alerts.detectors.calendar_nb_evidence import likeliest_start, log_odds, score_of
from alerts.detectors.calendar_nb_factors import Days, Pool, days_of, factors_of, past_of, pool_of, tally
from alerts.detectors.calendar_nb_level import Expectation, expect
from config.calendar_classes import Calendar

WEEK = 7
AT_ONCE = 100
"""Keys in one piece: its rows stay in the processor's cache."""
QUIET = 0.0
"""The score of a day that cannot be an alarm."""


@dataclass(frozen=True)
class DayScores:
    """Of one day, one value a key.

    observed, expected: events of that day.  score: see CalendarNb.threshold.  fired: days since the likeliest start,
    today is 1; 0 where the score is 0.  rare: the rule for rare keys holds.  alarm: score above the threshold, or rare.
    short: short history.  level, dispersion: see Expectation.
    """

    day: date
    observed: Floats
    expected: Floats
    score: Floats
    fired: Ints
    rare: Flags
    alarm: Flags
    short: Flags
    level: Floats
    dispersion: Floats

    @property
    def p(self) -> Floats:
        """The share of quiet key-days that reach such a score, about."""
        return np.minimum(1.0, 10.0**-self.score)


@dataclass(frozen=True)
class Setting:
    """What a day's judgement rests on: the counts up to it, its calendar, the factors of all keys."""

    keys: KeyCounts
    calendar: Calendar
    days: Days
    pool: Pool
    parameters: CalendarNb

    @property
    def today(self) -> date:
        return self.keys.day(self.keys.days() - 1)

    def expect(self, part: slice) -> Expectation:
        """Of some of the keys, for as many days as a score or a window reaches back; an explanation asks again."""
        asked = (part.start, part.stop)
        if asked not in self._expected:
            self._expected[asked] = self._expect(self.keys.part(part))
        return self._expected[asked]

    @cached_property
    def _expected(self) -> dict[tuple[int, int], Expectation]:
        return {}

    def _expect(self, keys: KeyCounts) -> Expectation:
        past = past_of(keys)
        factors = factors_of(tally(past, self.days), self.pool, self.parameters)
        return expect(keys, past, self.days, factors, self.parameters, self.reach)

    @property
    def reach(self) -> int:
        return max(self.parameters.starts, WEEK, *self.parameters.windows)


def setting(
    keys: KeyCounts, calendar: Calendar, parameters: CalendarNb, *, day: int = -1, pool: Pool | None = None
) -> Setting:
    """For judging one day (a column; -1 the last) from the columns up to it; without a pool it learns one.

    Raises ValueError for a column that is not there, or no key.
    """
    if not len(keys):
        raise ValueError("counts: no key (accepted: one row a key)")
    known = keys.up_to(day + keys.days() if day < 0 else day)
    days = days_of(known.first_day, known.days(), calendar)
    return Setting(known, calendar, days, pool or _learnt(known, days, calendar, parameters), parameters)


def learn_pool(keys: KeyCounts, calendar: Calendar, parameters: CalendarNb) -> Pool:
    """The factors of all keys together for judging the last column, from the columns before it."""
    return setting(keys, calendar, parameters).pool


def score_day(
    keys: KeyCounts, calendar: Calendar, parameters: CalendarNb, *, day: int = -1, pool: Pool | None = None
) -> DayScores:
    """Judge one day of all keys. See `setting` for day, pool and errors.

    Given the pool, a key's result depends on its own row only; without, the others share in its weekday and calendar
    factors, in whatever order they come.
    """
    return score(setting(keys, calendar, parameters, day=day, pool=pool))


def score(known: Setting) -> DayScores:
    """Judge the day of `known`: with explain_all of the same setting the pool is learnt once."""
    pieces = [_scored(known, part) for part in pieces_of(len(known.keys))]
    return DayScores(known.today, *(np.concatenate(values) for values in zip(*pieces, strict=True)))


def score_days(
    keys: KeyCounts, calendar: Calendar, parameters: CalendarNb, days: range, *, pool: Pool | None = None
) -> Iterator[DayScores]:
    """Each of these columns, judged as if it were the last one."""
    for day in days:
        yield score_day(keys, calendar, parameters, day=day, pool=pool)


def judge(counts: Floats, expected: Expectation, parameters: CalendarNb) -> tuple[Floats, Ints, Flags]:
    """Score, days since the likeliest start (0: no alarm possible), and whether the rule for rare keys holds.

    counts: keys x days, the last is today, as many columns as expected.mean.
    """
    week = counts[:, -WEEK:].sum(axis=1)
    possible = (counts[:, -1] > 0) & (week >= parameters.least_events)
    scores, fired = np.full(len(counts), QUIET), np.zeros(len(counts), dtype=np.intp)
    if possible.any():
        looked_at = counts[possible, -parameters.starts :]
        odds = log_odds(looked_at, expected.only(possible, parameters.starts), parameters)
        scores[possible] = np.maximum(score_of(odds, parameters), QUIET)
        fired[possible] = likeliest_start(odds, parameters)
    usual = expected.mean[:, -WEEK:].mean(axis=1)
    rare = possible & (week >= parameters.rare_events) & (usual < parameters.rare_level)
    return scores, fired, rare


def alarms(scores: Floats, rare: Flags, parameters: CalendarNb) -> Flags:
    """Which keys of `judge` are alarms."""
    return (scores > parameters.threshold) | rare


def pieces_of(count: int) -> list[slice]:
    """Keys in pieces of AT_ONCE."""
    return [slice(start, start + AT_ONCE) for start in range(0, count, AT_ONCE)]


def _scored(known: Setting, part: slice) -> tuple[Floats | Ints | Flags, ...]:
    """The fields of DayScores after the day, for some of the keys."""
    counts = known.keys.counts[part, -known.reach :]
    expected = known.expect(part)
    scores, fired, rare = judge(counts, expected, known.parameters)
    alarm = alarms(scores, rare, known.parameters)
    return (
        counts[:, -1], expected.mean[:, -1], scores, fired, rare, alarm, expected.short, expected.level,
        expected.dispersion,
    )  # fmt: skip


def _learnt(known: KeyCounts, days: Days, calendar: Calendar, parameters: CalendarNb) -> Pool:
    sums = [tally(past_of(known.part(part)), days).total() for part in pieces_of(len(known))]
    return pool_of(sums, calendar, parameters)
