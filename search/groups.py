"""How many signals each group holds in each stretch of time: what rules of counts ask an index, without a limit on how
many groups there are."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any, Protocol

from search.backend import SearchBackend, SearchRequest, Sort
from search.records import millis, moment
from search.where import Between, Everything, Scalar, Where, both

PAGE = 2_000
"""Groups an engine hands over at once."""


@dataclass(frozen=True)
class GroupsAsked:
    """Signals of `where` with from_ <= event time < to, counted by the values of `by` (keyword fields; a signal with
    several values is in several groups, one without a value in none) and by stretches of `width` since 1970 UTC."""

    from_: datetime
    to: datetime
    width: timedelta
    by: tuple[str, ...] = ()
    where: Where = field(default_factory=Everything)

    def asked(self) -> Where:
        """The query and its time."""
        return both([self.where, Between("event_time", millis(self.from_), millis(self.to))])

    @property
    def milliseconds(self) -> int:
        """The width in the unit of the index."""
        return int(self.width.total_seconds() * 1000)


@dataclass(frozen=True)
class GroupCount:
    """count: signals of the group (its values in the order of `by`) in [start, start + width)."""

    values: tuple[Scalar, ...]
    start: datetime
    count: int


class CountingBackend(SearchBackend, Protocol):
    """An index that counts by groups."""

    def groups(self, asked: GroupsAsked) -> list[GroupCount]:
        """Every group over 0, in any order."""


def composite_of(asked: GroupsAsked, after: Mapping[str, Any] | None) -> dict[str, Any]:
    """The aggregation of one page, in the words of Elasticsearch."""
    sources: list[dict[str, Any]] = [{name: {"terms": {"field": name}}} for name in asked.by]
    sources.append({"_start": {"histogram": {"field": "event_time", "interval": asked.milliseconds}}})
    page = {"size": PAGE, "sources": sources}
    return {"composite": page | ({"after": dict(after)} if after else {})}


def paged(asked: GroupsAsked, ask: Callable[[dict[str, Any]], Any]) -> Iterator[GroupCount]:
    """Every group, page by page. ask: takes an aggregation, gives what was counted."""
    after: Mapping[str, Any] | None = None
    while True:
        answer = ask(composite_of(asked, after))
        for bucket in answer["buckets"]:
            key = bucket["key"]
            values = tuple(key[name] for name in asked.by)
            # A time comes back in the format of its field: milliseconds, written out.
            yield GroupCount(values, moment(float(key["_start"])), bucket["doc_count"])
        after = answer.get("after_key")
        if not after or not answer["buckets"]:
            return


def nested_of(asked: GroupsAsked, most: int) -> dict[str, Any]:
    """The same in one answer of at most `most` buckets, one field inside the other."""
    inner: dict[str, Any] = {"histogram": {"field": "event_time", "interval": asked.milliseconds, "min_doc_count": 1}}
    for name in reversed(asked.by):
        inner = {"terms": {"field": name, "size": most}, "aggs": {"_inner": inner}}
    return inner


def unnested(asked: GroupsAsked, answer: Any, values: tuple[Scalar, ...] = ()) -> Iterator[GroupCount]:
    """The groups of such an answer."""
    for bucket in answer["buckets"]:
        if len(values) == len(asked.by):
            yield GroupCount(values, moment(bucket["key"]), bucket["doc_count"])
        else:
            yield from unnested(asked, bucket["_inner"], (*values, bucket["key"]))


def counted_from_hits(backend: SearchBackend, asked: GroupsAsked) -> Iterator[GroupCount]:
    """The same from the hits themselves: where an engine would rather not count so many groups at once."""
    found: dict[tuple[tuple[Scalar, ...], int], int] = {}
    for fields in every_hit(backend, SearchRequest(asked.where, asked.from_, asked.to)):
        start = millis(fields["event_time"]) // asked.milliseconds * asked.milliseconds
        held = [fields[name] if isinstance(fields[name], list) else [fields[name]] for name in asked.by]
        for values in product(*held):
            found[values, start] = found.get((values, start), 0) + 1
    for (values, start), count in found.items():
        yield GroupCount(values, moment(start), count)


def every_hit(backend: SearchBackend, request: SearchRequest) -> Iterator[Mapping[str, Any]]:
    """The fields of every hit, oldest first, page by page."""
    page = replace(request, size=1000, sort=Sort.OLDEST, facets={}, histogram=False)
    while True:
        answer = backend.search(page)
        for hit in answer.hits:
            yield hit.fields
        if answer.next is None:
            return
        page = replace(page, after=answer.next)
