"""Writing to a cluster that is busy, slow, full or behind a small proxy, and documents it cannot take."""

import re
from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch

from core.errors import SearchUnavailable
from search.elasticsearch import ElasticsearchBackend
from tests.elasticsearch import free_port
from tests.elasticsearch_fixture import EIGHT_ALONE
from tests.elasticsearch_index import titles
from tests.elasticsearch_proxy import Fault, Faults, Items, Silence, Whole, proxied
from tests.search_documents import entry, words

Told = tuple[ElasticsearchBackend, Faults, list[float]]


@pytest.fixture
def failing(each_elasticsearch_url: str, elastic_name: str) -> Iterator[Told]:
    """A backend behind a proxy that fails as its plan says, with one signal in it; the waits it took."""
    faults, waits = Faults(), list[float]()
    with proxied(each_elasticsearch_url, faults) as url:
        backend = ElasticsearchBackend(url, elastic_name, words, pause=waits.append)
        backend.index([entry("before")])
        faults.bulks.clear()
        waits.clear()
        yield backend, faults, waits
        backend.close()


@EIGHT_ALONE
def test_what_the_server_was_too_busy_for_goes_again_alone_and_later(failing: Told) -> None:
    backend, faults, waits = failing
    faults.plan = [Items({"b": 429, "c": 503}), Whole(429), Whole(503)]
    assert backend.index([entry("a"), entry("b"), entry("c")]) == ()
    assert faults.bulks == [["a", "b", "c"], ["b", "c"], ["b", "c"], ["b", "c"]]
    assert waits == [0.5, 1.0, 2.0]
    assert set(titles(backend)) == {"before", "a", "b", "c"}


@EIGHT_ALONE
def test_a_server_that_stays_busy_is_told_so_that_the_store_keeps_the_rest(failing: Told) -> None:
    backend, faults, waits = failing
    faults.always = lambda _ids: Items({"b": 429})
    with pytest.raises(SearchUnavailable, match="持续繁忙或有分片不可用，1 条"):
        backend.index([entry("a"), entry("b")])
    assert len(faults.bulks) == 6
    assert sum(waits) == 15.5
    faults.always = None
    assert set(titles(backend)) == {"before", "a"}
    assert backend.index([entry("a"), entry("b")]) == ()
    assert set(titles(backend)) == {"before", "a", "b"}


