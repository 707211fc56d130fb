"""Rules that count over many matters (a product and an issue in the whole province): their findings and alerts.

A crowd most of whose documents lie in one alert is that alert's echo and is only noted there.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from alerts.alert_book import AlertBook, Change
from alerts.cards import Card, View, card_from
from alerts.counting import alive
from alerts.fired_windows import fire_windows
from alerts.first_sights import sights_near
from alerts.held import Held, forgets
from alerts.matters import Matter
from alerts.replay import Outcome, Step
from config.conditions import AnomalyCondition, NewTermCondition, SeriesCondition, SingleCondition
from config.rules import Rule
from core.records import Finding
from store.alert_log import (
    add_finding,
    alert_details,
    find_alert,
    findings_of_keys,
    subjects_with_alerts,
    update_finding,
    withdraw_finding,
)
from store.cards import alerts_by_document, cards_with, keys_of_documents, keys_with_findings

CROWD = "w:"
INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Zone:
    """A stretch of a crowd that is judged again: the findings of `key` that fire at start <= at <= end; of first sights
    those near start <= at <= end.
    """

    rule: Rule
    key: str
    start: datetime
    end: datetime

    @property
    def reads(self) -> tuple[datetime, datetime]:
        """From when to when lie the cards that its findings depend on, and those that end them."""
        back = 1 if forgets(self.rule) else 2
        return self.start - _reach(self.rule) * back, self.end + _reach(self.rule)


@dataclass(frozen=True)
class Known:
    """What the store holds of the crowds of one document, read in a few queries. cards: origins by key, in order of
    event time.  findings: standing ones by key.  subjects: keys that have alerts.
    """

    cards: Mapping[str, Sequence[Card]]
    findings: Mapping[str, Sequence[Finding]]
    subjects: frozenset[str]


class Crowds:
    """Settles the rules that are not about one matter."""

    def __init__(self, rules: Sequence[Rule], view: View, book: AlertBook) -> None:
        crowds = [rule for rule in rules if not rule.in_matter and not isinstance(rule.condition, SeriesCondition)]
        self.rules = {rule.id: rule for rule in crowds}
        self.view, self.book = view, book

    def settle(self, db: Connection, card: Card, keys: Iterable[str], moved: set[str], now: datetime) -> list[Change]:
        """Judge again the crowds a card is or was in, and those whose documents went into or out of an alert."""
        crowds = {(key, card.at) for key in keys if key.startswith(CROWD)}
        if crowds and card.revision > 1:  # what it replaces ends now
            crowds |= set(keys_of_documents(db, [card.document], CROWD))
        crowds |= set(keys_with_findings(db, sorted(moved), CROWD))
        zones = self._zones(sorted(crowds))
        known = _known(db, zones)
        return [change for zone in zones for change in self._settle_zone(db, zone, known, now)]

    def _zones(self, crowds: Sequence[tuple[str, datetime]]) -> list[Zone]:
        """Where findings may have changed for cards of these keys and event times, given in order.

        A card is in no window that ends before it. What it changes lasts for one look back, and what runs then for one
        time of quiet. First sights are asked for by the moment.
        """
        zones: list[Zone] = []
        for key, at in crowds:
            rule = self.rules.get(key[len(CROWD) :].split("|")[0])
            if rule is None:
                continue
            first_sights = isinstance(rule.condition, NewTermCondition)
            end, near = (at, _window(rule)) if first_sights else (at + _reach(rule), timedelta(0))
            last = zones[-1] if zones else None
            if last is not None and last.key == key and at <= last.end + near:
                zones[-1] = replace(last, end=end)
            else:
                zones.append(Zone(rule, key, at, end))
        return zones

    def _settle_zone(self, db: Connection, zone: Zone, known: Known, now: datetime) -> list[Change]:
        rule, key, start, end = zone.rule, zone.key, zone.start, zone.end
        before = known.findings.get(key, ())
        cards: Sequence[Card]
        if isinstance(rule.condition, NewTermCondition):
            sights = sights_near(db, rule, key, start, end)
            held, cards = list(sights.held), sights.cards
            before = [one for one in before if sights.first <= one.window_start <= sights.last]
            start, end = start - rule.condition.window, sights.last
        else:
            cards = _read_by(zone, known.cards[key])
            held = fire_windows(rule, key, cards, self.view.regions, since=start)
            held = [one for one in held if one.finding.fired_at <= end]
            before = [one for one in before if start <= one.fired_at <= end]
        write_findings(db, held, before, now)
        outcomes, changes = [], []
        for one in held:
            holder = echo_of(db, one.finding, cards)
            if holder is None or self._says_more(db, rule, holder):
                outcomes.append(self._outcome(key, one, cards))
            else:
                changes += self.book.absorb(db, key, one.finding, holder, now)
        if not outcomes and key not in known.subjects:
            return changes
        written, left = self.book.settle(db, key, outcomes, around=(start, end), now=now)
        return [*changes, *written, *self.book.drop(db, left, now)]

    @staticmethod
    def _says_more(db: Connection, rule: Rule, holder: str) -> bool:
        """A chain says more than the alert that its links lie in, unless that one stands as high already."""
        alert = find_alert(db, holder)
        return rule.condition.type == "chained" and (alert is None or alert.level < rule.rank)

    def _outcome(self, key: str, one: Held, cards: Sequence[Card]) -> Outcome:
        documents = set(one.finding.documents)
        mine = tuple(card for card in cards if card.document in documents)
        unconfirmed = all(card.voice == "social" for card in mine)
        level = min(one.rank, 2) if unconfirmed else one.rank
        finding = one.finding
        steps = [Step(finding.fired_at, level, unconfirmed, finding.reason, finding.rule, finding.documents[-1])]
        if one.lost_at is not None:
            steps.append(Step(max(one.lost_at, finding.fired_at), 0, False, "依据已撤回、更正或被澄清", "", ""))
        matter = Matter(key, mine)
        last = max(card.at for card in mine)
        return Outcome(matter, tuple(alive(mine, last)), mine, (replace(one),), tuple(steps))


def _known(db: Connection, zones: Sequence[Zone]) -> Known:
    keys = sorted({zone.key for zone in zones})
    cards: dict[str, Sequence[Card]] = {}
    counting = [zone for zone in zones if not isinstance(zone.rule.condition, NewTermCondition)]
    for some in _alike_in_length(counting):
        edges = [edge for zone in some for edge in zone.reads]
        found = cards_with(db, sorted({zone.key for zone in some}), min(edges), max(edges) + INSTANT)
        cards |= {key: [card for card in map(card_from, theirs) if card.is_origin] for key, theirs in found.items()}
    findings: dict[str, list[Finding]] = {}
    since = min((zone.start - _window(zone.rule) * 2 for zone in zones), default=None)
    for finding in findings_of_keys(db, keys, since) if since else ():
        findings.setdefault(finding.key, []).append(finding)
    return Known(cards, findings, subjects_with_alerts(db, keys))


def _alike_in_length(zones: Sequence[Zone]) -> Iterator[list[Zone]]:
    """Zones that are read together: none reads more than four times as far as another, or one that looks a year back
    would make all others do so. A key is in one group only.
    """
    spans: dict[str, timedelta] = {}
    for zone in zones:
        spans[zone.key] = max(spans.get(zone.key, timedelta(0)), zone.reads[1] - zone.reads[0])
    group: list[Zone] = []
    for zone in sorted(zones, key=lambda zone: (spans[zone.key], zone.key)):
        if group and spans[zone.key] > 4 * spans[group[0].key]:
            yield group
            group = []
        group.append(zone)
    if group:
        yield group


def _read_by(zone: Zone, cards: Sequence[Card]) -> Sequence[Card]:
    start, end = zone.reads
    return cards[bisect_left(cards, start, key=_at) : bisect_right(cards, end, key=_at)]


def _at(card: Card) -> datetime:
    return card.at


def write_findings(db: Connection, held: Sequence[Held], before: Sequence[Finding], now: datetime) -> None:
    """Write what is held of a stretch now, and take back what stood there before and is not held."""
    known = {finding.id: finding for finding in before}
    for one in held:
        stood = known.pop(one.finding.id, None)
        if stood == one.finding and one.lost_at is None:
            continue
        if stood is not None or not add_finding(db, one.finding, alert=None, now=now):
            update_finding(db, one.finding)
        if one.lost_at is not None:
            withdraw_finding(db, one.finding.id, one.lost_at)
    for lost in known.values():
        withdraw_finding(db, lost.id, now)


def echo_of(db: Connection, finding: Finding, cards: Sequence[Card]) -> str | None:
    """The alert of which this is the echo: it holds half of the documents, or all that press and authorities say.

    In the first hours self-media guess firm and place; while the press knows of one accident, it is one.
    """
    trusted = {card.document for card in cards if card.trusted} & set(finding.documents)
    held: dict[str, set[str]] = {}
    for document, alert, subject in alerts_by_document(db, finding.documents):
        if not subject.startswith(CROWD):
            held.setdefault(alert, set()).add(document)
    enough = [
        alert
        for alert, theirs in held.items()
        if (len(theirs) * 2 >= len(finding.documents) or (trusted and trusted <= theirs))
        and not alert_details(db, alert).get("ground_lost")
    ]
    return min(enough, key=lambda alert: (-len(held[alert]), alert), default=None)


def _window(rule: Rule) -> timedelta:
    return timedelta(0) if isinstance(rule.condition, SingleCondition | AnomalyCondition) else rule.condition.window


def _reach(rule: Rule) -> timedelta:
    if isinstance(rule.condition, SingleCondition | NewTermCondition):
        return timedelta(days=1)
    return rule.look_back + (rule.repeat_after or _window(rule))
