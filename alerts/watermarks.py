"""How far the story has come: by the documents' own times, never by a clock, so that a wrong clock moves nothing.

frontier: the latest event time of any source.  watermark: up to there what sources published has arrived, too: the
frontier less the longest delay that is usual among live sources, at most CAP; it never goes back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache

import numpy as np
from sqlalchemy import Connection

from alerts.detectors.calendar_nb_arrival import SETTLED, ArrivalShare, learn_arrivals
from alerts.detectors.calendar_nb_counts import Floats
from core.clock import start_of_beijing_day
from core.records import Document
from store.source_times import SourceTime, find_moment, note_arrival, raise_moment, times_of_sources

CAP = timedelta(hours=72)
"""Later than this nothing is waited for; such delays are backlogs (a new source, a halt) and teach nothing."""
LIVE = timedelta(days=7)
"""A source that has been silent for so long holds no time back."""
GUESSED = "date_guessed"
WATERMARK = "watermark"
SLOW = timedelta(hours=1)
"""Sources that are quicker than this are taken to arrive at once."""
HOUR = timedelta(hours=1)


def note_document(db: Connection, document: Document) -> None:
    """A document has come. One without a date, or with one that cannot be, says nothing of time."""
    if GUESSED in document.flags:
        return
    delay = document.stored_at - document.event_time
    known = document.revision == 1 and delay <= CAP
    hours = max(0.0, delay / HOUR) if known else None
    note_arrival(db, document.source, document.event_time, hours)


@dataclass(frozen=True)
class StoryTime:
    """What the store says of time at one moment. off: sources that are switched off."""

    sources: Mapping[str, SourceTime]
    off: frozenset[str] = frozenset()

    @cached_property
    def frontier(self) -> datetime | None:
        """The latest event time; None while nothing dated has come."""
        return max((one.newest for one in self.sources.values() if one.newest), default=None)

    @cached_property
    def live(self) -> frozenset[str]:
        """The sources that were heard of lately and are not switched off."""
        if self.frontier is None:
            return frozenset()
        return frozenset(
            name
            for name, one in self.sources.items()
            if name not in self.off and one.newest and one.newest > self.frontier - LIVE
        )

    @cached_property
    def lag(self) -> timedelta:
        """The longest usual delay of a live source: 99 of 100 of its documents are here within it."""
        usual = (usual_delay(self.sources[name]) for name in self.live)
        return min(CAP, max(usual, default=timedelta(0)))

    @cached_property
    def shares(self) -> Mapping[str, ArrivalShare]:
        """Q(a) of each source, where any source is slow; else none."""
        if self.lag < SLOW:
            return {}
        return learn_arrivals({name: [HOUR * hours for hours in one.hours] for name, one in self.sources.items()})

    def arrived(self, source: str, days: int) -> Floats | None:
        """Of the last `days` days, the frontier's the last: the share of a source's documents that are here.

        Hours to come count as here: a day is judged by its whole expectation. None: the source is not slow.
        """
        share = self.shares.get(source)
        if share is None or self.frontier is None:
            return None
        today = start_of_beijing_day(self.frontier)
        starts = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
        begun = np.array([(self.frontier - start) / HOUR for start in starts])
        ages: Floats = np.asarray(begun[:, None] - np.arange(24) - 0.5, dtype=np.float64)
        mean: Floats = np.where(ages < 0, 1.0, share.at(ages)).mean(axis=1)
        return mean


def usual_delay(source: SourceTime) -> timedelta:
    """Within which 99 of 100 of a source's documents arrive."""
    return HOUR * _usual_hours(source.hours) if source.hours else timedelta(0)


@lru_cache(maxsize=1000)
def _usual_hours(hours: tuple[float, ...]) -> float:
    return float(np.quantile(np.array(hours), SETTLED, method="higher"))


def story_time(db: Connection, off: frozenset[str] = frozenset()) -> StoryTime:
    """What the store says of time now."""
    return StoryTime(times_of_sources(db), off)


def watermark(db: Connection, time: StoryTime) -> datetime | None:
    """Where the watermark may be now; nothing is written."""
    known = find_moment(db, WATERMARK)
    return max(filter(None, (known, time.frontier - time.lag)), default=None) if time.frontier else known


def move_watermark(db: Connection, time: StoryTime) -> datetime | None:
    """The watermark, moved as far as it may be; None while nothing dated has come."""
    return None if time.frontier is None else raise_moment(db, WATERMARK, time.frontier - time.lag)
