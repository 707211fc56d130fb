"""Links from a number to exactly the documents it counts: the search it was counted in, narrowed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from web.search_state import ANY, PARAMETERS, Asked, Filter
from web.search_time import Window, in_address

LONGEST_QUERY = 2000
"""Characters of a query that the search page reads."""


@dataclass(frozen=True)
class Condition:
    """The field holds one of the values, `*` any at all; negative: none of them. name, values: as in the address."""

    name: str
    values: tuple[str, ...]
    negative: bool = False


@dataclass(frozen=True)
class Span:
    """start <= t < end, aware; None is open."""

    start: datetime | None
    end: datetime | None


@dataclass(frozen=True)
class Narrowing:
    """Search pages below one search. at: what was stored later was not counted and is not shown.

    A relative time is as of `at` as well.
    """

    asked: Asked
    at: datetime

    def to(self, *conditions: Condition, span: Span | None = None, phrase: str = "") -> str:
        """The address of the search page with all of the conditions; "" where it would be too long to be read.

        span: instead of the time of the search.  phrase: a text that must be in title or body.
        """
        names = [each.name for each in conditions]
        if phrase or len(set(names)) < len(names) or not self._taken.isdisjoint(names):
            return self._mixed(conditions, span, phrase)
        # A page has hundreds of links: only what is new in one is written anew.
        new = urlencode([(_filter(each, value).parameter, value) for each in conditions for value in each.values])
        return f"{self._start(span)}{'&' if new else ''}{new}"

    @cached_property
    def _taken(self) -> frozenset[str]:
        """Fields that the search has a condition on already."""
        return frozenset(each.name for each in self.asked.filters)

    def _start(self, span: Span | None) -> str:
        if span not in self._starts:
            window = self.asked.window if span is None else window_of(span)
            self._starts[span] = "/search" + self.asked.link(window=window, at=self.at, **PLAIN)
        return self._starts[span]

    @cached_property
    def _starts(self) -> dict[Span | None, str]:
        return {}

    def _mixed(self, conditions: Sequence[Condition], span: Span | None, phrase: str) -> str:
        texts = [f"({self.asked.text})"] if self.asked.text else []
        filters = self.asked.filters
        for each in conditions:
            in_force = {one.value for one in filters if one.name == each.name and not one.negative and not one.off}
            # Values of one field mean any of them: what must hold as well goes into the query.
            if not each.negative and in_force - {ANY} and in_force != set(each.values) and ANY not in each.values:
                texts.append(_written(each))
                continue
            kept = (
                one for one in filters if one.value not in each.values or one.name != each.name or _stays(one, each)
            )
            filters = (*kept, *(_filter(each, value) for value in each.values))
        if phrase:
            texts.append(quoted(phrase))
        text = self.asked.text if len(texts) == bool(self.asked.text) else " and ".join(texts)
        if len(text) > LONGEST_QUERY:
            return ""
        window = self.asked.window if span is None else window_of(span)
        filters = tuple(dict.fromkeys(filters))
        return "/search" + self.asked.link(text=text, filters=filters, window=window, at=self.at, **PLAIN)


def _filter(each: Condition, value: str) -> Filter:
    return Filter(each.name, value, each.negative)


PLAIN: dict[str, Any] = {"sort": "", "view": "", "split": "", "step": ""}
"""A list of documents, newest first, whatever the page the number is on looks like."""


def _stays(one: Filter, each: Condition) -> bool:
    """A condition of the other sign on the same value keeps its force: together they find nothing, as counted."""
    return one.negative != each.negative and not one.off


def _written(each: Condition) -> str:
    field = PARAMETERS[each.name].name
    values = " or ".join(map(quoted, each.values))
    return f"{field}:{values}" if len(each.values) == 1 else f"{field}:({values})"


def quoted(text: str) -> str:
    """`text` as a query takes it literally."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def window_of(span: Span) -> Window:
    """A time between moments; both open: without limit."""
    low, high = (in_address(edge) if edge else "" for edge in (span.start, span.end))
    return Window(low or ("" if high else "all"), high, span.start, span.end, "")


def apart(asked: Asked, span: Span) -> Asked:
    """All documents of a time, with no other condition."""
    return replace(asked, text="", filters=(), like="", since=None, window=window_of(span))
