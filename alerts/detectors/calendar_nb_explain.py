"""Why calendar_nb raised an alarm, or why not: every figure that an alert shows."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from alerts.detectors.calendar_nb import Setting, judge, setting
from alerts.detectors.calendar_nb_counts import CalendarNb, Floats, KeyCounts
from alerts.detectors.calendar_nb_evidence import chance_of, window_variance
from alerts.detectors.calendar_nb_factors import Pool
from alerts.detectors.calendar_nb_level import Expectation
from config.calendar_classes import Calendar

MOST = 10**9
"""No bound is looked for beyond."""


@dataclass(frozen=True)
class Window:
    """The last `days` days together.

    p: the chance of as many events or more.  upper: the most that would have been no alarm, were all but today's events
    as they are. So there is an alarm exactly where observed > upper, in every window alike.
    """

    days: int
    observed: float
    expected: float
    upper: float
    p: float


@dataclass(frozen=True)
class Explanation:
    """One key on one day.

    p: the share of quiet key-days that reach such a score.  windows: those of the parameters and the one that fired.
    fired: days since the likeliest start, today is 1; 0 where no alarm is possible.  rare: by the rule for rare keys.
    borrowed: whether a parent's level was leant on.  level: events on an ordinary day.  dispersion: variance over mean.
    effect: weekday x class x season (x arrived) of the day.  label: of its calendar class, empty for none.
    uncovered: feasts whose list of dates does not reach this year.
    """

    day: date
    alarm: bool
    score: float
    threshold: float
    p: float
    windows: tuple[Window, ...]
    fired: int
    rare: bool
    short_history: bool
    borrowed: bool
    level: float
    dispersion: float
    effect: float
    label: str
    uncovered: tuple[str, ...]

    def reason(self) -> str:
        """In one sentence, for the desk."""
        shown = next((one for one in self.windows if one.days == self.fired), self.windows[0])
        span = "当日" if shown.days == 1 else f"近 {shown.days} 天"
        bound = f"上限 {shown.upper:g} 件"
        said = f"{span} {shown.observed:g} 件，预期 {shown.expected:.2g} 件，{bound}"
        if self.rare and self.score <= self.threshold:
            said = f"{said}；平日极少出现，一周内已有多件"
        elif self.alarm:
            said = f"{said}；平常日子约 {1 / self.p:,.0f} 天一遇"
        notes = [f"已按{self.label}调整"] if self.label else []
        if self.short_history:
            notes.append("历史不足，参照上级类别" if self.borrowed else "历史不足")
        notes += [f"历法表未含本年 {feast}" for feast in self.uncovered]
        return f"{said}（{'；'.join(notes)}）" if notes else said


def explain(
    keys: KeyCounts, key: int, calendar: Calendar, parameters: CalendarNb, *, day: int = -1, pool: Pool | None = None
) -> Explanation:
    """Every figure of one key (a row) on one day. score_day's numbers, from the same functions.

    Give the pool of that day (learn_pool) where many keys are explained: without it each call learns one.
    """
    known = setting(keys, calendar, parameters, day=day, pool=pool)
    part = slice(key, key + 1)
    expected, counts = known.expect(part), known.keys.counts[part, -known.reach :]
    score, fired, rare = judge(counts, expected, parameters)
    lent = known.keys.part(part).borrowed
    return Explanation(
        day=known.today,
        alarm=_alarms(counts, expected, parameters),
        score=float(score[0]),
        threshold=parameters.threshold,
        p=float(min(1.0, 10.0 ** -score[0])),
        windows=_windows(counts, expected, parameters, int(fired[0])),
        fired=int(fired[0]),
        rare=bool(rare[0]),
        short_history=bool(expected.short[0]),
        borrowed=bool(expected.short[0] and lent is not None and not np.isnan(lent[0])),
        level=float(expected.level[0]),
        dispersion=float(expected.dispersion[0]),
        effect=float(expected.effect[0]),
        label=_label(known, calendar),
        uncovered=calendar.not_covered(known.today),
    )


def _label(known: Setting, calendar: Calendar) -> str:
    return calendar.labels[int(known.days.code[-1])]


def _alarms(counts: Floats, expected: Expectation, parameters: CalendarNb) -> bool:
    score, _, rare = judge(counts, expected, parameters)
    return bool(score[0] > parameters.threshold or rare[0])


def _windows(counts: Floats, expected: Expectation, parameters: CalendarNb, fired: int) -> tuple[Window, ...]:
    today, bound = counts[0, -1], _most_without_alarm(counts, expected, parameters)
    lengths = sorted({min(days, counts.shape[1]) for days in (*parameters.windows, fired or 1)})
    found = []
    for days in lengths:
        observed, mean = counts[:, -days:].sum(axis=1), expected.mean[:, -days:].sum(axis=1)
        variance = window_variance(mean, expected.special[-days:].mean(keepdims=True), expected, parameters)
        chance = chance_of(observed, mean, variance)
        found.append(
            Window(days, float(observed[0]), float(mean[0]), float(observed[0] - today + bound), float(chance[0]))
        )
    return tuple(found)


def _most_without_alarm(counts: Floats, expected: Expectation, parameters: CalendarNb) -> float:
    """The largest number of events today that is no alarm, all other days as they are."""

    def alarms(today: float) -> bool:
        changed = counts.copy()
        changed[0, -1] = today
        return _alarms(changed, expected, parameters)

    high = 1
    while not alarms(high):
        if high >= MOST:
            return float(MOST)
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if alarms(middle) else (middle, high)
    return float(high - 1)
