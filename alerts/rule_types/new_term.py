"""`new_term`: a field holds a value that it never held before."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field, field_validator, model_validator

from alerts.rule_types.fields import look_up, usable_key
from alerts.rule_types.options import Options
from alerts.rule_types.protocol import Event, Match, Matcher, Terms

Watched = str | tuple[str, ...]
"""A field, or several whose values together are one term."""


class NewTermOptions(Options):
    """fields: each watched by itself (the query_key where there are none).

    seen: the values known at the start: a list for all fields, or lists by field (`a,b` for several fields together).
    alert_on_missing_field: whether a document without a field, or with nothing in it, matches.
    """

    fields: tuple[Watched, ...]
    seen: list[Any] | dict[str, list[Any]] = Field(default_factory=list)
    alert_on_missing_field: bool = False

    @model_validator(mode="before")
    @classmethod
    def _default_fields(cls, told: Any) -> Any:
        if isinstance(told, Mapping) and "fields" not in told and told.get("query_key"):
            return {**told, "fields": told["query_key"]}
        return told

    @field_validator("fields", mode="before")
    @classmethod
    def _read_fields(cls, value: Any) -> Any:
        told = [value] if isinstance(value, str) else value
        if not isinstance(told, list | tuple) or not told:
            raise ValueError("is not a field or a list of fields")
        found: list[Watched] = []
        for one in told:
            parts = (one,) if isinstance(one, str) else tuple(one) if isinstance(one, list | tuple) else ()
            if not parts or not all(isinstance(part, str) and part for part in parts):
                raise ValueError("is not a field or a list of fields")
            found.append(one if isinstance(one, str) else parts)
        return tuple(found)


class NewTerm(Matcher[NewTermOptions]):
    """Nothing, 0, "" and false are no terms. Differs on purpose: known terms come from the store, so that a restart
    forgets none, and there is no limit to how many are known.
    """

    name = "new_term"

    def __init__(self, options: NewTermOptions) -> None:
        super().__init__(options)
        self._seen: dict[Watched, set[Any]] = {field: set(_known(options.seen, field)) for field in options.fields}

    def on_event(self, event: Event) -> Iterator[Match]:
        """A match for each field with a new value. Marks of an earlier field stay on the document."""
        told = dict(event.fields)
        for field in self.options.fields:
            term = _term(event.fields, field)
            name = field if isinstance(field, str) else list(field)
            if term is None:
                if self.options.alert_on_missing_field:
                    told["missing_field"] = name
                    yield Match(event.at, dict(told))
            elif term not in self._seen[field]:
                self._seen[field].add(term)
                told["new_field"] = name
                yield Match(event.at, dict(told))

    def _terms(self, operation: Terms) -> Iterator[Match]:
        field = self.options.fields[0]
        if len(self.options.fields) > 1 or not isinstance(field, str):
            raise self._not_taken("terms with more than one field")
        for key, number in operation.numbers.items():
            if number >= max(self.options.min_doc_count, 1) and key not in self._seen[field]:
                self._seen[field].add(key)
                yield Match(operation.at, {field: key, "new_field": field})


def _term(fields: Mapping[str, Any], field: Watched) -> Any:
    """The value as it is remembered; None where it, or one of its parts, is missing or empty."""
    if isinstance(field, str):
        value = look_up(fields, field)
        return usable_key(value) if value else None
    values = [look_up(fields, part) for part in field]
    return tuple(usable_key(value) for value in values) if all(values) else None


def _known(seen: list[Any] | dict[str, list[Any]], field: Watched) -> Iterator[Any]:
    name = field if isinstance(field, str) else ",".join(field)
    for value in seen.get(name, []) if isinstance(seen, dict) else seen:
        if isinstance(field, str):
            yield usable_key(value)
        elif isinstance(value, list | tuple):
            yield tuple(usable_key(part) for part in value)
