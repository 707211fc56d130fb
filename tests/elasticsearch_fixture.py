"""Real nodes, one of a release for the whole run, and an index on each; conftest.py loads them as a plugin."""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from elasticsearch import Elasticsearch

from search.elasticsearch import ElasticsearchBackend
from tests.elasticsearch import EIGHT, NINE, NodeMissing, Release, build, required, shared_node
from tests.search_documents import words

EIGHT_ALONE = pytest.mark.parametrize("each_elasticsearch_url", ["elasticsearch_url"], indirect=True, ids=["8"])
"""For a test of what our own side does, with what a proxy or a clock of ours tells it: one release shows it."""


def built(release: Release) -> None:
    """Build the node of `release`; skips where it cannot be built, unless CI=true."""
    try:
        build(release)
    except NodeMissing as reason:
        if required():
            raise
        pytest.skip(f"no Elasticsearch {release.version} node: {reason}")


def common(factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this run share."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def elasticsearch_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A node of release 8."""
    built(EIGHT)
    with shared_node(common(tmp_path_factory) / "elasticsearch") as url:
        yield url


@pytest.fixture(scope="session")
def elasticsearch9_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A node of release 9."""
    built(NINE)
    with shared_node(common(tmp_path_factory) / "elasticsearch9", NINE) as url:
        yield url


@pytest.fixture(scope="session", params=["elasticsearch_url", "elasticsearch9_url"], ids=["8", "9"])
def each_elasticsearch_url(request: pytest.FixtureRequest) -> str:
    """A node of each release that the client must speak to."""
    url: str = request.getfixturevalue(request.param)
    return url


@pytest.fixture
def elastic_name(each_elasticsearch_url: str) -> Iterator[str]:
    """What the indices of a test begin with; they are deleted afterwards, so that the node stays small."""
    chosen = f"test-{uuid4().hex[:8]}"
    yield chosen
    with Elasticsearch(each_elasticsearch_url) as client:
        for pattern in (f"{chosen}-*", chosen):
            for index in client.indices.get(index=pattern, ignore_unavailable=True, expand_wildcards="all").body:
                client.indices.delete(index=index, ignore_unavailable=True)


@pytest.fixture
def elastic(each_elasticsearch_url: str, elastic_name: str) -> Iterator[ElasticsearchBackend]:
    """An index nobody has written to."""
    backend = ElasticsearchBackend(each_elasticsearch_url, elastic_name, words)
    yield backend
    backend.close()


@pytest.fixture
def elastic_client(each_elasticsearch_url: str) -> Iterator[Elasticsearch]:
    """A client that sees what the backend made."""
    with Elasticsearch(each_elasticsearch_url) as opened:
        yield opened
