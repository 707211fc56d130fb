"""What `search.compile` builds an Elasticsearch query of."""

from collections.abc import Sequence
from typing import Any

from search.fields import BY_NAME, FieldType
from search.ranking import weight_of
from search.text import EMPTY
from search.where import Between, Exists, Fits, OneOf

Json = dict[str, Any]

SHARD_SIZE = 50_000
"""Values of a facet that each month hands over. The server's own guess (half as many again as are asked for) loses
values that are rare in each month and frequent in all."""


TOGETHER = "_together"
"""What the aggregations of a page are put under."""


def together(asked: Json) -> Json:
    """The aggregations `asked`, counted exactly and in one walk over the hits.

    By itself at the top, a facet of everything is counted value by value, each looked up in every segment of every
    month: 2,000 firms made a page of 200,000 signals in 25 months take 0.5 s instead of 0.13.
    """
    return {TOGETHER: {"filter": {"match_all": {}}, "aggs": exact(asked)}}


def exact(asked: Json) -> Json:
    """The same aggregations, counted over months as over one index."""
    counted = {}
    for name, one in asked.items():
        kept = dict(one)
        if "terms" in one:
            kept["terms"] = {**one["terms"], "shard_size": SHARD_SIZE}
        if "aggs" in one:
            kept["aggs"] = exact(one["aggs"])
        counted[name] = kept
    return counted


class ElasticForms:
    """Implements `search.compile.Forms`."""

    def everything(self) -> Json:
        return {"match_all": {}}

    def nothing(self) -> Json:
        return {"match_none": {}}

    def unscored(self, query: Json) -> Json:
        return {"constant_score": {"filter": query, "boost": 0.0}}

    def all(self, queries: Sequence[Json]) -> Json:
        return {"bool": {"must": list(queries)}}

    def any(self, queries: Sequence[Json]) -> Json:
        return {"bool": {"should": list(queries), "minimum_should_match": 1}}

    def best(self, queries: Sequence[Json]) -> Json:
        return {"dis_max": {"queries": list(queries)}}

    def without(self, query: Json) -> Json:
        return {"bool": {"must_not": [query]}}

    def one_of(self, where: OneOf) -> Json:
        return {"terms": {where.field: list(where.values)}}

    def exists(self, where: Exists) -> Json:
        if BY_NAME[where.field].type is not FieldType.TEXT:
            return {"exists": {"field": where.field}}
        return self.without({"term": {f"{where.field}_grams": {"value": EMPTY}}})

    def between(self, where: Between) -> Json:
        low, high = "gte" if where.with_low else "gt", "lte" if where.with_high else "lt"
        edges = {low: where.low, high: where.high}
        return {"range": {where.field: {edge: value for edge, value in edges.items() if value is not None}}}

    def wild(self, view: str, parts: tuple[str, ...]) -> Json:
        form = "*".join(part.replace("\\", "\\\\").replace("*", "\\*").replace("?", "\\?") for part in parts)
        return {"wildcard": {view: {"value": form}}}

    def fits(self, where: Fits) -> Json:
        # flags: without Lucene's own operators (~ & @ <>), so that a form means the same everywhere.
        found = [{"regexp": {where.field: {"value": form, "flags": "NONE"}}} for form in where.forms]
        return found[0] if len(found) == 1 else self.any(found)

    def weighted(self, view: str, tokens: tuple[str, ...]) -> Json:
        asked = {view: {"query" if len(tokens) > 1 else "value": " ".join(tokens), "boost": weight_of(view, tokens)}}
        return {"match_phrase" if len(tokens) > 1 else "term": asked}
