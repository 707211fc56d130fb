"""How the cluster is reached, and what its errors mean: the only place that makes a client or reads its exceptions."""

import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import elastic_transport
import elasticsearch
from elasticsearch import Elasticsearch

from config.elastic_access import ElasticAccess
from core.errors import SearchUnavailable
from search.elastic_errors import forbidden, not_elasticsearch, refused, unreached

Json = dict[str, Any]
T = TypeVar("T")

TIMEOUT = 15.0
"""Seconds a request may take: the desk would rather say that search is slow than hang."""
FIRST_REST = 5.0
LONGEST_REST = 60.0
"""Seconds a node that did not answer is left alone, the first time and at most. One that is dead is told at once; one
that hangs costs whoever asks it a whole TIMEOUT. Where no other lives it is asked in spite of its rest."""
SILENCE = 5.0
"""Seconds for which searches are told at once that one before them was not answered in time."""
WAITS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Seconds before a question is asked again while the cluster elects a master or moves a shard: a few seconds in all."""
PASSING = frozenset({429, 502, 503, 504})
"""Statuses that mean not now: too busy, no master yet, no copy of the shard yet."""
GONE = 404
CONFLICT = 409


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
        raise SearchUnavailable(refused(error, access, access.where) or _told(error, access)) from error


def _told(error: elasticsearch.ApiError, access: Access) -> str:
    why = f"报错“{str(error.error)[:80]}”（HTTP {error.status_code}）"
    if error.error == "index_not_found_exception":
        why = "索引不见了，请运行 fengsui reindex 重建"
    return f"Elasticsearch（{access.where}）{read_only(cause_of(error)) or why}"


def cause_of(error: elasticsearch.ApiError) -> Json:
    """{type, reason, ...} of an answer that is an error; empty where it is something else (a proxy's page)."""
    body = error.body.get("error") if isinstance(error.body, dict) else None
    return body if isinstance(body, dict) else {}


def read_only(cause: Json) -> str | None:
    """What to do about an index that takes no writes, where `cause` says so: waiting alone does not end that."""
    reason = str(cause.get("reason", ""))
    if cause.get("type") != "cluster_block_exception" or "SERVICE_UNAVAILABLE" in reason:
        return None  # the latter passes: no master yet, state not recovered yet
    if "flood-stage" in reason:
        return "磁盘将满，索引已转为只读；请清理磁盘或加节点，水位回落后自动恢复并补写"
    return "索引被设为只读；解除 index.blocks 后自动补写"


class Cluster:
    """A cluster as we use it: its client, and patience with what passes."""

    def __init__(self, access: Access, *, pause: Callable[[float], None] = time.sleep) -> None:
        self.access = access
        self.client = connect(access)
        self.pause = pause

    def ask(self, question: Callable[[], T]) -> T:
        """The answer to a question that may be repeated; asked again while the cluster gathers itself.

        Raises the client's errors. No answer in time is asked once more where there is another node.
        """
        timeouts = 1 if len(self.access.hosts) > 1 else 0
        for wait in (*WAITS, None):
            try:
                return _ours(question())
            except elastic_transport.ConnectionTimeout:
                if not timeouts or wait is None:
                    raise
                timeouts -= 1
            except elasticsearch.ApiError as error:
                if wait is None or error.status_code not in PASSING or read_only(cause_of(error)):
                    raise
            self.pause(wait)
        raise AssertionError("the last turn returns or raises")

    def documents(self, index: str, ids: Sequence[str]) -> dict[str, Json]:
        """Those of `ids` that `index` holds, as written last, visible or not: {id: {_source, _version, _seq_no, ...}}.

        Raises NotFoundError where there is no such index, SearchUnavailable when a shard does not answer.
        """
        for wait in (*WAITS, None):
            docs = self.ask(lambda: self.client.mget(index=index, ids=list(ids)))["docs"]
            failed = [doc["error"] for doc in docs if "error" in doc]
            if not failed:
                return {doc["_id"]: doc for doc in docs if doc["found"]}
            if failed[0]["type"] == "index_not_found_exception":
                raise missing(index)
            if failed[0]["type"] == "security_exception":
                denied = forbidden(str(failed[0].get("reason", "")), self.access)
                raise SearchUnavailable(f"Elasticsearch（{self.access.where}）{denied}")
            if wait is not None:
                self.pause(wait)
        raise SearchUnavailable(f"Elasticsearch（{self.access.where}）读不到 {index}：{failed[0].get('reason', '')}")


class Silence:
    """A cluster that takes questions and answers none: one page waits for it, not every page of every officer.

    After a question that was not answered in time, others are refused at once for SILENCE seconds, then asked again.
    """

    def __init__(self, access: Access, clock: Callable[[], float] = time.monotonic) -> None:
        self._access = access
        self._clock = clock
        self._until = 0.0

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Ask inside it. Raises SearchUnavailable instead while the cluster is silent."""
        if self._clock() < self._until:
            raise SearchUnavailable(f"Elasticsearch（{self._access.where}）刚才 {TIMEOUT:.0f} 秒内没有回答，几秒后再问")
        try:
            yield
        except elastic_transport.ConnectionTimeout:
            self._until = self._clock() + SILENCE
            raise


def _ours(answer: T) -> T:
    """The client asks who answers when all is well; a 404 of some other server would pass for an index not there."""
    meta = getattr(answer, "meta", None)
    if meta is not None and meta.status == GONE and meta.headers.get("x-elastic-product", "") != "Elasticsearch":
        raise elasticsearch.UnsupportedProductError("not Elasticsearch", meta, None)
    return answer


def missing(index: str) -> elasticsearch.NotFoundError:
    """The error for an index that is not there, as the client raises it."""
    meta = elastic_transport.ApiResponseMeta(
        GONE, "1.1", elastic_transport.HttpHeaders(), 0.0, elastic_transport.NodeConfig("http", "unknown", 9200)
    )
    body = {"error": {"type": "index_not_found_exception", "index": index}, "status": GONE}
    return elasticsearch.NotFoundError("index_not_found_exception", meta, body)
