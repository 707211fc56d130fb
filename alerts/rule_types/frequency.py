"""`frequency`: at least so many documents within a window."""

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from alerts.rule_types.options import Options, Span
from alerts.rule_types.protocol import ALL, Count, Event, Match, Matcher, Terms, Tick
from alerts.rule_types.window import Entry, Window


class FrequencyOptions(Options):
    """num_events: so many, inclusive.  attach_related: the match brings the other documents of its window."""

    num_events: int = Field(ge=1)
    timeframe: Span
    attach_related: bool = False


class Frequency(Matcher[FrequencyOptions]):
    """A key's window empties when it matches. A late document counts where it belongs; the match is the newest one."""

    name = "frequency"

    def __init__(self, options: FrequencyOptions) -> None:
        super().__init__(options)
        self._windows: dict[Any, Window] = {}

    def on_event(self, event: Event) -> Iterator[Match]:
        """A match where this document fills a window."""
        return self._take(self.group_of(event), event, 1)

    def _count(self, operation: Count) -> Iterator[Match]:
        return self._take(ALL, Event(operation.at, {}), operation.number)

    def _terms(self, operation: Terms) -> Iterator[Match]:
        for key, number in self.buckets(operation):
            yield from self._take(key, Event(operation.at, self.keyed(key)), number)

    def _take(self, group: Any, event: Event, number: float) -> Iterator[Match]:
        window = self._windows.setdefault(group, Window(self.options.timeframe))
        window.add(Entry(event, number))
        if window.total >= self.options.num_events:
            del self._windows[group]
            newest = window.newest.event
            others = tuple(entry.event for entry in window.entries[:-1]) if self.options.attach_related else ()
            yield Match(newest.at, newest.fields, others)

    def _tick(self, operation: Tick) -> Iterator[Match]:
        for group, window in list(self._windows.items()):
            if operation.at - window.newest.at > self.options.timeframe:
                del self._windows[group]
        return iter(())
