"""What a window of cards holds, counted as its condition asks: origins, values, voices, parts, the steps of a chain."""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise, permutations, takewhile

from alerts.cards import Card
from alerts.conditions import judge
from alerts.conditions.verdict import Verdict, WindowCounts
from config.conditions import (
    CardinalityCondition,
    ChainedCondition,
    ChainStep,
    ChangeCondition,
    Fact,
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


def alive(cards: Iterable[Card], moment: datetime) -> list[Card]:
    """The cards that count at a moment."""
    return [card for card in cards if card.at <= moment and (card.until is None or card.until > moment)]


def window_to(counted: Sequence[Card], times: Sequence[datetime], end: datetime, span: timedelta) -> list[Card]:
    """The cards that count in the window that ends at `end`, and at that moment. times: event times of `counted`."""
    return alive(counted[bisect_right(times, end - span) : bisect_right(times, end)], end)


def fewest_of(condition: WindowCondition) -> int:
    """With fewer origins in the window a condition cannot fire: it need not be counted."""
    match condition:
        case FrequencyCondition(at_least=fewest) | SpikeCondition(at_least=fewest) | RatioCondition(at_least=fewest):
            return fewest
        case ResonanceCondition(origins=fewest):
            return fewest
        case ChainedCondition(steps=steps):
            return sum(step.at_least for step in steps)
        case CardinalityCondition(of="firm" | "product" | "source", at_least=fewest):
            return fewest
        case TierJumpCondition() | ChangeCondition():
            return 2
    return 1


def can_complete(rule: Rule, window: Sequence[Card]) -> bool:
    """Whether its newest cards can be what makes a window fire; asked where the window before it did not."""
    match rule.condition:
        case ChainedCondition(steps=steps, ordered=True):
            return any(card.belongs(rule.id, len(steps) - 1) for card in _newest(window))
        case TierJumpCondition(to=to):
            return any(card.voice in to for card in _newest(window))
    return True


def _newest(window: Sequence[Card]) -> Iterator[Card]:
    """The newest card and those of the same moment, backwards."""
    return takewhile(lambda card: card.at == window[-1].at, reversed(window))


def enough(rule: Rule, window: Sequence[Card], regions: Regions) -> bool:
    """Whether the newest few cards alone make the rule fire, where more of them cannot take that away."""
    condition = rule.condition
    match condition:
        case FrequencyCondition() | CardinalityCondition() | ResonanceCondition():
            newest = window[-max(fewest_of(condition), 4) * 3 :]
            return count(rule, (), newest[-1].at, regions, newest, told=False).fires
    return False


def count(
    rule: Rule, times: Sequence[datetime], at: datetime, regions: Regions, window: Sequence[Card], *, told: bool = True
) -> Verdict:
    """The verdict on a window. times: event times of all that is counted, in order.

    told: people read it; else places, which are dear to count, are counted only where the rule asks for them.
    """
    condition = rule.condition
    assert isinstance(condition, WindowCondition)
    counts = WindowCounts(
        current=len(window),
        sources=len({card.source for card in window}),
        places=len(scenes(window, regions)) if told or getattr(condition, "places", 1) > 1 else 0,
    )
    return judge(condition, _more(rule.id, condition, counts, window, times, at))


def _more(
    rule: str,
    condition: WindowCondition,
    counts: WindowCounts,
    window: Sequence[Card],
    times: Sequence[datetime],
    at: datetime,
) -> WindowCounts:
    """The counts with what this type of condition compares."""
    match condition:
        case SpikeCondition(window=span, history=history):
            edges = [at - span * back for back in range(history + 1, 0, -1)]
            ends = [bisect_right(times, edge) for edge in edges]
            return replace(counts, previous=tuple(later - earlier for earlier, later in pairwise(ends)))
        case CardinalityCondition(of=fact):
            return replace(counts, values=len({value for card in window for value in card.facts(fact)}))
        case ResonanceCondition():
            return replace(counts, voices=tuple(sorted({card.voice for card in window})))
        case RatioCondition():
            return replace(counts, part=sum(card.belongs(rule, 0) for card in window))
        case MetricCondition():
            return replace(counts, metric=_metric(condition, window))
        case TierJumpCondition():
            before, after = _jump(condition, window)
            return replace(counts, before=before, after=after)
        case ChangeCondition(of=fact):
            was, now = _change(fact, window)
            return replace(counts, was=was, now=now)
        case ChainedCondition():
            return replace(counts, steps=_steps_met(rule, condition, window))
    return counts


def scenes(cards: Iterable[Card], regions: Regions) -> list[str]:
    """Where it happened, most often told first: counties, prefectures where no county is known; not the firm's seat."""
    told: dict[str, int] = {}
    prefecture_of = cache(regions.prefecture_of)
    for card in cards:
        seat = {card.maker, prefecture_of(card.maker) if card.maker else None}
        places = [code for code in card.places if code not in seat]
        upper = {prefecture_of(code) for code in places if prefecture_of(code) != code}
        for code in places:
            if code not in upper:
                told[code] = told.get(code, 0) + 1
    return sorted(told, key=lambda code: (-told[code], code))


def _metric(condition: MetricCondition, window: Sequence[Card]) -> float:
    match condition.of:
        case "level":
            numbers = [card.level for card in window]
        case "dead":
            numbers = [card.dead for card in window]
        case _:
            numbers = [card.harmed for card in window]
    match condition.how:
        case "max":
            return float(max(numbers, default=0))
        case "mean":
            return sum(numbers) / len(numbers) if numbers else 0.0
    return float(sum(numbers))


def _jump(condition: TierJumpCondition, window: Sequence[Card]) -> tuple[int, int]:
    """Origins of the lower voices, and those of the higher ones that came after the first of them."""
    lower = [card for card in window if card.voice in condition.start]
    if not lower:
        return 0, 0
    first = min(card.at for card in lower)
    higher = [card for card in window if card.voice in condition.to and card.at > first]
    high = [card for card in higher if condition.tier == 4 or 0 < card.tier <= condition.tier]
    end = min((card.at for card in high), default=None)
    return sum(end is None or card.at < end for card in lower), len(high)


def _change(fact: Fact, window: Sequence[Card]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The values of the newest card and of the one before it, those first; cards without a value are passed over.

    Of several cards of one moment the first that differs from the one before it.
    """
    tail: list[Card] = []
    for card in reversed(window):
        if card.facts(fact):
            tail.insert(0, card)
            if card.at < window[-1].at:
                break
    pairs = [(was.facts(fact), now.facts(fact)) for was, now in pairwise(tail) if now.at == window[-1].at]
    differing = (pair for pair in pairs if not set(pair[0]) & set(pair[1]))
    return next(differing, pairs[-1] if pairs else ((), ()))


def _steps_met(rule: str, condition: ChainedCondition, window: Sequence[Card]) -> tuple[int, ...]:
    """How many origins met each step, up to the first that was not met; in the best order where any order will do."""
    places = range(len(condition.steps))
    orders = [tuple(places)] if condition.ordered else list(permutations(places))
    best: tuple[int, ...] = ()
    for order in orders:
        met = dict(_walk(rule, condition.steps, order, window))
        numbers = tuple(met.get(place, 0) for place in places)
        if sum(map(bool, numbers)) > sum(map(bool, best)) or not best:
            best = numbers
    return best


def _walk(
    rule: str, steps: Sequence[ChainStep], order: Sequence[int], cards: Sequence[Card]
) -> Iterator[tuple[int, int]]:
    """Each step in this order, met as early as it can be by cards after those of the step before."""
    start = 0
    for place in order:
        step, mine = steps[place], deque[int](maxlen=steps[place].at_least)
        for at in range(start, len(cards)):
            if not cards[at].belongs(rule, place):
                continue
            mine.append(at)
            near = step.window is None or cards[at].at - cards[mine[0]].at <= step.window
            if len(mine) == step.at_least and near:
                start = at + 1
                yield place, step.at_least
                break
        else:
            return
