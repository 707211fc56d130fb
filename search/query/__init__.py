"""The query language: `read_query` turns what a person wrote into what both backends are asked."""

from search.query.bind import Query, read_query
from search.query.errors import QueryError
from search.query.parse import parse_query
from search.query.text import NO_SYNONYMS, Synonyms

__all__ = ["NO_SYNONYMS", "Query", "QueryError", "Synonyms", "parse_query", "read_query"]
