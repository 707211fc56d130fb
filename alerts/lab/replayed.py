"""What replaying came to, whatever was replayed: findings, alerts, and the moments from which curves are drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.cards import Card
from alerts.lab.walk import Group, Moments, moment_of
from core.records import Finding

Subject = tuple[str, str | None]
"""(firm, product family): what an alert and an official notice are held together by."""


@dataclass(frozen=True)
class LabAlert:
    """An alert that would have been. gone: its ground was lost later.  rests_on: all its documents."""

    key: str
    first_at: datetime
    last_at: datetime
    level: int
    gone: bool
    title: str
    reason: str
    rests_on: tuple[str, ...]
    subjects: frozenset[Subject]


@dataclass(frozen=True)
class Shot:
    """An alert as a curve counts it: when it would have opened, and on which cards of its group."""

    group: int
    first_at: datetime
    low: int
    high: int


@dataclass(frozen=True)
class Replayed:
    """groups, moments: what other thresholds would have done follows from them; None where there are none to turn.

    seen: cards that were looked at.  counted: those the rule counts.
    """

    findings: tuple[Finding, ...]
    alerts: tuple[LabAlert, ...]
    groups: Sequence[Group]
    moments: Moments | None
    seen: int
    counted: int

    def shots(self, thresholds: Mapping[str, float]) -> list[Shot]:
        """The alerts at other thresholds: one a matter, one for findings of a crowd that share a card."""
        moments = self.moments
        assert moments is not None
        found: list[Shot] = []
        for place in moments.runs(thresholds):
            group, low, high = int(moments.group[place]), int(moments.low[place]), int(moments.high[place])
            last = found[-1] if found and found[-1].group == group else None
            if last is not None and (self.groups[group].whole or low < last.high):
                found[-1] = Shot(group, last.first_at, last.low, max(high, last.high))
            else:
                found.append(Shot(group, moment_of(moments.at[place]), low, high))
        return found


def subjects_of(cards: Sequence[Card]) -> frozenset[Subject]:
    """The firms with the products they are named with."""
    return frozenset((card.firm, card.family) for card in cards if card.firm)
