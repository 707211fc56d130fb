"""The rival with a server: plain Elasticsearch, nothing set: dynamic mapping, standard analyzer (one token a Chinese
character), bulk requests of 500, marks by its own highlighter. What one document a request costs is measured beside."""

import json
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from benchmarks.search_engines import elastic_bytes
from search.backend import SearchRequest, Sort
from search.histogram import choose_bars
from search.records import IndexEntry, row_of
from search.where import (
    AllOf,
    AnyOf,
    Between,
    Everything,
    Exists,
    Fits,
    Not,
    Nothing,
    OneOf,
    Phrase,
    Where,
    Wild,
    WildText,
    Words,
)  # fmt: skip

Json = dict[str, Any]
INDEX = "plain"
CHUNK = 500
UNKNOWN = ("title_words", "body_words")
WHOLE = ("id", "source", "kind", "url", "products", "enterprises", "issues", "regions", "territory", "repost_of",
         "stance", "flags")  # fmt: skip


class Plain:
    """Engine on the server at `url`."""

    def __init__(self, url: str) -> None:
        self._url = url

    def load(self, entries: Sequence[IndexEntry]) -> None:
        for start in range(0, len(entries), CHUNK):
            lines = []
            for entry in entries[start : start + CHUNK]:
                lines += [json.dumps({"index": {"_index": INDEX, "_id": entry.id}}), json.dumps(_document(entry))]
            answer = self._ask("POST", "/_bulk", "\n".join(lines) + "\n")
            assert not answer["errors"], str(answer)[:500]

    def one_by_one(self, entries: Sequence[IndexEntry]) -> float:
        """Documents a second when each is a request of its own."""
        started = time.perf_counter()
        for entry in entries:
            self._ask("PUT", f"/{INDEX}/_doc/{entry.id}", json.dumps(_document(entry)))
        return len(entries) / (time.perf_counter() - started)

    def settle(self) -> None:
        self._ask("POST", f"/{INDEX}/_refresh", "")

    def page(self, request: SearchRequest) -> int:
        query = _query(request.everything_asked())
        span = {"aggs": {"first": {"min": {"field": "event_time"}}, "last": {"max": {"field": "event_time"}}}}
        edges = self._search({"size": 0, "query": query, **span})["aggregations"]
        if edges["first"]["value"] is None:
            return 0
        bars = choose_bars(int(edges["first"]["value"]), int(edges["last"]["value"]))
        groups: Json = {name: {"terms": {"field": _whole(name), "size": 1000}} for name in request.facets}
        groups["bars"] = {
            "date_histogram": {"field": "event_time", "fixed_interval": f"{bars.width}ms", "min_doc_count": 1},
            "aggs": {"parts": {"terms": {"field": "level"}}},
        }
        asked: Json = {
            "size": request.size, "from": request.offset, "query": query, "aggs": groups, "track_total_hits": True,
            "highlight": {"fields": {"title": {"number_of_fragments": 0}, "body": {"fragment_size": 120}}},
            "sort": _order(request.sort),
        }  # fmt: skip
        if request.after is not None:
            asked["search_after"] = [request.after]
        return int(self._search(asked)["hits"]["total"]["value"])

    def _search(self, asked: Json) -> Json:
        return self._ask("POST", f"/{INDEX}/_search", json.dumps(asked))

    def _ask(self, method: str, path: str, body: str) -> Json:
        kind = "application/x-ndjson" if path == "/_bulk" else "application/json"
        asked = urllib.request.Request(
            self._url + path, data=body.encode() or None, method=method, headers={"Content-Type": kind}
        )
        with urllib.request.urlopen(asked, timeout=120) as answer:
            found: Json = json.load(answer)
            return found

    def size(self) -> int:
        return elastic_bytes(self._url, INDEX)

    def close(self) -> None:
        """Nothing is held."""


def _document(entry: IndexEntry) -> Json:
    """The signal as somebody would send it who knows nothing of us; times as ISO text, so that they become dates."""
    row: Json = {"time_order": row_of_order(entry)}
    for field in fields(entry):
        if field.name not in UNKNOWN:
            value = getattr(entry, field.name)
            row[field.name] = value.isoformat() if isinstance(value, datetime) else value
    return row


def row_of_order(entry: IndexEntry) -> int:
    """The number we page by: without it the rival could not page deep at all."""
    order: int = row_of(entry)["time_order"]
    return order


def _order(sort: Sort) -> list[Json]:
    if sort is Sort.RELEVANCE:
        return [{"_score": "desc"}]
    if sort is Sort.LEVEL:
        return [{"level": "desc"}, {"time_order": "desc"}]
    return [{"time_order": "asc" if sort is Sort.OLDEST else "desc"}]


def _whole(name: str) -> str:
    return f"{name}.keyword" if name in WHOLE else name


def _query(where: Where) -> Json:
    match where:
        case Everything():
            return {"match_all": {}}
        case Nothing():
            return {"match_none": {}}
        case Words(text, names):
            # Every character is a token: only in a row are they the word.
            return {"bool": {"must": [_query(Phrase(word, names)) for word in text.split()]}}
        case Phrase(text, names):
            return {"multi_match": {"query": text, "fields": list(names), "type": "phrase"}}
        case WildText(parts, names):
            return {"multi_match": {"query": "".join(parts), "fields": list(names), "type": "phrase_prefix"}}
        case AllOf(parts):
            return {"bool": {"must": [_query(part) for part in parts]}}
        case AnyOf(parts):
            return {"bool": {"should": [_query(part) for part in parts], "minimum_should_match": 1}}
        case Not(part):
            return {"bool": {"must_not": [_query(part)]}}
        case OneOf(name, values):
            return {"terms": {_whole(name): list(values)}}
        case Wild(name, parts):
            return {"wildcard": {_whole(name): {"value": "*".join(parts)}}}
        case Fits(name, forms):
            return {"bool": {"should": [{"regexp": {_whole(name): {"value": form}}} for form in forms]}}
        case Exists(name):
            return {"exists": {"field": name}}
        case Between(name, low, high, with_low, with_high):
            edges = {"gte" if with_low else "gt": low, "lte" if with_high else "lt": high}
            form = {"format": "epoch_millis"} if name in ("event_time", "stored_at") else {}
            return {"range": {name: {edge: value for edge, value in edges.items() if value is not None} | form}}
