"""Replays a rule that counts within one matter: the engine's own matters and replay, over cards held in memory."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from alerts.cards import Card, View, keys_of
from alerts.counting import alive
from alerts.facts import where_of
from alerts.held import Held
from alerts.lab.replayed import LabAlert, Opened, Replayed, subjects_of
from alerts.lab.walk import Group, Moments, Recorder, held_findings, recorder_for, walk
from alerts.matters import HOW_TOLD, NEAR, RADIUS, Matter, Neighbourhood, Track, chapters, thinned, tracks_of
from alerts.replay import Outcome, Seen, Step, fire_singly, moments_of, official_moments, rising, standing, steps_of
from alerts.wording import Names, reason_of, title_of
from config.conditions import NewTermCondition, SingleCondition, WindowCondition
from config.rules import Rule

Cards = Sequence[Card]


class HeldCards(Neighbourhood):
    """The neighbourhood of every moment at once, without a database. cards: all of a span, in order of time.

    Says the same as its base, and looks up by bisection what that goes through.
    """

    def __init__(self, cards: Cards, view: View) -> None:
        self.view = view
        self._subjects = {}
        self.keys: dict[tuple[str, int], tuple[str, ...]] = {}
        self._held: defaultdict[str, list[Card]] = defaultdict(list)
        self._under: dict[str, _Under] = {}
        self._firms: dict[str, tuple[Track, Track]] = {}
        self._stories: dict[tuple[str, int], tuple[frozenset[str], frozenset[str]]] = {}
        self._prefectures: dict[str, str | None] = {}
        self._alike: dict[tuple[str, str], bool] = {}
        known: dict[str, str] = {}
        for card in cards:
            theirs = tuple(known.setdefault(key, key) for key in keys_of(card, view) if key[:2] not in ("d:", "n:"))
            if not card.listed and card.risk:
                self.keys[card.document, card.revision] = theirs
            for key in theirs:
                self._held[key].append(card)

    def load(self, keys: Iterable[str], start: datetime, end: datetime) -> None:
        """Everything is here."""

    def cards(self, key: str, start: datetime, end: datetime) -> list[Card]:
        """The cards of a key with start <= at <= end, in order of event time."""
        under = self._of(key)
        return under.cards[bisect_left(under.times, start) : bisect_right(under.times, end)]

    def joins(self, card: Card, keys: set[str]) -> bool:
        """Whether a card of no listed firm is found under one of the keys (a busy day keeps fifty of a key)."""
        theirs = (key for key in self.keys[card.document, card.revision] if key in keys)
        return any(card in self.cards(key, card.at, card.at) for key in theirs)

    def _of(self, key: str) -> "_Under":
        if key not in self._under:
            self._under[key] = _Under(thinned(self._held.get(key, [])), self.view.grouping.idle.place)
        return self._under[key]

    def _named(self, key: str, start: datetime, end: datetime) -> tuple[Track, Track]:
        if key not in self._firms:
            self._firms[key] = tracks_of(self._of(key).cards)
        return self._firms[key]

    def _chain_ends(self, card: Card, key: str) -> tuple[datetime, datetime]:
        under = self._of(key)
        if card.revision > 1 or card.until is not None:  # another revision may lie in an earlier chain
            return super()._chain_ends(card, key)
        return under.chain_ends(card, NEAR * 2)

    def _may_be(self, name: str | None, firm: str | None) -> bool:
        asked = (name or "", firm or "")
        if asked not in self._alike:
            self._alike[asked] = super()._may_be(name, firm)
        return self._alike[asked]

    def _same_story(self, card: Card, namer: Card, home: str) -> bool:
        """As its base, with what is asked of a card again and again kept."""
        (mine, _), (theirs, counties) = self._story(card), self._story(namer)
        other_place = card.jurisdiction != home and card.jurisdiction not in namer.places
        if other_place and any(self._prefectures[county] == home for county in counties):
            return False
        return not mine or not theirs or not mine.isdisjoint(theirs)

    def _story(self, card: Card) -> tuple[frozenset[str], frozenset[str]]:
        """(issues that say what is wrong, counties it names)."""
        key = (card.document, card.revision)
        if key not in self._stories:
            for code in card.places:
                if code not in self._prefectures:
                    self._prefectures[code] = self.view.regions.prefecture_of(code)
            counties = frozenset(code for code in card.places if self._prefectures[code] != code)
            self._stories[key] = (frozenset(card.issues) - HOW_TOLD, counties)
        return self._stories[key]


class _Under:
    """The cards under one key, with the places where nothing was heard for `idle`."""

    def __init__(self, cards: list[Card], idle: timedelta) -> None:
        self.cards, self.times = cards, [card.at for card in cards]
        self._chains = [
            place for place in range(len(cards)) if not place or self.times[place] - self.times[place - 1] > idle
        ]

    def chain_ends(self, card: Card, near: timedelta) -> tuple[datetime, datetime]:
        """First and last of the chain that holds the card, at most `near` from it."""
        place = bisect_left(self.times, card.at)
        while place < len(self.cards) and self.times[place] == card.at and self.cards[place].document != card.document:
            place += 1
        if place == len(self.cards) or self.times[place] != card.at:
            return card.at, card.at  # one of a busy day, and not kept
        chain = bisect_right(self._chains, place)
        end = self._chains[chain] if chain < len(self._chains) else len(self.cards)
        first = max(self._chains[chain - 1], bisect_left(self.times, card.at - near))
        last = min(end, bisect_right(self.times, card.at + near)) - 1
        return self.times[first], self.times[last]


class MatterReplayer:
    """Feed it the cards in order of time, then take what came of them.

    earlier: whether a key was there before the cards that were fed (`seen_before` of the store).
    """

    def __init__(self, rule: Rule, view: View, names: Names, earlier: Seen) -> None:
        self.rule, self.view, self.names, self.earlier = rule, view, names, earlier
        self._cards: list[Card] = []
        self._pairs: defaultdict[str, list[datetime]] = defaultdict(list)

    def feed(self, cards: Iterable[Card]) -> None:
        """Cards with the marks of the rule, those that it does not count too: they say whose matter it is."""
        self._cards += cards

    def result(self) -> Replayed:
        """Findings that stand, alerts and moments of all that was fed."""
        if isinstance(self.rule.condition, NewTermCondition):
            for card in self._cards:
                if card.risk and card.firm:
                    for issue in card.issues:
                        self._pairs[f"n:{card.firm}|{issue}"].append(card.at)
        around = HeldCards(self._cards, self.view)
        mine = [card for card in self._cards if self.rule.id in card.rules]
        matters: list[Matter] = []
        groups: list[Group] = []
        for matter in self._matters(around, mine):
            cards = standing(matter)
            counted = [card for card in cards if card.is_origin and self.rule.id in card.rules]
            if counted:
                matters.append(matter)
                groups.append(Group(matter.subject, counted, whole=True, mates=cards))
        moments = self._moments(groups)
        held = self._held(groups, moments)
        findings = [one.finding for theirs in held.values() for one in theirs if one.lost_at is None]
        alerts = [self._alert(matters[place], groups[place].mates, theirs) for place, theirs in held.items()]
        return Replayed(
            findings=tuple(sorted(findings, key=lambda finding: (finding.fired_at, finding.id))),
            alerts=tuple(sorted(filter(None, alerts), key=lambda alert: (alert.first_at, alert.key))),
            groups=groups,
            moments=moments,
            seen=sum(card.risk for card in self._cards),
            counted=sum(card.is_origin for card in mine),
        )

    def _held(self, groups: Sequence[Group], moments: Moments) -> dict[int, list[Held]]:
        """The findings by group."""
        found: defaultdict[int, list[Held]] = defaultdict(list)
        if isinstance(self.rule.condition, WindowCondition):
            for place, one in held_findings(self.rule, groups, moments, self.view.regions):
                found[place].append(one)
            return found
        for place, group in enumerate(groups):
            if theirs := fire_singly(self.rule, group.cards, self._seen):
                found[place] = theirs
        return found

    def _matters(self, around: HeldCards, mine: Cards) -> Iterator[Matter]:
        """The matters in which the rule counts something."""
        subjects = dict.fromkeys(around.subject_of(card) for card in mine)
        joined: defaultdict[str, list[Card]] = defaultdict(list)
        alone: defaultdict[str, list[Card]] = defaultdict(list)
        wanted = {subject[2:] for subject in subjects if subject.startswith("d:")}
        for card in self._cards:
            if card.document in wanted:
                alone[f"d:{card.document}"].append(card)
            if card.risk and not card.listed and (subject := around.subject_of(card)) in subjects:
                joined[subject].append(card)
        for subject in subjects:
            if subject.startswith("d:"):
                members = [card for card in alone[subject] if card.risk and around.subject_of(card) == subject]
                yield from (Matter(subject, tuple(chain)) for chain in chapters(members, around.idle(subject), ()))
            else:
                yield from self._chapters(around, subject, joined[subject])

    def _chapters(self, around: HeldCards, subject: str, joined: Cards) -> Iterator[Matter]:
        start, end = self._cards[0].at, self._cards[-1].at
        found = {(card.document, card.revision): card for card in around.cards(subject, start, end)}
        if subject.startswith("f:"):
            keys = set(around.joining_keys(found.values()))
            found |= {(card.document, card.revision): card for card in joined if around.joins(card, keys)}
        members = sorted((c for c in found.values() if around.subject_of(c) == subject), key=lambda card: card.order)
        idle = around.idle(subject)
        clearers = around.cards(f"r:{subject[2:]}", start, end) if subject.startswith("f:") else []
        for chain in chapters(members, idle, around.cuts(members, idle, start)):
            first, last = chain[0].at - RADIUS, chain[-1].at + RADIUS
            yield Matter(subject, tuple(chain), tuple(card for card in clearers if first <= card.at <= last))

    def _seen(self, key: str, start: datetime, end: datetime) -> bool:
        times = self._pairs[key]
        if bisect_left(times, start) < bisect_left(times, end):
            return True
        first = self._cards[0].at
        return start < first and self.earlier(key, start, min(end, first))

    def _alert(self, matter: Matter, cards: Sequence[Card], held: Sequence[Held]) -> LabAlert | None:
        """The alert of a matter as `replay` has it, weighed where it opens and where it ends. None: none ever stood."""
        steps = self._steps(matter, cards, held)
        first = next((step for step in steps if step.level), None)
        if first is None:
            return None
        last = steps[-1]
        gone = last.level == 0
        level = max(step.level for step in steps) if gone else last.level
        present = tuple(alive(cards, max(last.at, cards[-1].at))) or tuple(cards)
        outcome = Outcome(matter, present, tuple(cards), tuple(held), (first, last))
        documents = tuple(dict.fromkeys(card.document for card in present))
        return LabAlert(
            key=matter.subject,
            first_at=first.at,
            last_at=present[-1].at,
            level=max(1, level),
            gone=gone,
            title=title_of(outcome, self.names),
            reason=reason_of(outcome),
            rests_on=documents,
            spoke=(Opened(first.at, subjects_of(present), documents),),
        )

    def _steps(self, matter: Matter, cards: Sequence[Card], held: Sequence[Held]) -> Sequence[Step]:
        """The steps that `replay` finds; of a matter that loses nothing the first and the last, for its level only
        rises.
        """
        regions = self.view.regions
        if any(card.until is not None for card in cards) or any(one.lost_at is not None for one in held):
            return steps_of(cards, held, regions, official_moments(matter, cards))
        where = where_of(regions)
        moments = moments_of(cards, held, where)
        first = last = None
        for last in rising(moments, cards, held, regions, where):
            first = first or (last if last.level else None)
        return [first, last] if first and last else []

    def _moments(self, groups: Sequence[Group]) -> Moments:
        condition = self.rule.condition
        if isinstance(condition, NewTermCondition):
            return self._sights(condition, groups)
        if isinstance(condition, SingleCondition):
            recorder = Recorder({"min_level": float(self.rule.scope.min_level)}, quiet=timedelta(0))
            for place, group in enumerate(groups):
                for at, card in enumerate(group.cards):
                    recorder.note(place, card.at, at, at + 1, (card.level,))
            return recorder.moments()
        recorder = recorder_for(self.rule)
        for place, group in enumerate(groups):
            walk(self.rule, place, group.cards, self.view.regions, recorder)
        return recorder.moments()

    def _sights(self, condition: NewTermCondition, groups: Sequence[Group]) -> Moments:
        """Each card of a new pair, with its number since the first: the threshold that it reaches."""
        recorder = Recorder({"at_least": float(condition.at_least)}, quiet=condition.window)
        for place, group in enumerate(groups):
            noted: list[tuple[datetime, int, int, int]] = []
            for pair in dict.fromkeys((card.firm, issue) for card in group.cards if card.firm for issue in card.issues):
                noted += self._sight(condition, group, *pair)
            for at, low, high, number in sorted(noted):
                recorder.note(place, at, low, high, (number,))
        return recorder.moments()

    def _sight(
        self, condition: NewTermCondition, group: Group, firm: str | None, issue: str
    ) -> Iterator[tuple[datetime, int, int, int]]:
        if self.rule.scope.issues and issue not in self.rule.scope.issues:
            return
        mine = [at for at, card in enumerate(group.cards) if card.firm == firm and issue in card.issues]
        start = group.cards[mine[0]].at
        if self._seen(f"n:{firm}|{issue}", start - condition.lookback, start):
            return
        for number, at in enumerate(mine, 1):
            if group.cards[at].at < start + condition.window:
                yield group.cards[at].at, mine[0], at + 1, number
