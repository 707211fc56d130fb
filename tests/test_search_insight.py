"""Texts like one text, what is special in hits, pairs never seen before: alike on both backends."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import product
from uuid import uuid4

import pytest

from search.backend import SearchBackend, SearchRequest, Sort
from search.elasticsearch import ElasticsearchBackend
from search.embedded import EmbeddedBackend
from search.insight import (
    at_least,
    background_of,
    count_of,
    more_like,
    novel_pairs,
    significant,
    significant_words,
)
from search.novel import LOOK_BACK
from search.records import IndexEntry, millis
from search.text import fold
from search.where import AllOf, AnyOf, Not, Nothing, OneOf, Phrase, Where, Words, both
from tests.search_documents import NOW, entries, entry, words


@cache
def repost() -> IndexEntry:
    """The first one that tells again what another one told."""
    known = {one.id for one in entries()}
    return next(one for one in entries() if one.repost_of in known)


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

TEXTS = [*range(0, 600, 50), "odd-001", "odd-005", "mixed-0042", "the repost"]


@pytest.fixture
def known(request: pytest.FixtureRequest) -> str:
    """The id of the text that a parameter names, or whose place in the list it gives."""
    if request.param == "the repost":
        return repost().id
    return entries()[request.param].id if isinstance(request.param, int) else str(request.param)


@pytest.mark.parametrize("known", TEXTS, indirect=True)
def test_both_backends_find_the_same_texts_alike(embedded: SearchBackend, elastic: SearchBackend, known: str) -> None:
    ours, theirs = (more_like(backend, known, words=words) for backend in (embedded, elastic))
    assert ours == theirs
    assert ours is not None
    request = SearchRequest(ours.where, sort=Sort.RELEVANCE, facets={}, histogram=False)
    first, second = embedded.search(request), elastic.search(request)
    assert first.total == second.total
    assert [hit.id for hit in first.hits] == [hit.id for hit in second.hits]


@pytest.mark.parametrize("known", TEXTS, indirect=True)
def test_a_text_alike_shares_a_third_of_the_telling_words(embedded: SearchBackend, known: str) -> None:
    alike = more_like(embedded, known, words=words)
    assert alike is not None
    assert alike.shared * 3 >= len(alike.words)
    for hit in embedded.search(SearchRequest(alike.where, sort=Sort.RELEVANCE, size=100)).hits:
        text = fold(f"{hit.fields['title']} {hit.fields['body']}")
        assert sum(word in text for word in alike.words) >= alike.shared
        assert hit.id != known


def test_reposts_of_the_same_text_are_told_apart_from_texts_alike(embedded: SearchBackend) -> None:
    origin = repost().repost_of or ""
    for known in (origin, repost().id):
        alike = more_like(embedded, known, words=words)
        assert alike is not None
        hits = embedded.search(SearchRequest(alike.where, size=1000)).hits
        assert not [hit.id for hit in hits if hit.fields["repost_of"]]
        assert origin not in {hit.id for hit in hits}
        copies = {hit.id for hit in embedded.search(SearchRequest(alike.copies, size=1000)).hits}
        assert copies == {one.id for one in entries() if origin in (one.id, one.repost_of)} - {known}
    open_ = more_like(embedded, origin, words=words, reposts=True)
    assert open_ is not None
    assert repost().id in {hit.id for hit in embedded.search(SearchRequest(open_.where, size=1000)).hits}


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


# --- what is special in the hits ----------------------------------------------------------------------------------

WEEK = timedelta(days=7)
SEARCHES = {
    "a word": SearchRequest(Words("起火"), from_=NOW - 4 * WEEK, to=NOW),
    "a value": SearchRequest(OneOf("products", ("ebike",)), from_=NOW - 8 * WEEK),
    "a filter": SearchRequest(filters={"kind": ("recall", "complaint")}, without={"level": (0,)}),
    "a territory": SearchRequest(Words("电动自行车"), territory="360000"),
    "a time": SearchRequest(from_=NOW - WEEK, to=NOW),
    "nothing found": SearchRequest(Words("没有这样的词语")),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_both_backends_find_the_same_special(embedded: SearchBackend, elastic: SearchBackend, name: str) -> None:
    request = SEARCHES[name]
    background = background_of(request, now=NOW)
    assert background is not None
    assert significant(embedded, request, background) == significant(elastic, request, background)
    ours, theirs = (significant_words(each, request, background, words=words) for each in (embedded, elastic))
    assert ours == theirs


@pytest.mark.parametrize("name", SEARCHES)
def test_the_counts_of_what_is_special_are_those_of_searches(embedded: SearchBackend, name: str) -> None:
    request = SEARCHES[name]
    background = background_of(request, now=NOW)
    assert background is not None
    found = significant(embedded, request, background)
    told = significant_words(embedded, request, background, words=words)
    for one in (*found, *told):
        holding = Phrase(str(one.value)) if one.field == "words" else OneOf(one.field, (one.value,))
        for asked, all_, some in ((request, one.of_hits, one.hits), (background, one.of_all, one.all)):
            assert embedded.search(replace(asked, size=0)).total == all_
            assert embedded.search(replace(asked, size=0, where=both([asked.where, holding]))).total == some
        assert one.hits >= 3
        assert one.lift >= 1.2
        assert one.score >= 10.83


def small(tmp_path_factory: pytest.TempPathFactory, made: Iterable[IndexEntry]) -> SearchBackend:
    backend = EmbeddedBackend(tmp_path_factory.mktemp("small"), words)
    backend.index(list(made))
    return backend


def fires(count: int = 40, others: int = 400) -> Iterator[IndexEntry]:
    """`count` fires, 12 of them of one product from one source; others where the product is in one of ten."""
    for at in range(count):
        mine = at < 12
        body = "锂电池热失控" if mine else "灶台冒烟"
        yield entry(
            f"fire-{at}", f"民房起火 {at}", body, source="hot_list" if mine else f"s{at % 7}", kind="news",
            products=("ebike",) if mine else (), enterprises=(f"E{at}",), issues=("fire",),
        )  # fmt: skip
    for at in range(others):
        body = "灶台保养" if at % 3 else "车辆年检"
        yield entry(
            f"other-{at}", f"日常消息 {at}", body, source=f"s{at % 7}", kind="news",
            products=("ebike",) if at % 20 == 0 else (), enterprises=(f"E{at}",),
        )  # fmt: skip


def test_what_is_special_comes_with_both_counts(tmp_path_factory: pytest.TempPathFactory) -> None:
    backend = small(tmp_path_factory, fires())
    request = SearchRequest(Words("起火"))
    background = background_of(request, now=NOW)
    assert background is not None
    found = {(one.field, one.value): one for one in significant(backend, request, background)}
    ebike = found["products", "ebike"]
    assert (ebike.hits, ebike.of_hits, ebike.all, ebike.of_all) == (12, 40, 32, 440)
    assert ("issues", "fire") in found
    assert ("kind", "news") not in found  # all are news
    assert not [key for key in found if key[0] == "enterprises"]  # one hit each is a coincidence
    told = {str(one.value): one for one in significant_words(backend, request, background, words=words)}
    assert {"锂电池"} <= set(told)
    assert "起火" not in told  # what was asked for is in all hits
    assert "灶台" not in told or told["灶台"].lift > 1.2


def test_what_the_search_asks_for_is_not_called_special(tmp_path_factory: pytest.TempPathFactory) -> None:
    backend = small(tmp_path_factory, fires())
    for request in (
        SearchRequest(filters={"products": ("ebike",)}),
        SearchRequest(AllOf((OneOf("products", ("ebike",)), Words("消息")))),
    ):
        background = background_of(request, now=NOW)
        assert background is not None
        assert not [one for one in significant(backend, request, background) if one.field == "products"]


def test_hits_that_are_like_all_others_have_nothing_special(tmp_path_factory: pytest.TempPathFactory) -> None:
    backend = small(tmp_path_factory, (replace(one, title=f"{one.title} {at % 3}甲") for at, one in enumerate(fires())))
    request = SearchRequest(Words("0甲"))
    background = background_of(request, now=NOW)
    assert background is not None
    assert significant(backend, request, background) == ()


def test_a_firm_beyond_the_thousand_most_frequent_has_its_true_count(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    many = (entry(f"m{at}-{n}", "日常", enterprises=(f"F{at:04d}",)) for at in range(1100) for n in range(4))
    rare = (entry(f"r{at}", "起火", enterprises=("rare",)) for at in range(3))
    backend = small(tmp_path_factory, [*many, *rare, entry("r9", "日常", enterprises=("rare",))])
    request = SearchRequest(Words("起火"))
    background = background_of(request, now=NOW)
    assert background is not None
    [one] = [one for one in significant(backend, request, background) if one.field == "enterprises"]
    assert (one.value, one.hits, one.all) == ("rare", 3, 4)


def test_a_time_alone_is_held_against_the_year_before_its_end() -> None:
    recent = SearchRequest(from_=NOW - WEEK, to=NOW, territory="360700")
    background = background_of(recent, now=NOW)
    assert background is not None
    assert (background.from_, background.to, background.territory) == (NOW - timedelta(days=365), NOW, "360700")
    assert background_of(SearchRequest(from_=NOW - timedelta(days=700)), now=NOW) is None
    assert background_of(SearchRequest(), now=NOW) is None
    asked = SearchRequest(Words("起火"), from_=NOW - WEEK, filters={"kind": ("news",)}, without={"level": (0,)})
    assert background_of(asked, now=NOW) == SearchRequest(from_=NOW - WEEK)


# --- pairs never seen before --------------------------------------------------------------------------------------


def held(one: IndexEntry, kind: tuple[str, str]) -> set[tuple[str, str]]:
    return set(product(getattr(one, kind[0]), getattr(one, kind[1])))


@pytest.mark.parametrize("territory", [None, "360700"])
@pytest.mark.parametrize("days", [3, 30])
def test_novel_pairs_are_those_no_document_held_before(
    embedded: SearchBackend, elastic: SearchBackend, days: int, territory: str | None
) -> None:
    start = NOW - timedelta(days=days)
    request = SearchRequest(Not(OneOf("kind", ("forum",))), from_=start, to=NOW, territory=territory)
    found = novel_pairs(embedded, request, most=10_000, tries=10_000)
    assert found == novel_pairs(elastic, request, most=10_000, tries=10_000)
    mine = [one for one in entries() if territory is None or territory in one.territory]
    for each in found:
        kind = (each.row, each.column)
        before = {pair for one in mine if start - LOOK_BACK <= one.event_time < start for pair in held(one, kind)}
        window = [one for one in mine if start <= one.event_time < NOW and one.kind != "forum"]
        expected = Counter(pair for one in window for pair in held(one, kind) if pair not in before)
        assert {(pair.row, pair.column): pair.count for pair in each.pairs} == expected
        assert each.unseen == 0
        for pair in each.pairs:
            holding = (one for one in mine if one.event_time >= start and (pair.row, pair.column) in held(one, kind))
            assert millis(pair.first.fields["event_time"]) == min(millis(one.event_time) for one in holding)


def test_a_pair_is_new_after_a_year_without_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    made = [
        entry("old", day=-400, products=("ebike",), issues=("fire",)),
        entry("known", day=-200, products=("cable",), issues=("fire",), kind="forum"),
        entry("first", day=-3, products=("ebike",), issues=("fire",)),
        entry("second", day=-2, products=("ebike", "cable"), issues=("fire",)),
    ]
    backend = small(tmp_path_factory, made)
    request = SearchRequest(filters={"kind": ("news",)}, from_=NOW - WEEK)
    kinds = [("products", "issues")]
    [found] = novel_pairs(backend, request, kinds=kinds)
    assert [(one.row, one.column, one.count, one.first.id) for one in found.pairs] == [("ebike", "fire", 2, "first")]
    [longer] = novel_pairs(backend, request, kinds=kinds, look_back=timedelta(days=500))
    assert longer.pairs == ()


def test_one_new_pair_is_found_among_many_firms(tmp_path_factory: pytest.TempPathFactory) -> None:
    def both_times() -> Iterator[IndexEntry]:
        for at in range(1300):
            for day in (-40, -1):
                yield entry(f"e{at}{day}", day=day, products=(f"p{at % 9}",), enterprises=(f"F{at:04d}",))

    backend = small(tmp_path_factory, [*both_times(), entry("new", day=-1, products=("p1",), enterprises=("F0002",))])
    found = novel_pairs(backend, SearchRequest(from_=NOW - WEEK))
    assert {(each.row, each.column): [(one.row, one.column) for one in each.pairs] for each in found} == {
        ("products", "issues"): [],
        ("products", "enterprises"): [("p1", "F0002")],
        ("issues", "enterprises"): [],
    }


def test_what_was_not_looked_up_is_told(tmp_path_factory: pytest.TempPathFactory) -> None:
    backend = small(tmp_path_factory, (entry(f"e{at}", products=(f"p{at}",), issues=("fire",)) for at in range(30)))
    [found] = novel_pairs(backend, SearchRequest(from_=NOW - WEEK), kinds=[("products", "issues")], most=10)
    assert (len(found.pairs), found.unseen, found.cut) == (10, 20, False)


def test_more_partners_than_are_counted_are_told(tmp_path_factory: pytest.TempPathFactory) -> None:
    firms = (entry(f"e{at}", products=("p",), enterprises=(f"F{at}",)) for at in range(520))
    backend = small(tmp_path_factory, firms)
    [found] = novel_pairs(backend, SearchRequest(from_=NOW - WEEK), kinds=[("products", "enterprises")])
    assert (found.unseen, found.cut) == (490, True)


def test_novel_pairs_need_a_start(embedded: SearchBackend) -> None:
    with pytest.raises(ValueError, match="no start"):
        novel_pairs(embedded, SearchRequest())
