"""Pairs that nobody had seen within the look-back, over the whole province: `new_term` that is not about one matter.

Only what lies near a moment is read, however long and however often a pair has been told of.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from alerts.cards import Card, card_from
from alerts.conditions import judge
from alerts.conditions.verdict import WindowCounts
from alerts.held import Held, make_finding, may_fire
from config.conditions import NewTermCondition
from config.rules import Rule
from store.cards import cards_with, next_after, seen_before

Seen = Callable[[datetime, datetime], bool]
"""Whether anything carried the key with start <= at < end; asked only of what was not read."""


@dataclass(frozen=True)
class Sights:
    """The first sights of a key that begin at first <= at <= last: what fires, and the origins around them."""

    first: datetime
    last: datetime
    held: tuple[Held, ...]
    cards: tuple[Card, ...]


def sights_near(db: Connection, rule: Rule, key: str, start: datetime, end: datetime) -> Sights:
    """What a change between `start` and `end` may have made or unmade.

    That is a sight whose window reaches to it, one in it, and the card after it, which is a first sight or not.
    """
    condition = rule.condition
    assert isinstance(condition, NewTermCondition)
    first = start - condition.window * 2
    last = (next_after(db, key, end) or end) + condition.window
    cards = list(map(card_from, cards_with(db, [key], first, last + condition.window)[key]))

    def seen(since: datetime, until: datetime) -> bool:
        return seen_before(db, key, since, until)

    held = [one for one in sights_of(rule, condition, key, cards, seen) if one.finding.window_start <= last]
    return Sights(first, last, tuple(held), tuple(card for card in cards if card.is_origin))


def sights_of(rule: Rule, condition: NewTermCondition, key: str, cards: Sequence[Card], seen: Seen) -> list[Held]:
    """The findings of first sights among the cards of a key: in order of event time, copies and ended ones too."""
    times = [card.at for card in cards]
    standing = [card for card in cards if card.is_origin and card.until is None]
    held: list[Held] = []
    for place, card in enumerate(standing):
        same_moment = place > 0 and standing[place - 1].at == card.at
        earlier, since = bisect_left(times, card.at), card.at - condition.lookback
        if same_moment or (earlier and times[earlier - 1] >= since) or seen(since, card.at):
            continue
        held += _fire(rule, condition, key, standing[place:])
    return held


def _fire(rule: Rule, condition: NewTermCondition, key: str, cards: Sequence[Card]) -> list[Held]:
    """The finding of a first sight. cards: it and those after it."""
    start = cards[0].at
    window = [card for card in cards if card.at < start + condition.window][: condition.at_least]
    verdict = judge(condition, WindowCounts(current=len(window)))
    if not verdict.fires or not may_fire(rule, window):
        return []
    finding = make_finding(rule, key, window, start=start, end=window[-1].at, verdict=verdict)
    return [Held(finding, rule.rank, None)]
