"""What goes into a rule type and what comes out: operations in, matches out, times as aware datetimes.

A rule type keeps its state in itself and asks nothing else: the same operations in the same order give the same
matches.
State is therefore rebuilt by telling a new instance the stored stream again.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from alerts.rule_types.fields import joined, look_up, usable_key
from alerts.rule_types.options import Options
from core.errors import UsageError

ALL = "all"
"""The group of everything, where no query_key splits."""


@dataclass(frozen=True)
class Event:
    """One document: when, and its fields (they may be nested)."""

    at: datetime
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Match:
    """The rule fired. at: the time stamp of the event that stands for the match.  fields: what it carries.

    related: the other events of it, where attach_related asks for them.
    """

    at: datetime
    fields: Mapping[str, Any]
    related: tuple[Event, ...] = ()


@dataclass(frozen=True)
class Events:
    """Documents in the order in which they arrived: one run's worth."""

    events: tuple[Event, ...]


@dataclass(frozen=True)
class Tick:
    """The end of a run at this time, also of one that brought nothing."""

    at: datetime


@dataclass(frozen=True)
class Count:
    """So many documents since the last count."""

    at: datetime
    number: float


@dataclass(frozen=True)
class Terms:
    """So many documents by value of the query_key. Any number of values: nothing is cut at 50."""

    at: datetime
    numbers: Mapping[str, float]


Value = float | None
Values = Mapping[str, "Value | Values"]


@dataclass(frozen=True)
class Metric:
    """A metric of the documents of a run, or one by value of the query_key (nested where there are several fields)."""

    at: datetime
    value: Value | Values


@dataclass(frozen=True)
class Percent:
    """How many documents match the bucket's filter and how many do not, by value of the query_key (None: of all)."""

    at: datetime
    numbers: Mapping[str | None, tuple[float, float]]


Operation = Events | Tick | Count | Terms | Metric | Percent


class NotTaken(UsageError):
    """An operation that this rule type does not know."""


class RuleType(Protocol):
    """What every rule type is: it is told one operation after the other and answers with matches."""

    def feed(self, operation: Operation) -> tuple[Match, ...]:
        """The matches that this operation brings, in order. Raises NotTaken."""
        ...


Told = TypeVar("Told", bound=Options)


class Matcher(Generic[Told]):
    """The base of all types: sends each operation to its method and says which ones a type does not take."""

    name: ClassVar[str]

    def __init__(self, options: Told) -> None:
        self.options = options

    def feed(self, operation: Operation) -> tuple[Match, ...]:
        """See RuleType."""
        takers: dict[type, Callable[[Any], Iterator[Match]]] = {
            Events: self._events,
            Tick: self._tick,
            Count: self._count,
            Terms: self._terms,
            Metric: self._metric,
            Percent: self._percent,
        }
        return tuple(takers[type(operation)](operation))

    def group_of(self, event: Event) -> Any:
        """The value of the query_key that an event counts for: None where it has none, ALL without a query_key."""
        name = self.options.key_name
        return usable_key(look_up(event.fields, name)) if name else ALL

    def keyed(self, group: Any) -> dict[str, Any]:
        """The query_key's field for an event that stands for no document."""
        return {self.options.key_name: group} if self.options.query_key else {}

    def on_event(self, event: Event) -> Iterator[Match]:
        """One document."""
        raise self._not_taken("events")

    def on_batch(self, events: tuple[Event, ...]) -> Iterator[Match]:
        """The documents of one run."""
        for event in events:
            yield from self.on_event(event)

    def _events(self, operation: Events) -> Iterator[Match]:
        parts, events = self.options.query_key, operation.events
        if len(parts) > 1:
            events = tuple(replace(one, fields=joined(one.fields, parts)) for one in events)
        return self.on_batch(events)

    def _tick(self, operation: Tick) -> Iterator[Match]:
        return iter(())

    def _count(self, operation: Count) -> Iterator[Match]:
        raise self._not_taken("count")

    def _terms(self, operation: Terms) -> Iterator[Match]:
        raise self._not_taken("terms")

    def _metric(self, operation: Metric) -> Iterator[Match]:
        raise self._not_taken("metric")

    def _percent(self, operation: Percent) -> Iterator[Match]:
        raise self._not_taken("percent")

    def buckets(self, operation: Terms) -> Iterator[tuple[str, float]]:
        """The buckets that count. Raises NotTaken without a query_key: there is no field they could be values of."""
        if not self.options.query_key:
            raise NotTaken("terms need a query_key in config")
        for key, number in operation.numbers.items():
            if number >= self.options.min_doc_count:
                yield key, number

    def _not_taken(self, what: str) -> NotTaken:
        return NotTaken(f"{self.name} does not take the operation {what}")
