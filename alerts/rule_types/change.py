"""`change`: a field of the same key holds another value than before."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pydantic import Field, model_validator

from alerts.rule_types.fields import look_up
from alerts.rule_types.options import Names, Options, Span
from alerts.rule_types.protocol import Event, Match, Matcher


class ChangeOptions(Options):
    """compare_key: one field or several; a change of any of them counts.

    ignore_null: a document that lacks one of them is passed over; false is a value, nothing, "" and 0 are none.
    timeframe: the longest time between two documents for their difference to be a change.
    """

    query_key: Names = Field(min_length=1)
    compare_key: Names = Field(min_length=1)
    ignore_null: bool = False
    timeframe: Span | None = None

    @model_validator(mode="before")
    @classmethod
    def _compound(cls, told: Any) -> Any:
        if isinstance(told, dict) and "compound_compare_key" in told:
            told = dict(told)
            told["compare_key"] = told.pop("compound_compare_key")
        return told


class Change(Matcher[ChangeOptions]):
    """The first values of a key are only kept. A change that came too slowly is kept too, but does not match."""

    name = "change"

    def __init__(self, options: ChangeOptions) -> None:
        super().__init__(options)
        self._last: dict[Any, tuple[datetime, list[Any]]] = {}

    def on_event(self, event: Event) -> Iterator[Match]:
        """A match where the values differ from those of the document before."""
        values = [look_up(event.fields, name) for name in self.options.compare_key]
        if self.options.ignore_null and any(not value and not isinstance(value, bool) for value in values):
            return
        group = self.group_of(event)
        before = self._last.get(group)
        self._last[group] = (event.at, values)
        if before is None or before[1] == values:
            return
        if self.options.timeframe is not None and event.at - before[0] > self.options.timeframe:
            return
        yield Match(event.at, {**event.fields, "old_value": before[1], "new_value": values})
