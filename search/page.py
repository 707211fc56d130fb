"""What both backends do with what their engine answers, so that a page is the same from either."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import takewhile
from operator import itemgetter
from typing import Any

from search.backend import FacetValue, Hit, Pair, PairCount, SearchRequest, SearchResult
from search.histogram import Bars, Counted, choose_bars
from search.marking import mark, marker, snippet
from search.records import Row, millis, shown
from search.text import Segmenter
from search.where import Scalar, Where, wanted_text

MOST_VALUES = 1_000
"""Values an engine counts for a facet before we take the largest: ties are cut by value in both engines alike."""

MOST_PARTS = 100
"""Values a bar is split into: 600 bars of so many stay below the engines' limit of 65,000 buckets."""

SPAN = {"_span": {"stats": {"field": "event_time"}}}
"""First and last event time, and the number of signals: every one has one."""

OLD_FORMAT = "检索索引是旧版格式，请运行 fengsui reindex 重建"


def nothing_found(request: SearchRequest) -> SearchResult:
    """The answer of an index nobody has written to."""
    return SearchResult(0, (), dict.fromkeys(request.facets, ()), None, 0.0, pairs=dict.fromkeys(request.pairs, ()))


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
        if request.split:
            asked["_bars"]["aggs"] = {"_parts": {"terms": {"field": request.split, "size": MOST_PARTS}}}
    for at, pair in enumerate(request.pairs):
        inner = {"_columns": {"terms": {"field": pair.column, "size": max(pair.columns, MOST_PARTS)}}}
        asked[f"_pair{at}"] = {"terms": {"field": pair.row, "size": max(pair.rows, MOST_PARTS)}, "aggs": inner}
    return asked


def facets_of(answer: Any, request: SearchRequest) -> dict[str, tuple[FacetValue, ...]]:
    """The largest values of each facet, ties in order of the value."""
    facets = {}
    for name, size in request.facets.items():
        facets[name] = tuple(FacetValue(value, -count) for count, value, _ in _largest(answer[name], size))
    return facets


def pairs_of(answer: Any, request: SearchRequest) -> dict[Pair, tuple[PairCount, ...]]:
    """The counts of each pair: its most frequent rows, in each the most frequent columns; ties by value."""
    return {pair: tuple(_pair_counts(answer[f"_pair{at}"], pair)) for at, pair in enumerate(request.pairs)}


def _pair_counts(answer: Any, pair: Pair) -> Iterator[PairCount]:
    for _, row, bucket in _largest(answer, pair.rows):
        for count, column, _ in _largest(bucket["_columns"], pair.columns):
            yield PairCount(row, column, -count)


def _largest(answer: Any, size: int) -> list[tuple[int, Scalar, dict[str, Any]]]:
    """(minus the count, value, bucket) of the `size` largest, ties by value. Engines hand them over by count; a year's
    pairs are tens of thousands, their order is half of their cost."""
    buckets = answer["buckets"]
    if 0 < size < len(buckets):
        least = buckets[size - 1]["doc_count"]
        buckets = takewhile(lambda bucket: bucket["doc_count"] >= least, buckets)
    counted = [(-bucket["doc_count"], _plain(bucket), bucket) for bucket in buckets]
    counted.sort(key=itemgetter(0, 1))
    return counted[:size]


def _plain(bucket: dict[str, Any]) -> Scalar:
    """A boolean comes back as 1 and "true"."""
    as_text = bucket.get("key_as_string")
    key: Scalar = as_text == "true" if as_text in ("true", "false") else bucket["key"]
    return key


def counted_bars(answer: Any) -> dict[int, Counted]:
    """Left edges (ms) and counts."""
    return {round(bucket["key"]): Counted(bucket["doc_count"], _parts(bucket)) for bucket in answer["_bars"]["buckets"]}


def _parts(bar: Any) -> dict[Scalar, int]:
    inner = bar.get("_parts", {"buckets": ()})
    return {_plain(bucket): bucket["doc_count"] for bucket in inner["buckets"]}


def edges_of(answer: Any) -> tuple[float | None, float | None]:
    """First and last event time (ms) of what was counted with SPAN."""
    return answer["_span"]["min"], answer["_span"]["max"]


def counted(
    request: SearchRequest, everything: Callable[[], Sequence[float | None]], ask: Callable[[dict[str, Any]], Any]
) -> tuple[Any, Bars | None]:
    """What an engine counted of all hits, in as few passes over them as can be, and for which bars.

    How wide bars are depends on the first and last hit. They are counted as if the hits reached as far as `everything`
    does (event times, ms), and once more, alone, when it turns out that other ones are needed.
    ask: takes aggregations, gives what was counted.
    """
    bars = bars_for(request, everything)
    counts = ask(facets_asked(request, bars) | SPAN)
    exact = bars_for(request, lambda: edges_of(counts))
    if exact is not None and (bars is None or exact.width != bars.width):
        counts = {**counts, **ask(facets_asked(replace(request, facets={}, pairs=()), exact))}
    return counts, exact


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
