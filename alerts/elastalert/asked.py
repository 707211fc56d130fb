"""What a filter asks for, as a tree of our own query language, and that tree as text.

Field names of an index become ours by `FieldNames`; what our language cannot say raises NotCarried with the reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from search.fields import field_named
from search.query.escape import escape_literal, literal_of
from search.query.tree import And, Is, Node, Not, Or, Range, Value

OPERATORS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
ANYTHING = Value(("", ""))


class NotCarried(Exception):
    """Our rules cannot say this. The message is the reason, in words for people."""


@dataclass(frozen=True)
class FieldNames:
    """Names in someone's index for names of ours. given: what the user says; ours are known without being given."""

    given: Mapping[str, str] = field(default_factory=dict)

    def label(self, name: str) -> str:
        """Our label of a field. Raises NotCarried for one that we do not have."""
        plain = name.removesuffix(".keyword").removesuffix(".raw")
        found = field_named(self.given.get(name, self.given.get(plain, plain)))
        if found is None:
            raise NotCarried(f"信号没有字段“{name[:80]}”；若对应本系统的某个字段，用 --map {plain[:40]}=字段名 说明")
        return found.label

    def value(self, name: str) -> Value:
        """As label, as part of a tree."""
        return Value((self.label(name),))


def has(names: FieldNames, name: str, value: Any, *, wild: bool = False) -> Node:
    """`field: value`. wild: `*` in it stands for anything."""
    text = scalar(value)
    if wild and "?" in text:
        raise NotCarried(f"通配符只有“*”，没有代表一个字的“?”：{text[:80]}")
    parts = tuple(text.split("*")) if wild else (text,)
    return Is(names.value(name), Value(parts, quoted=not wild))


def scalar(value: Any) -> str:
    """A value as text. Raises NotCarried for lists and objects."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float) or value == "":
        raise NotCarried(f"不是一个值：{str(value)[:80]}")
    return str(value)


def both(parts: list[Node]) -> Node:
    """All of them."""
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def either(parts: list[Node]) -> Node:
    """At least one of them."""
    return parts[0] if len(parts) == 1 else Or(tuple(parts))


def written(node: Node, *, inside: bool = False) -> str:
    """The tree as a query. inside: with parentheses where it has several parts."""
    match node:
        case And(parts) | Or(parts):
            word = " and " if isinstance(node, And) else " or "
            text = word.join(written(part, inside=True) for part in parts)
            return f"({text})" if inside else text
        case Not(part):
            return f"not {written(part, inside=True)}"
        case Is(None, value):
            return _literal(value)
        case Is(Value() as name, value):
            return f"{name.text}:{_literal(value)}"
        case Range(name, operator, value):
            return f"{name.text}{OPERATORS[operator]}{_literal(value)}"
    raise NotCarried("不是简单条件")


def _literal(value: Value) -> str:
    return "*".join(escape_literal(part) for part in value.parts) if value.wild else literal_of(value.text)
