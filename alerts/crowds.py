"""Rules that count over many matters (a product and an issue in the whole province): their findings and alerts.

A crowd most of whose documents lie in one alert is that alert's echo and is only noted there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter

from sqlalchemy import Connection

from alerts.alert_book import AlertBook, Change
from alerts.cards import Card, View, card_from
from alerts.conditions import judge
from alerts.conditions.verdict import WindowCounts
from alerts.counting import alive
from alerts.matters import Matter
from alerts.replay import Held, Outcome, Step, fire_windows, make_finding, may_fire
from config.conditions import AnomalyCondition, NewTermCondition, SeriesCondition, SingleCondition
from config.rules import Rule
from core.records import Finding
from store.alert_log import (
    add_finding,
    alert_details,
    alerts_of_subject,
    findings_of,
    update_finding,
    withdraw_finding,
)
from store.cards import alerts_resting_on, cards_with, keys_of_documents, seen_before

CROWD = "w:"


class Crowds:
    """Settles the rules that are not about one matter."""

    def __init__(self, rules: Sequence[Rule], view: View, book: AlertBook) -> None:
        crowds = [rule for rule in rules if not rule.in_matter and not isinstance(rule.condition, SeriesCondition)]
        self.rules = {rule.id: rule for rule in crowds}
        self.view, self.book = view, book

    def settle(self, db: Connection, card: Card, keys: Iterable[str], moved: set[str], now: datetime) -> list[Change]:
        """Judge again the crowds a card is or was in, and those whose documents went into or out of an alert."""
        crowds = [(key, card.at) for key in keys if key.startswith(CROWD)]
        crowds += keys_of_documents(db, sorted(moved), CROWD)
        changes: list[Change] = []
        for key, moments in groupby(sorted(set(crowds)), key=itemgetter(0)):
            rule = self.rules.get(key[len(CROWD) :].split("|")[0])
            if rule is None:
                continue
            for at in _apart([moment for _, moment in moments], _reach(rule) - _window(rule)):
                changes += self._settle_key(db, rule, key, at, now)
        return changes

    def _settle_key(self, db: Connection, rule: Rule, key: str, at: datetime, now: datetime) -> list[Change]:
        reach = _reach(rule)
        found = cards_with(db, [key], at - reach * 2, at + reach * 2)[key]
        cards = [card for card in map(card_from, found) if card.is_origin]
        held = self._fire(db, rule, key, cards)
        held = [one for one in held if at - reach <= one.finding.fired_at <= at + reach]
        write_findings(db, rule, key, held, at - reach, at + reach, now)
        outcomes, changes = [], []
        for one in held:
            # A chain says more than the alerts its links lie in.
            holder = None if rule.condition.type == "chained" else echo_of(db, one.finding, cards)
            if holder is None:
                outcomes.append(self._outcome(key, one, cards))
            else:
                changes += self.book.absorb(db, key, one.finding, holder, now)
        if not outcomes and not alerts_of_subject(db, key):
            return changes
        written, left = self.book.settle(db, key, outcomes, around=(at - reach, at + reach), now=now)
        return [*changes, *written, *self.book.drop(db, left, now)]

    def _fire(self, db: Connection, rule: Rule, key: str, cards: Sequence[Card]) -> list[Held]:
        condition = rule.condition
        if condition.type != "new_term":
            return fire_windows(rule, key, cards, self.view.regions)
        standing = [card for card in cards if card.until is None]
        found: list[Held] = []
        for place, card in enumerate(standing):
            near = place > 0 and card.at - condition.lookback <= standing[place - 1].at < card.at
            if near or seen_before(db, key, card.at - condition.lookback, card.at):
                continue
            window = [other for other in standing[place:] if other.at < card.at + condition.window]
            window = window[: condition.at_least]
            verdict = judge(condition, WindowCounts(current=len(window)))
            if verdict.fires and may_fire(rule, window):
                finding = make_finding(rule, key, window, start=card.at, end=window[-1].at, verdict=verdict)
                found += [] if any(one.finding.id == finding.id for one in found) else [Held(finding, rule.rank, None)]
        return found

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


def write_findings(
    db: Connection, rule: Rule, key: str, held: Sequence[Held], start: datetime, end: datetime, now: datetime
) -> None:
    """Let the standing findings of a rule on a key that fired between start and end be exactly these."""
    known = {f.id: f for f in findings_of(db, rule=rule.id, key=key, since=start) if f.fired_at <= end}
    for one in held:
        if known.pop(one.finding.id, None) == one.finding and one.lost_at is None:
            continue
        if not add_finding(db, one.finding, alert=None, now=now):
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
    for document in finding.documents:
        for alert, subject in alerts_resting_on(db, [document]):
            if not subject.startswith(CROWD) and not alert_details(db, alert).get("ground_lost"):
                held.setdefault(alert, set()).add(document)
    enough = [
        alert
        for alert, theirs in held.items()
        if len(theirs) * 2 >= len(finding.documents) or (trusted and trusted <= theirs)
    ]
    return min(enough, key=lambda alert: (-len(held[alert]), alert), default=None)


def _apart(moments: Sequence[datetime], span: timedelta) -> list[datetime]:
    """As few of the moments (in order) as leave none farther than `span` from one of them."""
    chosen: list[datetime] = []
    for moment in moments:
        if not chosen or moment - chosen[-1] > span:
            chosen.append(moment)
    return chosen


def _window(rule: Rule) -> timedelta:
    return timedelta(0) if isinstance(rule.condition, SingleCondition | AnomalyCondition) else rule.condition.window


def _reach(rule: Rule) -> timedelta:
    if isinstance(rule.condition, SingleCondition):
        return timedelta(days=1)
    if isinstance(rule.condition, NewTermCondition):
        return rule.condition.lookback
    return rule.look_back + (rule.repeat_after or _window(rule))
