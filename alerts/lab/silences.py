"""Replays a rule that watches for silence: the findings of alerts/flatlines.py, over all that was said by the end."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from alerts.cards import Card, group_keys
from alerts.conditions.flatline import Silence, silences
from alerts.flatlines import finding_of, shown_of, title_of_silence
from alerts.lab.replayed import LabAlert, Opened, Replayed
from alerts.wording import Names
from config.conditions import FlatlineCondition
from config.regions import Regions
from config.rules import Rule
from core.records import Finding


class SilenceReplayer:
    """Feed it the cards in order of time, then take the silences that began by the end.

    Its thresholds are lengths of time, not counts of signals, so no curve is drawn. That a source was switched off for
    a while is not remembered: what is silent for that reason is told.
    """

    def __init__(self, rule: Rule, names: Names, regions: Regions, end: datetime) -> None:
        assert isinstance(rule.condition, FlatlineCondition)
        self.rule, self.condition, self.names, self.regions, self.end = rule, rule.condition, names, regions, end
        self._cards: defaultdict[str, list[Card]] = defaultdict(list)
        self._seen = self._counted = 0

    def feed(self, cards: Iterable[Card]) -> None:
        """Cards with the marks of the rule; copies and taken-back ones count, too: the source is alive."""
        for card in cards:
            self._seen += 1
            if card.counts_for(self.rule.id):
                self._counted += 1
                for key in group_keys(card, self.rule, self.regions):
                    self._cards[key].append(card)

    def result(self) -> Replayed:
        """A finding and an alert for each silence."""
        told = sorted(self._silences(), key=lambda one: (one[0].fired_at, one[0].id))
        findings, alerts = tuple(one for one, _ in told), tuple(alert for _, alert in told)
        return Replayed(findings, alerts, (), None, self._seen, self._counted)

    def _silences(self) -> Iterator[tuple[Finding, LabAlert]]:
        for key, cards in self._cards.items():
            times = [card.at for card in cards]
            for one in silences(self.condition, times, self.end):
                finding = self._finding(key, one, cards, times)
                yield finding, self._alert(key, one, finding)

    def _finding(self, key: str, one: Silence, cards: Sequence[Card], times: Sequence[datetime]) -> Finding:
        reach = self.condition.window + self.condition.forget_after
        high = bisect_right(times, one.begin)
        before = cards[bisect_left(times, one.begin - reach) : high]
        last = dict.fromkeys(card.document for card in sorted(before, key=_newest_first, reverse=True))
        wanted = set(list(last)[: shown_of(self.condition)])
        shown = {card.document: card for card in before if card.document in wanted}
        left = high - bisect_right(times, one.since)
        ordered = sorted(shown.values(), key=lambda card: card.order)
        return finding_of(self.rule, key, one, ordered, left, self.names)

    def _alert(self, key: str, one: Silence, finding: Finding) -> LabAlert:
        return LabAlert(
            key=key,
            first_at=one.begin,
            last_at=one.end or one.begin,
            level=self.rule.rank,
            gone=False,
            title=title_of_silence(self.rule, key, self.names),
            reason=finding.reason,
            rests_on=finding.documents,
            spoke=(Opened(one.begin, frozenset(), finding.documents),),
        )


def _newest_first(card: Card) -> tuple[datetime, str]:
    return card.at, card.document
