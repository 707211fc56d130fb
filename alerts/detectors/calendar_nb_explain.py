"""Why calendar_nb raised an alarm, or why not: every figure that an alert shows."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from alerts.detectors.calendar_nb import WEEK, Setting, alarms, judge, pieces_of
from alerts.detectors.calendar_nb_counts import CalendarNb, Flags, Floats, Ints
from alerts.detectors.calendar_nb_evidence import chance_of, most_usual, window_variance
from alerts.detectors.calendar_nb_level import Expectation

MOST = 10**9
"""No bound is looked for beyond."""
RAREST = 1_000_000
"""Chances beyond are not told apart in words."""


@dataclass(frozen=True)
class Window:
    """The last `days` days together.

    p: the chance of as many events or more.  upper: what a usual window exceeds with a chance of 10^-threshold at most.
    An alarm rests on all days together: the window that fired mostly lies above its bound, but need not.
    """

    days: int
    observed: float
    expected: float
    upper: float
    p: float


@dataclass(frozen=True)
class Explanation:
    """One key on one day.

    p: the share of quiet key-days that reach such a score.
    alarm_from: the least events that day that are an alarm, the days before as they are: alarm exactly where as many.
    windows: those of the parameters and the one that the alarm rests on.
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
    alarm_from: float
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

    @property
    def rare_only(self) -> bool:
        """Whether the rule for rare keys alone makes it an alarm."""
        return self.rare and self.score <= self.threshold

    @property
    def shown(self) -> Window:
        """The days to tell of: those that the verdict rests on."""
        days = WEEK if self.rare_only else max(self.fired, 1)
        return next(one for one in self.windows if one.days == days)

    def reason(self) -> str:
        """In one sentence, for the desk."""
        shown = self.shown
        span = "当日" if shown.days == 1 else f"近 {shown.days} 天"
        said = f"{span} {shown.observed:g} 件，预期 {shown.expected:.2g} 件，通常不超过 {shown.upper:g} 件"
        if not self.alarm:
            said += f"；当日达 {self.alarm_from:g} 件报警"
        elif self.rare_only:
            said += "；平日极少出现，一周内有数件即报警，不看得分"
        else:
            said += f"；{'' if shown.observed > shown.upper else '逐日合计，'}平常日子{self._once_in()}"
        notes = [f"已按{self.label}调整"] if self.label else []
        if self.short_history:
            notes.append("历史不足，参照上级类别" if self.borrowed else "历史不足")
        notes += [f"历法表未含本年 {feast}" for feast in self.uncovered]
        return f"{said}（{'；'.join(notes)}）" if notes else said

    def _once_in(self) -> str:
        days = 10.0**self.score
        return f"约 {days:,.0f} 天一遇" if days < RAREST else f"超过 {RAREST:,} 天一遇"


def explain(known: Setting, key: int) -> Explanation:
    """Every figure of one key (a row) on the day of `known`. score_day's numbers, from the same functions."""
    return _explained(known, slice(key, key + 1))[0]


def explain_all(known: Setting) -> list[Explanation]:
    """The same of every key, in their order."""
    return [one for part in pieces_of(len(known.keys)) for one in _explained(known, part)]


def alarm_from(known: Setting, key: int) -> float:
    """Explanation.alarm_from alone, which costs a quarter of an explanation."""
    part = slice(key, key + 1)
    counts = known.keys.part(part).counts[:, -known.reach :]
    return float(_least_alarm(counts, known.expect(part), known.parameters)[0])


def _explained(known: Setting, part: slice) -> list[Explanation]:
    parameters, keys = known.parameters, known.keys.part(part)
    expected, counts = known.expect(part), keys.counts[:, -known.reach :]
    score, fired, rare = judge(counts, expected, parameters)
    alarm = alarms(score, rare, parameters)
    rests_on = np.where(rare & (score <= parameters.threshold), WEEK, np.maximum(fired, 1))
    windows = _windows(counts, expected, parameters, rests_on)
    least = _least_alarm(counts, expected, parameters)
    lent = expected.short & (False if keys.borrowed is None else ~np.isnan(keys.borrowed))
    label, uncovered = known.calendar.labels[int(known.days.code[-1])], known.calendar.not_covered(known.today)
    return [
        Explanation(
            day=known.today,
            alarm=bool(alarm[key]),
            score=float(score[key]),
            threshold=parameters.threshold,
            p=float(min(1.0, 10.0 ** -score[key])),
            alarm_from=float(least[key]),
            windows=windows[key],
            fired=int(fired[key]),
            rare=bool(rare[key]),
            short_history=bool(expected.short[key]),
            borrowed=bool(lent[key]),
            level=float(expected.level[key]),
            dispersion=float(expected.dispersion[key]),
            effect=float(expected.effect[key]),
            label=label,
            uncovered=uncovered,
        )
        for key in range(len(keys))
    ]


def _windows(counts: Floats, expected: Expectation, parameters: CalendarNb, rests_on: Ints) -> list[tuple[Window, ...]]:
    """Of each key: those of the parameters and the one its verdict rests on, shortest first."""
    lengths = {min(days, counts.shape[1]) for days in parameters.windows}
    found: list[list[Window]] = [[] for _ in range(len(counts))]
    for days in sorted(lengths | {int(days) for days in np.unique(rests_on)}):
        observed, mean = counts[:, -days:].sum(axis=1), expected.mean[:, -days:].sum(axis=1)
        variance = window_variance(mean, expected.special[-days:].mean(keepdims=True), expected, parameters)
        chance, upper = chance_of(observed, mean, variance), most_usual(10.0**-parameters.threshold, mean, variance)
        for key in range(len(counts)) if days in lengths else np.flatnonzero(rests_on == days):
            figures = (observed[key], mean[key], upper[key], chance[key])
            found[key].append(Window(days, *(float(figure) for figure in figures)))
    return [tuple(windows) for windows in found]


def _least_alarm(counts: Floats, expected: Expectation, parameters: CalendarNb) -> Floats:
    """keys: the smallest number of events today that is an alarm, all other days as they are. By bisection."""

    def alarming(today: Floats) -> Flags:
        score, _, rare = judge(np.column_stack([counts[:, :-1], today]), expected, parameters)
        return alarms(score, rare, parameters)

    low, high = np.zeros(len(counts)), np.ones(len(counts))
    while not np.all(below := alarming(high) | (high >= MOST)):
        low, high = np.where(below, low, high), np.where(below, high, 2 * high)
    while np.any(high - low > 1):
        middle = np.floor((low + high) / 2)
        hit = alarming(middle)
        low, high = np.where(hit, low, middle), np.where(hit, middle, high)
    return high
