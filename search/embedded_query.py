"""Where, as a tantivy query."""

import re

import tantivy
from tantivy import Occur, Query

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

META = re.compile(r"([\\.+*?()|\[\]{}^$#&\-~/])")


def _form(parts: tuple[str, ...]) -> str:
    return ".*".join(META.sub(r"\\\1", part) for part in parts)


def _unscored(query: Query) -> Query:
    return Query.const_score_query(query, 0.0)


class Compiler:
    """Compiles for one schema with one segmenter."""

    def __init__(self, schema: tantivy.Schema, segmenter: Segmenter) -> None:
        self._schema = schema
        self._segmenter = segmenter

    def compile(self, where: Where) -> Query:
        """The query; only text is scored."""
        match where:
            case Everything():
                return _unscored(Query.all_query())
            case Nothing():
                return Query.empty_query()
            case Words(text, fields):
                terms = word_terms(text, self._segmenter)
                return self._all([self._term(term, fields) for term in terms])
            case Phrase(text, fields):
                term = phrase_term(text)
                return self._term(term, fields) if term else Query.empty_query()
            case WildText(parts, fields):
                forms = [Query.regex_query(self._schema, f"{name}_words", _form(parts)) for name in fields]
                return _unscored(self._any(forms))
            case AllOf(parts):
                return self._all([self.compile(part) for part in parts])
            case AnyOf(parts):
                return self._any([self.compile(part) for part in parts])
            case Not(part):
                inside = self.compile(part)
                return Query.boolean_query([(Occur.Must, self.compile(Everything())), (Occur.MustNot, inside)])
            case _:
                return _unscored(self._leaf(where))

    def _leaf(self, where: OneOf | Wild | Between | Exists) -> Query:
        match where:
            case OneOf(field, values):
                return self._any([Query.term_query(self._schema, field, value) for value in values])
            case Wild(field, parts):
                return Query.regex_query(self._schema, field, _form(parts))
            case Exists(field):
                if BY_NAME[field].type is not FieldType.TEXT:
                    return Query.exists_query(field)
                empty = Query.term_query(self._schema, f"{field}_grams", EMPTY)
                return Query.boolean_query([(Occur.Must, Query.all_query()), (Occur.MustNot, empty)])
            case Between(field, low, high, with_low, with_high):
                number = BY_NAME[field].type is FieldType.NUMBER if field in BY_NAME else False
                kind = tantivy.FieldType.Float if number else tantivy.FieldType.Integer
                edges = with_low or low is None, with_high or high is None  # tantivy: an open side is inclusive
                return Query.range_query(self._schema, field, kind, low, high, *edges)

    def _term(self, term: TextTerm, fields: tuple[str, ...]) -> Query:
        ways = []
        for name in fields:
            if term.word is not None:
                ways.append(self._weighted(f"{name}_words", [term.word], open_end=False))
            if term.grams:
                ways.append(self._weighted(f"{name}_grams", list(term.grams), open_end=term.open_end))
        return Query.disjunction_max_query(ways)

    def _weighted(self, view: str, tokens: list[str], *, open_end: bool) -> Query:
        query: Query
        if open_end:
            *head, last = tokens
            form = _form((last, ""))
            if not head:
                return _unscored(Query.regex_query(self._schema, view, form))
            # The words of a regex phrase are all forms.
            query = Query.regex_phrase_query(self._schema, view, [*(_form((word,)) for word in head), form])
            return _unscored(query)
        if len(tokens) == 1:
            query = Query.term_query(self._schema, view, tokens[0])
        else:
            query = Query.phrase_query(self._schema, view, list(tokens))
        return Query.boost_query(query, WEIGHTS[view])

    def _all(self, queries: list[Query]) -> Query:
        if not queries:
            return Query.empty_query()
        return queries[0] if len(queries) == 1 else Query.boolean_query([(Occur.Must, query) for query in queries])

    def _any(self, queries: list[Query]) -> Query:
        if not queries:
            return Query.empty_query()
        return queries[0] if len(queries) == 1 else Query.boolean_query([(Occur.Should, query) for query in queries])
