"""What a window holds while it moves on: cards go in at one end and out at the other, and nothing is counted anew.

One gauge a condition type. Its `knobs` are the thresholds that a curve can turn; a reading has one number a knob, and
the condition fires where each number reaches its threshold (`passes`). Says the same as alerts/counting.py.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from alerts.cards import Card
from alerts.counting import count, scenes
from config.conditions import (
    CardinalityCondition,
    ChainedCondition,
    ChangeCondition,
    FrequencyCondition,
    MetricCondition,
    RatioCondition,
    ResonanceCondition,
    SpikeCondition,
    TierJumpCondition,
    WindowCondition,
)
from config.regions import Regions
from config.rules import Rule

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
FIRES: tuple[float, ...] = ()
"""The reading of a type without a threshold of its own, where it fires."""


@dataclass
class Window:
    """The cards of one group and which of them count now. Positions are those in `cards`, in order of event time."""

    cards: Sequence[Card]
    times: Sequence[datetime]
    inside: bytearray
    low: int = 0
    high: int = 0

    def held(self) -> list[Card]:
        """The cards that count, in order."""
        return [self.cards[place] for place in range(self.low, self.high) if self.inside[place]]

    def newest(self) -> list[Card]:
        """The newest cards that count: those of one moment, latest first."""
        found: list[Card] = []
        for place in range(self.high - 1, self.low - 1, -1):
            if not self.inside[place]:
                continue
            if found and self.cards[place].at != found[0].at:
                break
            found.append(self.cards[place])
        return found


class Gauge:
    """How many origins a window holds; the base of all gauges."""

    knobs: tuple[str, ...] = ()

    def __init__(self, rule: Rule, regions: Regions, window: Window) -> None:
        self.rule, self.regions, self.window = rule, regions, window
        self.current = 0

    def add(self, place: int, card: Card) -> None:
        """A card begins to count."""
        self.current += 1

    def drop(self, place: int, card: Card) -> None:
        """A card no longer counts."""
        self.current -= 1

    def read(self, at: datetime) -> tuple[float, ...] | None:
        """One number a knob at a moment with a card; None where nothing can fire whatever the thresholds."""
        raise NotImplementedError

    def completes(self) -> bool:
        """See counting.can_complete."""
        return True


class _Tally:
    """How many different values are held."""

    def __init__(self) -> None:
        self._held: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._held)

    def add(self, values: Sequence[str]) -> None:
        for value in values:
            self._held[value] += 1

    def drop(self, values: Sequence[str]) -> None:
        for value in values:
            left = self._held[value] - 1
            if left:
                self._held[value] = left
            else:
                del self._held[value]


class _Placed(Gauge):
    """With the places of its cards, where the rule asks for several; they are dear to tell."""

    def __init__(self, rule: Rule, regions: Regions, window: Window) -> None:
        super().__init__(rule, regions, window)
        self._asked = getattr(rule.condition, "places", 1) > 1
        self._scenes: dict[int, list[str]] = {}
        self.places = _Tally()

    def add(self, place: int, card: Card) -> None:
        super().add(place, card)
        if self._asked:
            self._scenes[place] = scenes([card], self.regions)
            self.places.add(self._scenes[place])

    def drop(self, place: int, card: Card) -> None:
        super().drop(place, card)
        if self._asked:
            self.places.drop(self._scenes.pop(place))

    @property
    def there(self) -> float:
        """How many places; as many as anyone asks for where the rule asks for one."""
        return len(self.places) if self._asked else 1


class FrequencyGauge(_Placed):
    """Origins, sources, places."""

    knobs = ("at_least", "sources", "places")

    def __init__(self, rule: Rule, regions: Regions, window: Window) -> None:
        super().__init__(rule, regions, window)
        self._sources = _Tally()

    def add(self, place: int, card: Card) -> None:
        super().add(place, card)
        self._sources.add((card.source,))

    def drop(self, place: int, card: Card) -> None:
        super().drop(place, card)
        self._sources.drop((card.source,))

    def read(self, at: datetime) -> tuple[float, ...] | None:
        return (self.current, len(self._sources), self.there) if self.current > 1 else None


class SpikeGauge(_Placed):
    """Origins, what was usual, places. The second knob is the ratio: `passes` compares it with what was usual."""

    knobs = ("at_least", "ratio", "places")

    def __init__(self, rule: Rule, regions: Regions, window: Window) -> None:
        super().__init__(rule, regions, window)
        assert isinstance(rule.condition, SpikeCondition)
        self._span, self._history = rule.condition.window, rule.condition.history
        self._edges = [0] * (self._history + 1)

    def read(self, at: datetime) -> tuple[float, ...] | None:
        if self.current < 2:
            return None
        return (self.current, self._usual(at), self.there)

    def _usual(self, at: datetime) -> float:
        """The mean of the windows before: how many cards lie between the first and the last of their edges."""
        times, edges = self.window.times, self._edges
        for place, back in ((0, self._history + 1), (self._history, 1)):
            edge, end = at - self._span * back, edges[place]
            while end < len(times) and times[end] <= edge:
                end += 1
            edges[place] = end
        return (edges[self._history] - edges[0]) / self._history


class CardinalityGauge(Gauge):
    """Different values of a fact."""

    knobs = ("at_least",)

    def __init__(self, rule: Rule, regions: Regions, window: Window) -> None:
        super().__init__(rule, regions, window)
        assert isinstance(rule.condition, CardinalityCondition)
        self._fact, self._values = rule.condition.of, _Tally()

    def add(self, place: int, card: Card) -> None:
        super().add(place, card)
        self._values.add(card.facts(self._fact))

    def drop(self, place: int, card: Card) -> None:
        super().drop(place, card)
        self._values.drop(card.facts(self._fact))

    def read(self, at: datetime) -> tuple[float, ...] | None:
        return (len(self._values),) if len(self._values) > 1 else None


class ResonanceGauge(Gauge):
    """Origins, kinds of voice, sources."""

    knobs = ("origins", "voices", "sources")

    def __init__(self, rule: Rule, regions: Regions, window: Window) -> None:
        super().__init__(rule, regions, window)
        self._voices, self._sources = _Tally(), _Tally()

    def add(self, place: int, card: Card) -> None:
        super().add(place, card)
        self._voices.add((card.voice,))
        self._sources.add((card.source,))

    def drop(self, place: int, card: Card) -> None:
        super().drop(place, card)
        self._voices.drop((card.voice,))
        self._sources.drop((card.source,))

    def read(self, at: datetime) -> tuple[float, ...] | None:
        return (self.current, len(self._voices), len(self._sources)) if len(self._voices) > 1 else None


class RatioGauge(Gauge):
    """Origins, and the share of them that belongs to the part."""

    knobs = ("at_least", "share")

    def __init__(self, rule: Rule, regions: Regions, window: Window) -> None:
        super().__init__(rule, regions, window)
        self._part = 0

    def add(self, place: int, card: Card) -> None:
        super().add(place, card)
        self._part += card.belongs(self.rule.id, 0)

    def drop(self, place: int, card: Card) -> None:
        super().drop(place, card)
        self._part -= card.belongs(self.rule.id, 0)

    def read(self, at: datetime) -> tuple[float, ...] | None:
        return (self.current, self._part / self.current) if self.current > 1 and self._part else None


class MetricGauge(Gauge):
    """A number over the origins."""

    knobs = ("at_least",)

    def __init__(self, rule: Rule, regions: Regions, window: Window) -> None:
        super().__init__(rule, regions, window)
        assert isinstance(rule.condition, MetricCondition)
        self._condition, self._sum, self._held = rule.condition, 0, Counter[int]()

    def add(self, place: int, card: Card) -> None:
        super().add(place, card)
        self._sum += self._of(card)
        self._held[self._of(card)] += 1

    def drop(self, place: int, card: Card) -> None:
        super().drop(place, card)
        number = self._of(card)
        self._sum -= number
        self._held[number] -= 1
        if not self._held[number]:
            del self._held[number]

    def _of(self, card: Card) -> int:
        match self._condition.of:
            case "level":
                return card.level
            case "dead":
                return card.dead
        return card.harmed

    def read(self, at: datetime) -> tuple[float, ...] | None:
        if not self.current:
            return None
        match self._condition.how:
            case "max":
                found = float(max(self._held))
            case "mean":
                found = self._sum / self.current
            case _:
                found = float(self._sum)
        return (found,) if found > 0 else None


class TierJumpGauge(Gauge):
    """Whether a higher voice speaks after a lower one. Positions of each are kept; the dead ones are passed over."""

    def __init__(self, rule: Rule, regions: Regions, window: Window) -> None:
        super().__init__(rule, regions, window)
        assert isinstance(rule.condition, TierJumpCondition)
        self._condition = rule.condition
        self._lower: list[int] = []
        self._higher: list[int] = []
        self._first = 0

    def add(self, place: int, card: Card) -> None:
        super().add(place, card)
        condition = self._condition
        if card.voice in condition.start:
            self._lower.append(place)
        if card.voice in condition.to and (condition.tier == 4 or 0 < card.tier <= condition.tier):
            self._higher.append(place)

    def read(self, at: datetime) -> tuple[float, ...] | None:
        inside, cards = self.window.inside, self.window.cards
        while self._first < len(self._lower) and not inside[self._lower[self._first]]:
            self._first += 1
        while self._higher and not inside[self._higher[-1]]:
            self._higher.pop()
        if self._first == len(self._lower) or not self._higher:
            return None
        return FIRES if cards[self._higher[-1]].at > cards[self._lower[self._first]].at else None

    def completes(self) -> bool:
        return any(card.voice in self._condition.to for card in self.window.newest())


class ChangeGauge(Gauge):
    """Whether the newest card with a value shares none with the one before it."""

    def __init__(self, rule: Rule, regions: Regions, window: Window) -> None:
        super().__init__(rule, regions, window)
        assert isinstance(rule.condition, ChangeCondition)
        self._fact = rule.condition.of
        self._valued: list[int] = []

    def add(self, place: int, card: Card) -> None:
        super().add(place, card)
        if card.facts(self._fact):
            self._valued.append(place)

    def read(self, at: datetime) -> tuple[float, ...] | None:
        newest = self.window.newest()
        if self.current < 2 or not any(card.facts(self._fact) for card in newest):
            return None
        tail: list[Card] = []
        for place in reversed(self._valued):
            if not self.window.inside[place]:
                continue
            tail.insert(0, self.window.cards[place])
            if tail[0].at < newest[0].at:
                break
        verdict = count(self.rule, (), at, self.regions, tail, told=False)
        return FIRES if verdict.fires else None


class ChainedGauge(Gauge):
    """Whether every step is met; asked only where each has as many cards as it needs."""

    def __init__(self, rule: Rule, regions: Regions, window: Window) -> None:
        super().__init__(rule, regions, window)
        assert isinstance(rule.condition, ChainedCondition)
        self._steps = rule.condition.steps
        self._last = len(self._steps) - 1 if rule.condition.ordered else None
        self._marks = [f"{rule.id}#{place}" for place in range(len(self._steps))]
        self._held = [0] * len(self._steps)

    def add(self, place: int, card: Card) -> None:
        super().add(place, card)
        for step, mark in enumerate(self._marks):
            self._held[step] += mark in card.rules

    def drop(self, place: int, card: Card) -> None:
        super().drop(place, card)
        for step, mark in enumerate(self._marks):
            self._held[step] -= mark in card.rules

    def read(self, at: datetime) -> tuple[float, ...] | None:
        if any(held < step.at_least for held, step in zip(self._held, self._steps, strict=True)):
            return None
        if self.current < sum(step.at_least for step in self._steps):
            return None
        return FIRES if count(self.rule, (), at, self.regions, self.window.held(), told=False).fires else None

    def completes(self) -> bool:
        return self._last is None or any(self._marks[self._last] in card.rules for card in self.window.newest())


GAUGES: Mapping[type[Any], type[Gauge]] = {
    FrequencyCondition: FrequencyGauge,
    SpikeCondition: SpikeGauge,
    CardinalityCondition: CardinalityGauge,
    ResonanceCondition: ResonanceGauge,
    RatioCondition: RatioGauge,
    MetricCondition: MetricGauge,
    TierJumpCondition: TierJumpGauge,
    ChangeCondition: ChangeGauge,
    ChainedCondition: ChainedGauge,
}


def gauge_of(rule: Rule, regions: Regions, window: Window) -> Gauge:
    """The gauge of a rule's condition."""
    assert isinstance(rule.condition, WindowCondition)
    return GAUGES[type(rule.condition)](rule, regions, window)


def passes(knobs: Sequence[str], stats: Floats, thresholds: Mapping[str, float], *, spike: bool) -> Flags:
    """Which readings fire at these thresholds. stats: readings x knobs."""
    held: Flags = np.ones(len(stats), dtype=np.bool_)
    for place, name in enumerate(knobs):
        if spike and name == "ratio":
            held &= stats[:, 0] >= stats[:, place] * thresholds[name]
        elif name == "threshold":  # of a score: an alarm lies above it
            held &= stats[:, place] > thresholds[name]
        else:
            held &= stats[:, place] >= thresholds[name]
    return held
