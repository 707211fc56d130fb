"""`any`: every document matches."""

from collections.abc import Iterator

from alerts.rule_types.options import Options
from alerts.rule_types.protocol import Event, Match, Matcher


class AnyOptions(Options):
    """Nothing to set."""


class AnyDocument(Matcher[AnyOptions]):
    """See the file."""

    name = "any"

    def on_event(self, event: Event) -> Iterator[Match]:
        """Every document is a match."""
        yield Match(event.at, event.fields)
