"""What `fengsui search` and `fengsui query` print, and the JSON API answers: plain data, times with +08:00."""

from datetime import datetime
from typing import Any

from core.clock import iso_beijing
from core.durations import format_duration
from search.backend import Hit, SearchResult
from search.marking import Marked
from search.names import Names
from search.query.bind import Query, read_query
from search.query.errors import QueryError
from search.query.tree import has_free_text, tree_json

Json = dict[str, Any]


def query_json(text: str, *, names: Names, now: datetime) -> Json:
    """{query, valid, tree, free_text, warnings}, or {query, valid: false, error: {column, message}}.

    column: in code points, 1 is the first.  free_text: whether some part of it names no field.
    """
    try:
        query = read_query(text, names=names, now=now)
    except QueryError as error:
        return {"query": text, "valid": False, "error": {"column": error.column, "message": error.message}}
    told = {"free_text": has_free_text(query.tree), "warnings": list(query.warnings)}
    return {"query": text, "valid": True, "tree": tree_json(query.tree), **told}


def search_json(query: Query, result: SearchResult) -> Json:
    """{query, total, hits, facets, histogram, took_ms, next, warnings}; empty bars are in the histogram."""
    histogram = result.histogram
    return {
        "query": query.text,
        "total": result.total,
        "hits": [hit_json(hit) for hit in result.hits],
        "facets": {
            name: [{"value": item.value, "count": item.count} for item in items]
            for name, items in result.facets.items()
        },
        "histogram": {
            "width": format_duration(histogram.width) if histogram else None,
            "bars": [
                {"start": iso_beijing(bar.start), "count": bar.count} for bar in (histogram.bars if histogram else ())
            ],
        },
        "took_ms": round(result.took_ms, 1),
        "next": result.next,
        "warnings": list(query.warnings),
    }


def hit_json(hit: Hit) -> Json:
    """The fields of the hit with its score and where the query was found."""
    fields = {key: iso_beijing(value) if isinstance(value, datetime) else value for key, value in hit.fields.items()}
    marks = {"title": _marked_json(hit.title), "body": _marked_json(hit.snippet)}
    return {**fields, "relevance": round(hit.score, 4), "highlights": marks}


def _marked_json(marked: Marked) -> Json:
    return {"text": marked.text, "spans": [list(span) for span in marked.spans]}
