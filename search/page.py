"""What both backends do with what their engine answers, so that a page is the same from either."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from search.backend import FacetValue, Hit, SearchRequest
from search.histogram import Bars, choose_bars
from search.marking import mark, marker, snippet
from search.records import Row, millis, shown
from search.text import Segmenter
from search.where import Where, wanted_text

MOST_VALUES = 1_000
"""Values an engine counts for a facet before we take the largest: ties are cut by value in both engines alike."""

OLD_FORMAT = "检索索引是旧版格式，请运行 fengsui reindex 重建"


def hits_of(rows: Iterable[tuple[float, Row]], where: Where, segmenter: Segmenter) -> tuple[Hit, ...]:
    """Stored rows with their scores, as hits with the places that `where` asks for."""
    wanted = wanted_text(where)
    in_title, in_body = (marker(wanted, name, segmenter) for name in ("title", "body"))
    hits = []
    for score, row in rows:
        fields = shown(row)
        marks = mark(fields["title"], in_title), snippet(fields["body"], in_body)
        hits.append(Hit(fields["id"], score, fields, *marks))
    return tuple(hits)


def facets_asked(request: SearchRequest, bars: Bars | None) -> dict[str, Any]:
    """The aggregations of a request; both engines take the same words."""
    asked: dict[str, Any] = {
        name: {"terms": {"field": name, "size": max(size, MOST_VALUES)}} for name, size in request.facets.items()
    }
    if bars is not None:
        edges = {"interval": bars.width, "offset": bars.offset, "min_doc_count": 1}
        asked["_bars"] = {"histogram": {"field": "event_time", **edges}}
    return asked


def facets_of(answer: Any, request: SearchRequest) -> dict[str, tuple[FacetValue, ...]]:
    """The largest values of each facet, ties in order of the value."""
    facets = {}
    for name, size in request.facets.items():
        values = [FacetValue(_plain(bucket), bucket["doc_count"]) for bucket in answer[name]["buckets"]]
        facets[name] = tuple(sorted(values, key=lambda value: (-value.count, value.value))[:size])
    return facets


def _plain(bucket: dict[str, Any]) -> Any:
    """A boolean comes back as 1 and "true"."""
    as_text = bucket.get("key_as_string")
    return as_text == "true" if as_text in ("true", "false") else bucket["key"]


def counted_bars(answer: Any) -> dict[int, int]:
    """Left edges (ms) and counts."""
    return {round(bucket["key"]): bucket["doc_count"] for bucket in answer["_bars"]["buckets"]}


def bars_for(request: SearchRequest, edges: Callable[[], Sequence[float | None]]) -> Bars | None:
    """The bars of a request; `edges` asks for the first and last event time (ms) of the hits, where it is open."""
    if not request.histogram:
        return None
    first = millis(request.from_) if request.from_ else None
    last = millis(request.to) - 1 if request.to else None
    if first is None or last is None:
        found = edges()
        if found[0] is None or found[1] is None:
            return None
        first = round(found[0]) if first is None else first
        last = round(found[1]) if last is None else last
    return choose_bars(first, max(first, last), request.width)