@EIGHT_ALONE
@pytest.mark.parametrize("fault", [Silence(), Whole(504, after=True)], ids=["silence", "proxy"])
def test_a_request_that_was_carried_out_but_not_answered_is_repeated_without_harm(
    fault: Fault, failing: Told, elastic_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend, faults, _ = failing
    backend.index([entry("a", day=-40)])
    monkeypatch.setattr("search.elastic_client.TIMEOUT", 5.0)
    impatient = ElasticsearchBackend(backend._cluster.access, elastic_name, words, pause=lambda _seconds: None)
    faults.plan = [fault]
    assert impatient.index([entry("a", "新", version=2), entry("b")]) == ()
    assert faults.bulks[-3:] == [["a", "b"], ["a", "b"], ["a"]]  # the last takes the copy out of the other month
    assert impatient.index([entry("a", "旧", day=-40)]) == ()
    assert titles(backend) == {"before": "标题", "a": "新", "b": "标题"}
    impatient.close()


@EIGHT_ALONE
def test_a_server_that_never_answers_is_given_up(
    failing: Told, elastic_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend, faults, _ = failing
    monkeypatch.setattr("search.elastic_client.TIMEOUT", 5.0)
    impatient = ElasticsearchBackend(backend._cluster.access, elastic_name, words, pause=lambda _seconds: None)
    faults.always = lambda _ids: Silence()
    with pytest.raises(SearchUnavailable, match="5 秒内没有回答"):
        impatient.index([entry("a")])
    assert faults.bulks == [["a"], ["a"]]
    impatient.close()


@EIGHT_ALONE
def test_a_request_too_large_for_a_proxy_is_halved_and_only_what_is_too_large_alone_is_refused(failing: Told) -> None:
    backend, faults, _ = failing
    faults.most_bytes = 60_000
    signals = [entry(f"s{n}", body="起火" * 800) for n in range(40)]
    refused = backend.index([*signals[:20], entry("huge", body="起火" * 30_000), *signals[20:]])
    assert [(no.id, no.reason) for no in refused] == [("huge", "这一条太大，服务器收不下：HTTP 413")]
    assert set(titles(backend)) == {"before", *(one.id for one in signals)}


@EIGHT_ALONE
def test_requests_stay_below_five_megabytes(failing: Told) -> None:
    backend, faults, _ = failing
    assert backend.index([entry(f"s{n}", body="起火啦" * 60_000) for n in range(6)]) == ()
    assert 1_000_000 < faults.largest < 5_100_000
    assert len(titles(backend)) == 7


HALF = "https://example.org/\ud83d"
"""An address with half a character, as broken sources write it: it cannot be sent as UTF-8."""


def test_documents_the_server_cannot_take_are_refused_alone_with_the_reason(failing: Told) -> None:
    backend, _, waits = failing
    bad = {
        "term": entry("term", products=("x" * 40_000,)),
        "number": entry("number", score=float("nan")),
        "type": entry("type", score="high"),
        "i" * 600: entry("i" * 600),
    }
    reasons = {
        "term": "有一个词过长.*immense term",
        "number": "有字段的值不合类型",
        "type": "有字段的值不合类型",
        "i" * 600: "编号过长",
    }
    good = [entry(f"good{n}", url=HALF) for n in range(len(bad) + 1)]
    mixed = [signal for pair in zip(good, bad.values(), strict=False) for signal in pair] + good[-1:]
    refused = {no.id: no.reason for no in backend.index(mixed)}
    assert set(refused) == set(bad)
    for known, reason in reasons.items():
        assert re.match(reason, refused[known], re.DOTALL), refused[known]
    assert set(titles(backend)) == {"before", *(one.id for one in good)}
    assert waits == []


@EIGHT_ALONE
def test_a_document_that_breaks_the_server_each_time_does_not_hold_up_its_neighbours(failing: Told) -> None:
    backend, faults, _ = failing
    faults.always = lambda ids: Items({"b": 500}, {"type": "null_pointer_exception"}) if "b" in ids else None
    refused = backend.index([entry("a"), entry("b"), entry("c")])
    assert [(no.id, no.reason) for no in refused] == [("b", "服务器不收这一条：null_pointer_exception")]
    assert faults.bulks == [["a", "b", "c"], ["b"]]
    assert set(titles(backend)) == {"before", "a", "c"}


@EIGHT_ALONE
def test_what_only_failed_in_company_is_taken_alone(failing: Told) -> None:
    backend, faults, _ = failing
    faults.plan = [Items({"b": 500}, {"type": "illegal_state_exception"})]
    assert backend.index([entry("a"), entry("b")]) == ()
    assert set(titles(backend)) == {"before", "a", "b"}


@pytest.mark.parametrize("block", ["read_only_allow_delete", "read_only", "write"])
def test_a_read_only_index_is_unavailable_with_a_remedy_and_catches_up(
    block: str, elastic: ElasticsearchBackend, elastic_client: Elasticsearch, elastic_name: str
) -> None:
    elastic.index([entry("a")])
    elastic.refresh()
    blocked(elastic_client, elastic_name, block, True)
    with pytest.raises(SearchUnavailable, match="磁盘将满" if "allow" in block else "只读"):
        elastic.index([entry("b")])
    health = elastic.health()
    assert not health.well
    assert "只读" in health.remedy
    assert health.documents == 1
    blocked(elastic_client, elastic_name, block, None)
    assert elastic.index([entry("b")]) == ()
    assert set(titles(elastic)) == {"a", "b"}
    assert elastic.health().well


def blocked(client: Elasticsearch, name: str, block: str, value: bool | None) -> None:
    client.indices.put_settings(index=f"{name}-*", settings={f"index.blocks.{block}": value})


@EIGHT_ALONE
def test_a_server_that_refuses_the_account_is_told(failing: Told) -> None:
    backend, faults, waits = failing
    faults.plan = [Whole(403, {"type": "security_exception"})]
    with pytest.raises(SearchUnavailable, match="权限不足（HTTP 403）"):
        backend.index([entry("a")])
    assert waits == []


@EIGHT_ALONE
def test_the_client_moves_on_to_an_address_that_lives_and_returns_to_one_that_is_back(
    each_elasticsearch_url: str, elastic_name: str
) -> None:
    first, second = free_port(), free_port()
    backend = ElasticsearchBackend(f"http://127.0.0.1:{first}, http://127.0.0.1:{second}", elastic_name, words)
    with proxied(each_elasticsearch_url, Faults(), second):
        with proxied(each_elasticsearch_url, Faults(), first):
            backend.index([entry("both")])
        backend.index([entry("second")])
        assert set(titles(backend)) == {"both", "second"}
    with proxied(each_elasticsearch_url, Faults(), first):
        backend.index([entry("first")])
        assert set(titles(backend)) == {"both", "second", "first"}
    with pytest.raises(SearchUnavailable, match=f"127.0.0.1:{first}、127.0.0.1:{second}"):
        backend.index([entry("none")])
    backend.close()
