"""The same client against release 9: it answers the queries of the parity suite as the embedded index does."""

from pathlib import Path
from uuid import uuid4

from search.backend import SearchRequest, Sort
from search.elasticsearch import ElasticsearchBackend
from search.embedded import EmbeddedBackend
from search.query import read_query
from tests.search_documents import NAMES, NOW, entries, words
from tests.test_search_parity import QUERIES, same


def test_release_9_answers_the_queries_of_the_parity_suite(elasticsearch9_url: str, tmp_path: Path) -> None:
    embedded = EmbeddedBackend(tmp_path / "index", words)
    nine = ElasticsearchBackend(elasticsearch9_url, f"parity-{uuid4().hex[:8]}", words)
    for backend in (embedded, nine):
        for start in range(0, len(entries()), 2000):
            assert backend.index(entries()[start : start + 500]) == ()  # a quarter of them
        backend.refresh()
    for text in QUERIES:
        where = read_query(text, names=NAMES, now=NOW).where
        same((embedded, nine), SearchRequest(where))
        same((embedded, nine), SearchRequest(where, sort=Sort.RELEVANCE, facets={}, histogram=False))
    embedded.close()
    nine.close()
