"""How the cluster is reached, and what its errors mean: the only place that makes a client or reads its exceptions."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import elastic_transport
import elasticsearch
from elasticsearch import Elasticsearch

from config.elastic_access import ElasticAccess
from core.errors import SearchUnavailable
from search.elastic_errors import not_elasticsearch, refused, unreached

TIMEOUT = 15.0
"""Seconds a request may take: the desk would rather say that search is slow than hang."""
FIRST_REST = 0.5
LONGEST_REST = 8.0
"""Seconds a node that did not answer is left alone, the first time and at most: one that is back is used again soon."""


Access = ElasticAccess
"""How to reach the cluster: `Access("http://a:9200,http://b:9200")`, and by whom."""


def connect(access: Access) -> Elasticsearch:
    """A client over all nodes of `access`; nothing is contacted yet.

    A request that found no node at one address goes on to the next; each is asked once. What a node answers, 429 and
    503 too, is for the caller to judge.
    """
    account, key = access.account, access.api_key.get_secret_value() if access.api_key else None
    # Of the system's own authorities, or of the given one alone.
    trust = ssl.create_default_context(cafile=str(access.ca) if access.ca else None) if access.secure else None
    return Elasticsearch(
        access.hosts,
        basic_auth=(account[0], account[1].get_secret_value()) if account else None,
        api_key=_key_parts(key) if key else None,
        ssl_context=trust,
        request_timeout=TIMEOUT,
        max_retries=len(access.hosts) - 1,
        retry_on_status=(),
        retry_on_timeout=False,
        dead_node_backoff_factor=FIRST_REST,
        max_dead_node_backoff=LONGEST_REST,
    )


def _key_parts(key: str) -> str | tuple[str, str]:
    """An API key as the server gave it: `id:key`, or both in base64."""
    known, colon, secret = key.partition(":")
    return (known, secret) if colon else key


@contextmanager
def telling(access: Access) -> Iterator[None]:
    """The client's errors end here as SearchUnavailable, in the words of people."""
    try:
        yield
    except elastic_transport.TransportError as error:
        raise SearchUnavailable(unreached(error, access, access.where, TIMEOUT)) from error
    except elasticsearch.UnsupportedProductError as error:
        raise SearchUnavailable(not_elasticsearch(access.where)) from error
    except elasticsearch.ApiError as error:
        told = refused(error, access, access.where)
        other = f"Elasticsearch（{access.where}）报错“{str(error.error)[:80]}”（HTTP {error.status_code}）"
        raise SearchUnavailable(told or other) from error
