"""Monthly indices on a real node: where a signal lies, which write wins, how a search sees them as one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from elasticsearch import Elasticsearch

from search.backend import FacetValue, SearchRequest, Sort
from search.elastic_names import month_of
from search.elasticsearch import ElasticsearchBackend
from search.records import IndexEntry, millis
from search.where import Words
from tests.elasticsearch_index import months
from tests.search_documents import NOW, entry

OCTOBER = datetime(2026, 10, 20, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 20, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 20, tzinfo=UTC)


def at(moment: datetime, version: int, known: str = "a") -> IndexEntry:
    return entry(known, f"第 {version} 版", version=version, event_time=moment)


def found(backend: ElasticsearchBackend) -> dict[str, tuple[str, datetime]]:
    backend.refresh()
    result = backend.search(SearchRequest(size=1000))
    assert result.total == len(result.hits) == backend.count()
    return {hit.id: (hit.title.text, hit.fields["event_time"]) for hit in result.hits}


@pytest.mark.parametrize(
    ("moment", "month"),
    [
        (datetime(2026, 11, 30, 15, 59, 59, 999000, tzinfo=UTC), "2026.11"),
        (datetime(2026, 11, 30, 16, tzinfo=UTC), "2026.12"),  # midnight in Beijing
        (datetime(2019, 12, 31, 16, tzinfo=UTC), "2020.01"),
        (datetime(2019, 12, 31, 15, tzinfo=UTC), "2019"),
        (datetime(1999, 12, 31, 16, tzinfo=UTC), "2000"),
        (datetime(1999, 12, 31, 15, tzinfo=UTC), "other"),
        (datetime(2039, 12, 31, 15, tzinfo=UTC), "2039.12"),
        (datetime(2039, 12, 31, 16, tzinfo=UTC), "other"),
        (datetime(1, 1, 2, tzinfo=UTC), "other"),
        (datetime(9999, 12, 30, tzinfo=UTC), "other"),
    ],
)
def test_a_signal_belongs_to_the_beijing_month_of_its_event_time(moment: datetime, month: str) -> None:
    assert month_of(millis(moment)) == month


def test_hostile_dates_open_a_bounded_number_of_indices() -> None:
    every_day = range(millis(datetime(1900, 1, 1, tzinfo=UTC)), millis(datetime(2100, 1, 1, tzinfo=UTC)), 86_400_000)
    assert len({month_of(day) for day in every_day} | {month_of(10**18), month_of(-(10**18))}) == 20 * 12 + 20 + 1


def test_each_signal_lies_in_its_month_behind_one_alias(
    elastic: ElasticsearchBackend, elastic_client: Elasticsearch, elastic_name: str
) -> None:
    signals = [
        at(OCTOBER, 1, "a"),
        at(NOVEMBER, 1, "b"),
        at(NOVEMBER, 1, "c"),
        at(datetime(1066, 1, 1, tzinfo=UTC), 1, "d"),
    ]
    assert elastic.index(signals) == ()
    assert set(found(elastic)) == {"a", "b", "c", "d"}
    assert months(elastic_client, elastic_name) == {"2026.10": 1, "2026.11": 2, "other": 1}


def test_months_are_made_from_the_strict_template_and_only_by_us(
    elastic: ElasticsearchBackend, elastic_client: Elasticsearch, elastic_name: str
) -> None:
    elastic.index([at(NOVEMBER, 1)])
    mapping = elastic_client.indices.get_mapping(index=f"{elastic_name}-g000001-2026.11").body[
        f"{elastic_name}-g000001-2026.11"
    ]["mappings"]
    assert mapping["dynamic"] == "strict"
    answer = elastic_client.options(ignore_status=404).index(
        index=f"{elastic_name}-g000001-2026.09", document={"title": "a"}
    )
    assert answer.meta.status == 404
    assert not elastic_client.indices.exists(index=f"{elastic_name}-g000001-2026.09")


def test_a_month_that_was_deleted_is_made_again_by_the_next_write(
    elastic: ElasticsearchBackend, elastic_client: Elasticsearch, elastic_name: str
) -> None:
    elastic.index([at(OCTOBER, 1, "a"), at(NOVEMBER, 1, "b")])
    elastic_client.indices.delete(index=f"{elastic_name}-g000001-2026.10")
    assert set(found(elastic)) == {"b"}
    elastic.index([at(OCTOBER, 1, "a")])
    assert set(found(elastic)) == {"a", "b"}


MOVES = {
    "on": {1: OCTOBER, 2: NOVEMBER, 3: DECEMBER},
    "back": {1: OCTOBER, 2: NOVEMBER, 3: OCTOBER},
    "late": {1: OCTOBER, 2: OCTOBER, 3: NOVEMBER},
}


def test_in_whatever_order_revisions_arrive_the_newest_is_there_once(elastic: ElasticsearchBackend) -> None:
    orders = list(permutations((1, 2, 3)))
    cases = {f"{way} {order}": (MOVES[way], order) for way in MOVES for order in orders}
    for turn in range(3):
        for known, (times, order) in cases.items():
            assert elastic.index([at(times[order[turn]], order[turn], known)]) == ()
        newest = {known: max(order[: turn + 1]) for known, (_, order) in cases.items()}
        assert found(elastic) == {
            known: (f"第 {version} 版", cases[known][0][version]) for known, version in newest.items()
        }


def test_revisions_of_one_batch_count_as_one_after_the_other(elastic: ElasticsearchBackend) -> None:
    elastic.index([at(NOVEMBER, 2), at(OCTOBER, 1), at(DECEMBER, 3), at(OCTOBER, 2), at(OCTOBER, 1, "b")])
    assert found(elastic) == {"a": ("第 3 版", DECEMBER), "b": ("第 1 版", OCTOBER)}


def test_an_equal_version_repeats_also_in_another_month(elastic: ElasticsearchBackend) -> None:
    for moment in (OCTOBER, NOVEMBER, NOVEMBER, OCTOBER):
        elastic.index([replace(at(moment, 1), title=f"{moment:%m}")])
        assert found(elastic) == {"a": (f"{moment:%m}", moment)}


def test_an_older_write_does_not_win_when_the_month_has_forgotten_it(
    elastic: ElasticsearchBackend, elastic_client: Elasticsearch, elastic_name: str
) -> None:
    """A server forgets deletions after elastic.gc_deletes; the places do not."""
    elastic.index([at(OCTOBER, 1)])
    elastic_client.indices.put_settings(index=elastic_name, settings={"index.gc_deletes": "0s"})
    elastic.index([at(NOVEMBER, 2)])
    elastic_client.indices.delete(index=f"{elastic_name}-g000001-2026.10")  # whatever it could remember is gone
    elastic.index([at(OCTOBER, 1)])
    assert found(elastic) == {"a": ("第 2 版", NOVEMBER)}


def test_deleting_finds_the_month_and_an_older_write_does_not_undo_it(elastic: ElasticsearchBackend) -> None:
    elastic.index([at(OCTOBER, 1), at(NOVEMBER, 1, "b"), at(DECEMBER, 4, "c")])
    elastic.index([at(NOVEMBER, 2)])
    elastic.delete(["a", "c", "unknown"])
    assert set(found(elastic)) == {"b"}
    elastic.index([at(OCTOBER, 1), at(OCTOBER, 3, "c")])
    assert set(found(elastic)) == {"b"}
    elastic.index([at(NOVEMBER, 2), at(OCTOBER, 5, "c")])
    assert found(elastic) == {"a": ("第 2 版", NOVEMBER), "b": ("第 1 版", NOVEMBER), "c": ("第 5 版", OCTOBER)}


def test_a_time_range_passes_over_the_months_outside_it(
    elastic: ElasticsearchBackend, elastic_client: Elasticsearch, elastic_name: str
) -> None:
    elastic.index([at(NOW - timedelta(days=30 * back), 1, f"m{back}") for back in range(12)])
    elastic.refresh()
    seen = []
    ask = elastic_client.search

    def search(**request: object) -> object:
        answer = ask(**request)  # type: ignore[arg-type]
        seen.append(answer["_shards"])
        return answer

    elastic._client.search = search  # type: ignore[method-assign, assignment]
    result = elastic.search(SearchRequest(from_=NOW - timedelta(days=45), to=NOW + timedelta(days=1)))
    assert result.total == 2
    assert seen[-1]["total"] == 13
    assert seen[-1]["skipped"] >= 10


def test_rare_values_of_many_months_are_counted_exactly(elastic: ElasticsearchBackend) -> None:
    """Each month has thousands of values of its own, and one that is last in each month and first in all."""
    rows = []
    for back in range(3):
        moment = NOVEMBER - timedelta(days=31 * back)
        own = [f"m{back}-{at}" for at in range(2500)]
        rows += [at(moment, 1, f"{back}-{part}") for part in range(2)]
        rows[-2] = replace(rows[-2], enterprises=(*own, "zz-everywhere"))
        rows[-1] = replace(rows[-1], enterprises=tuple(own))
        rows.append(replace(at(moment, 1, f"{back}-one"), enterprises=()))
    elastic.index(rows)
    elastic.refresh()
    found = elastic.search(SearchRequest(facets={"enterprises": 1000})).facets["enterprises"]
    assert found[0] == FacetValue("zz-everywhere", 3)
    assert len(found) == 1000
    assert {value.count for value in found[1:]} == {2}


def test_pages_go_on_across_months(elastic: ElasticsearchBackend) -> None:
    elastic.index([at(NOW - timedelta(days=3 * back), 1, f"p{back:03d}") for back in range(90)])
    elastic.refresh()
    for sort in (Sort.NEWEST, Sort.OLDEST):
        seen: list[str] = []
        page = elastic.search(SearchRequest(size=7, sort=sort))
        while page.hits:
            seen += [hit.id for hit in page.hits]
            if page.next is None:
                break
            page = elastic.search(SearchRequest(size=7, sort=sort, after=page.next))
        expected = [f"p{back:03d}" for back in range(90)]
        assert seen == (expected if sort is Sort.NEWEST else expected[::-1])


def test_relevance_weighs_words_over_all_months(elastic: ElasticsearchBackend) -> None:
    """A word that is common in one month and rare in another counts the same in both."""
    common = [entry(f"c{n}", "起火", f"起火 {n}", event_time=OCTOBER) for n in range(50)]
    rare = [entry("rare", "起火", "起火 1", event_time=NOVEMBER), entry("no", "召回", "", event_time=NOVEMBER)]
    elastic.index([*common, *rare])
    elastic.refresh()
    hits = elastic.search(SearchRequest(Words("起火"), size=60, sort=Sort.RELEVANCE)).hits
    assert len(hits) == 51
    assert len({round(hit.score, 4) for hit in hits if hit.id in ("rare", "c1")}) == 1
