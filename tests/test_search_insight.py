"""Texts like one text, what is special in hits, pairs never seen before: alike on both backends."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from uuid import uuid4

import pytest

from search.backend import SearchBackend, SearchRequest, Sort
from search.elasticsearch import ElasticsearchBackend
from search.embedded import EmbeddedBackend
from search.insight import at_least, count_of, more_like
from search.text import fold
from search.where import AllOf, AnyOf, Nothing, Where, Words
from tests.search_documents import entries, entry, words

BY_ID = {one.id: one for one in entries()}
REPOST = next(one for one in entries() if one.repost_of in BY_ID)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchBackend]:
    backend = EmbeddedBackend(tmp_path_factory.mktemp("index"), words)
    backend.index(entries())
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def elastic(elasticsearch_url: str) -> Iterator[SearchBackend]:
    backend = ElasticsearchBackend(elasticsearch_url, f"insight-{uuid4().hex[:8]}", words)
    assert backend.index(entries()) == ()
    backend.refresh()
    yield backend
    backend.close()


# --- texts like this one ------------------------------------------------------------------------------------------

TEXTS = [one.id for one in entries()[:600:50]] + ["odd-001", "odd-005", "mixed-0042", REPOST.id]


@pytest.mark.parametrize("known", TEXTS)
def test_both_backends_find_the_same_texts_alike(embedded: SearchBackend, elastic: SearchBackend, known: str) -> None:
    ours, theirs = (more_like(backend, known, words=words) for backend in (embedded, elastic))
    assert ours == theirs
    assert ours is not None
    request = SearchRequest(ours.where, sort=Sort.RELEVANCE, facets={}, histogram=False)
    first, second = embedded.search(request), elastic.search(request)
    assert first.total == second.total
    assert [hit.id for hit in first.hits] == [hit.id for hit in second.hits]


@pytest.mark.parametrize("known", TEXTS)
def test_a_text_alike_shares_a_third_of_the_telling_words(embedded: SearchBackend, known: str) -> None:
    alike = more_like(embedded, known, words=words)
    assert alike is not None
    assert alike.shared * 3 >= len(alike.words)
    for hit in embedded.search(SearchRequest(alike.where, sort=Sort.RELEVANCE, size=100)).hits:
        text = fold(f"{hit.fields['title']} {hit.fields['body']}")
        assert sum(word in text for word in alike.words) >= alike.shared
        assert hit.id != known


def test_reposts_of_the_same_text_are_told_apart_from_texts_alike(embedded: SearchBackend) -> None:
    origin = REPOST.repost_of or ""
    for known in (origin, REPOST.id):
        alike = more_like(embedded, known, words=words)
        assert alike is not None
        hits = embedded.search(SearchRequest(alike.where, size=1000)).hits
        assert not [hit.id for hit in hits if hit.fields["repost_of"]]
        assert origin not in {hit.id for hit in hits}
        copies = {hit.id for hit in embedded.search(SearchRequest(alike.copies, size=1000)).hits}
        assert copies == {one.id for one in entries() if origin in (one.id, one.repost_of)} - {known}
    open_ = more_like(embedded, origin, words=words, reposts=True)
    assert open_ is not None
    assert REPOST.id in {hit.id for hit in embedded.search(SearchRequest(open_.where, size=1000)).hits}


def test_a_text_that_the_viewer_may_not_see_has_nothing_alike(embedded: SearchBackend) -> None:
    here = next(one for one in entries() if "360700" in one.territory)
    assert more_like(embedded, here.id, words=words, territory="360700") is not None
    assert more_like(embedded, here.id, words=words, territory="360100") is None
    assert more_like(embedded, "d-unknown", words=words) is None


def test_a_text_without_words_has_nothing_alike(tmp_path_factory: pytest.TempPathFactory) -> None:
    backend = EmbeddedBackend(tmp_path_factory.mktemp("bare"), words)
    backend.index([entry("empty", ""), entry("number", "2026 14.6%"), entry("alone", "独此一篇的措辞")])
    for known in ("empty", "number", "alone"):
        alike = more_like(backend, known, words=words)
        assert alike is not None
        assert (alike.where, alike.words) == (Nothing(), ())
        assert count_of(backend, alike.where) == 0


def test_the_title_weighs_more_than_the_body(tmp_path_factory: pytest.TempPathFactory) -> None:
    backend = EmbeddedBackend(tmp_path_factory.mktemp("title"), words)
    fire = entry("fire", "锂电池起火", "居民疏散，消防到场，无人伤亡。")
    backend.index([fire, replace(fire, id="twin"), *(entry(f"other-{at}", "消防演练", "居民疏散") for at in range(3))])
    alike = more_like(backend, "fire", words=words)
    assert alike is not None
    assert set(alike.words[:2]) == {"锂电池", "起火"}


def holds(where: Where, true: set[str]) -> bool:
    match where:
        case Words(text):
            return text in true
        case AllOf(parts):
            return all(holds(part, true) for part in parts)
        case AnyOf(parts):
            return any(holds(part, true) for part in parts)
        case _:
            raise AssertionError(where)


@pytest.mark.parametrize(("size", "count"), [(n, k) for n in range(1, 8) for k in range(1, n + 1)])
def test_at_least_counts(size: int, count: int) -> None:
    names = [str(at) for at in range(size)]
    where = at_least(count, [Words(name) for name in names])
    for chosen in product([False, True], repeat=size):
        true = {name for name, there in zip(names, chosen, strict=True) if there}
        assert holds(where, true) == (len(true) >= count)


@pytest.mark.parametrize("count", [0, 3])
def test_at_least_refuses_what_cannot_be(count: int) -> None:
    with pytest.raises(ValueError, match="accepted: 1 to 2"):
        at_least(count, [Words("a"), Words("b")])
