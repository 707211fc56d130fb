"""The Elasticsearch backend against a real node: versions, refusals, rebuilds; and against servers that fail."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import elasticsearch
import pytest
from pydantic import SecretStr

from config.settings import Settings
from core.errors import SearchUnavailable
from search.backend import SearchRequest, Sort
from search.elasticsearch import ElasticsearchBackend
from search.embedded import EmbeddedBackend
from search.fields import format_mark
from search.open import open_backend
from tests.elasticsearch import free_port
from tests.search_documents import entry, words


@pytest.fixture
def name() -> str:
    return f"test-{uuid4().hex[:8]}"


@pytest.fixture
def index(elasticsearch_url: str, name: str) -> Iterator[ElasticsearchBackend]:
    backend = ElasticsearchBackend(elasticsearch_url, name, words)
    yield backend
    backend.close()


def found(backend: ElasticsearchBackend) -> dict[str, str]:
    backend.refresh()
    hits = backend.search(SearchRequest(size=1000, sort=Sort.OLDEST)).hits
    return {hit.id: hit.title.text for hit in hits}


def fail_half_way(backend: ElasticsearchBackend) -> None:
    """A rebuild whose source fails."""
    with backend.rebuild() as builder:
        builder.index([entry("half")])
        raise RuntimeError("the store went away")


def test_an_index_nobody_wrote_is_empty_and_well(index: ElasticsearchBackend) -> None:
    assert index.search(SearchRequest()).total == 0
    health = index.health()
    assert (health.well, health.documents, health.backend) == (True, 0, "elasticsearch")


def test_an_older_version_never_wins(index: ElasticsearchBackend) -> None:
    assert index.index([entry("a", "第三版", version=3), entry("b", "旧", version=1)]) == ()
    assert index.index([entry("a", "第二版", version=2), entry("b", "重新分析", version=1)]) == ()
    assert found(index) == {"a": "第三版", "b": "重新分析"}


def test_what_was_deleted_is_gone_and_may_come_back(index: ElasticsearchBackend) -> None:
    index.index([entry("a", version=2), entry("b")])
    index.delete(["a", "unknown"])
    assert set(found(index)) == {"b"}
    index.index([entry("a", version=2)])
    assert set(found(index)) == {"a", "b"}


def test_a_document_may_go_and_come_back_at_once_as_often_as_it_likes(index: ElasticsearchBackend) -> None:
    for title in ("一", "二", "三", "四", "五"):
        assert index.index([entry("a", title, version=7)]) == ()
        assert found(index) == {"a": title}
        index.delete(["a"])
        assert found(index) == {}
    index.index([entry("a", "旧", version=7), entry("a", "新", version=8)])
    assert found(index) == {"a": "新"}


def test_an_entry_the_server_cannot_take_is_refused_alone_with_the_reason(index: ElasticsearchBackend) -> None:
    refused = index.index([entry("a"), entry("bad", products=("x" * 40_000,)), entry("c")])
    assert [no.id for no in refused] == ["bad"]
    assert "immense term" in refused[0].reason
    assert set(found(index)) == {"a", "c"}


def test_the_mapping_is_strict_and_knows_its_format(
    index: ElasticsearchBackend, elasticsearch_url: str, name: str
) -> None:
    index.index([entry("a")])
    client = elasticsearch.Elasticsearch(elasticsearch_url)
    (mapping,) = (found["mappings"] for found in client.indices.get_mapping(index=name).body.values())
    assert mapping["dynamic"] == "strict"
    assert mapping["_meta"] == {"format": format_mark()}
    with pytest.raises(elasticsearch.BadRequestError, match="strict_dynamic_mapping_exception"):
        client.index(index=f"{name}-000001", document={"colour": "red"})
    client.close()


def test_a_rebuild_is_unseen_until_it_is_whole_and_misses_nothing(
    index: ElasticsearchBackend, elasticsearch_url: str, name: str
) -> None:
    index.index([entry("gone"), entry("a"), entry("b")])
    intake = ElasticsearchBackend(elasticsearch_url, name, words)
    with index.rebuild() as builder:
        builder.index([entry("a"), entry("b")])
        intake.index([entry("late"), entry("a", "改", version=2)])
        builder.index([entry("a", "旧")])
        assert set(found(intake)) == {"gone", "a", "b", "late"}
    assert found(intake) == {"a": "改", "b": "标题", "late": "标题"}
    intake.index([entry("afterwards")])
    assert "afterwards" in found(index)
    client = elasticsearch.Elasticsearch(elasticsearch_url)
    assert list(client.indices.get(index=f"{name}-0*").body) == [f"{name}-000002"]
    client.close()


def test_a_rebuild_that_fails_leaves_the_old_index_and_the_next_one_clears_up(
    index: ElasticsearchBackend, elasticsearch_url: str, name: str
) -> None:
    index.index([entry("old")])
    with pytest.raises(RuntimeError):
        fail_half_way(index)
    assert set(found(index)) == {"old"}
    with index.rebuild() as builder:
        builder.index([entry("new")])
    assert set(found(index)) == {"new"}
    client = elasticsearch.Elasticsearch(elasticsearch_url)
    assert len(client.indices.get(index=f"{name}-0*").body) == 1
    client.close()


def rebuild_in_the_middle(index: ElasticsearchBackend, other: ElasticsearchBackend) -> None:
    with index.rebuild() as builder:
        with other.rebuild() as second:
            second.index([entry("second")])
        builder.index([entry("first")])


def test_a_rebuild_that_another_took_over_cannot_write_or_switch(
    index: ElasticsearchBackend, elasticsearch_url: str, name: str
) -> None:
    index.index([entry("old")])
    other = ElasticsearchBackend(elasticsearch_url, name, words)
    with pytest.raises(SearchUnavailable):
        rebuild_in_the_middle(index, other)
    assert set(found(other)) == {"second"}


def test_an_index_of_an_old_format_asks_for_a_rebuild(
    index: ElasticsearchBackend, elasticsearch_url: str, name: str
) -> None:
    index.index([entry("a")])
    client = elasticsearch.Elasticsearch(elasticsearch_url)
    client.indices.put_mapping(index=name, meta={"format": "before"})
    client.close()
    later = ElasticsearchBackend(elasticsearch_url, name, words)
    with pytest.raises(SearchUnavailable, match="fengsui reindex"):
        later.search(SearchRequest())
    with pytest.raises(SearchUnavailable, match="fengsui reindex"):
        later.index([entry("b")])
    assert later.health().remedy == "fengsui reindex"
    with later.rebuild() as builder:
        builder.index([entry("a")])
    assert set(found(later)) == {"a"}


def test_a_dead_server_is_told_without_its_password() -> None:
    address = f"127.0.0.1:{free_port()}"
    backend = ElasticsearchBackend(f"http://elastic:secret@{address}", "dead", words)
    uses = (
        backend.count,
        backend.refresh,
        lambda: backend.search(SearchRequest()),
        lambda: backend.index([entry("a")]),
        lambda: backend.delete(["a"]),
    )
    for use in uses:
        with pytest.raises(SearchUnavailable) as told:
            use()
        assert address in str(told.value)
        assert "secret" not in str(told.value)
    health = backend.health()
    assert not health.well
    assert health.remedy
    backend.close()


class _Busy(BaseHTTPRequestHandler):
    """Answers the questions asked before a bulk, and bulks from a list of (status, statuses of items)."""

    answers: list[tuple[int, list[int]]]
    bulks: list[list[str]]

    def do_GET(self) -> None:
        alias: Any = {"busy-000001": {"aliases": {"busy-000001-write": {}}}}
        mapping = {"busy-000001": {"mappings": {"_meta": {"format": format_mark()}}}}
        self._answer(200, alias if "_alias" in self.path else mapping)

    def do_PUT(self) -> None:
        lines = self.rfile.read(int(self.headers["Content-Length"])).decode().splitlines()
        self.bulks.append([json.loads(line)["index"]["_id"] for line in lines[::2]])
        status, items = self.answers.pop(0)
        rows: list[Any] = [
            {"index": {"_id": known, "status": code, "error": {"type": "es_rejected_execution_exception"}}}
            for known, code in zip(self.bulks[-1], items, strict=False)
        ]
        self._answer(status, {"items": rows} if status == 200 else {"error": {"type": "busy"}, "status": status})

    def _answer(self, status: int, body: Any) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/vnd.elasticsearch+json;compatible-with=8")
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@contextmanager
def busy_server(
    answers: list[tuple[int, list[int]]],
) -> Iterator[tuple[ElasticsearchBackend, type[_Busy], list[float]]]:
    handler = type("Handler", (_Busy,), {"answers": answers, "bulks": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    waits: list[float] = []
    backend = ElasticsearchBackend(f"http://127.0.0.1:{server.server_port}", "busy", words, pause=waits.append)
    yield backend, handler, waits
    backend.close()
    server.shutdown()
    server.server_close()


def test_what_the_server_was_too_busy_for_goes_again_alone_and_later() -> None:
    with busy_server([(200, [201, 429, 429]), (429, []), (200, [201, 201])]) as (backend, seen, waits):
        assert backend.index([entry("a"), entry("b"), entry("c")]) == ()
        assert seen.bulks == [["a", "b", "c"], ["b", "c"], ["b", "c"]]
        assert waits == [0.5, 1.0]


def test_a_server_that_stays_busy_is_told_so_that_the_store_keeps_the_rest() -> None:
    with busy_server([(429, [])] * 6) as (backend, seen, waits):
        with pytest.raises(SearchUnavailable, match="持续繁忙，1 条"):
            backend.index([entry("a")])
        assert len(seen.bulks) == 6
        assert sum(waits) == 15.5


def test_a_server_that_refuses_the_account_is_told() -> None:
    with busy_server([(403, [])]) as (backend, _, _), pytest.raises(SearchUnavailable, match="权限不足（HTTP 403）"):
        backend.index([entry("a")])


def test_the_settings_choose_the_backend(tmp_path: Any) -> None:
    here = open_backend(Settings(data=tmp_path), words=words, write=True)
    assert isinstance(here, EmbeddedBackend)
    assert (tmp_path / "index").is_dir()
    there = open_backend(Settings(data=tmp_path, elasticsearch_url=SecretStr("http://127.0.0.1:9")), words=words)
    assert isinstance(there, ElasticsearchBackend)
    there.close()
