"""Months that are over become small: one segment, what the server kept for recovery gone, every signal still there."""

from datetime import UTC, datetime

import pytest
from elasticsearch import Elasticsearch

from search.backend import SearchRequest
from search.elastic_tidy import in_pieces, is_over
from search.elasticsearch import ElasticsearchBackend
from tests.elasticsearch_index import until
from tests.search_documents import entry

PAST = datetime(2021, 3, 5, tzinfo=UTC)
TO_COME = datetime(2039, 3, 5, tzinfo=UTC)


def segments(client: Elasticsearch, name: str, month: str) -> int:
    found = client.indices.segments(index=f"{name}-g000001-{month}").body["indices"]
    return sum(len(copy["segments"]) for one in found.values() for copies in one["shards"].values() for copy in copies)


def test_a_month_that_is_over_is_merged_and_a_running_one_is_left(
    elastic: ElasticsearchBackend, elastic_client: Elasticsearch, elastic_name: str
) -> None:
    for number in range(4):
        both = [entry(f"{moment.year}-{number}", "起火", event_time=moment) for moment in (PAST, TO_COME)]
        elastic.index(both)
        elastic.refresh()
    assert segments(elastic_client, elastic_name, "2021.03") > 1
    assert elastic.tidy() == 1
    until(lambda: segments(elastic_client, elastic_name, "2021.03") == 1)
    assert segments(elastic_client, elastic_name, "2039.03") > 1
    assert elastic.search(SearchRequest()).total == 8
    assert elastic.tidy() == 0


def test_an_index_that_is_not_there_needs_no_tidying(elastic: ElasticsearchBackend) -> None:
    assert elastic.tidy() == 0


@pytest.mark.parametrize(
    ("month", "now", "over"),
    [
        ("2026.10", datetime(2026, 11, 3, 15, 59, tzinfo=UTC), False),
        ("2026.10", datetime(2026, 11, 3, 16, tzinfo=UTC), True),
        ("2026.12", datetime(2027, 1, 3, 15, 59, tzinfo=UTC), False),
        ("2026.12", datetime(2027, 1, 3, 16, tzinfo=UTC), True),
        ("2007", datetime(2008, 1, 3, 16, tzinfo=UTC), True),
        ("2007", datetime(2008, 1, 3, 15, tzinfo=UTC), False),
        ("other", datetime(2050, 1, 1, tzinfo=UTC), False),
    ],
)
def test_a_month_is_over_three_days_after_its_end_in_beijing(month: str, now: datetime, over: bool) -> None:
    assert is_over(month, now) == over


def test_a_latecomer_does_not_have_its_whole_month_written_again() -> None:
    assert in_pieces([40, 30, 30])
    assert in_pieces([89, 11])
    assert not in_pieces([90, 10])
    assert not in_pieces([5])
    assert not in_pieces([])
