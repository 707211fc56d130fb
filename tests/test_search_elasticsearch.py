"""The Elasticsearch backend against a real node: versions, health, settings; and against a server that is not there."""

from typing import Any

import pytest
from elasticsearch import BadRequestError, Elasticsearch
from pydantic import SecretStr, ValidationError

from config.settings import Settings
from core.errors import SearchUnavailable
from search.backend import SearchRequest
from search.elasticsearch import ElasticsearchBackend
from search.embedded import EmbeddedBackend
from search.fields import format_mark
from search.open import open_backend
from tests.elasticsearch import free_port
from tests.elasticsearch_index import titles
from tests.search_documents import entry, words


def test_an_index_nobody_wrote_is_empty_and_well(elastic: ElasticsearchBackend) -> None:
    assert elastic.search(SearchRequest()).total == 0
    health = elastic.health()
    assert (health.well, health.documents, health.backend) == (True, 0, "elasticsearch")


def test_a_first_signal_has_its_bar_though_the_index_was_just_seen_empty(elastic: ElasticsearchBackend) -> None:
    elastic.index([entry("gone")])
    elastic.delete(["gone"])
    elastic.refresh()
    assert elastic.search(SearchRequest()).histogram is None
    elastic.index([entry("first")])
    elastic.refresh()
    histogram = elastic.search(SearchRequest()).histogram
    assert histogram is not None
    assert [bar.count for bar in histogram.bars] == [1]


def test_an_older_version_never_wins(elastic: ElasticsearchBackend) -> None:
    assert elastic.index([entry("a", "第三版", version=3), entry("b", "旧", version=1)]) == ()
    assert elastic.index([entry("a", "第二版", version=2), entry("b", "重新分析", version=1)]) == ()
    assert titles(elastic) == {"a": "第三版", "b": "重新分析"}


def test_what_was_deleted_is_gone_and_may_come_back(elastic: ElasticsearchBackend) -> None:
    elastic.index([entry("a", version=2), entry("b")])
    elastic.delete(["a", "unknown"])
    assert set(titles(elastic)) == {"b"}
    elastic.index([entry("a", version=2)])
    assert set(titles(elastic)) == {"a", "b"}


def test_a_document_may_go_and_come_back_at_once_as_often_as_it_likes(elastic: ElasticsearchBackend) -> None:
    for title in ("一", "二", "三", "四", "五"):
        assert elastic.index([entry("a", title, version=7)]) == ()
        assert titles(elastic) == {"a": title}
        elastic.delete(["a"])
        assert titles(elastic) == {}
    elastic.index([entry("a", "旧", version=7), entry("a", "新", version=8)])
    assert titles(elastic) == {"a": "新"}


def test_an_entry_the_server_cannot_take_is_refused_alone_with_the_reason(elastic: ElasticsearchBackend) -> None:
    refused = elastic.index([entry("a"), entry("bad", products=("x" * 40_000,)), entry("c")])
    assert [no.id for no in refused] == ["bad"]
    assert "immense term" in refused[0].reason
    assert set(titles(elastic)) == {"a", "c"}


def test_the_mapping_is_strict_and_knows_its_format(
    elastic: ElasticsearchBackend, elastic_client: Elasticsearch, elastic_name: str
) -> None:
    elastic.index([entry("a")])
    found = elastic_client.indices.get_mapping(index=elastic_name).body
    assert len(found) == 2
    for index in found.values():
        assert index["mappings"]["dynamic"] == "strict"
        assert index["mappings"]["_meta"] == {"format": format_mark()}
    with pytest.raises(BadRequestError, match="strict_dynamic_mapping_exception"):
        elastic_client.index(index=f"{elastic_name}-g000001-2026.11", document={"colour": "red"})


def test_nothing_is_made_on_the_server_by_asking(
    elastic: ElasticsearchBackend, elastic_client: Elasticsearch, elastic_name: str
) -> None:
    assert elastic.search(SearchRequest()).total == elastic.count() == 0
    elastic.refresh()
    assert elastic.health().well
    assert elastic_client.indices.get(index=f"{elastic_name}*", expand_wildcards="all").body == {}


