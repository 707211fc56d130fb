"""When rules with a window fired, card by card; what was found for the cards before is remembered.

Judging a document asks for the whole story of its matter. Where the cards before it are those of the last time, only
the windows from the first new one on are counted: of a matter of a thousand texts that is one window a rule instead of
a thousand.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from threading import Lock

from alerts.cards import Card
from alerts.counting import can_complete, count, enough, fewest_of, window_to
from alerts.held import Held, forgets, lost_at, make_finding, may_fire
from config.conditions import WindowCondition
from config.regions import Regions
from config.rules import Rule

REMEMBERED = 500
"""Stories of a rule in a matter; of a thousand cards one takes 16 KB."""


@dataclass(frozen=True)
class Story:
    """What a rule counts of a matter: its cards in order of event time, and their times."""

    rule: Rule
    key: str
    cards: Sequence[Card]
    times: Sequence[datetime]
    regions: Regions


@dataclass(frozen=True)
class Passed:
    """The findings of a story. lasts: for each card when the rule last fired, seen from there. regions: by which."""

    cards: Sequence[Card] = ()
    found: tuple[Held, ...] = ()
    lasts: Sequence[datetime | None] = ()
    regions: Regions | None = None


@dataclass
class Memory:
    """The stories passed last, of all matters."""

    most: int = REMEMBERED
    _kept: dict[tuple[str, str, str, str], Passed] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def passed(self, story: Story) -> Passed:
        """The story passed, from where it differs from the last time on."""
        if not story.cards:
            return Passed()
        name = (story.rule.id, story.rule.version, story.key, story.cards[0].document)
        with self._lock:
            before = self._kept.pop(name, Passed())
        found = _continued(story, before if before.regions is story.regions else Passed())
        with self._lock:
            self._kept[name] = found
            if len(self._kept) > self.most:
                del self._kept[next(iter(self._kept))]
        return found


_memory = Memory()


def fire_windows(
    rule: Rule, key: str, counted: Sequence[Card], regions: Regions, *, since: datetime | None = None
) -> list[Held]:
    """The findings of a window rule over its cards (origins in scope).

    A window ends at each card; one that fires while an earlier one fired within `repeat_after` is the same finding.
    since: only findings that fire then or later; cards back to one look back and one time of quiet before are needed.
    """
    cards = sorted(counted, key=lambda card: card.order)
    story = Story(rule, key, cards, [card.at for card in cards], regions)
    if since is None:
        return list(_memory.passed(story).found)
    first = bisect_left(story.times, since) if forgets(rule) else 0
    last = _fired_before(story, first) if first else None
    return [one for one in _pass(story, first, last).found if one.finding.fired_at >= since]


def _continued(story: Story, before: Passed) -> Passed:
    """As if it were passed from its beginning."""
    same = _same(story.cards, before.cards)
    changed = [*story.cards[same : same + 1], *before.cards[same : same + 1]]
    if not changed:
        return before
    moment = min(card.at for card in changed)
    first = bisect_left(story.times, moment)
    kept = [one for one in before.found if one.finding.fired_at < moment]
    # A card of a text that is told of already may say when an old finding lost its ground.
    others = {card.document for card in (*story.cards[first:], *before.cards[first:])}
    if not first or any(others & set(one.finding.documents) for one in kept):
        return _pass(story, 0, None)
    rest = _pass(story, first, before.lasts[first - 1])
    return replace(rest, found=(*kept, *rest.found), lasts=[*before.lasts[:first], *rest.lasts])


def _same(some: Sequence[Card], others: Sequence[Card]) -> int:
    """How many of the first are the same."""
    for place, (one, other) in enumerate(zip(some, others, strict=False)):
        if one is not other and one != other:
            return place
    return min(len(some), len(others))


def _pass(story: Story, first: int, last: datetime | None) -> Passed:
    """The story from card `first` on. last: when the rule fired before it."""
    found: list[Held] = []
    lasts: list[datetime | None] = []
    for card in story.cards[first:]:
        fires, held = _window_at(story, card, last)
        last = card.at if fires else last
        lasts.append(last)
        if held:
            found.append(held)
    return Passed(story.cards, tuple(found), lasts, story.regions)


def _window_at(story: Story, card: Card, last: datetime | None) -> tuple[bool, Held | None]:
    """Whether the window that ends at a card fires, and the finding where it is a new one."""
    rule, times, regions = story.rule, story.times, story.regions
    condition = rule.condition
    assert isinstance(condition, WindowCondition)
    window = window_to(story.cards, times, card.at, condition.window)
    if len(window) < fewest_of(condition) or not may_fire(rule, window):
        return False, None
    running = last is not None and card.at - last <= (rule.repeat_after or condition.window)
    if running and enough(rule, window, regions):
        return True, None
    if not running and not can_complete(rule, window):
        return False, None
    if not count(rule, times, card.at, regions, window, told=False).fires:
        return False, None
    if running:
        return True, None
    verdict = count(rule, times, card.at, regions, window)
    lost = lost_at(window, story.cards, partial(count, rule, times, card.at, regions, told=False))
    finding = make_finding(rule, story.key, window, start=window[0].at, end=card.at, verdict=verdict)
    return True, Held(finding, rule.rank, lost)


def _fired_before(story: Story, first: int) -> datetime | None:
    """When the rule last fired before the cards from `first` on; None where that is too long ago to matter."""
    rule, counted, times, regions = story.rule, story.cards, story.times, story.regions
    condition = rule.condition
    assert isinstance(condition, WindowCondition)
    quiet, fewest = rule.repeat_after or condition.window, fewest_of(condition)
    for place in range(first - 1, -1, -1):
        at = times[place]
        if first == len(times) or times[first] - at > quiet:
            break
        window = window_to(counted, times, at, condition.window)
        if len(window) < fewest or not may_fire(rule, window):
            continue
        if enough(rule, window, regions) or count(rule, times, at, regions, window, told=False).fires:
            return at
    return None
