"""A window moved over the cards of each group: at every moment with a card, what the condition's thresholds compare.

From these moments follow the findings for any thresholds, without another walk: a run begins at a moment that fires
while no earlier one fired within the quiet time, as in alerts/fired_windows.py.
"""

import heapq
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import numpy.typing as npt

from alerts.cards import Card
from alerts.conditions.verdict import Verdict
from alerts.counting import alive, count
from alerts.held import Held, lost_at, make_finding
from alerts.lab.gauges import GAUGES, Flags, Floats, Gauge, Window, gauge_of, passes
from config.conditions import ChangeCondition, MetricCondition, RatioCondition, SpikeCondition, WindowCondition
from config.regions import Regions
from config.rules import Rule

Ints = npt.NDArray[np.int64]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Group:
    """Cards that are counted together, in order. whole: all of them are one alert (a matter), however often it fires.

    mates: cards that belong to the same alert without being counted (a matter's), those that count among them.
    """

    key: str
    cards: Sequence[Card]
    whole: bool = False
    mates: Sequence[Card] = ()

    @property
    def everything(self) -> Sequence[Card]:
        """What an alert on the whole group speaks of."""
        return self.mates or self.cards


@dataclass(frozen=True)
class Moments:
    """Of all groups, one after the other, in order of time.

    own: the rule's own thresholds, by knob.  spike: see gauges.passes.  group: place of the group.
    at: microseconds since 1970.  low, high: the window is cards[low:high] of the group.
    stats: one number a knob.  completes: see counting.can_complete.
    """

    own: Mapping[str, float]
    spike: bool
    quiet: timedelta
    group: Ints
    at: Ints
    low: Ints
    high: Ints
    stats: Floats
    completes: Flags

    def __len__(self) -> int:
        return len(self.at)

    @property
    def knobs(self) -> tuple[str, ...]:
        """The names of the thresholds, in the order of `stats`."""
        return tuple(self.own)

    def reached(self, knob: str) -> float:
        """The largest threshold that anything reaches, whatever the others ask."""
        held = self.stats[:, self.knobs.index(knob)]
        if self.spike and knob == "ratio":
            usual = held[held > 0]
            return float((self.stats[held > 0, 0] / usual).max()) if len(usual) else np.inf
        within = held[np.isfinite(held)]
        return float(within.max()) if len(within) else 0.0

    def firing(self, thresholds: Mapping[str, float]) -> Ints:
        """Places of the moments that fire at these thresholds."""
        return np.flatnonzero(passes(self.knobs, self.stats, thresholds, spike=self.spike))

    def runs(self, thresholds: Mapping[str, float]) -> Ints:
        """Places of the moments with which a finding begins."""
        places = self.firing(thresholds)
        if not len(places):
            return places
        if not self.completes[places].all():
            return self._runs_in_turn(places)
        group, at = self.group[places], self.at[places]
        fresh = np.ones(len(places), dtype=np.bool_)
        fresh[1:] = (group[1:] != group[:-1]) | (at[1:] - at[:-1] > self.quiet // MICROSECOND)
        return places[fresh]

    def _runs_in_turn(self, places: Ints) -> Ints:
        """As above, where a moment that fires cannot always begin a run."""
        quiet, found = self.quiet // MICROSECOND, []
        last: tuple[int, int] | None = None
        for place in places:
            group, at = int(self.group[place]), int(self.at[place])
            running = last is not None and last[0] == group and at - last[1] <= quiet
            if not running and not self.completes[place]:
                continue
            if not running:
                found.append(place)
            last = (group, at)
        return np.array(found, dtype=np.int64)


class Recorder:
    """Collects moments; a few bytes each."""

    def __init__(self, own: Mapping[str, float], *, quiet: timedelta, spike: bool = False) -> None:
        """own: the rule's thresholds by knob.  quiet: so long after a moment that fires there is no new finding."""
        self.own, self.quiet, self.spike = own, quiet, spike
        self._ints = [array("q") for _ in range(4)]
        self._stats = [array("d") for _ in own]
        self._completes = bytearray()

    def note(
        self, group: int, at: datetime, low: int, high: int, stats: Sequence[float], *, completes: bool = True
    ) -> None:
        """One moment."""
        for kept, value in zip(self._ints, (group, (at - EPOCH) // MICROSECOND, low, high), strict=True):
            kept.append(value)
        for told, number in zip(self._stats, stats, strict=True):
            told.append(number)
        self._completes.append(completes)

    def moments(self) -> Moments:
        """All of them."""
        group, at, low, high = (np.array(kept, dtype=np.int64) for kept in self._ints)
        stats = np.array([np.array(told) for told in self._stats]).T.reshape(len(at), len(self.own))
        completes = np.frombuffer(bytes(self._completes), dtype=np.bool_)
        return Moments(self.own, self.spike, self.quiet, group, at, low, high, stats, completes)


def moment_of(microseconds: int) -> datetime:
    """The time of Moments.at."""
    return EPOCH + MICROSECOND * int(microseconds)


def recorder_for(rule: Rule) -> Recorder:
    """A recorder for the moments of a window rule."""
    condition = rule.condition
    assert isinstance(condition, WindowCondition)
    own = {name: float(getattr(condition, name)) for name in GAUGES[type(condition)].knobs}
    quiet = rule.repeat_after or condition.window
    return Recorder(own, quiet=quiet, spike=isinstance(condition, SpikeCondition))


def walk(rule: Rule, place: int, cards: Sequence[Card], regions: Regions, recorder: Recorder) -> None:
    """Note the moments of one group. cards: origins that the rule counts, in order."""
    condition = rule.condition
    assert isinstance(condition, WindowCondition)
    window = Window(cards, [card.at for card in cards], bytearray(len(cards)))
    gauge = gauge_of(rule, regions, window)
    ends: list[tuple[datetime, int]] = []
    while window.high < len(cards):
        at = window.times[window.high]
        _take_in(window, gauge, at, ends)
        _let_out(window, gauge, at, at - condition.window, ends)
        stats = gauge.read(at)
        if stats is None:
            continue
        completes = bool(gauge.knobs) or gauge.completes()
        recorder.note(place, at, window.low, window.high, stats, completes=completes)


def _take_in(window: Window, gauge: Gauge, at: datetime, ends: list[tuple[datetime, int]]) -> None:
    """The cards of this moment."""
    while window.high < len(window.cards) and window.times[window.high] == at:
        place, card = window.high, window.cards[window.high]
        window.high += 1
        if card.until is None:
            window.inside[place] = 1
            gauge.add(place, card)
        elif card.until > at:
            window.inside[place] = 1
            gauge.add(place, card)
            heapq.heappush(ends, (card.until, place))


def _let_out(window: Window, gauge: Gauge, at: datetime, edge: datetime, ends: list[tuple[datetime, int]]) -> None:
    """The cards that are too old now, and those that were replaced or withdrawn."""
    while window.low < window.high and window.times[window.low] <= edge:
        _drop(window, gauge, window.low)
        window.low += 1
    while ends and ends[0][0] <= at:
        _drop(window, gauge, heapq.heappop(ends)[1])


def _drop(window: Window, gauge: Gauge, place: int) -> None:
    if window.inside[place]:
        window.inside[place] = 0
        gauge.drop(place, window.cards[place])


# --- findings ---------------------------------------------------------------------------------------------------


def held_findings(
    rule: Rule, groups: Sequence[Group], moments: Moments, regions: Regions
) -> Iterator[tuple[int, Held]]:
    """(place of the group, finding) at the rule's own thresholds; what fire_windows gives for each group."""
    held: tuple[int, dict[str, list[Card]], list[datetime]] | None = None
    for start in moments.runs(moments.own):
        place = int(moments.group[start])
        cards = groups[place].cards
        if held is None or held[0] != place:
            held = (place, _by_document(cards), [card.at for card in cards])
        at = moment_of(moments.at[start])
        window = alive(cards[moments.low[start] : moments.high[start]], at)
        verdict = count(rule, held[2], at, regions, window)
        theirs = sorted((card for name in {c.document for c in window} for card in held[1][name]), key=_order)
        again = partial(count, rule, held[2], at, regions, told=False)
        lost = None if _sure(rule, window, again) else lost_at(window, theirs, again)
        finding = make_finding(rule, groups[place].key, window, start=window[0].at, end=at, verdict=verdict)
        yield place, Held(finding, rule.rank, lost)


def _by_document(cards: Sequence[Card]) -> dict[str, list[Card]]:
    found: dict[str, list[Card]] = {}
    for card in cards:
        found.setdefault(card.document, []).append(card)
    return found


def _order(card: Card) -> tuple[datetime, str, int]:
    return card.order


def _sure(rule: Rule, window: Sequence[Card], again: Callable[[list[Card]], Verdict]) -> bool:
    """Whether the cards that never end fire alone, where more cards cannot take that away: then nothing is lost."""
    condition = rule.condition
    if isinstance(condition, RatioCondition | ChangeCondition):
        return False
    if isinstance(condition, MetricCondition) and condition.how == "mean":
        return False
    lasting = [card for card in window if card.until is None]
    return bool(lasting) and again(lasting).fires
