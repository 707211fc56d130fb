"""Back-pressure: while more texts wait than are read, of sources of low worth only what may tell of harm is fetched.

The queue is the table of documents, so a stream above what the workers read costs disk and not memory. What slows down
is fetching, and of that what tells least: news and talk of tier 3 and 4 are glanced at in their turn, a row is taken
where its headline may tell of people harmed (nlp/first_reading.py), and the rest is left to a visit at their longest
interval; with ten times as many texts waiting those of tier 2 give way, too, and all until it is less. What tells of
harm goes on whatever waits: complaints, recalls, spot checks, notices, hot lists and every source of tier 1.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from config.sources import KEPT, SourceConfig
from core.records import Kind
from store.documents import count_unread
from store.pulses import HELD, find_pulse, move_turn

GIVES_WAY = frozenset((Kind.NEWS, Kind.SOCIAL, Kind.FORUM, Kind.REVIEW))
LOW_WORTH = 3
"""The tier from which a source gives way first."""
HIGH = 10
"""So many times the bound, and whatever may give way does."""
GLANCE = "glance"
"""The reason of a run that takes only what may tell of people harmed."""


@dataclass(frozen=True)
class Pressure:
    """How many texts wait to be read, told up to HIGH times the bound.  most: the bound."""

    waiting: int
    most: int

    @property
    def some(self) -> bool:
        """Whether sources of low worth give way."""
        return self.waiting > self.most

    @property
    def high(self) -> bool:
        """Whether all that may give way does, for as long as it lasts."""
        return self.waiting > HIGH * self.most

    def holds(self, source: SourceConfig) -> bool:
        """Whether a source gives way."""
        may = source.kind in GIVES_WAY and source.tier > 1 and source.family not in KEPT
        return may and (self.high or (self.some and source.tier >= LOW_WORTH))


def pressure_on(db: Connection, most: int) -> Pressure:
    """Look once: by an index of what waits, and never past HIGH times the bound."""
    return Pressure(count_unread(db, HIGH * most + 1), most)


def give_way(db: Connection, due: Iterable[SourceConfig], pressure: Pressure, now: datetime) -> Iterator[str]:
    """Those of these due sources that are only glanced at; their next turn comes after their own interval."""
    for source in due:
        if not pressure.holds(source):
            continue
        pulse = find_pulse(db, source.key)
        if pulse is None:  # never visited: nobody knows what it would bring
            continue
        latest = source.opens(pulse.run_at + source.slowest)
        if latest <= now and not pressure.high:
            continue
        turn = now + max(timedelta(seconds=pulse.pace), source.fastest)
        why = f"{HELD}：{pressure.waiting:,} 件待研读，只取可能伤人的内容"
        move_turn(db, source.key, turn if pressure.high else min(turn, latest), why)
        yield source.key
