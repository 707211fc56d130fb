"""How the cluster is reached, and what its errors mean: the only place that makes a client or reads its exceptions."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import elastic_transport
import elasticsearch
from elasticsearch import Elasticsearch

from core.errors import SearchUnavailable

TIMEOUT = 15.0
"""Seconds a request may take: the desk would rather say that search is slow than hang."""
FIRST_REST = 0.5
LONGEST_REST = 8.0
"""Seconds a node that did not answer is left alone, the first time and at most: one that is back is used again soon."""


@dataclass(frozen=True)
class Access:
    """How to reach the cluster. urls: one or several nodes of it, comma separated (`http://a:9200,http://b:9200`)."""

    urls: str

    @property
    def hosts(self) -> list[str]:
        """The addresses, one a node."""
        return [url.strip() for url in self.urls.split(",") if url.strip()]

    @property
    def where(self) -> str:
        """The addresses as people may see them: without user and password."""
        return "、".join(urlsplit(url).netloc.rpartition("@")[2] for url in self.hosts)


def connect(access: Access) -> Elasticsearch:
    """A client over all nodes of `access`; nothing is contacted yet.

    A request that found no node at one address goes on to the next; each is asked once. What a node answers, 429 and
    503 too, is for the caller to judge.
    """
    return Elasticsearch(
        access.hosts,
        request_timeout=TIMEOUT,
        max_retries=len(access.hosts) - 1,
        retry_on_status=(),
        retry_on_timeout=False,
        dead_node_backoff_factor=FIRST_REST,
        max_dead_node_backoff=LONGEST_REST,
    )


@contextmanager
def telling(access: Access) -> Iterator[None]:
    """The client's errors end here as SearchUnavailable, in the words of people."""
    try:
        yield
    except elastic_transport.TransportError as error:
        what = f"连不上 Elasticsearch（{access.where}）：{type(error).__name__}"
        raise SearchUnavailable(what) from error
    except elasticsearch.ApiError as error:
        why = "账号不对或权限不足" if error.status_code in (401, 403) else f"报错“{str(error.error)[:80]}”"
        raise SearchUnavailable(f"Elasticsearch（{access.where}）{why}（HTTP {error.status_code}）") from error
