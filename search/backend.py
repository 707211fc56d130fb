"""The small interface both backends have, and what goes through it."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from config.regions import ABROAD
from search.fields import FACETS
from search.histogram import Histogram
from search.marking import Marked
from search.records import IndexEntry, millis
from search.where import AnyOf, Between, Everything, Exists, Not, OneOf, Scalar, Where, both

DEEPEST_OFFSET = 10_000
"""Elasticsearch's own window; beyond it a page is asked for with `after`."""


class Sort(StrEnum):
    """Order of hits. Ties go by time, newest first, then by id."""

    NEWEST = "newest"
    OLDEST = "oldest"
    LEVEL = "level"
    RELEVANCE = "relevance"


@dataclass(frozen=True)
class Pair:
    """Two fields whose values are counted together. rows, columns: how many of each, the most frequent ones."""

    row: str
    column: str
    rows: int = 50
    columns: int = 50


@dataclass(frozen=True)
class SearchRequest:
    """One page of a search.

    from_, to: event time, from <= t < to, aware; None is open.  filters: field name to values, any of them.
    without: field name to values, none of them.
    known_at: only what was stored by then, so that pages stay in place while signals arrive; aware.
    territory: a region code; only signals seen from it (seen_from) count, in hits, totals, facets and bars alike.
    offset: up to 10,000; `after` (the `next` of the page before) goes on without limit and stays in place while
    signals arrive; it does not go with relevance.  facets: field name to number of values.
    width: of the bars; None chooses.  split: a field; each bar is split by its values.
    pairs: what is counted together, such as products and territories.
    """

    where: Where = field(default_factory=Everything)
    from_: datetime | None = None
    to: datetime | None = None
    filters: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)
    without: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)
    known_at: datetime | None = None
    territory: str | None = None
    size: int = 20
    offset: int = 0
    after: int | None = None
    sort: Sort = Sort.NEWEST
    facets: Mapping[str, int] = field(default_factory=lambda: FACETS)
    histogram: bool = True
    width: timedelta | None = None
    split: str | None = None
    pairs: tuple[Pair, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size <= 1000:
            raise ValueError(f"size is {self.size} (accepted: 0 to 1000)")
        if not 0 <= self.offset <= DEEPEST_OFFSET - self.size:
            raise ValueError(f"offset + size is over {DEEPEST_OFFSET}: go on with `after`")
        if self.after is not None and self.sort is Sort.RELEVANCE:
            raise ValueError("`after` needs an order by time or level")

    def everything_asked(self) -> Where:
        """The query and all that cuts it."""
        cuts: list[Where] = [self.where]
        if self.from_ or self.to:
            low, high = (millis(edge) if edge else None for edge in (self.from_, self.to))
            cuts.append(Between("event_time", low, high))
        if self.known_at:
            cuts.append(Between("stored_at", high=millis(self.known_at), with_high=True))
        cuts.extend(OneOf(name, tuple(values)) for name, values in self.filters.items())
        cuts.extend(Not(OneOf(name, tuple(values))) for name, values in self.without.items())
        if self.territory:
            cuts.append(seen_from(self.territory))
        return both(cuts)


def seen_from(territory: str) -> Where:
    """Signals of a territory and below; a province also sees what has no place or lies abroad, as on every page."""
    if not territory.endswith("0000"):
        return OneOf("territory", (territory,))
    return AnyOf((OneOf("territory", (territory, ABROAD)), Not(Exists("territory"))))


@dataclass(frozen=True)
class Hit:
    """One signal found. fields: those of IndexEntry that people may see, times aware UTC.

    title, snippet: with the places that made it a hit.  score: only relevance orders by it.
    """

    id: str
    score: float
    fields: Mapping[str, Any]
    title: Marked
    snippet: Marked


@dataclass(frozen=True)
class FacetValue:
    """One value and in how many hits it is."""

    value: Scalar
    count: int


@dataclass(frozen=True)
class PairCount:
    """How many hits hold both values."""

    row: Scalar
    column: Scalar
    count: int


@dataclass(frozen=True)
class SearchResult:
    """One page. total: of all pages.  next: hand in as `after`; None on the last page.

    pairs: for each pair asked for, its counts over 0, most frequent rows first.
    """

    total: int
    hits: tuple[Hit, ...]
    facets: Mapping[str, tuple[FacetValue, ...]]
    histogram: Histogram | None
    took_ms: float
    next: int | None = None
    pairs: Mapping[Pair, tuple[PairCount, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Refused:
    """An entry the index would not take, and why: it stays in the store, to be looked at."""

    id: str
    reason: str


@dataclass(frozen=True)
class Health:
    """How the index is. remedy: what to do where it is not well.  generation: the one in use, empty where unknown."""

    well: bool
    backend: str
    documents: int
    detail: str
    remedy: str = ""
    generation: str = ""


class IndexBuilder(Protocol):
    """Takes all signals into an index beside the one in use."""

    def index(self, entries: Sequence[IndexEntry]) -> tuple[Refused, ...]:
        """As SearchBackend.index."""


class SearchBackend(Protocol):
    """An index. Every method raises SearchUnavailable when it cannot answer; nothing is lost then: the store has it."""

    def index(self, entries: Sequence[IndexEntry]) -> tuple[Refused, ...]:
        """Write entries; durable when it returns. The same id replaces unless the index holds a higher version.

        Returns those that can never be taken, with the reason.
        """

    def delete(self, ids: Iterable[str]) -> None:
        """Take them out; unknown ids are no error."""

    def search(self, request: SearchRequest) -> SearchResult:
        """One page of hits, with total, facets and bars of all of them."""

    def count(self) -> int:
        """Signals in the index."""

    def refresh(self) -> None:
        """Make all that was written before visible to the next search."""

    def rebuild(self) -> AbstractContextManager[IndexBuilder]:
        """Build a new index beside the old one and switch when the block ends; an exception leaves the old one.

        What is indexed or deleted meanwhile, by this or another process, is in both.
        """

    def tidy(self) -> int:
        """Begin what makes it smaller and quicker, at a quiet hour; how many parts of it are merged."""

    def health(self) -> Health:
        """How it is; never raises SearchUnavailable."""

    def close(self) -> None:
        """Give everything back."""
