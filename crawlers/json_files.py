"""Records of a JSON file that somebody dropped: a list of objects, an object around one, or JSON lines."""

from collections.abc import Iterator, Mapping
from typing import Any

from core.errors import SourceChanged
from crawlers.charset import decode_page
from crawlers.pick import json_of, opened, values_at

ENDINGS = (".json", ".jsonl", ".ndjson")
DEEPEST = 4
"""Levels below the top at which a list of records is looked for."""


def json_records(data: bytes, *, items: str | None = None, encoding: str | None = None) -> list[Any]:
    """The records of a file, None in the place of what is no object.

    items: the path to the list; without it the file is the list, holds exactly one, or is a single record.
    Raises SourceChanged when it is no JSON, or the list cannot be told.
    """
    text = decode_page(data, override=encoding).text
    try:
        value = json_of(text)
    except (ValueError, RecursionError) as error:
        raise SourceChanged(f"is no JSON: {error}") from error
    if items is not None:
        found = [opened(part) for part in values_at(value, items)]
        value = found[0] if len(found) == 1 else found
    if isinstance(value, Mapping) and items is None:
        value = _only_list(value)
    if not isinstance(value, list):
        raise SourceChanged(f"no list of records at {items!r} (key: items)" if items else "is no list of records")
    return [record if isinstance(record, Mapping) else None for record in map(opened, value)]


def _only_list(value: Mapping[str, Any]) -> list[Any]:
    lists = dict(_lists(value, "", 0))
    if len(lists) > 1:
        raise SourceChanged(f"holds several lists ({', '.join(lists)}): say which one (key: items)")
    return next(iter(lists.values()), [value])


def _lists(value: Mapping[str, Any], path: str, depth: int) -> Iterator[tuple[str, list[Any]]]:
    """Lists of objects below `value`, by path; what stands inside one is not looked at."""
    for name, part in value.items():
        part, where = opened(part), f"{path}{name}"
        if isinstance(part, list) and any(isinstance(record, Mapping) for record in part):
            yield where, part
        elif isinstance(part, Mapping) and depth < DEEPEST:
            yield from _lists(part, f"{where}.", depth + 1)