def test_health_counts_nodes_months_signals_and_the_generation(elastic: ElasticsearchBackend) -> None:
    elastic.index([entry("a"), entry("b", day=-40)])
    elastic.refresh()
    health = elastic.health()
    assert (health.well, health.documents, health.remedy) == (True, 2, "")
    assert health.detail.endswith("绿，1 个节点，3 个月份索引，2 条，第 1 代")
    with elastic.rebuild() as builder:
        builder.index([entry("a")])
        assert "第 2 代正在重建（" in elastic.health().detail
    assert elastic.health().detail.endswith("2 个月份索引，1 条，第 2 代")


def test_more_copies_than_nodes_are_told_and_do_no_harm(each_elasticsearch_url: str, elastic_name: str) -> None:
    backend = ElasticsearchBackend(each_elasticsearch_url, elastic_name, words, replicas="1")
    backend.index([entry("a")])
    assert set(titles(backend)) == {"a"}
    health = backend.health()
    assert (health.well, health.documents) == (True, 1)
    assert "黄" in health.detail
    assert "4 个副本没有节点可放，数据完整" in health.remedy
    assert "FENGSUI_ELASTICSEARCH_REPLICAS" in health.remedy
    backend.close()


def test_months_in_several_shards_are_searched_and_moved_as_one(
    each_elasticsearch_url: str, elastic_client: Elasticsearch, elastic_name: str
) -> None:
    backend = ElasticsearchBackend(each_elasticsearch_url, elastic_name, words, shards=3)
    names = [f"n{number}" for number in range(30)]
    backend.index([entry(name) for name in names])
    assert set(titles(backend)) == set(names)
    backend.delete(["n7"])
    assert set(titles(backend)) == set(names) - {"n7"}
    for settings in elastic_client.indices.get_settings(index=f"{elastic_name}-g000001-2026.*").body.values():
        assert settings["settings"]["index"]["number_of_shards"] == "3"
    backend.close()


def test_a_month_without_its_shard_is_named_and_searches_say_so(
    elastic: ElasticsearchBackend, elastic_client: Elasticsearch, elastic_name: str
) -> None:
    elastic.index([entry("a")])
    elastic_client.indices.create(
        index=f"{elastic_name}-g000001-2026.10",
        settings={"index.routing.allocation.include._name": "nobody"},
        aliases={elastic_name: {}},
        wait_for_active_shards="0",
    )
    elastic._cluster.pause = lambda _seconds: None
    with pytest.raises(SearchUnavailable, match="HTTP 503"):
        elastic.search(SearchRequest())
    health = elastic.health()
    assert not health.well
    assert "红" in health.detail
    assert "条数不明" in health.detail
    assert health.remedy.startswith("g000001-2026.10 不可用")
    assert "fengsui reindex" in health.remedy


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


def test_the_settings_choose_the_backend(tmp_path: Any) -> None:
    here = open_backend(Settings(data=tmp_path), words=words, write=True)
    assert isinstance(here, EmbeddedBackend)
    assert (tmp_path / "index").is_dir()
    there = open_backend(Settings(data=tmp_path, elasticsearch_url=SecretStr("http://127.0.0.1:9")), words=words)
    assert isinstance(there, ElasticsearchBackend)
    there.close()


@pytest.mark.parametrize(
    ("replicas", "taken"), [("0", True), ("2", True), ("0-1", True), ("many", False), ("-1", False), ("3-1", False)]
)
def test_the_number_of_copies_is_a_number_or_a_range(replicas: str, taken: bool) -> None:
    if taken:
        assert Settings(elasticsearch_replicas=replicas).elasticsearch_replicas == replicas
    else:
        with pytest.raises(ValidationError, match="elasticsearch_replicas"):
            Settings(elasticsearch_replicas=replicas)
