"""`whitelist`: a field holds a value that is not listed."""

from collections.abc import Iterator

from alerts.rule_types.blacklist import Listed, values_of
from alerts.rule_types.options import Name, Options
from alerts.rule_types.protocol import Event, Match, Matcher


class WhitelistOptions(Options):
    """compare_key: the field.  ignore_null: whether documents without it are passed over (else they match)."""

    compare_key: Name
    whitelist: Listed
    ignore_null: bool


class Whitelist(Matcher[WhitelistOptions]):
    """Differs on purpose: of a field with several values one that is not listed is enough."""

    name = "whitelist"

    def __init__(self, options: WhitelistOptions) -> None:
        super().__init__(options)
        self._listed = frozenset(options.whitelist)

    def on_event(self, event: Event) -> Iterator[Match]:
        """A match where the value is not listed."""
        values = values_of(event, self.options.compare_key)
        matches = any(value not in self._listed for value in values) if values else not self.options.ignore_null
        if matches:
            yield Match(event.at, event.fields)
