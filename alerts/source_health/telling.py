"""What the digest says of sources: which are not well and since when, and which became well again that day.

One line a source and day, however often it changed.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from alerts.source_health.verdict import STATE_WORDS
from store.pulses import find_pulse
from store.source_states import WELL, StateChange, changes_between, changes_of, present_states

MOST = 20
OFTEN = 3
"""Times in a day from which on a source is said to come and go."""


@dataclass(frozen=True)
class Told:
    """One source. word: of the state it is, or was, in.  since: when it stopped being well.  until: well again.

    times: how often it stopped being well that day.  fetched_at: when it was last read well; None: not known.
    """

    key: str
    title: str
    word: str
    since: datetime
    until: datetime | None
    why: str
    times: int
    fetched_at: datetime | None = None

    @property
    def often(self) -> bool:
        """Whether it comes and goes."""
        return self.times >= OFTEN


@dataclass(frozen=True)
class SourceNews:
    """ill: those that were not well at the end, the longest first.  healed: those that were, and had not been.

    more_ill, more_healed: how many are left out.
    """

    ill: tuple[Told, ...]
    healed: tuple[Told, ...]
    more_ill: int = 0
    more_healed: int = 0


def news_of_sources(
    db: Connection, start: datetime, end: datetime, titles: Mapping[str, str] | None = None
) -> SourceNews:
    """What happened from `start` on and before `end`. titles: the sources that are told of; None: all, by their key."""
    within: dict[str, list[StateChange]] = defaultdict(list)
    for change in changes_between(db, start, end):
        within[change.source].append(change)
    ill: list[Told] = []
    healed: list[Told] = []
    for key, present in present_states(db, before=end).items():
        if titles is not None and key not in titles:
            continue
        mine = within.get(key, [])
        if present.state == WELL and all(change.was in (None, WELL) for change in mine):
            continue
        told = _told(db, present, mine, end, titles[key] if titles else key)
        (healed if present.state == WELL else ill).append(told)
    ill.sort(key=lambda told: (told.since, told.key))
    healed.sort(key=lambda told: (told.until or end, told.key))
    return SourceNews(
        tuple(ill[:MOST]), tuple(healed[:MOST]), max(0, len(ill) - MOST), max(0, len(healed) - MOST)
    )  # fmt: skip


def _told(db: Connection, present: StateChange, within: list[StateChange], end: datetime, title: str) -> Told:
    past = [change for change in changes_of(db, present.source, limit=200) if change.at < end]
    is_well = present.state == WELL
    stretch = past[1:] if is_well else past  # newest first, from the last time it was not well
    worst = stretch[0] if stretch else present
    since = worst.at
    for change in stretch:
        if change.state == WELL:
            break
        since = change.at
    times = sum(change.state != WELL and change.was in (None, WELL) for change in within)
    return Told(
        key=present.source,
        title=title,
        word=STATE_WORDS[worst.state],
        since=since,
        until=present.at if is_well else None,
        why=worst.why,
        times=times,
        fetched_at=pulse.ok_at if (pulse := find_pulse(db, present.source)) else None,
    )
