"""From the tree of a query to what it asks for: fields, names, numbers and dates are looked up here, once for both
backends. A field nobody knows finds nothing and is told as a warning, as in KQL; a value that its field cannot hold
raises QueryError."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches

from search.fields import BY_NAME, FIELDS, Field, FieldType, field_named
from search.names import Names
from search.query import tree
from search.query.dates import FORMS, Span, read_span
from search.query.errors import QueryError
from search.query.parse import parse_query
from search.records import millis
from search.text import fold
from search.where import (
    AllOf,
    AnyOf,
    Between,
    Everything,
    Exists,
    Not,
    Nothing,
    OneOf,
    Phrase,
    Scalar,
    Where,
    Wild,
    WildText,
    Words,
)  # fmt: skip

Synonyms = Mapping[str, tuple[str, ...]]
NO_SYNONYMS: Synonyms = {}
_SHORTEST_WORD = 2  # characters
OPERATORS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
UNLISTED = "NIL:"
"""How the analysis writes a firm that is in no list (core/records.py, Mention)."""


@dataclass(frozen=True)
class Query:
    """A query that can be asked. tree: as written.  warnings: what the reader should know, in Chinese."""

    text: str
    tree: tree.Node
    where: Where
    warnings: tuple[str, ...] = ()


@dataclass
class _Binder:
    names: Names
    now: datetime
    synonyms: Synonyms
    warnings: dict[str, None] = field(default_factory=dict)

    def bind(self, node: tree.Node) -> Where:
        match node:
            case tree.And(parts):
                return AllOf(tuple(self.bind(part) for part in parts))
            case tree.Or(parts):
                return AnyOf(tuple(self.bind(part) for part in parts))
            case tree.Not(part):
                return Not(self.bind(part))
            case tree.Nested(path, _):
                self._unknown(path)
                return Nothing()
            case tree.Range(name, operator, value):
                return self._named(name, lambda found: _range(found, operator, value, self.now))
            case tree.Is(name, value):
                return self._is(name, value) if name else self._text(value)

    def _is(self, name: tree.Value, value: tree.Value) -> Where:
        if name.anything:
            return Everything() if value.anything else self._text(value)
        return self._named(name, lambda found: self._value(found, value))

    def _named(self, name: tree.Value, make: Callable[[Field], Where]) -> Where:
        """`make` for the field called `name`; a name with wildcards means any of the fields it fits."""
        if name.wild and not name.quoted:
            form = re.compile(".*".join(map(re.escape, name.parts)))
            fields = [found for found in FIELDS if form.fullmatch(found.name)]
            return AnyOf(tuple(make(found) for found in fields)) if fields else self._unknown(name)
        found = field_named(name.text)
        if found is not None:
            return make(found)
        *words, last = name.text.split() or [""]
        if words and not name.quoted and (found := field_named(last)):
            text = " ".join(words)
            self.warnings[f"“{name.text}”读作 {text} and {last}"] = None
            return AllOf((Words(text), make(found)))
        return self._unknown(name)

    def _unknown(self, name: tree.Value) -> Where:
        near = get_close_matches(name.text.lower(), BY_NAME, n=1, cutoff=0.75)
        hint = f"；是不是 {near[0]}" if near else ""
        self.warnings[f"没有“{name.text}”这个字段，此条件不会命中{hint}"] = None
        return Nothing()

    def _text(self, value: tree.Value, fields: tuple[str, ...] | None = None) -> Where:
        chosen: Mapping[str, tuple[str, ...]] = {"fields": fields} if fields else {}
        if value.quoted:
            return Phrase(value.text, **chosen)
        if value.anything:
            return AnyOf(tuple(Exists(name) for name in fields)) if fields else Everything()
        if not value.wild:
            return self._words(value.text, chosen)
        # `电动* 起火`: each word on its own, so that the wildcard stays inside one word.
        words = "\0".join(value.parts).split()
        forms = {word: tuple(map(fold, word.split("\0"))) for word in words}
        return AllOf(tuple(WildText(forms[w], **chosen) if "\0" in w else Words(w, **chosen) for w in words))

    def _words(self, text: str, chosen: Mapping[str, tuple[str, ...]]) -> Where:
        """All of the words; one that has synonyms is found by any of them too."""
        pieces = [part for piece in text.split() for part in self._split(piece)]
        others = {piece: self.synonyms.get(fold(piece), ()) for piece in pieces}
        if not any(others.values()):
            return Words(text, **chosen)
        parts = tuple(
            AnyOf((Words(piece, **chosen), *(Phrase(other, **chosen) for other in others[piece])))
            if others[piece]
            else Words(piece, **chosen)
            for piece in pieces
        )
        return parts[0] if len(parts) == 1 else AllOf(parts)

    def _split(self, piece: str) -> list[str]:
        """`电瓶车起火` as 电瓶车 and 起火, where one of them has synonyms and the other is a word's length at least."""
        for cut in range(len(piece) - _SHORTEST_WORD, _SHORTEST_WORD - 1, -1):
            parts = [piece[:cut], piece[cut:]]
            if any(fold(part) in self.synonyms for part in parts):
                return parts
        return [piece]

    def _value(self, found: Field, value: tree.Value) -> Where:
        if found.type is FieldType.TEXT:
            return self._text(value, (found.name,))
        if value.anything and not value.quoted:
            return Exists(found.name)
        if found.type is FieldType.KEYWORD:
            if value.wild:
                return Wild(found.name, value.parts)
            return OneOf(found.name, self._ids(found, value.text))
        if found.type is FieldType.DATE:
            span = _span(found, value, self.now)
            return Between(found.name, millis(span.start), millis(span.end))
        return OneOf(found.name, (_scalar(found, value),))

    def _ids(self, found: Field, text: str) -> tuple[str, ...]:
        """What `text` stands for in a keyword field: named ids, else a word of the field, else itself."""
        named = self.names.resolve(found.name, text)
        if named:
            return named
        if found.words and text in found.words:
            return (str(found.words[text]),)
        return (text, UNLISTED + text) if found.name == "enterprises" else (text,)


