"""What was found before is remembered, and changes nothing: late, replaced and withdrawn texts included."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, select

from alerts.cards import Card, card_from, card_of, keys_of, stored
from alerts.facts import where_of
from alerts.fired_windows import Memory, Story
from alerts.present import Present
from config.regions import Regions
from config.rules import Rule
from core.records import Signal
from store.cards import cards_with, save_card
from store.schema import signal_keys
from tests.lab_stories import CONDITIONS, SINGLE, empty_store, rule_of, story, world

AGES = timedelta(days=5000)
CASES = [
    pytest.param(condition, id=f"{number}-{condition['type']}")
    for number, condition in enumerate(CONDITIONS)
    if condition["type"] not in {*SINGLE, "new_term", "tier_jump"}  # the last never fires by product in these stories
]


def crowds_as_they_come(
    db: Connection, rule: Rule, signals: Sequence[Signal]
) -> Iterator[tuple[str, list[Card], Regions]]:
    """After each text all crowds of the rule: key, cards."""
    parts, _ = world()
    view = replace(parts, rules=(rule,)).engine().view
    crowds = select(signal_keys.c.key).distinct().where(signal_keys.c.key.startswith("w:"))
    for signal in signals:
        card = card_of(signal, view)
        save_card(db, stored(card), keys_of(card, view), withdrawn_at=signal.document.withdrawn_at)
        keys = list(db.execute(crowds).scalars())
        for key, kept in cards_with(db, keys, card.at - AGES, card.at + AGES).items():
            yield key, [card for card in map(card_from, kept) if card.is_origin], view.regions


def late_ones(seed: int) -> list[Signal]:
    """A story with changes in which some texts come two days late."""
    late = random.Random(seed)
    return sorted(
        story(seed, 60, changes=True),
        key=lambda signal: signal.document.event_time + timedelta(hours=late.choice((0, 0, 0, 60))),
    )


@pytest.mark.parametrize("condition", CASES)
def test_a_story_goes_on_as_if_it_were_told_from_its_beginning(condition: dict[str, object]) -> None:
    rule, fired = rule_of(condition, ["product"]), 0
    for seed in range(1, 5):
        memory = Memory()
        with empty_store() as db:
            for key, cards, regions in crowds_as_they_come(db, rule, late_ones(seed)):
                told = Story(rule, key, cards, [card.at for card in cards], regions)
                found = memory.passed(told)
                assert found == Memory().passed(told)
                fired += len(found.found)
    assert fired


def test_a_revision_that_comes_late_gives_an_old_finding_its_ground_back() -> None:
    parts, _ = world()
    rule = rule_of({"type": "frequency", "window": "5d", "at_least": 2}, ["product"])
    view = replace(parts, rules=(rule,)).engine().view
    some = [card_of(signal, view) for signal in story(1, 20, changes=False)]
    one, other = [card for card in some if rule.id in card.rules and card.is_origin][:2]
    begin, hour = one.at, timedelta(hours=1)
    gone = replace(one, until=begin + 9 * hour)
    other = replace(other, at=begin + hour)
    again = replace(one, revision=2, at=begin + 3 * hour)
    memory = Memory()

    def lost_at(*cards: Card) -> list[datetime | None]:
        told = Story(rule, "w:tried", cards, [card.at for card in cards], view.regions)
        return [held.lost_at for held in memory.passed(told).found]

    assert lost_at(gone, other) == [gone.until]
    assert lost_at(gone, other, again) == [None]


def test_what_counts_at_a_moment_is_the_same_whether_one_came_by_all_moments_before() -> None:
    rule, levels = rule_of({"type": "frequency", "window": "5d", "at_least": 2}, ["product"]), set()
    for seed in range(1, 5):
        with empty_store() as db:
            *_, (_, cards, regions) = crowds_as_they_come(db, rule, late_ones(seed))
        where = where_of(regions)
        going = Present(cards, regions, where)
        for moment in sorted({card.at for card in cards} | {card.until for card in cards if card.until}):
            straight = Present(cards, regions, where)
            going.move_to(moment)
            straight.move_to(moment)
            assert (going.any, going.voices, going.witnesses, going.fact) == (
                straight.any, straight.voices, straight.witnesses, straight.fact,
            )  # fmt: skip
            levels.add(going.fact.level)
    assert len(levels) > 1
