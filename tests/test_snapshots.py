"""Snapshots of both backends: the index is destroyed and comes back with the same hits, and nothing newer is lost."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import elasticsearch
import pytest

from core.clock import system_clock
from core.errors import SearchUnavailable, UsageError
from search.backend import SearchBackend, SearchRequest, Sort
from search.elastic_client import Access
from search.elastic_snapshots import ElasticSnapshots
from search.elasticsearch import ElasticsearchBackend
from search.embedded import EmbeddedBackend
from search.embedded_snapshots import EmbeddedSnapshots
from search.records import IndexEntry
from search.snapshots import Snapshots
from tests.search_documents import entry, words


@dataclass
class Bench:
    """One backend with its snapshots. destroy: as a lost disk does it."""

    index: SearchBackend
    snapshots: Snapshots
    destroy: Callable[[], None]

    def hits(self) -> dict[str, tuple[str, datetime]]:
        self.index.refresh()
        found = self.index.search(SearchRequest(size=1000, sort=Sort.OLDEST))
        return {hit.id: (hit.title.text, hit.fields["event_time"]) for hit in found.hits}


def months() -> list[IndexEntry]:
    """Signals of several months."""
    return [entry(f"d{day}", f"第{day}天起火", "车棚内电动自行车起火", day=-day) for day in range(0, 200, 5)]


@pytest.fixture
def embedded(tmp_path: Path) -> Bench:
    root = tmp_path / "index"
    index = EmbeddedBackend(root, words)
    keeper = EmbeddedSnapshots(root, tmp_path / "snapshots", index.count)
    return Bench(index, keeper, lambda: shutil.rmtree(root))


@pytest.fixture
def elastic(elasticsearch_url: str) -> Iterator[Bench]:
    name = f"snap-{uuid4().hex[:8]}"
    index = ElasticsearchBackend(elasticsearch_url, name, words)
    keeper = ElasticSnapshots(
        Access(elasticsearch_url), name, replicas="0-1", repository=name, location=f"folder-{name}"
    )

    def destroy() -> None:
        client = elasticsearch.Elasticsearch(elasticsearch_url)
        found = client.indices.get(index=f"{name}-*", expand_wildcards="all").body
        client.indices.delete(index=list(found))
        client.close()

    yield Bench(index, keeper, destroy)
    index.close()


@pytest.fixture(params=["embedded", "elastic"])
def bench(request: pytest.FixtureRequest) -> Bench:
    made: Bench = request.getfixturevalue(request.param)
    return made


def nothing_newer(_taken_at: datetime) -> None:
    """What the desk's store would send again."""


def fails(_taken_at: datetime) -> None:
    raise RuntimeError("the store went away")


def test_a_destroyed_index_comes_back_with_the_same_hits(bench: Bench) -> None:
    bench.index.index(months())
    before, now = bench.hits(), system_clock()
    taken = bench.snapshots.take("first", now=now)
    assert (taken.documents, len(before)) == (40, 40)
    assert [one.name for one in bench.snapshots.all()] == ["first"]
    bench.destroy()
    seen: list[datetime] = []
    bench.snapshots.restore("first", seen.append)
    assert bench.hits() == before
    assert [abs(moment - now) < timedelta(seconds=1) for moment in seen] == [True]
    bench.index.index([entry("later", "新的"), entry("d5", "改过", day=-90, version=2)])
    after = bench.hits()
    assert len(after) == 41
    assert after["d5"][0] == "改过"


def test_a_restore_takes_the_place_of_the_index_and_gets_every_write_since(bench: Bench) -> None:
    bench.index.index(months())
    before = bench.hits()
    bench.snapshots.take("first", now=system_clock())
    bench.index.index([entry("wrong", "误写")])
    assert len(bench.hits()) == 41
    sent: list[datetime] = []

    def send(taken_at: datetime) -> None:
        sent.append(taken_at)

    bench.snapshots.restore("first", send)
    assert bench.hits() == before
    assert len(sent) == 1
    bench.snapshots.take("second", now=system_clock())
    assert [one.name for one in bench.snapshots.all()] == ["second", "first"]
    bench.snapshots.restore("first", nothing_newer)
    assert bench.hits() == before


def test_a_restore_that_fails_leaves_the_index_and_the_next_one_works(bench: Bench) -> None:
    bench.index.index(months())
    bench.snapshots.take("first", now=system_clock())
    bench.index.index([entry("later")])
    with pytest.raises(RuntimeError):
        bench.snapshots.restore("first", fails)
    assert len(bench.hits()) == 41
    bench.index.index([entry("still")])
    assert len(bench.hits()) == 42
    bench.snapshots.restore("first", nothing_newer)
    assert len(bench.hits()) == 40


def test_while_a_snapshot_is_restored_no_rebuild_begins(bench: Bench) -> None:
    bench.index.index(months())
    bench.snapshots.take("first", now=system_clock())
    refused: list[str] = []

    def meanwhile(_taken_at: datetime) -> None:
        try:
            with bench.index.rebuild():
                pass
        except SearchUnavailable as told:
            refused.append(str(told))

    bench.snapshots.restore("first", meanwhile)
    assert len(refused) == 1
    assert "正在重建" in refused[0]


def test_on_a_cluster_what_is_written_while_a_snapshot_is_restored_is_in_both(elastic: Bench) -> None:
    elastic.index.index(months())
    elastic.snapshots.take("first", now=system_clock())

    def meanwhile(_taken_at: datetime) -> None:
        elastic.index.index([entry("meanwhile")])

    elastic.snapshots.restore("first", meanwhile)
    assert len(elastic.hits()) == 41


@pytest.mark.parametrize("name", ["", "A", "a b", "../x", "雪", "a" * 101])
def test_a_name_no_server_takes_is_refused(bench: Bench, name: str) -> None:
    with pytest.raises(UsageError, match="不能作快照名"):
        bench.snapshots.take(name, now=system_clock())


def test_a_name_twice_an_unknown_name_and_an_empty_index_are_told(bench: Bench) -> None:
    with pytest.raises(SearchUnavailable, match="还没有索引"):
        bench.snapshots.take("first", now=system_clock())
    bench.index.index([entry("a")])
    bench.snapshots.take("first", now=system_clock())
    with pytest.raises(UsageError, match="已有快照 first"):
        bench.snapshots.take("first", now=system_clock())
    with pytest.raises(UsageError, match="没有快照 second（现有：first）"):
        bench.snapshots.restore("second", nothing_newer)


def test_a_snapshot_of_other_fields_is_not_restored(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.index.index([entry("a")])
    bench.snapshots.take("first", now=system_clock())
    monkeypatch.setattr("search.snapshots.format_mark", lambda: "another")
    with pytest.raises(UsageError, match="字段格式与本版不同"):
        bench.snapshots.restore("first", nothing_newer)


def test_a_repository_outside_of_what_the_nodes_allow_is_told_with_the_remedy(elasticsearch_url: str) -> None:
    name = f"snap-{uuid4().hex[:8]}"
    index = ElasticsearchBackend(elasticsearch_url, name, words)
    index.index([entry("a")])
    index.close()
    for location, told in (("", "没有快照仓库"), ("/nowhere/else", "path.repo")):
        keeper = ElasticSnapshots(Access(elasticsearch_url), name, replicas="0-1", repository=name, location=location)
        with pytest.raises(UsageError, match=told):
            keeper.take("first", now=system_clock())
