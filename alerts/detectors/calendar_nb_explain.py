"""Why calendar_nb raised an alarm, or why not: every figure that an alert shows."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from alerts.detectors.calendar_nb import Setting, alarms, judge, pieces_of
from alerts.detectors.calendar_nb_counts import CalendarNb, Flags, Floats, Ints
from alerts.detectors.calendar_nb_evidence import chance_of, window_variance
from alerts.detectors.calendar_nb_level import Expectation

MOST = 10**9
"""No bound is looked for beyond."""


@dataclass(frozen=True)
class Window:
    """The last `days` days together.

    p: the chance of as many events or more.  upper: the most that would have been no alarm, were all but today's events
    as they are. So there is an alarm exactly where observed > upper, in every window alike; in the midst of an outbreak
    today's own bound may lie below what is usual.
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
        shown = next((one for one in self.windows if one.days == max(self.fired, 1)), self.windows[0])
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


def explain(known: Setting, key: int) -> Explanation:
    """Every figure of one key (a row) on the day of `known`. score_day's numbers, from the same functions."""
    return _explained(known, slice(key, key + 1))[0]


def explain_all(known: Setting) -> list[Explanation]:
    """The same of every key, in their order."""
    return [one for part in pieces_of(len(known.keys)) for one in _explained(known, part)]


def _explained(known: Setting, part: slice) -> list[Explanation]:
    parameters, keys = known.parameters, known.keys.part(part)
    expected, counts = known.expect(part), keys.counts[:, -known.reach :]
    score, fired, rare = judge(counts, expected, parameters)
    alarm = alarms(score, rare, parameters)
    windows = _windows(counts, expected, parameters, fired)
    lent = expected.short & (False if keys.borrowed is None else ~np.isnan(keys.borrowed))
    label, uncovered = known.calendar.labels[int(known.days.code[-1])], known.calendar.not_covered(known.today)
    return [
        Explanation(
            day=known.today,
            alarm=bool(alarm[key]),
            score=float(score[key]),
            threshold=parameters.threshold,
            p=float(min(1.0, 10.0 ** -score[key])),
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


def _windows(counts: Floats, expected: Expectation, parameters: CalendarNb, fired: Ints) -> list[tuple[Window, ...]]:
    """Of each key: those of the parameters and the one that fired, shortest first."""
    bound, longest = _most_without_alarm(counts, expected, parameters), counts.shape[1]
    lengths = {min(days, longest) for days in parameters.windows}
    found: list[list[Window]] = [[] for _ in range(len(counts))]
    for days in sorted(lengths | {int(days) for days in np.unique(fired) if days}):
        observed, mean = counts[:, -days:].sum(axis=1), expected.mean[:, -days:].sum(axis=1)
        variance = window_variance(mean, expected.special[-days:].mean(keepdims=True), expected, parameters)
        chance, upper = chance_of(observed, mean, variance), observed - counts[:, -1] + bound
        for key in range(len(counts)) if days in lengths else np.flatnonzero(fired == days):
            figures = (observed[key], mean[key], upper[key], chance[key])
            found[key].append(Window(days, *(float(figure) for figure in figures)))
    return [tuple(windows) for windows in found]


def _most_without_alarm(counts: Floats, expected: Expectation, parameters: CalendarNb) -> Floats:
    """keys: the largest number of events today that is no alarm, all other days as they are. By bisection."""

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
    return high - 1
