"""What of a matter counts at a moment that moves forward: its cards, and the findings that stand.

Of a matter of hundreds of texts each may change the level; looking at all of them for each of them would cost their
number squared. What came is added, and only where something ended everything is looked at anew.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime

from alerts.cards import Card
from alerts.counting import alive
from alerts.facts import RaisingFact, Told, Where
from alerts.held import Held
from config.regions import Regions
from core.records import Kind


class Present:
    """The cards that count. cards: in order of event time."""

    def __init__(self, cards: Sequence[Card], regions: Regions, where: Where) -> None:
        self._cards, self._regions, self._where = cards, regions, where
        self._times = [card.at for card in cards]
        self._ends = sorted(card.until for card in cards if card.until is not None)
        self._ended = self._seen = 0
        self._begin()

    def _begin(self) -> None:
        self.any = False
        self.voices: set[str] = set()
        self._told, self._sources, self._listed_hot = Told(self._regions, self._where), set[str](), False

    def move_to(self, moment: datetime) -> None:
        """What counts then. Moments come in order."""
        ended, seen = bisect_right(self._ends, moment), bisect_right(self._times, moment)
        if ended != self._ended:
            self._begin()
            self._seen = 0
        for card in alive(self._cards[self._seen : seen], moment):
            self._add(card)
        self._ended, self._seen = ended, seen

    def _add(self, card: Card) -> None:
        self.any = True
        self._told.add(card)
        if card.is_origin:
            self.voices.add(card.voice)
            self._sources.add(card.source)
            self._listed_hot = self._listed_hot or card.kind == Kind.HOTLIST

    @property
    def fact(self) -> RaisingFact:
        """What raises the level."""
        return self._told.fact

    @property
    def witnesses(self) -> int:
        """How many tell it. A topic stands on a hot list because very many looked: it is never the word of one."""
        return len(self._sources) + self._listed_hot


class Ground:
    """The findings that stand."""

    def __init__(self, held: Sequence[Held]) -> None:
        self._held = sorted(enumerate(held), key=lambda one: one[1].finding.fired_at)
        self._times = [one.finding.fired_at for _, one in self._held]
        self._losses = sorted(one.lost_at for one in held if one.lost_at is not None)
        self._lost = self._seen = 0
        self._top: tuple[int, Held] | None = None
        self._floor: tuple[int, Held] | None = None

    def move_to(self, moment: datetime) -> None:
        """What stands then. Moments come in order."""
        lost, seen = bisect_right(self._losses, moment), bisect_right(self._times, moment)
        if lost != self._lost:
            self._top = self._floor = None
            self._seen = 0
        for place, one in self._held[self._seen : seen]:
            if one.stands_at(moment):
                self._add(place, one)
        self._lost, self._seen = lost, seen

    def _add(self, place: int, one: Held) -> None:
        if self._top is None or _weight(one) > _weight(self._top[1]):
            self._top = place, one
        if self._floor is None or (one.floor, -place) > (self._floor[1].floor, -self._floor[0]):
            self._floor = place, one

    @property
    def top(self) -> Held | None:
        """The highest, of equal ones the first; None: nothing stands."""
        return self._top[1] if self._top else None

    @property
    def floor(self) -> Held | None:
        """The one with the highest level that doubts do not lower."""
        return self._floor[1] if self._floor else None


def _weight(one: Held) -> tuple[int, float, str]:
    return one.rank, -one.finding.fired_at.timestamp(), one.finding.id
