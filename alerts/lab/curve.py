"""What each threshold costs: alerts a day, incidents caught, lead and precision at other thresholds than the rule's.

And a proposal: of all combinations within an alert budget and above a recall floor the one that catches most; of equals
the one of which more was confirmed, then the longer lead, then fewer alerts.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import product

from alerts.cards import Card
from alerts.lab.incidents import Caught, Incident, Verdicts, catches, caught_of, verdicts
from alerts.lab.replayed import Opened, Replayed, Shot, Subject
from alerts.marks import Mark, wilson

SHIFTS_A_DAY = 3
MOST_BEYOND = 40
"""Combinations over the budget that are weighed in search of one above the floor."""
MOST_POINTS = 14
"""Values of one threshold that are tried."""
COUNTS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100, 150, 200, 300, 500, 800, 1000)
LADDERS: Mapping[str, Sequence[float]] = {
    "sources": (1, 2, 3, 4, 5, 6, 8),
    "places": (1, 2, 3, 4, 5, 6, 8),
    "voices": (2, 3, 4),
    "ratio": (1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 15, 20),
    "share": (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    "min_level": (1, 2, 3, 4),
    "threshold": (1, 1.5, 2, 2.25, 2.5, 2.75, 3, 3.5, 4, 5, 6, 8, 10, 15),
}
"""Values worth trying; other thresholds count things: COUNTS."""


@dataclass(frozen=True)
class Yardstick:
    """What alerts are held against. marks: of the marked alerts that rest on a document.  start, end, days: the span;
    what opened outside is not counted.
    """

    incidents: Sequence[Incident]
    marks: Mapping[str, Sequence[Mark]]
    start: datetime
    end: datetime
    days: float


@dataclass(frozen=True)
class Point:
    """The figures at some thresholds."""

    thresholds: Mapping[str, float]
    alerts: int
    a_day: float
    caught: Caught
    verdicts: Verdicts

    @property
    def a_shift(self) -> float:
        """Alerts in eight hours."""
        return self.a_day / SHIFTS_A_DAY

    @property
    def precision(self) -> tuple[float, float, float] | None:
        """(share, low, high) of the confirmed among the alerts the desk judged; None where it judged none."""
        return wilson(self.verdicts.confirmed, self.verdicts.confirmed + self.verdicts.false)


@dataclass(frozen=True)
class Curve:
    """One threshold turned, the others as the rule has them. points: by rising value; own: the rule's value."""

    knob: str
    own: float
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Proposal:
    """point: the best thresholds within budget and floor, None where none are. Then within: the best within the
    budget; above: the fewest alerts above the floor. tried: how many combinations.
    """

    budget: float
    floor: float
    point: Point | None
    within: Point | None
    above: Point | None
    tried: int


@dataclass
class _Notable:
    """Of one group: the positions of cards that matter to incidents or marks, with their subject and document."""

    places: list[int] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)

    def between(self, low: int, high: int) -> Sequence[Card]:
        return self.cards[bisect_left(self.places, low) : bisect_left(self.places, high)]


