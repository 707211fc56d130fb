"""Filters of the index's query DSL as trees of our query language."""

from collections.abc import Callable, Mapping
from typing import Any

from alerts.elastalert.asked import ANYTHING, FieldNames, NotCarried, both, either, has, scalar
from alerts.elastalert.lucene import read_query_string
from search.query.tree import Is, Node, Not, Range, Value

DEEPEST = 20
MOST = 1_000
RANGE_WORDS = {"gt": "gt", "gte": "gte", "lt": "lt", "lte": "lte", "from": "gte", "to": "lte"}


def read_filter(told: Any, names: FieldNames, depth: int = 0) -> Node:
    """One filter as a tree. Raises NotCarried for what our language cannot say."""
    if depth > DEEPEST:
        raise NotCarried(f"条件超过 {DEEPEST} 层")
    if isinstance(told, list):
        return both(_each(told, names, depth))
    if not isinstance(told, Mapping) or len(told) != 1:
        raise NotCarried("不是一个条件（形如 term: {字段: 值}）")
    ((kind, inside),) = told.items()
    if kind in ("query", "filter", "constant_score"):
        return read_filter(inside, names, depth + 1)
    if kind == "bool":
        return _bool(inside, names, depth)
    if kind in ("and", "or", "not"):
        return _old(kind, inside, names, depth)
    reader = _KINDS.get(kind)
    if reader is None:
        raise NotCarried(f"没有对应 {str(kind)[:40]} 的写法（能带入：{'、'.join(sorted([*_KINDS, 'bool']))}）")
    return reader(inside, names)


def _each(told: Any, names: FieldNames, depth: int) -> list[Node]:
    listed = told if isinstance(told, list) else [told]
    if not listed or len(listed) > MOST:
        raise NotCarried(f"条件的列表是空的或超过 {MOST} 项")
    return [read_filter(one, names, depth + 1) for one in listed]


def _bool(inside: Any, names: FieldNames, depth: int) -> Node:
    if not isinstance(inside, Mapping) or not inside:
        raise NotCarried("bool 里没有条件")
    unknown = set(inside) - {"must", "filter", "should", "must_not", "minimum_should_match", "boost"}
    if unknown:
        raise NotCarried(f"没有对应 bool.{sorted(unknown)[0][:40]} 的写法")
    parts = [node for key in ("must", "filter") if inside.get(key) for node in _each(inside[key], names, depth)]
    least = inside.get("minimum_should_match", 0 if parts else 1)
    if inside.get("should"):
        choices = _each(inside["should"], names, depth)
        if least == len(choices):
            parts += choices
        elif least == 1:
            parts.append(either(choices))
        elif least != 0:
            raise NotCarried(f"没有“至少满足 {str(least)[:20]} 项”的写法")
    parts += [Not(node) for node in (_each(inside["must_not"], names, depth) if inside.get("must_not") else [])]
    if not parts:
        raise NotCarried("bool 里没有条件")
    return both(parts)


def _old(kind: str, inside: Any, names: FieldNames, depth: int) -> Node:
    if isinstance(inside, Mapping) and "filters" in inside:
        inside = inside["filters"]
    if kind == "not":
        return Not(read_filter(inside, names, depth + 1))
    parts = _each(inside, names, depth)
    return both(parts) if kind == "and" else either(parts)


def _one_field(inside: Any) -> tuple[str, Any]:
    told = {key: value for key, value in inside.items() if key != "boost"} if isinstance(inside, Mapping) else {}
    if len(told) != 1:
        raise NotCarried("不是一个字段和它的值")
    ((name, value),) = told.items()
    return name, value


def _term(inside: Any, names: FieldNames) -> Node:
    name, value = _one_field(inside)
    if isinstance(value, Mapping):
        value = value.get("value", value.get("term"))
    return has(names, name, value)


def _terms(inside: Any, names: FieldNames) -> Node:
    name, values = _one_field(inside)
    if not isinstance(values, list) or not 0 < len(values) <= MOST:
        raise NotCarried(f"terms 要一个列表，至多 {MOST} 个值")
    return either([has(names, name, value) for value in values])


def _match(inside: Any, names: FieldNames) -> Node:
    name, value = _one_field(inside)
    every = False
    if isinstance(value, Mapping):
        every = str(value.get("operator", "or")).lower() == "and"
        value = value.get("query")
    words = scalar(value).split()
    parts = [has(names, name, word) for word in words]
    if not parts:
        raise NotCarried("match 里没有词")
    return both(parts) if every else either(parts)


def _phrase(inside: Any, names: FieldNames) -> Node:
    name, value = _one_field(inside)
    return has(names, name, value.get("query") if isinstance(value, Mapping) else value)


def _wildcard(inside: Any, names: FieldNames) -> Node:
    name, value = _one_field(inside)
    if isinstance(value, Mapping):
        value = value.get("value", value.get("wildcard"))
    return has(names, name, value, wild=True)


def _prefix(inside: Any, names: FieldNames) -> Node:
    name, value = _one_field(inside)
    text = scalar(value.get("value") if isinstance(value, Mapping) else value)
    return Is(names.value(name), Value((text, "")))


def _range(inside: Any, names: FieldNames) -> Node:
    name, edges = _one_field(inside)
    if not isinstance(edges, Mapping) or not edges:
        raise NotCarried("range 里没有界限")
    parts: list[Node] = []
    for word, edge in edges.items():
        if word in ("format", "boost", "time_zone", "include_lower", "include_upper"):
            if word != "boost" and word != "format":
                raise NotCarried(f"没有对应 range.{word} 的写法")
        elif word not in RANGE_WORDS:
            raise NotCarried(f"没有对应 range.{word[:40]} 的写法")
        elif edge is not None:
            parts.append(Range(names.value(name), RANGE_WORDS[word], Value((scalar(edge),), quoted=True)))
    if not parts:
        raise NotCarried("range 里没有界限")
    return both(parts)


def _exists(inside: Any, names: FieldNames) -> Node:
    return Is(names.value(scalar(inside.get("field") if isinstance(inside, Mapping) else None)), ANYTHING)


def _query_string(inside: Any, names: FieldNames) -> Node:
    told = inside if isinstance(inside, Mapping) else {}
    extra = set(told) - {"query", "default_operator", "analyze_wildcard", "boost", "default_field", "lenient"}
    if extra:
        raise NotCarried(f"没有对应 query_string.{sorted(extra)[0][:40]} 的写法")
    if not isinstance(told.get("query"), str):
        raise NotCarried("query_string 里没有 query")
    if told.get("default_field", "*") not in ("*", "_all"):
        raise NotCarried("没有对应 query_string.default_field 的写法；在语句里写字段名")
    every = str(told.get("default_operator", "or")).lower() == "and"
    return read_query_string(told["query"], names, default_and=every)


_KINDS: Mapping[str, Callable[[Any, FieldNames], Node]] = {
    "term": _term,
    "terms": _terms,
    "match": _match,
    "match_phrase": _phrase,
    "wildcard": _wildcard,
    "prefix": _prefix,
    "range": _range,
    "exists": _exists,
    "missing": lambda inside, names: Not(_exists(inside, names)),
    "query_string": _query_string,
}
