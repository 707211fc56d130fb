"""What should be sampled, from open events: product, territory and firm with reasons, the weightiest first.

A suggestion is a sum of points that an inspector can add up; a person decides.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy import Connection

from config.progress import Points, Targets
from core.clock import beijing
from core.records import LEVEL_COLOURS
from store.progress import Decision, Told, decisions, sampled_since, told_in_events

MOST_READ, MOST_ORIGINS = 2000, 10
EVENTS_SHOWN = 3


@dataclass(frozen=True)
class Reason:
    """One line of the sum."""

    points: int
    text: str


@dataclass(frozen=True)
class Target:
    """firm: registry id or NIL:<name>, or empty.  events: number and title.  documents: one of each event.

    decision: what a person said of it, or None.
    """

    product: str
    territory: str
    firm: str
    reasons: tuple[Reason, ...]
    events: tuple[tuple[str, str], ...]
    documents: tuple[str, ...]
    last_at: datetime
    decision: Decision | None = None

    @property
    def points(self) -> int:
        """The sum."""
        return sum(reason.points for reason in self.reasons)

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is about."""
        return self.product, self.territory, self.firm


def targets(
    db: Connection, rules: Targets, now: datetime, *, codes: Collection[str] | None, key: Collection[str]
) -> list[Target]:
    """Suggestions of the last days, the most points first; those without a territory are none. key: key products."""
    told = told_in_events(db, now - timedelta(days=rules.days), codes=codes, limit=MOST_READ)
    sampled = sampled_since(db, beijing(now).date() - timedelta(days=rules.sampled))
    known = {one.key: one for one in decisions(db, now - timedelta(days=rules.sampled))}

    def about(one: Told) -> tuple[str, str, str]:
        return one.product, one.territory, one.firm

    found = []
    for about_it, rows in groupby(sorted((one for one in told if one.territory), key=about), key=about):
        these = sorted(rows, key=lambda one: (-one.level, one.last_at, one.event))
        found.append(_target(about_it, these, rules.points, sampled, known, key))
    found.sort(key=lambda one: (-one.points, one.key))
    return [one for one in found if one.points > 0][: rules.most]


def _target(
    about: tuple[str, str, str], told: Sequence[Told], points: Points,
    sampled: Mapping[tuple[str, str], tuple[int, int]], known: Mapping[tuple[str, str, str], Decision],
    key: Collection[str],
) -> Target:  # fmt: skip
    product, territory, firm = about
    level, origins = max(one.level for one in told), sum(one.origins for one in told)
    official, documents = sum(one.official for one in told), sum(one.documents for one in told)
    batches, failed = sampled.get((product, territory), (0, 0))
    counted = min(origins, MOST_ORIGINS)
    capped = f"（计 {counted} 个）" if counted < origins else ""
    reasons = [
        Reason(points.level * level, f"最高{LEVEL_COLOURS[level]}色，文书 {documents} 篇"),
        Reason(points.origin * counted, f"独立来源 {origins} 个{capped}"),
    ]
    if official:
        reasons.append(Reason(points.official, f"监管通报或召回 {official} 篇"))
    if product in key:
        reasons.append(Reason(points.key, "重点产品"))
    if failed:
        reasons.append(Reason(points.failed, f"近期抽样不合格 {failed} 批"))
    if batches:
        reasons.append(Reason(points.sampled, f"近期已抽样 {batches} 批"))
    events = dict.fromkeys((one.number, one.title) for one in told)
    shown = tuple(dict.fromkeys(one.example for one in told))[:EVENTS_SHOWN]
    newest = max(one.last_at for one in told)
    return Target(
        product, territory, firm, tuple(reasons), tuple(events)[:EVENTS_SHOWN], shown, newest, known.get(about)
    )