class Scale:
    """Weighs thresholds of one replay. What every point needs of the cards is looked up once.

    by_level: for a type without thresholds of its own, what came with the signals of that level and above only.
    """

    def __init__(
        self, replayed: Replayed, yardstick: Yardstick, by_level: Mapping[float, Replayed] | None = None
    ) -> None:
        self.replayed, self.yardstick = replayed, yardstick
        self._by_level = {level: Scale(one, yardstick) for level, one in (by_level or {}).items()}
        self._firms = {incident.firm for incident in yardstick.incidents if incident.firm}
        self._documents = {name for incident in yardstick.incidents for name in incident.documents}
        self._documents |= set(yardstick.marks)
        self._notable: dict[int, _Notable] = {}
        self._wholes: dict[int, tuple[frozenset[Subject], list[str]]] = {}

    @property
    def own(self) -> Mapping[str, float]:
        """The rule's own thresholds, those that can be turned."""
        if self._by_level:
            return {"min_level": min(self._by_level)}
        return self.replayed.moments.own if self.replayed.moments is not None else {}

    def point(self, thresholds: Mapping[str, float]) -> Point:
        """The figures at these thresholds."""
        if self._by_level:
            return replace(self._by_level[thresholds["min_level"]].point({}), thresholds=dict(thresholds))
        shots = self._shots(thresholds)
        opened = [self._opened(shot) for shot in shots]
        spoke = [one for each in opened for one in each]
        documents = ([name for one in each for name in one.documents] for each in opened)
        return Point(
            thresholds=dict(thresholds),
            alerts=len(shots),
            a_day=len(shots) / self.yardstick.days,
            caught=caught_of(catches(self.yardstick.incidents, spoke)),
            verdicts=verdicts(documents, self.yardstick.marks),
        )

    def alerts_a_day(self, thresholds: Mapping[str, float]) -> float:
        """The first figure alone: cheap."""
        if self._by_level:
            return self._by_level[thresholds["min_level"]].alerts_a_day({})
        return len(self._shots(thresholds)) / self.yardstick.days

    def _shots(self, thresholds: Mapping[str, float]) -> list[Shot]:
        if self.replayed.moments is None:
            return []
        start, end = self.yardstick.start, self.yardstick.end
        return [shot for shot in self.replayed.shots(thresholds) if start <= shot.first_at <= end]

    def _opened(self, shot: Shot) -> list[Opened]:
        """When it spoke, as far as incidents and marks are concerned."""
        group = self.replayed.groups[shot.group]
        if group.whole:
            if shot.group not in self._wholes:
                self._wholes[shot.group] = _told([card for card in group.everything if self._is_notable(card)])
            return [Opened(shot.first_at, *self._wholes[shot.group])]
        if shot.group not in self._notable:
            mine = [(place, card) for place, card in enumerate(group.cards) if self._is_notable(card)]
            self._notable[shot.group] = _Notable([place for place, _ in mine], [card for _, card in mine])
        notable = self._notable[shot.group]
        return [Opened(at, *_told(notable.between(low, high))) for at, low, high in shot.runs]

    def _is_notable(self, card: Card) -> bool:
        return card.firm in self._firms or card.document in self._documents

    def ladder(self, knob: str) -> list[float]:
        """The values of a threshold that are tried: those that are reached, with the rule's own among them."""
        if self._by_level:
            return sorted(self._by_level)
        moments = self.replayed.moments
        assert moments is not None
        own = moments.own[knob]
        if not len(moments):
            return [own]
        reached = moments.reached(knob)
        found = sorted({own, *(float(value) for value in LADDERS.get(knob, COUNTS) if value <= reached)})
        while len(found) > MOST_POINTS:  # thin out what is farthest from the rule's own value
            found.pop(0 if found.index(own) > len(found) / 2 else -1)
        return found

    def curves(self) -> Iterator[Curve]:
        """One a threshold that has more than one value to try."""
        for knob, own in self.own.items():
            values = self.ladder(knob)
            if len(values) > 1:
                yield Curve(knob, own, tuple(self.point({**self.own, knob: value}) for value in values))

    def propose(self, budget: float, floor: float) -> Proposal:
        """budget: alerts in eight hours.  floor: the least share of incidents that must be caught."""
        within, beyond = list[Point](), list[tuple[float, dict[str, float]]]()
        for thresholds in self._combinations():
            a_day = self.alerts_a_day(thresholds)
            if a_day / SHIFTS_A_DAY <= budget:
                within.append(self.point(thresholds))
            else:
                beyond.append((a_day, thresholds))
        best = max(within, key=_worth, default=None)
        tried = len(within) + len(beyond)
        if best is not None and _reaches(best, floor):
            return Proposal(budget, floor, best, None, None, tried)
        beyond.sort(key=lambda each: each[0])
        over = (self.point(thresholds) for _, thresholds in beyond[:MOST_BEYOND])
        return Proposal(budget, floor, None, best, next((p for p in over if _reaches(p, floor)), None), tried)

    def _combinations(self) -> Iterator[dict[str, float]]:
        """The first two thresholds that can be turned, together; the rule's own values for the others."""
        own = dict(self.own)
        ladders = {knob: self.ladder(knob) for knob in own}
        main = [knob for knob, values in ladders.items() if len(values) > 1][:2]
        for values in product(*(ladders[knob] for knob in main)):
            yield {**own, **dict(zip(main, values, strict=True))}


def _reaches(point: Point, floor: float) -> bool:
    recall = point.caught.recall
    return floor <= 0 if recall is None else recall >= floor


def _told(cards: Sequence[Card]) -> tuple[frozenset[Subject], list[str]]:
    return frozenset((card.firm, card.family) for card in cards if card.firm), [card.document for card in cards]


def _worth(point: Point) -> tuple[float, float, float, int]:
    """What is better is larger: caught, share of the confirmed, lead, fewer alerts. Where no incident is known that
    could be missed, more alerts are better: the budget is there to be used."""
    precision, lead = point.precision, point.caught.median_lead
    alerts = -point.alerts if point.caught.known else point.alerts
    return (point.caught.caught, precision[1] if precision else 0.0, lead if lead is not None else -1e9, alerts)
