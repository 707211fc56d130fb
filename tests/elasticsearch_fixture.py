"""`elasticsearch_url`: the address of a real node, one for the whole run; conftest.py loads it as a plugin."""

from collections.abc import Iterator

import pytest

from tests.elasticsearch import NodeMissing, build, required, running_node


@pytest.fixture(scope="session")
def elasticsearch_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Skips where the node cannot be built, unless CI=true."""
    try:
        build()
    except NodeMissing as reason:
        if required():
            raise
        pytest.skip(f"no Elasticsearch node: {reason}")
    with running_node(tmp_path_factory.mktemp("elasticsearch")) as url:
        yield url
