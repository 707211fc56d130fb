"""Back-pressure: while more texts wait than are read, sources of low worth are visited later.

The queue is the table of documents, so a stream above what the workers read costs disk and not memory. What slows down
is fetching, and of that only what tells least: news and talk of tier 3 and 4 wait up to their longest interval; with
ten times as many texts waiting those of tier 2 wait, too, and all until it is less. What tells of harm goes on whatever
waits: complaints, recalls, spot checks, notices, hot lists and every source of tier 1.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from config.sources import SourceConfig
from core.records import Kind
from store.documents import count_unread
from store.pulses import HELD, find_pulse, move_turn

GIVES_WAY = frozenset((Kind.NEWS, Kind.SOCIAL, Kind.FORUM, Kind.REVIEW))
LOW_WORTH = 3
"""The tier from which a source gives way first."""
HIGH = 10
"""So many times the bound, and whatever may give way does."""
LATER = timedelta(minutes=1)
"""After so long it is looked again whether as many wait still."""


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
        may = source.kind in GIVES_WAY and source.tier > 1
        return may and (self.high or (self.some and source.tier >= LOW_WORTH))


def pressure_on(db: Connection, most: int) -> Pressure:
    """Look once: by an index of what waits, and never past HIGH times the bound."""
    return Pressure(count_unread(db, HIGH * most + 1), most)


def put_off(db: Connection, due: Iterable[SourceConfig], pressure: Pressure, now: datetime) -> Iterator[str]:
    """Move the turns of those of these due sources that give way; their keys."""
    for source in due:
        if not pressure.holds(source):
            continue
        pulse = find_pulse(db, source.key)
        if pulse is None:  # never visited: nobody knows what it would bring
            continue
        latest = now + LATER if pressure.high else source.opens(pulse.run_at + source.slowest)
        if latest > now:
            move_turn(db, source.key, min(now + LATER, latest), f"{HELD}：{pressure.waiting:,} 件待研读，先让别的信源")
            yield source.key
