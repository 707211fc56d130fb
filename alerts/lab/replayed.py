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
class Opened:
    """A moment at which an alert spoke: it opened, or took up another finding. documents: what it rests on then."""

    at: datetime
    subjects: frozenset[Subject]
    documents: Sequence[str]


@dataclass(frozen=True)
class LabAlert:
    """An alert that would have been. gone: its ground was lost later.  rests_on: all its documents.

    spoke: when it opened, and later findings of other documents, which may be about other firms.
    """

    key: str
    first_at: datetime
    last_at: datetime
    level: int
    gone: bool
    title: str
    reason: str
    rests_on: tuple[str, ...]
    spoke: tuple[Opened, ...]


@dataclass(frozen=True)
class Shot:
    """An alert as a curve counts it: when it would have opened, and the findings it took up, each with its cards.

    runs: (time, low, high): cards[low:high] of the group.
    """

    group: int
    first_at: datetime
    runs: tuple[tuple[datetime, int, int], ...]

    @property
    def high(self) -> int:
        """The end of its cards so far."""
        return self.runs[-1][2]


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
            run = (moment_of(moments.at[place]), low, high)
            last = found[-1] if found and found[-1].group == group else None
            if last is None or not (self.groups[group].whole or low < last.high):
                found.append(Shot(group, run[0], (run,)))
            elif not self.groups[group].whole:
                found[-1] = Shot(group, last.first_at, (*last.runs, run))
        return found


def subjects_of(cards: Sequence[Card]) -> frozenset[Subject]:
    """The firms with the products they are named with."""
    return frozenset((card.firm, card.family) for card in cards if card.firm)