def _scalar(found: Field, value: tree.Value) -> Scalar:
    """`value` as its field's type. Raises QueryError naming a form that works."""
    text = value.text.strip()
    if found.words and not value.wild and (text in found.words or text.lower() in found.words):
        return found.words.get(text, found.words.get(text.lower(), 0))
    try:
        if found.type is FieldType.INTEGER and not value.wild:
            return _bounded(int(text))
        if found.type is FieldType.NUMBER and not value.wild:
            return float(text)
    except ValueError:
        pass
    kind = {FieldType.INTEGER: "整数", FieldType.NUMBER: "数", FieldType.BOOLEAN: "“是”或“否”"}[found.type]
    raise QueryError(value.at, f"“{found.label}”的值应为{kind}，而不是“{text}”，例如 {found.label}:{found.example}")


def _bounded(number: int) -> int:
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError(number)
    return number


def _span(found: Field, value: tree.Value, now: datetime) -> Span:
    try:
        if not value.wild:
            return read_span(value.text, now)
    except ValueError:
        pass
    raise QueryError(value.at, f"“{found.label}”的值应为日期，而不是“{value.text}”，例如 {FORMS}")


def _range(found: Field, operator: str, value: tree.Value, now: datetime) -> Where:
    sign = OPERATORS[operator]
    if found.type is FieldType.DATE:
        span = _span(found, value, now)
        edge = millis(span.start if operator in ("gte", "lt") else span.end)
        return Between(found.name, low=edge) if operator.startswith("g") else Between(found.name, high=edge)
    if found.type in (FieldType.INTEGER, FieldType.NUMBER):
        number = float(_scalar(found, value))
        limit = int(number) if found.type is FieldType.INTEGER else number
        if operator.startswith("g"):
            return Between(found.name, low=limit, with_low=operator == "gte")
        return Between(found.name, high=limit, with_high=operator == "lte")
    raise QueryError(value.at, f"“{found.label}”不能用 {sign} 比较，请写 {found.label}:{found.example}")


def read_query(text: str, *, names: Names, now: datetime, synonyms: Synonyms = NO_SYNONYMS) -> Query:
    """Parse and bind. now: what `now` in the query means, aware.  synonyms: other words for bare ones; quoted words are
    taken as they stand. Raises QueryError."""
    node = parse_query(text)
    binder = _Binder(names, now, synonyms)
    where = binder.bind(node)
    return Query(text, node, where, tuple(binder.warnings))
