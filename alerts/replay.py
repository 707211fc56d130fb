"""What a desk would have known of a matter, moment by moment: findings, level, and what took them away again.

A pure function of the matter's cards and the rules: no query, no clock. Each card counts from its event time until it
is replaced, withdrawn or refuted, so the same story comes out whatever the order in which its documents arrived.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.cards import Card
from alerts.conditions import judge
from alerts.conditions.verdict import Verdict, WindowCounts
from alerts.counting import alive
from alerts.facts import Where, news_of, where_of
from alerts.fired_windows import fire_windows
from alerts.held import Held, lost_at, make_finding, may_fire, shortened
from alerts.matters import Matter
from alerts.present import Ground, Present
from config.conditions import (
    MirroredCondition,
    SingleCondition,
    WatchedCondition,
    WindowCondition,
)
from config.regions import Regions
from config.rules import Rule

RUMOUR_ECHO = timedelta(days=7)
"""So long after a refutation self-media repeating the charge do not count."""

Seen = Callable[[str, datetime, datetime], bool]
"""Whether a key (`n:<firm>|<issue>`) was there with start <= at < end."""


@dataclass(frozen=True)
class Step:
    """From `at` on the matter stood at `level` (0: nothing left), and why. document: whose text brought it.

    fact: what raised it, a code of alerts.reasons.  official: an authority took something back then, so that the level
    may be lower than before; nothing else lowers it.
    grown: the level stands, but there is twice as much.  cleared: what was told has come to its end.
    """

    at: datetime
    level: int
    unconfirmed: bool
    why: str
    rule: str
    document: str
    fact: str = "rule_fired"
    official: bool = False
    grown: bool = False
    cleared: bool = False


@dataclass(frozen=True)
class Outcome:
    """What replaying a matter came to. cards: those that count at the end; ever: all that ever did.

    title: of its alert, where the cards do not tell it.  home: it is the province desk's, wherever its documents are.
    grace: so long after its moment it could be known at the earliest.  alone: its finding has an alert of its own,
    also where others rest on the same documents.
    """

    matter: Matter
    cards: tuple[Card, ...]
    ever: tuple[Card, ...]
    held: tuple[Held, ...]
    steps: tuple[Step, ...]
    title: str = ""
    home: bool = False
    grace: timedelta = timedelta(0)
    alone: bool = False

    @property
    def last(self) -> Step:
        """The present state."""
        return self.steps[-1]

    @property
    def peak(self) -> int:
        """The highest level it ever had."""
        return max(step.level for step in self.steps)


def replay(matter: Matter, rules: Mapping[str, Rule], regions: Regions, seen: Seen) -> Outcome | None:
    """The outcome, or None where no rule ever fired. rules: those that count within one matter, by id; only those that
    one of its cards met are asked."""
    cards = standing(matter)
    asking = {rule for card in cards for rule in card.rules}
    mine = [rule for name, rule in rules.items() if name in asking]
    held = [one for rule in mine for one in fire(rule, matter, cards, regions, seen)]
    if not held:
        return None
    steps = steps_of(cards, held, regions, official_moments(matter, cards))
    if not steps:
        return None
    now = max(step.at for step in steps)
    last = max([now, *(card.at for card in cards)])
    return Outcome(matter, tuple(alive(cards, last)), tuple(cards), tuple(held), tuple(steps))


def standing(matter: Matter) -> list[Card]:
    """The cards with the end of their validity: copies end with their original, rumours with their refutation."""
    withdrawn = {card.document: card.until for card in matter.cards if card.is_origin}
    cards = [_ended(card, withdrawn.get(card.origin)) if not card.is_origin else card for card in matter.cards]
    for clearer in matter.clearers:
        cards = _refuted(cards, clearer)
    for correction in [card for card in cards if card.corrects and card.trusted]:
        cards = [_corrected(card, correction) for card in cards]
    return [card for card in cards if card.until is None or card.until > card.at]


def _ended(card: Card, until: datetime | None) -> Card:
    if until is None or (card.until is not None and card.until <= until):
        return card
    return replace(card, until=max(until, card.at))


def _corrected(card: Card, correction: Card) -> Card:
    """An authority that takes figures back ends what others said of more people hurt before."""
    earlier = card.at <= correction.at and card.document != correction.document and card.voice != "official"
    more = card.dead > correction.dead or card.harmed > correction.harmed
    return _ended(card, correction.at) if earlier and more else card


def official_moments(matter: Matter, cards: Sequence[Card]) -> frozenset[datetime]:
    """When an authority took something back: cleared a firm, corrected figures, changed or withdrew its own text."""
    spoken = {card.at for card in matter.clearers if card.voice == "official"}
    spoken |= {card.at for card in cards if card.corrects}
    return frozenset(spoken | {card.until for card in cards if card.voice == "official" and card.until is not None})


def _refuted(cards: list[Card], clearer: Card) -> list[Card]:
    accusers = [card for card in alive(cards, clearer.at) if card.document != clearer.document]
    if any(card.voice == "official" for card in accusers):
        return cards
    media = [card for card in accusers if card.voice == "media" and card.is_origin]
    independent = [card for card in media if card.source != clearer.source]
    if (independent and clearer.voice != "official") or not clearer.trusted:
        return cards
    confirmed = min((card.at for card in cards if card.trusted and card.at > clearer.at), default=None)
    echo_end = min(filter(None, (confirmed, clearer.at + RUMOUR_ECHO)))

    def falls(card: Card) -> bool:
        rumour = card.voice == "social" or card.source == clearer.source or card.voice == "media"
        return rumour and card.at < echo_end and (card.at <= clearer.at or card.voice == "social")

    return [_ended(card, clearer.at) if falls(card) else card for card in cards]


# --- findings ---------------------------------------------------------------------------------------------------


def fire(rule: Rule, matter: Matter, cards: Sequence[Card], regions: Regions, seen: Seen) -> list[Held]:
    """The findings of a rule in a matter, also those that lost their ground. cards: those that stand in it."""
    counted = [card for card in cards if card.is_origin and card.counts_for(rule.id)]
    if isinstance(rule.condition, WindowCondition):
        return fire_windows(rule, matter.subject, counted, regions)
    return fire_singly(rule, counted, seen)


def fire_singly(rule: Rule, counted: Sequence[Card], seen: Seen) -> list[Held]:
    """The findings of a rule that needs no window: each signal by itself, or the first sight of a pair."""
    if isinstance(rule.condition, SingleCondition):
        return [fire_single(rule, card) for card in counted if rule.id in card.rules]
    return _first_sights(rule, counted, seen)


def fire_single(rule: Rule, card: Card) -> Held:
    """The finding of a rule that fires on each signal by itself."""
    verdict = judge(rule.condition, WindowCounts(current=1))
    verdict = replace(verdict, reason=f"《{shortened(card.title)}》，{verdict.reason}")
    if isinstance(rule.condition, WatchedCondition):
        return _fire_watched(rule, card, verdict)
    if isinstance(rule.condition, MirroredCondition):
        verdict = replace(verdict, reason=f"{verdict.reason}：{card.maybe_told}")
    finding = make_finding(rule, card.document, [card], start=card.at, end=card.at, verdict=verdict)
    return Held(finding, rule.rank, card.until)


def _fire_watched(rule: Rule, card: Card, verdict: Verdict) -> Held:
    """The lists say why, and how high the alert stands at least: people chose that, so doubts do not lower it."""
    numbers = {**verdict.numbers, "floor": float(card.floor)}
    verdict = replace(verdict, reason=f"{verdict.reason}：{'；'.join(card.watch)}", numbers=numbers)
    finding = make_finding(rule, card.document, [card], start=card.at, end=card.at, verdict=verdict)
    rank = max(rule.rank, card.floor)
    return Held(replace(finding, level=rank), rank, card.until, floor=card.floor)


def _first_sights(rule: Rule, counted: Sequence[Card], seen: Seen) -> list[Held]:
    condition = rule.condition
    assert condition.type == "new_term"
    found = []
    pairs = dict.fromkeys((card.firm, issue) for card in counted if card.firm for issue in card.issues)
    for firm, issue in pairs:
        if rule.scope.issues and issue not in rule.scope.issues:
            continue
        cards = [card for card in counted if card.firm == firm and issue in card.issues]
        start = cards[0].at
        before = seen(f"n:{firm}|{issue}", start - condition.lookback, start)
        window = [card for card in cards if card.at < start + condition.window]
        if len(window) < condition.at_least:
            continue
        window = window[: condition.at_least]
        verdict = judge(condition, WindowCounts(current=len(window), seen_before=before))
        if verdict.fires and may_fire(rule, window):
            lost = lost_at(window, cards, lambda left: judge(rule.condition, WindowCounts(current=len(left))))
            key = f"{firm}|{issue}"
            finding = make_finding(rule, key, window, start=start, end=window[-1].at, verdict=verdict)
            found.append(Held(finding, rule.rank, lost))
    return found


# --- level ------------------------------------------------------------------------------------------------------


def steps_of(cards: Sequence[Card], held: Sequence[Held], regions: Regions, spoken: frozenset[datetime]) -> list[Step]:
    """The steps of a matter. spoken: when an authority took something back."""
    steps: list[Step] = []
    where = where_of(regions)
    for step in rising(moments_of(cards, held, where), cards, held, regions, where):
        if not steps and step.level == 0:
            continue
        if steps:
            step = _not_lowered(step, steps[-1], official=step.at in spoken)
        if not steps or (step.level, step.unconfirmed) != (steps[-1].level, steps[-1].unconfirmed):
            steps.append(step)
    return steps


def _not_lowered(step: Step, before: Step, *, official: bool) -> Step:
    """Less of the ground is left: the level stays all the same, unless an authority took something back."""
    if official and step.level < before.level:
        return replace(step, official=True)
    if 0 < step.level < before.level:
        return replace(before, at=step.at, unconfirmed=step.unconfirmed, official=False)
    return step


def moments_of(cards: Sequence[Card], held: Sequence[Held], where: Where) -> list[datetime]:
    """When the level can change: findings, ends, people hurt, and the first word of each voice, source and place."""
    moments = {one.finding.fired_at for one in held} | {one.lost_at for one in held if one.lost_at}
    moments |= {card.until for card in cards if card.until}
    heard: set[str] = set()
    for card in cards:
        news = news_of(card, where) - heard
        if news or (card.trusted and (card.hurt or card.sensitive)):
            moments.add(card.at)
        heard |= news
    return sorted(moments)


def rising(
    moments: Sequence[datetime], cards: Sequence[Card], held: Sequence[Held], regions: Regions, where: Where
) -> Iterator[Step]:
    """Where a matter stood at each of the moments, and why; not looking at where it stood before.

    moments: in order, and all at which a card or finding ended.  cards: in order of event time.
    """
    present, ground = Present(cards, regions, where), Ground(held)
    for moment in moments:
        present.move_to(moment)
        ground.move_to(moment)
        yield _step(moment, present, ground)


def _step(moment: datetime, present: Present, ground: Ground) -> Step:
    top, floor = ground.top, ground.floor
    if top is None or floor is None or not present.any:
        return Step(moment, 0, False, "依据已撤回、更正或被澄清", "", "")
    level, why = top.rank, top.finding.reason
    document, code = top.finding.documents[-1], "rule_fired"
    fact = present.fact
    if fact.level > level:
        level, why, document, code = fact.level, fact.why, fact.document, fact.code
    unconfirmed = present.voices <= {"social"}
    if unconfirmed:
        cap = 1 if present.witnesses < 2 else 2
        if level > cap:
            level, why = cap, f"{why}；仅有自媒体信息，未经证实，不超过{'黄' if cap == 2 else '蓝'}色"
    if level < floor.floor:
        level, why = floor.floor, f"{floor.finding.reason}；名单定有级别下限"
        document, code, top = floor.finding.documents[-1], "rule_fired", floor
    return Step(moment, level, unconfirmed, why, top.finding.rule, document, code)
