"""Is the learnt order better than the one without? Measured on later marks, before anybody sees it.

The first two thirds of the marks are learnt from; the rest are put into lists of 25 in the order they opened, as a page
of the inbox shows them, and each list is ordered both ways. The model never sees a mark given after the split.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log2
from typing import Any

import numpy as np

from alerts.rank_cases import Case
from alerts.reranking import FEATURES, RED, Model, reordered, train

ENOUGH = 200
"""Marks without which nothing is switched on."""
LEARNT = 2 / 3
LIST = 25
FIRST = 5
ROUNDS = 2000
SEED = 20261123
Measure = Callable[[Sequence[bool]], float]


@dataclass(frozen=True)
class Figures:
    """Means over the lists. ndcg: 1 is perfect.  precision: of the first five.  rank: mean place of the confirmed, as
    a share of the list (0 first).
    """

    ndcg: float
    precision: float
    rank: float

    def as_json(self) -> dict[str, float]:
        return {name: round(getattr(self, name), 4) for name in ("ndcg", "precision", "rank")}


@dataclass(frozen=True)
class Measured:
    """gain: of NDCG, mean over the lists, with the 95 % interval of a bootstrap over lists.  active: whether the order
    may be used; why: in words.  lists: that hold both confirmed and other alerts: the others say nothing.
    """

    marks: int
    learnt: int
    lists: int
    before: Figures | None
    after: Figures | None
    gain: float | None
    interval: tuple[float, float] | None
    active: bool
    why: str

    def as_json(self) -> dict[str, Any]:
        """To print and to keep."""
        low, high = self.interval or (None, None)
        return {
            "marks": self.marks, "enough": ENOUGH, "learnt_from": self.learnt, "lists": self.lists, "list_length": LIST,
            "without": self.before.as_json() if self.before else None,
            "with": self.after.as_json() if self.after else None,
            "gain_ndcg": _rounded(self.gain), "gain_low": _rounded(low), "gain_high": _rounded(high),
            "active": self.active, "why": self.why, "features": list(FEATURES),
        }  # fmt: skip


def measure(cases: Sequence[Case], ack_hours: Mapping[int, float]) -> tuple[Measured, Model | None]:
    """(figures, model learnt from all marks). cases: marked alerts in the order of their marks.  ack_hours: by level;
    without the model the list is in the order of what is due first.
    """
    split = int(len(cases) * LEARNT)
    learnt, later = cases[:split], cases[split:]
    model = train(learnt)
    lists = [some for some in _lists(later) if len({_right(case) for case in some}) == 2]
    if model is None or not lists:
        why = "可比的清单不足：后三分之一的标记里没有同时含属实与非属实的清单"
        return Measured(len(cases), split, len(lists), None, None, None, None, False, why), None
    before = [_figures(_by_due(some, ack_hours)) for some in lists]
    after = [_figures([_right(case) for case, _ in reordered(some, model)]) for some in lists]
    gains = np.array([new[0] - old[0] for old, new in zip(before, after, strict=True)])
    low, high = _bootstrap(gains)
    active = len(cases) >= ENOUGH and float(gains.mean()) > 0 and low > 0
    measured = Measured(
        len(cases), split, len(lists), _mean(before), _mean(after), float(gains.mean()), (low, high), active,
        _why(len(cases), float(gains.mean()), low, high, active=active),
    )  # fmt: skip
    return measured, train(cases)


def _why(marks: int, gain: float, low: float, high: float, *, active: bool) -> str:
    told = f"NDCG 变化 {gain:+.3f}（95% 区间 {low:+.3f} 至 {high:+.3f}）"
    if active:
        return f"启用：{told}，标记 {marks} 条"
    if marks < ENOUGH:
        return f"不启用：标记 {marks} 条，不足 {ENOUGH} 条；{told}"
    return f"不启用：{told}，区间含 0，顺序不变"


def _lists(cases: Sequence[Case]) -> list[list[Case]]:
    """In the order they opened, a page each."""
    order = sorted(cases, key=lambda case: (case.opened, case.alert))
    return [list(order[first : first + LIST]) for first in range(0, len(order), LIST)]


def _right(case: Case) -> bool:
    return case.mark is not None and case.mark.mark == "confirmed"


def _by_due(cases: Sequence[Case], ack_hours: Mapping[int, float]) -> list[bool]:
    """Without the model: level I first, as on the desk, then what is due first."""

    def due(case: Case) -> tuple[bool, datetime, str]:
        return (case.level < RED, case.opened + timedelta(hours=ack_hours.get(case.level, 24)), case.alert)

    return [_right(case) for case in sorted(cases, key=due)]


def _figures(order: Sequence[bool]) -> tuple[float, float, float]:
    """(NDCG, precision of the first five, mean place of the confirmed as a share)."""
    gained = sum(1 / log2(place + 2) for place, right in enumerate(order) if right)
    best = sum(1 / log2(place + 2) for place in range(sum(order)))
    places = [place for place, right in enumerate(order) if right]
    first = order[:FIRST]
    return gained / best, sum(first) / len(first), sum(places) / len(places) / max(1, len(order) - 1)


def _mean(figures: Sequence[tuple[float, float, float]]) -> Figures:
    return Figures(*(float(np.mean([each[place] for each in figures])) for place in range(3)))


def _bootstrap(gains: "np.ndarray[Any, np.dtype[np.float64]]") -> tuple[float, float]:
    """Percentiles of the mean over lists drawn with replacement; of one list alone nothing is known."""
    if len(gains) < 2:
        return -1.0, 1.0
    chance = np.random.default_rng(SEED)
    means = chance.choice(gains, size=(ROUNDS, len(gains))).mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
