"""What `search.compile` builds a tantivy query of."""

import re
from collections.abc import Sequence
from functools import cache

import tantivy
from tantivy import Occur, Query

from search.fields import BY_NAME, FieldType
from search.ranking import weight_of
from search.text import EMPTY
from search.where import Between, Exists, Fits, OneOf

META = re.compile(r"([\\.+*?()|\[\]{}^$#&\-~/])")


def wild_form(parts: Sequence[str]) -> str:
    """`parts` with anything between them, as an expression of tantivy."""
    return "(?s)" + ".*".join(META.sub(r"\\\1", part) for part in parts)


def takes(form: str) -> bool:
    """Whether tantivy takes an expression: it refuses what needs more than 1,000 states, which nobody can foretell."""
    try:
        Query.regex_query(_any_schema(), "any", form)
    except ValueError:
        return False
    return True


@cache
def _any_schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("any", tokenizer_name="raw", index_option="basic")
    return builder.build()


class TantivyForms:
    """Implements `search.compile.Forms` for one schema."""

    def __init__(self, schema: tantivy.Schema) -> None:
        self._schema = schema

    def everything(self) -> Query:
        return Query.all_query()

    def nothing(self) -> Query:
        return Query.empty_query()

    def unscored(self, query: Query) -> Query:
        return Query.const_score_query(query, 0.0)

    def all(self, queries: Sequence[Query]) -> Query:
        return Query.boolean_query([(Occur.Must, query) for query in queries])

    def any(self, queries: Sequence[Query]) -> Query:
        return Query.boolean_query([(Occur.Should, query) for query in queries])

    def best(self, queries: Sequence[Query]) -> Query:
        return Query.disjunction_max_query(list(queries))

    def without(self, query: Query) -> Query:
        return Query.boolean_query([(Occur.Must, Query.all_query()), (Occur.MustNot, query)])

    def one_of(self, where: OneOf) -> Query:
        if not where.values:
            return self.nothing()
        if BY_NAME[where.field].type in (FieldType.DATE, FieldType.NUMBER):  # these are found by range only
            read = int if BY_NAME[where.field].type is FieldType.DATE else float
            spots = [Between(where.field, read(value), read(value), with_high=True) for value in where.values]
            return self.any([self.between(spot) for spot in spots])
        return self.any([Query.term_query(self._schema, where.field, value) for value in where.values])

    def exists(self, where: Exists) -> Query:
        if BY_NAME[where.field].type is not FieldType.TEXT:
            return Query.exists_query(where.field)
        return self.without(Query.term_query(self._schema, f"{where.field}_grams", EMPTY))

    def between(self, where: Between) -> Query:
        is_number = where.field in BY_NAME and BY_NAME[where.field].type is FieldType.NUMBER
        kind = tantivy.FieldType.Float if is_number else tantivy.FieldType.Integer
        # tantivy: an open side is inclusive
        edges = where.with_low or where.low is None, where.with_high or where.high is None
        return Query.range_query(self._schema, where.field, kind, where.low, where.high, *edges)

    def wild(self, view: str, parts: tuple[str, ...]) -> Query:
        return Query.regex_query(self._schema, view, wild_form(parts))

    def fits(self, where: Fits) -> Query:
        found = [Query.regex_query(self._schema, where.field, form) for form in where.forms]
        return found[0] if len(found) == 1 else self.any(found)

    def weighted(self, view: str, tokens: tuple[str, ...]) -> Query:
        if len(tokens) > 1:
            query = Query.phrase_query(self._schema, view, list(tokens))
        else:
            query = Query.term_query(self._schema, view, tokens[0])
        return Query.boost_query(query, weight_of(view, tokens))
