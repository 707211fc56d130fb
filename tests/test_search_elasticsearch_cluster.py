"""A cluster of three nodes, of which one is killed while signals are written and searched. Its own nodes: they die."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from core.errors import SearchUnavailable
from search.backend import SearchRequest
from search.elasticsearch import ElasticsearchBackend
from search.records import IndexEntry
from tests.elasticsearch import EIGHT, Node, running_cluster
from tests.elasticsearch_fixture import built
from tests.elasticsearch_index import titles
from tests.search_documents import entry, words

BATCH = 100


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Node]]:
    """Three nodes for this file alone."""
    built(EIGHT)
    with running_cluster(3, tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
def living(nodes: list[Node]) -> list[Node]:
    """The three, those that were killed before started again."""
    for node in nodes:
        if node.process is None:
            node.start()
    for node in nodes:
        node.wait(len(nodes))
    return nodes


def addresses(nodes: list[Node]) -> str:
    return ",".join(node.url for node in nodes)


@contextmanager
def client_of(nodes: list[Node]) -> Iterator[Elasticsearch]:
    """A client of one living node."""
    living = next(node for node in nodes if node.process is not None)
    with Elasticsearch(living.url, request_timeout=100) as client:
        yield client


def holder(nodes: list[Node], index: str) -> Node:
    """The node that holds the primary of an index."""
    with client_of(nodes) as client:
        rows: Any = client.cat.shards(index=index, format="json", h="prirep,node").body
    return named(nodes, next(row["node"] for row in rows if row["prirep"] == "p"))


def master(nodes: list[Node]) -> Node:
    with client_of(nodes) as client:
        rows: Any = client.cat.master(format="json").body
    return named(nodes, rows[0]["node"])


def named(nodes: list[Node], name: str) -> Node:
    return next(node for node in nodes if node.name == name)


def whole(nodes: list[Node]) -> None:
    """Until every copy is in step again."""
    with client_of(nodes) as client:
        client.cluster.health(wait_for_status="green", wait_for_nodes=">=3", timeout="90s")


class Load:
    """Writes batches as the pipeline does: one that is not acknowledged is written again."""

    def __init__(self, backend: ElasticsearchBackend) -> None:
        self.acknowledged: list[IndexEntry] = []
        self.refusals = 0
        self.longest = 0.0
        self._backend = backend
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        at = 0
        while not self._over.is_set():
            batch = [entry(f"d{at + n}", body="起火" * 50, day=-((at + n) % 60)) for n in range(BATCH)]
            started = time.monotonic()
            try:
                assert self._backend.index(batch) == ()
            except SearchUnavailable:
                self.refusals += 1
                continue
            self.longest = max(self.longest, time.monotonic() - started)
            self.acknowledged.extend(batch)
            at += BATCH

    def reach(self, count: int) -> None:
        """Until so many are acknowledged."""
        turn, give_up = threading.Event(), time.monotonic() + 120
        while len(self.acknowledged) < count:
            assert self._thread.is_alive()
            assert time.monotonic() < give_up, f"{len(self.acknowledged)} of {count} after two minutes"
            turn.wait(0.05)

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


class Asking:
    """Searches one after the other; each must answer with at least what was visible before, or say that it cannot."""

    def __init__(self, backend: ElasticsearchBackend, at_least: int) -> None:
        self.answers: list[int] = []
        self.refusals: list[str] = []
        self.longest = 0.0
        self._backend, self._at_least = backend, at_least
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._over.is_set():
            started = time.monotonic()
            try:
                self.answers.append(self._backend.search(SearchRequest(size=5)).total)
            except SearchUnavailable as told:
                self.refusals.append(str(told))
            self.longest = max(self.longest, time.monotonic() - started)
            self._over.wait(0.05)

    def __enter__(self) -> "Asking":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        assert self.answers
        assert min(self.answers) >= self._at_least, "an answer lacked a shard in silence"


@pytest.mark.parametrize("victim", ["data", "master"])
def test_no_signal_is_lost_when_a_node_is_killed_while_signals_are_written_and_searched(
    living: list[Node], victim: str, record_property: Callable[[str, object], None]
) -> None:
    name = f"cluster-{victim}"
    backend = ElasticsearchBackend(addresses(living), name, words)
    desk = ElasticsearchBackend(addresses(living), name, words)
    first = [entry(f"first{n}", day=-(n % 60)) for n in range(300)]
    backend.index(first)
    backend.refresh()
    whole(living)
    with Load(backend) as load, Asking(desk, len(first)) as asking:
        load.reach(1000)
        dying = master(living) if victim == "master" else holder(living, f"{name}-g000001-2026.11")
        before, killed = len(load.acknowledged), time.monotonic()
        dying.kill()
        load.reach(before + BATCH + 1)  # one may have been acknowledged between the two lines
        resumed = time.monotonic() - killed
        load.reach(3000)
    expected = {one.id for one in (*first, *load.acknowledged)}
    found = set(titles(desk))
    assert found >= expected
    assert found - expected <= {f"d{len(load.acknowledged) + n}" for n in range(BATCH)}  # written, not acknowledged
    assert len(asking.refusals) <= 1, asking.refusals
    figures = {
        "killed": f"{dying.name} ({victim})",
        "acknowledged before": before,
        "acknowledged": len(load.acknowledged),
        "found": len(found),
        "seconds until the next batch": round(resumed, 1),
        "writes that were told no": load.refusals,
        "searches": len(asking.answers),
        "searches that were told no": len(asking.refusals),
        "longest search": round(asking.longest, 1),
    }
    record_property("figures", figures)
    print(figures)
    assert desk.health().well
    for one in (backend, desk):
        one.close()
