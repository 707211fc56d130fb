"""From the tree of a query to what it asks for: fields, names, numbers and dates are looked up here, once for both
backends. A field nobody knows finds nothing and is told as a warning, as in KQL; a value that its field cannot hold
raises QueryError."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches

from search.fields import BY_NAME, FIELDS, Field, FieldType, field_named
from search.names import Names
from search.query import tree
from search.query.errors import QueryError, quote
from search.query.limits import MOST_MENTIONS, MOST_WILD, check_size
from search.query.mention import MentionBinder
from search.query.parse import parse_query
from search.query.text import NO_SYNONYMS, Synonyms, TextBinder
from search.query.values import bind_range, bind_scalar, bind_span
from search.visible import visible
from search.where import AllOf, AnyOf, Everything, Exists, Not, Nothing, OneOf, Where, Wild, either

UNLISTED = "NIL:"
"""How the analysis writes a firm that is in no list (core/records.py, Mention)."""
MOST_WARNINGS = 10


@dataclass(frozen=True)
class Query:
    """A query that can be asked. tree: as written.  warnings: what the reader should know, in Chinese."""

    text: str
    tree: tree.Node
    where: Where
    warnings: tuple[str, ...] = ()


@dataclass
class _Warnings:
    """Sentences, each once; more than a page of them help nobody."""

    kept: dict[str, None] = field(default_factory=dict)
    more: int = 0

    @property
    def full(self) -> bool:
        return len(self.kept) >= MOST_WARNINGS

    def add(self, sentence: str) -> None:
        if sentence in self.kept:
            return
        if self.full:
            self.more += 1
        else:
            self.kept[sentence] = None

    def all(self) -> tuple[str, ...]:
        return (*self.kept, f"另有 {self.more} 处同类提示") if self.more else tuple(self.kept)


@dataclass
class _Binder:
    names: Names
    now: datetime
    text: TextBinder
    warnings: _Warnings = field(default_factory=_Warnings)
    wild_names: int = 0
    mentions: int = 0

    def bind(self, node: tree.Node) -> Where:
        match node:
            case tree.And(parts):
                return AllOf(tuple(self.bind(part) for part in parts))
            case tree.Or(parts):
                return either(self.bind(part) for part in parts)
            case tree.Not(part):
                return Not(self.bind(part))
            case tree.Nested(path, part):
                return self._nested(path, part)
            case tree.Range(name, operator, value):
                return self._named(name, lambda found: bind_range(found, operator, value, self.now))
            case tree.Is(name, value):
                return self._is(name, value) if name else self.text.ask(value)

    def _is(self, name: tree.Value, value: tree.Value) -> Where:
        if name.anything and not name.quoted:
            return Everything() if value.anything and not value.quoted else self.text.ask(value)
        return self._named(name, lambda found: self._value(found, value))

    def _nested(self, path: tree.Value, part: tree.Node) -> Where:
        found = field_named(path.text)
        if found is None:
            return self._unknown(path)
        if found.type is not FieldType.MENTIONS:
            self.warnings.add(f"“{quote(path.text)}”里没有内层字段，此条件不会命中；可用：提及:{{类型:企业}}")
            return Nothing()
        return self._mention(part, path.at)

    def _mention(self, part: tree.Node, at: int) -> Where:
        self.mentions += 1
        if self.mentions > MOST_MENTIONS:
            raise QueryError(at, f"提及太多：最多 {MOST_MENTIONS} 个，请写成列表，例如 提及:{{编号:(a1 or a2)}}")
        return MentionBinder(self.names, self.warnings.add).ask(part, at)

    def _named(self, name: tree.Value, make: Callable[[Field], Where]) -> Where:
        """`make` for the field called `name`; a name with wildcards means any of the fields it fits."""
        if name.wild and not name.quoted:
            return self._any_named(name, make)
        found = field_named(name.text)
        if found is not None:
            return make(found)
        *words, last = name.text.split() or [""]
        if words and not name.quoted and (found := field_named(last)):
            text = " ".join(words)
            self.warnings.add(f"“{quote(name.text)}”读作 {quote(text)} and {last}")
            return AllOf((self.text.ask(tree.Value((text,), at=name.at)), make(found)))
        return self._unknown(name)

    def _any_named(self, name: tree.Value, make: Callable[[Field], Where]) -> Where:
        """A field that cannot hold the value is passed over, unless none can."""
        self.wild_names += 1
        if self.wild_names > MOST_WILD:
            raise QueryError(name.at, f"带 * 的字段名太多：最多 {MOST_WILD} 个，请写出字段名，例如 标题:起火")
        form = re.compile(".*".join(map(re.escape, name.parts)))
        made, refused = [], None
        for found in FIELDS:
            if any(map(form.fullmatch, (found.name, found.label))):
                try:
                    made.append(make(found))
                except QueryError as error:
                    refused = error
        if not made and refused:
            raise refused
        return AnyOf(tuple(made)) if made else self._unknown(name)

    def _unknown(self, name: tree.Value) -> Where:
        """Nothing is found; what may have been meant is told."""
        if self.warnings.full:  # looking for near names is dear
            self.warnings.add(name.text)
            return Nothing()
        near = get_close_matches(visible(name.text).lower()[:100], BY_NAME, n=1, cutoff=0.75)
        hint = f"；是不是 {near[0]}" if near else ""
        path, dot, inner = name.text.partition(".")
        if dot and (found := field_named(path)) and found.type is FieldType.MENTIONS:
            hint = f"；请写成 提及:{{{inner}:…}}"
        self.warnings.add(f"没有“{quote(name.text)}”这个字段，此条件不会命中{hint}")
        return Nothing()

    def _value(self, found: Field, value: tree.Value) -> Where:
        match found.type:
            case FieldType.TEXT:
                return self.text.ask(value, (found.name,))
            case FieldType.MENTIONS:
                return self._mention(tree.Is(None, value), value.at)
            case _ if value.anything and not value.quoted:
                return Exists(found.name)
            case FieldType.KEYWORD:
                return self._keyword(found, value)
            case FieldType.DATE:
                return bind_span(found, value, self.now)
            case _:
                return OneOf(found.name, (bind_scalar(found, value),))

    def _keyword(self, found: Field, value: tree.Value) -> Where:
        """What the value stands for: named ids, else a word of the field, else itself."""
        unlisted = found.name == "enterprises"
        if value.wild:
            wild: Where = Wild(found.name, value.glob)
            head, *rest = value.glob
            return AnyOf((wild, Wild(found.name, (UNLISTED + head, *rest)))) if unlisted and head else wild
        named = self.names.resolve(found.name, value.text)
        if named:
            return OneOf(found.name, named)
        text = value.text
        if (word := found.value_of(text)) is not None:
            return OneOf(found.name, (str(word),))
        return OneOf(found.name, (text, UNLISTED + text) if unlisted else (text,))


def read_query(text: str, *, names: Names, now: datetime, synonyms: Synonyms = NO_SYNONYMS) -> Query:
    """Parse and bind. now: what `now` in the query means, aware.  synonyms: other words for bare ones; quoted words are
    taken as they stand. Raises QueryError."""
    node = parse_query(text)
    binder = _Binder(names, now, TextBinder(synonyms))
    where = binder.bind(node)
    check_size(where)
    return Query(text, node, where, binder.warnings.all())
