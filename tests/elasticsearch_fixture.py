"""Addresses of real nodes, one of a release for the whole run; conftest.py loads them as a plugin."""

from collections.abc import Iterator

import pytest

from tests.elasticsearch import EIGHT, NINE, NodeMissing, Release, build, required, running_node


def built(release: Release) -> None:
    """Build the node of `release`; skips where it cannot be built, unless CI=true."""
    try:
        build(release)
    except NodeMissing as reason:
        if required():
            raise
        pytest.skip(f"no Elasticsearch {release.version} node: {reason}")


@pytest.fixture(scope="session")
def elasticsearch_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A node of release 8."""
    built(EIGHT)
    with running_node(tmp_path_factory.mktemp("elasticsearch")) as url:
        yield url


@pytest.fixture(scope="session")
def elasticsearch9_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A node of release 9."""
    built(NINE)
    with running_node(tmp_path_factory.mktemp("elasticsearch9"), NINE) as url:
        yield url


@pytest.fixture(scope="session", params=["elasticsearch_url", "elasticsearch9_url"], ids=["8", "9"])
def each_elasticsearch_url(request: pytest.FixtureRequest) -> str:
    """A node of each release that the client must speak to."""
    url: str = request.getfixturevalue(request.param)
    return url
