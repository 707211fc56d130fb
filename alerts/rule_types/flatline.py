"""`flatline`: fewer documents than so many within a window."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pydantic import Field

from alerts.rule_types.options import Options, Span
from alerts.rule_types.protocol import ALL, Count, Event, Match, Matcher, Terms, Tick
from alerts.rule_types.window import Entry, Window


class FlatlineOptions(Options):
    """threshold: fewer than so many match.  forget_keys: a key that fell silent is told once, until it is back."""

    threshold: float = Field(gt=0)
    timeframe: Span
    forget_keys: bool = False


class Flatline(Matcher[FlatlineOptions]):
    """Only keys that were seen can be missed; with no query_key everything is one key, missed from the first tick on.

    A key is judged when a timeframe has passed since it was first judged, then at every run until data is back. Within
    a batch of documents nothing is judged but, at its end, the key of its last document.
    """

    name = "flatline"

    def __init__(self, options: FlatlineOptions) -> None:
        super().__init__(options)
        self._windows: dict[Any, Window] = {}
        self._since: dict[Any, datetime] = {}

    def on_batch(self, events: tuple[Event, ...]) -> Iterator[Match]:
        """Takes all of them in before anything is judged: half a batch would look like silence."""
        for event in events:
            self._add(self.group_of(event), event, 1)
        return self._judge(self.group_of(events[-1])) if events else iter(())

    def _count(self, operation: Count) -> Iterator[Match]:
        self._add(ALL, Event(operation.at, {}), operation.number)
        return self._judge(ALL)

    def _terms(self, operation: Terms) -> Iterator[Match]:
        for key, number in self.buckets(operation):
            self._add(key, Event(operation.at, self.keyed(key)), number)
            yield from self._judge(key)

    def _tick(self, operation: Tick) -> Iterator[Match]:
        for group in list(self._windows) or ([] if self.options.query_key else [ALL]):
            self._add(group, Event(operation.at, {}), 0)
            self._since.setdefault(group, operation.at)
            yield from self._judge(group)

    def _add(self, group: Any, event: Event, number: float) -> None:
        self._windows.setdefault(group, Window(self.options.timeframe)).add(Entry(event, number))

    def _judge(self, group: Any) -> Iterator[Match]:
        window = self._windows[group]
        newest = window.newest
        since = self._since.setdefault(group, newest.at)
        if newest.at - since < self.options.timeframe or window.total >= self.options.threshold:
            return
        if self.options.forget_keys:
            del self._windows[group], self._since[group]
        else:
            self._since[group] = min(window.entries[0].at, newest.at - self.options.timeframe)
        told = {"key": group, "count": window.total, "threshold": self.options.threshold}
        yield Match(newest.at, {**newest.event.fields, **told})
