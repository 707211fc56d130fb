"""Where, as an Elasticsearch query."""

from typing import Any

from search.fields import BY_NAME, FieldType
from search.ranking import WEIGHTS
from search.text import EMPTY, Segmenter, TextTerm, phrase_term, word_terms
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
    Where,
    Wild,
    WildText,
    Words,
)

Json = dict[str, Any]
NOTHING: Json = {"match_none": {}}

MOST_ENDINGS = 10_000
"""Words a phrase's open end may turn into; the server's own 50 would lose hits."""


def _form(parts: tuple[str, ...]) -> str:
    return "*".join(part.replace("\\", "\\\\").replace("*", "\\*").replace("?", "\\?") for part in parts)


def _unscored(query: Json) -> Json:
    return {"constant_score": {"filter": query, "boost": 0.0}}


def compile_where(where: Where, segmenter: Segmenter) -> Json:
    """The query; only text is scored."""
    match where:
        case Everything():
            return _unscored({"match_all": {}})
        case Nothing():
            return NOTHING
        case Words(text, fields):
            return _all([_term(term, fields) for term in word_terms(text, segmenter)])
        case Phrase(text, fields):
            term = phrase_term(text)
            return _term(term, fields) if term else NOTHING
        case WildText(parts, fields):
            return _unscored(_any([{"wildcard": {f"{name}_words": {"value": _form(parts)}}} for name in fields]))
        case AllOf(parts):
            return _all([compile_where(part, segmenter) for part in parts])
        case AnyOf(parts):
            return _any([compile_where(part, segmenter) for part in parts])
        case Not(part):
            return _unscored({"bool": {"must_not": [compile_where(part, segmenter)]}})
        case _:
            return _unscored(_leaf(where))


def _leaf(where: OneOf | Wild | Between | Exists) -> Json:
    match where:
        case OneOf(field, values):
            return {"terms": {field: list(values)}}
        case Wild(field, parts):
            return {"wildcard": {field: {"value": _form(parts)}}}
        case Exists(field):
            if BY_NAME[field].type is not FieldType.TEXT:
                return {"exists": {"field": field}}
            return {"bool": {"must_not": [{"term": {f"{field}_grams": {"value": EMPTY}}}]}}
        case Between(field, low, high, with_low, with_high):
            edges = {"gte" if with_low else "gt": low, "lte" if with_high else "lt": high}
            return {"range": {field: {key: value for key, value in edges.items() if value is not None}}}


def _term(term: TextTerm, fields: tuple[str, ...]) -> Json:
    ways = []
    for name in fields:
        if term.word is not None:
            ways.append(_weighted(f"{name}_words", (term.word,), open_end=False))
        if term.grams:
            ways.append(_weighted(f"{name}_grams", term.grams, open_end=term.open_end))
    return {"dis_max": {"queries": ways}}


def _weighted(view: str, tokens: tuple[str, ...], *, open_end: bool) -> Json:
    boost = WEIGHTS[view]
    if open_end and len(tokens) == 1:
        return _unscored({"prefix": {view: {"value": tokens[0]}}})
    if open_end:
        return _unscored({"match_phrase_prefix": {view: {"query": " ".join(tokens), "max_expansions": MOST_ENDINGS}}})
    if len(tokens) == 1:
        return {"term": {view: {"value": tokens[0], "boost": boost}}}
    return {"match_phrase": {view: {"query": " ".join(tokens), "boost": boost}}}


def _all(queries: list[Json]) -> Json:
    if not queries:
        return NOTHING
    return queries[0] if len(queries) == 1 else {"bool": {"must": queries}}


def _any(queries: list[Json]) -> Json:
    if not queries:
        return NOTHING
    return queries[0] if len(queries) == 1 else {"bool": {"should": queries, "minimum_should_match": 1}}
