"""`spike`: a window against the window before it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar

from pydantic import Field

from alerts.rule_types.fields import look_up
from alerts.rule_types.options import Name, Options, Span
from alerts.rule_types.protocol import ALL, Count, Event, Match, Matcher, Terms, Tick
from alerts.rule_types.window import Entry, Window


class SpikeWindows(Options):
    """What the two windows are and how they are compared.

    spike_height: so many times more (up) or less (down).  threshold_cur, threshold_ref: the least that the current and
    the reference window must hold.  alert_on_new_data: with a query_key, a new key may match before it has a past of
    two timeframes, once any key has had one.
    """

    timeframe: Span
    spike_height: float = Field(gt=0)
    spike_type: Literal["up", "down", "both"]
    threshold_cur: float = 0
    threshold_ref: float = 0
    alert_on_new_data: bool = False


class SpikeOptions(SpikeWindows):
    """field_value: compare the mean of this field (whole numbers) instead of counts; thresholds do not count then."""

    field_value: Name | None = None


Told = TypeVar("Told", bound=SpikeWindows)


@dataclass(frozen=True)
class Pair:
    """The two windows of a key: what leaves the current one enters the reference."""

    current: Window
    reference: Window


class TwoWindows(Matcher[Told]):
    """Two adjacent windows a key; after a match the reference empties and two timeframes must pass again."""

    def __init__(self, options: Told) -> None:
        super().__init__(options)
        self._pairs: dict[Any, Pair] = {}
        self._since: dict[Any, datetime] = {}
        """Of each key the first event after its last match."""
        self._quiet: dict[Any, datetime] = {}
        """Until when a key that matched is no new key."""
        self._past = False
        """Whether any key has had two timeframes."""

    def measured(self, window: Window) -> float | None:
        """What of a window is compared."""
        return window.total

    def reached(self, reference: float | None, current: float | None) -> bool:
        """Whether both windows hold enough to be compared at all."""
        if reference is None or current is None:
            return False
        return current >= self.options.threshold_cur and reference >= self.options.threshold_ref

    def stands_for(self, entry: Entry) -> bool:
        """Whether an entry of the current window may stand for the match; the oldest one that may does."""
        return bool(entry.number)

    def _tick(self, operation: Tick) -> Iterator[Match]:
        for group, pair in list(self._pairs.items()):
            if group != ALL and not pair.reference.total and not pair.current.total:
                del self._pairs[group]  # its past is kept: it is judged at once when it is back
                continue
            key = self.keyed(group) if group != ALL else {}
            yield from self.take(group, Entry(Event(operation.at, {"placeholder": True, **key}), 0, marker=True))

    def take(self, group: Any, entry: Entry) -> Iterator[Match]:
        """One more entry for a key."""
        since = self._since.setdefault(group, entry.at)
        span = self.options.timeframe
        pair = self._pairs.setdefault(group, Pair(Window(span), Window(span)))
        for left in pair.current.add(entry):
            pair.reference.add(left)
        if not self._may_match(group, entry.at, since):
            return
        reference, current = self.measured(pair.reference), self.measured(pair.current)
        if not self.reached(reference, current) or not self._differs(reference or 0, current or 0):
            return
        entries = pair.current.entries
        event = next((one.event for one in entries if self.stands_for(one)), entries[-1].event)
        yield Match(event.at, {**event.fields, "spike_count": current, "reference_count": reference})
        pair.reference.clear()
        del self._since[group]
        self._quiet[group] = event.at + span * 2

    def _may_match(self, group: Any, at: datetime, since: datetime) -> bool:
        if at - since >= self.options.timeframe * 2:
            self._past = True
            return True
        if not (self._past and self.options.query_key and self.options.alert_on_new_data):
            return False
        return group not in self._quiet or at >= self._quiet[group]

    def _differs(self, reference: float, current: float) -> bool:
        height, wanted = self.options.spike_height, self.options.spike_type
        up = wanted != "down" and current >= reference * height
        down = wanted != "up" and current <= reference / height
        return up or down


class Spike(TwoWindows[SpikeOptions]):
    """Counts documents, or compares the mean of a field."""

    name = "spike"

    def on_event(self, event: Event) -> Iterator[Match]:
        """Differs on purpose: a value that is no number is passed over, whatever it is, and never ends the run."""
        group = self.group_of(event)
        number: int | None = 1
        if self.options.field_value is not None:
            number = _whole(look_up(event.fields, self.options.field_value))
        return iter(()) if number is None else self.take("other" if group is None else group, Entry(event, number))

    def _count(self, operation: Count) -> Iterator[Match]:
        return self.take(ALL, Entry(Event(operation.at, {}), operation.number))

    def _terms(self, operation: Terms) -> Iterator[Match]:
        for key, number in self.buckets(operation):
            yield from self.take(key, Entry(Event(operation.at, self.keyed(key)), number))

    def measured(self, window: Window) -> float | None:
        """The number of documents, or the mean of the field."""
        return window.total if self.options.field_value is None else window.mean

    def reached(self, reference: float | None, current: float | None) -> bool:
        """Means of nothing and of zero are not compared; thresholds are for counts."""
        if self.options.field_value is None:
            return super().reached(reference, current)
        return bool(reference) and bool(current)

    def stands_for(self, entry: Entry) -> bool:
        """A document, also one whose value is 0."""
        return not entry.marker if self.options.field_value is not None else super().stands_for(entry)


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None
