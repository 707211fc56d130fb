"""`blacklist`: a field holds one of the listed values."""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator

from alerts.rule_types.fields import look_up
from alerts.rule_types.options import Name, Options
from alerts.rule_types.protocol import Event, Match, Matcher

Scalar = str | int | float | bool


def no_files(values: list[Scalar]) -> list[Scalar]:
    """A rule type reads no files: `!file` entries are resolved before."""
    if any(isinstance(value, str) and value.startswith("!file") for value in values):
        raise ValueError("lists in files (!file) are not read here; write the values themselves")
    return values


Listed = Annotated[list[Scalar], AfterValidator(no_files)]


class BlacklistOptions(Options):
    """compare_key: the field.  blacklist: its values."""

    compare_key: Name
    blacklist: Listed


class Blacklist(Matcher[BlacklistOptions]):
    """A document without the field never matches. Differs on purpose: of a field with several values one is enough."""

    name = "blacklist"

    def __init__(self, options: BlacklistOptions) -> None:
        super().__init__(options)
        self._listed = frozenset(options.blacklist)

    def on_event(self, event: Event) -> Iterator[Match]:
        """A match where the field's value is listed."""
        if any(value in self._listed for value in values_of(event, self.options.compare_key)):
            yield Match(event.at, event.fields)


def values_of(event: Event, name: str) -> list[Any]:
    """The values of a field, none where it is missing. Objects are no values."""
    found = look_up(event.fields, name)
    return [one for one in (found if isinstance(found, list) else [found]) if isinstance(one, Scalar)]
