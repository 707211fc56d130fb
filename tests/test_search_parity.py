"""One suite, both backends: the same hits in the same order, totals, facets, bars and marks."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from search.backend import Pair, SearchBackend, SearchRequest, SearchResult, Sort
from search.elasticsearch import ElasticsearchBackend
from search.embedded import EmbeddedBackend
from search.query import read_query
from search.records import millis
from tests.search_documents import NAMES, NOW, SYNONYMS, entries, words

Backends = tuple[SearchBackend, SearchBackend]

QUERY_FILE = Path(__file__).parent / "search_queries.jsonl"
QUERIES: list[str] = [json.loads(line) for line in QUERY_FILE.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def backends(elasticsearch_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backends]:
    """Both backends, holding the same documents."""
    embedded = EmbeddedBackend(tmp_path_factory.mktemp("index"), words)
    elastic = ElasticsearchBackend(elasticsearch_url, f"parity-{uuid4().hex[:8]}", words)
    for backend in (embedded, elastic):
        for start in range(0, len(entries()), 200):
            assert backend.index(entries()[start : start + 200]) == ()
        backend.refresh()
    yield embedded, elastic
    embedded.close()
    elastic.close()


def same(backends: Backends, request: SearchRequest) -> SearchResult:
    """Ask both, compare all but the time taken and the scale of scores; the embedded answer."""
    embedded, elastic = (replace(backend.search(request), took_ms=0) for backend in backends)
    assert embedded.total == elastic.total
    assert [hit.id for hit in embedded.hits] == [hit.id for hit in elastic.hits]
    for ours, theirs in zip(embedded.hits, elastic.hits, strict=True):
        assert replace(ours, score=0) == replace(theirs, score=0)
    assert embedded.facets == elastic.facets
    assert embedded.histogram == elastic.histogram
    assert embedded.next == elastic.next
    assert embedded.pairs == elastic.pairs
    return embedded


@pytest.mark.parametrize("text", QUERIES)
def test_both_backends_answer_a_query_alike(backends: Backends, text: str) -> None:
    where = read_query(text, names=NAMES, now=NOW).where
    newest = same(backends, SearchRequest(where))
    best = same(backends, SearchRequest(where, sort=Sort.RELEVANCE, facets={}, histogram=False))
    assert newest.total == best.total


WIDENED = [text for text in QUERIES if any(word in text for word in SYNONYMS)]


@pytest.mark.parametrize("text", WIDENED)
def test_both_backends_answer_alike_with_synonyms(backends: Backends, text: str) -> None:
    same(backends, SearchRequest(read_query(text, names=NAMES, now=NOW, synonyms=SYNONYMS).where, sort=Sort.RELEVANCE))


LARGE = {
    "ids": "id:(" + " or ".join(f"mixed-{number:04d}" for number in range(4000)) + ")",
    "conditions": " or ".join(f"(编号:mixed-{number:04d} and 级别>=1)" for number in range(499)),
    "words": " or ".join(f"火{number:04d}" for number in range(300)) + " or 起火",
    "wildcards": " or ".join(f"*{one}*" for one in "赣南昌州宜春九江上饶吉安抚景德镇萍乡新余") + " or *火*",
    "long wildcards": f"网址:*{'a' * 240}* or 网址:https*{'火' * 120}* or 网址:{'*'.join('htpsexam')}* or 电*",
    "a long value": f"网址:{'a' * 2000} or 起火",
    "exclusions": "提及:{类型:企业 and not 编号:("
    + " or ".join(f"ENT{number:04d}" for number in range(100, 138))
    + ")}",
}


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE)
def test_the_largest_queries_that_are_read_are_answered_by_both(backends: Backends, text: str) -> None:
    assert same(backends, SearchRequest(read_query(text, names=NAMES, now=NOW).where)).total


CUTS: list[Mapping[str, Any]] = [
    {"territory": "360700"},
    {"territory": "360000", "filters": {"kind": ("news", "complaint")}},
    {"filters": {"level": (3, 4), "is_risk": (True,)}},
    {"from_": NOW - timedelta(days=7), "to": NOW},
    {"from_": NOW - timedelta(hours=30)},
    {"to": NOW - timedelta(days=40)},
    {"sort": Sort.OLDEST},
    {"sort": Sort.LEVEL},
    {"offset": 40, "size": 15},
    {"offset": 950, "size": 50},
    {"size": 0},
    {"width": timedelta(hours=6)},
    {"facets": {"enterprises": 3, "regions": 5, "is_risk": 2, "level": 2, "flags": 4}},
    {"sort": Sort.RELEVANCE, "offset": 10, "size": 7},
    {"without": {"kind": ("news", "forum"), "level": (0,)}},
    {"known_at": NOW - timedelta(days=20)},
    {"filters": {"event_time": (millis(NOW), millis(NOW - timedelta(days=9))), "score": (0.0, 0.1)}},
    {"split": "level"},
    {"split": "kind", "from_": NOW - timedelta(days=14), "to": NOW, "filters": {"is_risk": (True,)}},
    {"split": "is_risk", "width": timedelta(days=1)},
    {"split": "products", "territory": "360700"},
    {"pairs": (Pair("products", "territory"), Pair("issues", "kind", rows=2, columns=2), Pair("level", "is_risk"))},
]


@pytest.mark.parametrize("cut", CUTS, ids=str)
@pytest.mark.parametrize("text", ["", "起火", "级别>=2"])
def test_both_backends_cut_and_order_alike(backends: Backends, text: str, cut: Mapping[str, Any]) -> None:
    same(backends, SearchRequest(read_query(text, names=NAMES, now=NOW).where, **cut))


@pytest.mark.parametrize("text", ["1", "起火 or 入库时间<2026-10-02 and 召回", "电 and 时间<2026-10-02"])
@pytest.mark.parametrize("cut", [{"to": NOW - timedelta(days=50)}, {"known_at": NOW - timedelta(days=50)}, {}], ids=str)
def test_a_cut_by_time_leaves_the_weight_of_words_as_it_is(
    backends: Backends, text: str, cut: Mapping[str, Any]
) -> None:
    where = read_query(text, names=NAMES, now=NOW).where
    same(backends, SearchRequest(where, sort=Sort.RELEVANCE, size=300, facets={}, histogram=False, **cut))


def test_more_than_half_of_the_queries_find_something(backends: Backends) -> None:
    finding = [text for text in QUERIES if backends[0].search(_ask(text)).total]
    assert len(finding) > len(QUERIES) * 0.8, set(QUERIES) - set(finding)


def _ask(text: str) -> SearchRequest:
    return SearchRequest(read_query(text, names=NAMES, now=NOW).where)


@pytest.mark.parametrize("sort", [Sort.NEWEST, Sort.OLDEST, Sort.LEVEL])
def test_pages_follow_each_other_without_gap_or_repeat(backends: Backends, sort: Sort) -> None:
    for backend in backends:
        found: list[str] = []
        page = backend.search(SearchRequest(size=97, sort=sort))
        while True:
            found.extend(hit.id for hit in page.hits)
            if page.next is None:
                break
            page = backend.search(SearchRequest(size=97, sort=sort, after=page.next))
        assert len(found) == len(set(found)) == len(entries())


def test_a_territory_hides_everything_else(backends: Backends) -> None:
    for backend in backends:
        result = backend.search(SearchRequest(territory="360700", size=500))
        expected = {entry.id for entry in entries() if "360700" in entry.territory}
        assert {hit.id for hit in result.hits} == expected
        assert result.total == len(expected)
        assert sum(bar.count for bar in result.histogram.bars) == len(expected)  # type: ignore[union-attr, misc]


def test_a_province_sees_what_has_no_place_or_lies_abroad_and_a_city_does_not(backends: Backends) -> None:
    home = {entry.id for entry in entries() if "360000" in entry.territory}
    nowhere = {entry.id for entry in entries() if not entry.territory or "000000" in entry.territory}
    assert nowhere
    result = same(backends, SearchRequest(territory="360000", size=0))
    assert result.total == len(home | nowhere)
    assert same(backends, SearchRequest(territory="360900", size=0)).total < len(home)
