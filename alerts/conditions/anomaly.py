"""`anomaly`: a day holds more than is usual for its key. Daily counts in, verdict out; no query, no clock.

A day is judged by its whole count, whatever hour it is: the alarm comes with the document that makes it one, and never
more often than the detector's false alarms were measured for days.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from alerts.conditions.verdict import Verdict
from alerts.detectors.calendar_nb import WEEK, Setting, score, setting
from alerts.detectors.calendar_nb_counts import CalendarNb, Floats, KeyCounts
from alerts.detectors.calendar_nb_explain import Explanation, alarm_from, explain
from alerts.detectors.calendar_nb_factors import Pool
from alerts.detectors.detector import CountSeries, Parameters, read_parameters, smallest
from alerts.detectors.reference import detector_of
from alerts.detectors.screening import Budget, rate_for
from config.calendar_classes import Calendar
from config.conditions import AnomalyCondition

DEFAULT = "calendar_nb"
WARM_UP = 14
"""Days that a rule counts before it judges any."""
MONITORED = 28
"""The sequential charts begin so many days ago."""
REMEMBERED = 500
"""Days whose verdict is kept: most documents leave the days before theirs as they were."""
LEAST_SCORE, MOST_SCORE = 1.0, 10.0
"""Between these a budget chooses."""
FIXED: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "ears_c1": ("ears", {"method": "C1"}),
    "ears_c2": ("ears", {"method": "C2"}),
    "ears_c3": ("ears", {"method": "C3"}),
    "farrington_flexible": ("farrington_flexible", {"b": 26, "w": 1, "noPeriods": 1, "pastWeeksNotIncluded": 2}),
    "bayes": ("bayes", {"b": 8, "w": 0, "actY": False}),
    "cusum": ("cusum", {}),
    "glr": ("glr", {}),
    "outbreak_p": ("outbreak_p", {}),
}
"""What the classic detectors are called there, and what suits daily counts (the week as the period)."""
CHARTS = ("cusum", "glr")


@dataclass(frozen=True)
class Common:
    """What all keys of a rule share when a month is judged. keys: how many there were before it; 0: not known yet."""

    pool: Pool | None = None
    keys: int = 0


@dataclass(frozen=True)
class KeyDays:
    """A key up to a day. counts: a number a day, the last is the judged one, from the rule's first counted day on (or
    from as far back as it reads).

    borrowed: events a day of the parent's other keys; NaN: none.  arrived: shares of the last days
    (calendar_nb_arrival).  seen_for: days since the key was first seen.  cut: the p-value that Benjamini-Hochberg lets
    through, instead of the threshold; 0: none.
    """

    counts: Floats
    day: date
    calendar: Calendar
    common: Common = Common()
    borrowed: float = float("nan")
    arrived: Floats | None = None
    seen_for: int = 0
    cut: float | None = None

    @property
    def first_day(self) -> date:
        """Of the counts."""
        return self.day - timedelta(days=len(self.counts) - 1)


@dataclass(frozen=True)
class DayVerdict:
    """needed: the smallest count of the day that would have been an alarm.  reach: days that the alarm rests on.

    level_score: what days are compared by (calendar_nb's score, else the distance to the bound).  p: NaN: none.
    told: the verdict in words and numbers, made when asked for.
    """

    fires: bool
    needed: int
    reach: int
    level_score: float
    p: float
    told: Callable[[], Verdict] = field(repr=False, compare=False)


def check_detector(condition: AnomalyCondition) -> str:
    """What is wrong with the detector's parameters; empty where nothing is."""
    try:
        if condition.detector == DEFAULT:
            _calendar_nb(condition, 2.5)
        else:
            _classic(condition)
    except ValueError as wrong:
        return str(wrong)
    return ""


def threshold_of(condition: AnomalyCondition, keys: int) -> float:
    """Of the score: given, or by the budget of false alarms a day over so many keys."""
    if condition.budget is not None and keys:
        chosen = -float(np.log10(rate_for(keys, condition.budget)))
        return min(MOST_SCORE, max(LEAST_SCORE, chosen))
    return condition.threshold if condition.threshold is not None else CalendarNb().threshold


def score_of_cut(cut: float) -> float:
    """The threshold just below the score of a p-value, so that a key whose p it is is an alarm; out of reach for 0."""
    return 5 * MOST_SCORE if cut <= 0 else max(1e-6, -float(np.log10(cut)) - 1e-9)


def may_be(condition: AnomalyCondition, counts: Floats) -> bool:
    """Whether the last day can be an alarm at all: it holds something, its week enough, two weeks are known before."""
    return bool(len(counts) > WARM_UP and counts[-1] > 0 and counts[-WEEK:].sum() >= condition.at_least)


def judge(condition: AnomalyCondition, key: KeyDays) -> DayVerdict | None:
    """The verdict on the last day; None where it cannot be an alarm."""
    if not may_be(condition, key.counts):
        return None
    return _judged(_Asked.of(condition, key))


@dataclass(frozen=True)
class _Asked:
    """A question that was answered before is the same: equal are those of which every figure is."""

    figures: tuple[object, ...]
    condition: AnomalyCondition = field(compare=False)
    key: KeyDays = field(compare=False)

    @classmethod
    def of(cls, condition: AnomalyCondition, key: KeyDays) -> "_Asked":
        """condition, calendar: by identity, which holds while the question is remembered."""
        pool, arrived = key.common.pool, key.arrived
        figures = (
            id(condition), id(key.calendar), key.day, key.counts.tobytes(), key.common.keys, repr(key.borrowed),
            key.seen_for, key.cut, None if arrived is None else (arrived.shape, arrived.tobytes()),
            None if pool is None else (pool.weekday.tobytes(), pool.code.tobytes()),
        )  # fmt: skip
        return cls(figures, condition, key)


@lru_cache(maxsize=REMEMBERED)
def _judged(asked: _Asked) -> DayVerdict | None:
    judge_by = _judge_default if asked.condition.detector == DEFAULT else _judge_classic
    return judge_by(asked.condition, asked.key)


# --- calendar_nb ------------------------------------------------------------------------------------------------


def _calendar_nb(condition: AnomalyCondition, threshold: float) -> CalendarNb:
    given = {"windows": condition.windows, "least_events": condition.at_least, "threshold": threshold}
    taken = sorted(set(given) & set(condition.parameters))
    if taken:
        raise ValueError(f"{taken[0]}: stands in the condition itself (threshold, windows, at_least)")
    return read_parameters(CalendarNb, {**condition.parameters, **given})


def _judge_default(condition: AnomalyCondition, key: KeyDays) -> DayVerdict:
    threshold = threshold_of(condition, key.common.keys)
    if key.cut is not None:
        threshold = score_of_cut(key.cut)
    parameters = _calendar_nb(condition, threshold)
    known = setting(_key_counts(key), key.calendar, parameters, pool=key.common.pool)
    found = score(known)
    by_rarity = bool(found.rare[0]) and found.score[0] <= threshold
    reach = WEEK if by_rarity else max(1, int(found.fired[0]))
    fires = bool(found.alarm[0])
    needed = int(alarm_from(known, 0)) if fires else 0
    told = _Told(condition, key, known, threshold)
    return DayVerdict(fires, needed, reach, float(found.score[0]), float(found.p[0]), told)


def _key_counts(key: KeyDays) -> KeyCounts:
    return KeyCounts(
        key.counts[None, :], key.first_day, since=np.zeros(1, dtype=np.intp), borrowed=np.array([key.borrowed]),
        arrived=key.arrived,
    )  # fmt: skip


@dataclass(frozen=True)
class _Told:
    condition: AnomalyCondition
    key: KeyDays
    known: Setting
    threshold: float

    def __call__(self) -> Verdict:
        return self._verdict

    @cached_property
    def _verdict(self) -> Verdict:
        why = explain(self.known, 0)
        shown = why.shown
        numbers = {
            "count": shown.observed, "expected": round(shown.expected, 4), "upper": shown.upper, "days": shown.days,
            "score": round(why.score, 4), "p": why.p, "threshold": round(self.threshold, 4),
            "needed": why.alarm_from, "level": round(why.level, 5), "dispersion": round(why.dispersion, 4),
            "calendar": round(why.effect, 4), "short_history": float(why.short_history),
        }  # fmt: skip
        for one in why.windows:
            numbers |= {f"p_{one.days}d": one.p, f"count_{one.days}d": one.observed}
            numbers |= {f"expected_{one.days}d": round(one.expected, 4), f"upper_{one.days}d": one.upper}
        budget = Budget(self.key.common.keys, 10.0**-self.threshold)
        if budget.keys:
            numbers |= {"keys": budget.keys, "false_alarms_a_day": round(budget.false_alarms_a_day, 4)}
        parts = [why.reason(), self._threshold_words(why), _new_words(self.key, why)]
        parts.append(f"预算：{budget.sentence()}" if budget.keys else "")
        return Verdict(why.alarm, "；".join(part for part in parts if part), numbers)

    def _threshold_words(self, why: Explanation) -> str:
        by = "，按控制误报占比" if self.key.cut is not None else ""
        return f"得分 {why.score:.2f}（阈值 {self.threshold:.2f}{by}）"


def _new_words(key: KeyDays, why: Explanation) -> str:
    """A key that appeared lately had zeros before: that is known, and said."""
    new = key.seen_for < CalendarNb().short_days and not why.short_history
    return f"历史不足：本序列 {key.seen_for + 1} 天前首次出现，此前按零计" if new else ""


# --- classic detectors ------------------------------------------------------------------------------------------


def _classic(condition: AnomalyCondition) -> Parameters:
    name, usual = FIXED[condition.detector]
    taken = sorted(set(condition.parameters) & ({"method"} if name == "ears" else {"ret"}))
    if taken:
        raise ValueError(f"{taken[0]}: is said by the detector's name")
    return detector_of(name, {**usual, **condition.parameters})


def _judge_classic(condition: AnomalyCondition, key: KeyDays) -> DayVerdict | None:
    detector = _classic(condition)
    last = len(key.counts) - 1
    points = range(max(WARM_UP, last - MONITORED + 1) if condition.detector in CHARTS else last, last + 1)

    def found_with(count: float) -> Any:
        counts = np.append(key.counts[:-1], count)
        return detector.detect(CountSeries(counts, freq=WEEK), points)

    today = float(key.counts[-1])
    found = found_with(today)
    fires = bool(found.alarm[-1])
    needed = (smallest(lambda count: bool(found_with(count).alarm[-1]), int(today)) or 1) if fires else 0
    series = CountSeries(key.counts, freq=WEEK)

    def told() -> Verdict:
        reason = f"当日 {today:g} 件；{condition.detector}：{detector.reason(series, found, len(points) - 1)}"
        figures = {"count": today, "expected": found.expected[-1], "upper": found.upper[-1], "score": found.score[-1]}
        figures |= {"p": found.p_value[-1], "needed": needed, "days": 1}
        numbers = {name: float(value) for name, value in figures.items() if np.isfinite(value)}
        rate = getattr(detector, "alpha", None)
        if key.common.keys and isinstance(rate, float) and condition.detector not in CHARTS:
            budget = Budget(key.common.keys, rate)
            reason += f"；预算：{budget.sentence()}"
            numbers |= {"keys": budget.keys, "false_alarms_a_day": round(budget.false_alarms_a_day, 4)}
        return Verdict(fires, reason, numbers)

    score_now = float(found.score[-1]) if np.isfinite(found.score[-1]) else 0.0
    return DayVerdict(fires, max(1, needed), 1, score_now, float("nan"), told)
