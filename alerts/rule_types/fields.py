"""Fields of a document by name, nested ones too: `firm.name`, `tags[0]`."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

_INDEXED = re.compile(r"(.*?)((?:\[\d+\])+)")


def look_up(fields: Any, name: str) -> Any:
    """The value of a field; None where there is none. A name that is there as it stands comes before a path."""
    if isinstance(fields, Mapping):
        if name in fields:
            return fields[name]
        at = -1
        while (at := name.find(".", at + 1)) >= 0:
            found = _step(fields, name[:at])
            if found is not None:
                return look_up(found, name[at + 1 :])
        return _step(fields, name)
    return None


def _step(fields: Mapping[str, Any], name: str) -> Any:
    if name in fields:
        return fields[name]
    indexed = _INDEXED.fullmatch(name)
    if indexed is None:
        return None
    found = fields.get(indexed[1])
    for place in re.findall(r"\d+", indexed[2]):
        if not isinstance(found, Sequence) or isinstance(found, str) or int(place) >= len(found):
            return None
        found = found[int(place)]
    return found


def usable_key(value: Any) -> Any:
    """The value as a key of a dict: lists and objects by their text."""
    try:
        hash(value)
    except TypeError:
        return str(value)
    return value


def joined(fields: Mapping[str, Any], parts: Sequence[str]) -> dict[str, Any]:
    """The fields with one more, named `a,b`, that holds the values of all parts: a query_key of several fields."""
    return {**fields, ",".join(parts): ", ".join(str(look_up(fields, part)) for part in parts)}


def nested(name: str, value: Any) -> dict[str, Any]:
    """`firm.name` and a value as {firm: {name: value}}."""
    for part in reversed(name.split(".")):
        value = {part: value}
    return dict(value)
