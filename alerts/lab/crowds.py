"""Replays a rule that counts over many matters: the findings of alerts/crowds.py, with one walk over each group."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from alerts.cards import Card, group_keys
from alerts.conditions import judge
from alerts.conditions.verdict import WindowCounts
from alerts.held import Held, make_finding, shortened
from alerts.lab.replayed import LabAlert, Opened, Replayed, subjects_of
from alerts.lab.walk import Group, Moments, Recorder, held_findings, recorder_for, walk
from config.conditions import NewTermCondition
from config.regions import Regions
from config.rules import Rule


class CrowdReplayer:
    """Feed it the cards in order of time, then take what came of them."""

    def __init__(self, rule: Rule, regions: Regions) -> None:
        self.rule, self.regions = rule, regions
        self._cards: defaultdict[str, list[Card]] = defaultdict(list)
        self._heard: defaultdict[str, list[datetime]] = defaultdict(list)
        self._seen = self._counted = 0

    def feed(self, cards: Iterable[Card]) -> None:
        """Cards with the marks of the rule."""
        sights = isinstance(self.rule.condition, NewTermCondition)
        for card in cards:
            self._seen += card.risk
            if self.rule.id not in card.rules:
                continue
            keys = group_keys(card, self.rule, self.regions)
            if sights:
                for key in keys:
                    self._heard[key].append(card.at)
            if card.is_origin:
                self._counted += 1
                for key in keys:
                    self._cards[key].append(card)

    def result(self) -> Replayed:
        """Findings that stand, alerts and moments of all that was fed."""
        groups = [Group(key, cards) for key, cards in sorted(self._cards.items())]
        if isinstance(self.rule.condition, NewTermCondition):
            moments = first_sights(self.rule.condition, groups, self._heard)
            held = list(_held_sights(self.rule, groups, moments))
        else:
            recorder = recorder_for(self.rule)
            for place, group in enumerate(groups):
                walk(self.rule, place, group.cards, self.regions, recorder)
            moments = recorder.moments()
            held = list(held_findings(self.rule, groups, moments, self.regions))
        standing = sorted((one.finding for _, one in held if one.lost_at is None), key=lambda f: (f.fired_at, f.id))
        alerts = alerts_of(groups, held)
        return Replayed(tuple(standing), alerts, groups, moments, self._seen, self._counted)


def first_sights(condition: NewTermCondition, groups: Sequence[Group], heard: Mapping[str, list[datetime]]) -> Moments:
    """Each card since a pair was seen anew, with its number since then: the threshold that it reaches.

    heard: when anything was said under each key, reposts too.
    """
    recorder = Recorder({"at_least": float(condition.at_least)}, quiet=condition.window)
    for place, group in enumerate(groups):
        times, before = [card.at for card in group.cards], None
        for low, first in enumerate(group.cards):
            if first.until is not None or first.at == before:
                continue
            if _said_before(heard[group.key], first.at, condition.lookback):
                continue
            before, number = first.at, 0
            for high in range(low, bisect_left(times, first.at + condition.window)):
                if group.cards[high].until is None:
                    number += 1
                    recorder.note(place, times[high], low, high + 1, (number,))
    return recorder.moments()


def _said_before(times: Sequence[datetime], at: datetime, lookback: timedelta) -> bool:
    return bisect_left(times, at - lookback) < bisect_left(times, at)


def _held_sights(rule: Rule, groups: Sequence[Group], moments: Moments) -> Iterator[tuple[int, Held]]:
    """The findings of `first_sights` at the rule's own threshold."""
    condition = rule.condition
    assert isinstance(condition, NewTermCondition)
    for place in np.flatnonzero(moments.stats[:, 0] == condition.at_least):
        group = groups[int(moments.group[place])]
        window = [card for card in group.cards[moments.low[place] : moments.high[place]] if card.until is None]
        verdict = judge(condition, WindowCounts(current=len(window)))
        finding = make_finding(rule, group.key, window, start=window[0].at, end=window[-1].at, verdict=verdict)
        yield int(moments.group[place]), Held(finding, rule.rank, None)


def alerts_of(groups: Sequence[Group], held: Sequence[tuple[int, Held]]) -> tuple[LabAlert, ...]:
    """One alert for findings of a group that share a document, as alerts/alert_book.py goes on with it."""
    found: list[LabAlert] = []
    last: tuple[int, set[str]] | None = None
    for place, one in held:
        documents = set(one.finding.documents)
        made = _alert(groups[place], one)
        if last is not None and last[0] == place and last[1] & documents:
            before = found.pop()
            together = dict.fromkeys((*before.rests_on, *made.rests_on))
            made = replace(
                before, last_at=made.last_at, level=max(before.level, made.level), gone=before.gone and made.gone,
                rests_on=tuple(together), spoke=(*before.spoke, *made.spoke),
            )  # fmt: skip
        found.append(made)
        last = (place, documents)
    return tuple(sorted(found, key=lambda alert: (alert.first_at, alert.key)))


def _alert(group: Group, one: Held) -> LabAlert:
    documents = set(one.finding.documents)
    start, end = one.finding.window_start, one.finding.window_end
    times = [card.at for card in group.cards]
    near = group.cards[bisect_left(times, start) : bisect_right(times, end)]
    cards = [card for card in near if card.document in documents]
    unconfirmed = all(card.voice == "social" for card in cards)
    return LabAlert(
        key=group.key,
        first_at=one.finding.fired_at,
        last_at=one.finding.fired_at,
        level=min(one.rank, 2) if unconfirmed else one.rank,
        gone=one.lost_at is not None,
        title=shortened(cards[-1].title),
        reason=one.finding.reason,
        rests_on=one.finding.documents,
        spoke=(Opened(one.finding.fired_at, subjects_of(cards), one.finding.documents),),
    )
