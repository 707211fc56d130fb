"""What the tests ask an index on a real node, besides searching."""

from elasticsearch import Elasticsearch

from search.backend import SearchRequest
from search.elasticsearch import ElasticsearchBackend


def titles(backend: ElasticsearchBackend) -> dict[str, str]:
    """Id to title of all that a search finds, after a refresh; fails where the same id is found twice."""
    backend.refresh()
    found: dict[str, str] = {}
    after = None
    while True:
        page = backend.search(SearchRequest(size=1000, after=after, facets={}, histogram=False))
        for hit in page.hits:
            assert hit.id not in found, f"{hit.id} is there twice"
            found[hit.id] = hit.title.text
        if page.next is None:
            assert page.total == len(found) == backend.count()
            return found
        after = page.next


def months(client: Elasticsearch, name: str) -> dict[str, int]:
    """Month to documents, of the index that searches read."""
    counted = client.indices.stats(index=name, metric="docs").body["indices"]
    return {index.rpartition("-")[2]: one["primaries"]["docs"]["count"] for index, one in counted.items()}
