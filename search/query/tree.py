"""A query as it was written: a frozen tree. What it means is decided by search/query/bind.py.

`at` is the offset of the node's first character; it does not take part in comparison.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Value:
    """A literal. parts: the text around each unescaped `*`; one part means no wildcard.  quoted: a phrase."""

    parts: tuple[str, ...]
    quoted: bool = False
    at: int = field(default=0, compare=False)

    @property
    def text(self) -> str:
        """The literal, wildcards as `*`."""
        return "*".join(self.parts)

    @property
    def wild(self) -> bool:
        """Whether a wildcard is in it."""
        return len(self.parts) > 1

    @property
    def glob(self) -> tuple[str, ...]:
        """The parts without wildcards that say nothing: `a**b` is `a*b`."""
        head, *rest = self.parts
        return (head, *(part for part in rest[:-1] if part), *rest[-1:])

    @property
    def anything(self) -> bool:
        """Whether it is nothing but wildcards: `*`."""
        return self.wild and not any(self.parts)


@dataclass(frozen=True)
class Is:
    """`field:value`, or bare text where field is None."""

    field: Value | None
    value: Value


@dataclass(frozen=True)
class Range:
    """`field >= value`. operator: gt | gte | lt | lte."""

    field: Value
    operator: str
    value: Value


@dataclass(frozen=True)
class And:
    """All of them."""

    parts: tuple["Node", ...]


@dataclass(frozen=True)
class Or:
    """At least one of them."""

    parts: tuple["Node", ...]


@dataclass(frozen=True)
class Not:
    """Everything but."""

    part: "Node"


@dataclass(frozen=True)
class Nested:
    """`path:{ ... }`: one object below `path` meets the inner query."""

    path: Value
    part: "Node"


Node = Is | Range | And | Or | Not | Nested

CONSTANTS = {"true": True, "false": False, "null": None}
"""What KQL reads as something else than text, where it stands without quotes."""

ANY = Value(("", ""))
EVERYTHING = Is(ANY, ANY)


def tree_json(node: Node) -> dict[str, Any]:
    """The tree as plain data: {"is": [field, value]}, {"range": [field, operator, value]}, {"and": [...]},
    {"or": [...]}, {"not": ...}, {"nested": [path, ...]}; bare text has the field null, a phrase adds "phrase": true.
    As in KQL true, false and null without quotes are no text."""
    match node:
        case Is(name, value):
            found: dict[str, Any] = {"is": [name.text if name else None, _plain(value)]}
            return found | ({"phrase": True} if value.quoted else {})
        case Range(name, operator, value):
            return {"range": [name.text, operator, _plain(value)]}
        case And(parts):
            return {"and": [tree_json(part) for part in parts]}
        case Or(parts):
            return {"or": [tree_json(part) for part in parts]}
        case Not(part):
            return {"not": tree_json(part)}
        case Nested(path, part):
            return {"nested": [path.text, tree_json(part)]}


def _plain(value: Value) -> str | bool | None:
    return value.text if value.quoted else CONSTANTS.get(value.text, value.text)


def has_free_text(node: Node) -> bool:
    """Whether some part of the query names no field."""
    match node:
        case Is(name, _):
            return name is None
        case And(parts) | Or(parts):
            return any(has_free_text(part) for part in parts)
        case Not(part) | Nested(_, part):
            return has_free_text(part)
        case _:
            return False
