"""`cardinality`: too many or too few distinct values of a field within a window."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pydantic import Field, model_validator

from alerts.rule_types.fields import look_up, usable_key
from alerts.rule_types.options import Name, Options, Span, one_given
from alerts.rule_types.protocol import Event, Match, Matcher, Tick


class CardinalityOptions(Options):
    """More than max_cardinality match, fewer than min_cardinality do once a full timeframe has passed."""

    cardinality_field: Name
    timeframe: Span
    max_cardinality: float | None = Field(default=None, ge=0)
    min_cardinality: float | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _one_of_them(self) -> "CardinalityOptions":
        one_given(self, "max_cardinality", "min_cardinality")
        return self


class Cardinality(Matcher[CardinalityOptions]):
    """A value counts for a timeframe from the document that named it last in order of arrival.

    Too few are told at the end of a run or when any document comes; the timeframe then begins anew with the key's next
    document.
    """

    name = "cardinality"

    def __init__(self, options: CardinalityOptions) -> None:
        super().__init__(options)
        self._values: dict[Any, dict[Any, datetime]] = {}
        self._since: dict[Any, datetime] = {}

    def on_event(self, event: Event) -> Iterator[Match]:
        """Outdated values are dropped only where there might be a match."""
        group = self.group_of(event)
        values = self._values.setdefault(group, {})
        self._since.setdefault(group, event.at)
        value = usable_key(look_up(event.fields, self.options.cardinality_field))
        if value is None:
            return
        values[value] = event.at
        if self._crossed(group, event.at):
            yield from self._drop_old(event.at)
            yield from self._judge(group, event)

    def _tick(self, operation: Tick) -> Iterator[Match]:
        return self._drop_old(operation.at)

    def _drop_old(self, at: datetime) -> Iterator[Match]:
        for group, values in self._values.items():
            for value in [value for value, last in values.items() if at - last > self.options.timeframe]:
                del values[value]
            if self.options.min_cardinality is not None:
                yield from self._judge(group, Event(at, self.keyed(group)))

    def _judge(self, group: Any, event: Event) -> Iterator[Match]:
        if self._crossed(group, event.at):
            self._since.pop(group, None)
            yield Match(event.at, event.fields)

    def _crossed(self, group: Any, at: datetime) -> bool:
        number = len(self._values[group])
        most, least = self.options.max_cardinality, self.options.min_cardinality
        if most is not None and number > most:
            return True
        full = at - self._since.get(group, at) > self.options.timeframe
        return least is not None and number < least and full
