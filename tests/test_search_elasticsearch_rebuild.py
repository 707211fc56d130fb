"""Rebuilding on a real node: beside the index in use, under a lock, while others write; and deaths in the middle."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from core.clock import Clock, system_clock
from core.errors import SearchUnavailable
from search.backend import SearchRequest
from search.elastic_generations import Generations
from search.elastic_places import Seat
from search.elastic_schema import mapping
from search.elasticsearch import ElasticsearchBackend
from tests.elasticsearch import PROJECT
from tests.elasticsearch_fixture import EIGHT_ALONE
from tests.elasticsearch_index import Desk, titles, until
from tests.search_documents import entry, words


@pytest.fixture
def intake(each_elasticsearch_url: str, elastic_name: str) -> Iterator[ElasticsearchBackend]:
    """Another process's backend on the same index."""
    backend = ElasticsearchBackend(each_elasticsearch_url, elastic_name, words)
    yield backend
    backend.close()


def generations(client: Elasticsearch, name: str) -> set[str]:
    """The generations that have anything on the server, months and places alike."""
    found = client.indices.get(index=f"{name}-g*,{name}-places-*", expand_wildcards="all").body
    return {index.removeprefix(f"{name}-").removeprefix("places-")[:7].lstrip("g0")[:1] for index in found}


def state(client: Elasticsearch, name: str) -> dict[str, object]:
    found: dict[str, object] = client.get(index=f"{name}-control", id="state")["_source"]
    return found


def fail_half_way(backend: ElasticsearchBackend) -> None:
    """A rebuild whose source fails."""
    with backend.rebuild() as builder:
        builder.index([entry("half")])
        raise RuntimeError("the store went away")


def test_a_rebuild_is_unseen_until_it_is_whole_and_misses_nothing(
    elastic: ElasticsearchBackend, intake: ElasticsearchBackend, elastic_client: Elasticsearch, elastic_name: str
) -> None:
    elastic.index([entry("gone"), entry("a"), entry("b")])
    with elastic.rebuild() as builder:
        builder.index([entry("a"), entry("b")])
        intake.index([entry("late"), entry("a", "改", version=2)])
        builder.index([entry("a", "旧")])
        assert set(titles(intake)) == {"gone", "a", "b", "late"}
    assert titles(intake) == {"a": "改", "b": "标题", "late": "标题"}
    intake.index([entry("afterwards", day=-40)])
    assert "afterwards" in titles(elastic)
    assert generations(elastic_client, elastic_name) == {"2"}


def test_what_is_deleted_while_a_rebuild_runs_does_not_come_back(
    elastic: ElasticsearchBackend, intake: ElasticsearchBackend
) -> None:
    elastic.index([entry("a"), entry("b"), entry("c")])
    with elastic.rebuild() as builder:
        builder.index([entry("a")])
        intake.delete(["a", "b", "c"])
        builder.index([entry("b"), entry("c")])
        intake.index([entry("c")])
    assert set(titles(elastic)) == {"c"}


def test_a_signal_that_moves_while_a_rebuild_runs_is_there_once(
    elastic: ElasticsearchBackend, intake: ElasticsearchBackend
) -> None:
    elastic.index([entry("a", day=-40), entry("b", day=-40)])
    with elastic.rebuild() as builder:
        intake.index([entry("a", "新", day=0, version=2)])
        builder.index([entry("a", day=-40), entry("b", day=-40)])
        intake.index([entry("b", "新", day=0, version=2)])
        builder.index([entry("b", day=-40)])
    assert titles(elastic) == {"a": "新", "b": "新"}


def test_writers_that_run_through_rebuilds_and_their_switches_lose_nothing(
    each_elasticsearch_url: str, elastic: ElasticsearchBackend, elastic_client: Elasticsearch, elastic_name: str
) -> None:
    desk = Desk(each_elasticsearch_url, elastic_name)
    with desk.open(writers=3):
        for _rebuild in range(2):
            desk.wait(10)
            with elastic.rebuild() as builder:
                stored = desk.stored()
                desk.wait(5)
                builder.index(stored)
                desk.wait(5)
        desk.wait(5)
    assert titles(elastic) == {one.id: one.title for one in desk.newest.values()}
    assert generations(elastic_client, elastic_name) == {"3"}


def test_a_write_that_a_rebuild_overtakes_is_in_the_new_index_too(
    elastic: ElasticsearchBackend, intake: ElasticsearchBackend
) -> None:
    elastic.index([entry("a")])
    rebuild = elastic.rebuild()
    send = intake._writer._send
    begun: list[bool] = []

    def sent(number: int, seats: Sequence[Seat]) -> Any:
        answers = send(number, seats)
        if not begun:
            begun.append(True)
            rebuild.__enter__()  # after the writer looked which generations there are; its source has no "b" yet
        return answers

    intake._writer._send = sent  # type: ignore[method-assign]
    intake.index([entry("b")])
    intake.delete(["a"])
    rebuild.__exit__(None, None, None)
    assert set(titles(elastic)) == {"b"}


def test_a_month_that_is_made_during_the_switch_is_searched(
    elastic: ElasticsearchBackend, intake: ElasticsearchBackend
) -> None:
    elastic.index([entry("a")])
    rebuild = elastic.rebuild()
    rebuild.__enter__().index([entry("a")])
    make = intake._generations._create
    switched: list[str] = []

    def create(index: str, body: object) -> None:
        if "-g000002-" in index and not switched:
            switched.append(index)
            rebuild.__exit__(None, None, None)  # between the look at what is in use and the new month
        make(index, body)  # type: ignore[arg-type]

    intake._generations._create = create  # type: ignore[method-assign]
    intake.index([entry("b", day=-300)])
    assert switched
    assert set(titles(elastic)) == {"a", "b"}


def test_a_month_made_for_a_generation_that_was_cleared_away_meanwhile_does_not_stay(
    elastic: ElasticsearchBackend, intake: ElasticsearchBackend, elastic_client: Elasticsearch, elastic_name: str
) -> None:
    elastic.index([entry("a")])
    with elastic.rebuild() as builder:
        builder.index([entry("a")])
    intake._generations.open_month(1, "2026.01")  # as a writer does that looked before the switch
    assert generations(elastic_client, elastic_name) == {"2"}
    left = elastic_client.indices.get_index_template(name=f"{elastic_name}-*").body["index_templates"]
    assert [one["name"] for one in left] == [f"{elastic_name}-g000002"]


def test_a_rebuild_that_fails_leaves_the_old_index_and_the_next_one_clears_up(
    elastic: ElasticsearchBackend, elastic_client: Elasticsearch, elastic_name: str
) -> None:
    elastic.index([entry("old")])
    with pytest.raises(RuntimeError):
        fail_half_way(elastic)
    assert set(titles(elastic)) == {"old"}
    assert generations(elastic_client, elastic_name) == {"1"}
    with elastic.rebuild() as builder:
        builder.index([entry("new")])
    assert set(titles(elastic)) == {"new"}
    assert generations(elastic_client, elastic_name) == {"3"}


@EIGHT_ALONE
def test_a_second_rebuild_is_refused_while_one_lives_naming_who_and_since_when(
    elastic: ElasticsearchBackend, intake: ElasticsearchBackend
) -> None:
    elastic.index([entry("old")])
    with elastic.rebuild() as builder:
        with pytest.raises(SearchUnavailable, match=rf"正在重建（.+:{os.getpid()}，自 20\d\d-.+\+08:00）") as told:
            fail_half_way(intake)
        assert "60 秒" in str(told.value)
        assert "正在重建" in intake.health().detail
        builder.index([entry("new")])
    assert set(titles(elastic)) == {"new"}


def later(seconds: float) -> Clock:
    """A clock that is ahead."""
    return lambda: system_clock() + timedelta(seconds=seconds)


def test_a_rebuild_that_shows_no_life_is_taken_over_and_can_neither_write_nor_switch(
    each_elasticsearch_url: str, elastic: ElasticsearchBackend, elastic_client: Elasticsearch, elastic_name: str
) -> None:
    elastic.index([entry("old")])
    other = ElasticsearchBackend(each_elasticsearch_url, elastic_name, words, clock=later(61))
    first = elastic.rebuild()
    asleep = first.__enter__()
    with other.rebuild() as builder:
        builder.index([entry("second")])
        with pytest.raises(SearchUnavailable, match="已被另一次重建接手"):
            asleep.index([entry("first")])
    assert set(titles(other)) == {"second"}
    with pytest.raises(SearchUnavailable, match="已被另一次重建接手"):
        first.__exit__(None, None, None)
    assert set(titles(other)) == {"second"}
    assert generations(elastic_client, elastic_name) == {"3"}
    other.close()


@EIGHT_ALONE
def test_a_rebuild_shows_life_while_it_waits_for_its_source(
    elastic: ElasticsearchBackend, elastic_client: Elasticsearch, elastic_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.elastic_control.BEAT", 0.05)
    with elastic.rebuild():
        held = lock(elastic_client, elastic_name)
        until(lambda: lock(elastic_client, elastic_name)["renewed"] > held["renewed"])
        assert lock(elastic_client, elastic_name)["since"] == held["since"]
    assert state(elastic_client, elastic_name)["lock"] is None


def lock(client: Elasticsearch, name: str) -> dict[str, str]:
    found = state(client, name)["lock"]
    assert isinstance(found, dict)
    return found


DIES = """
import os, sys
from search.elasticsearch import ElasticsearchBackend
from tests.search_documents import entry, words
url, name = sys.argv[1:]
backend = ElasticsearchBackend(url, name, words)
with backend.rebuild() as builder:
    builder.index([entry("half", day=-n) for n in range(0, 90, 30)])
    os._exit(9)
"""


@EIGHT_ALONE
def test_after_the_death_of_a_rebuilding_process_the_old_index_goes_on_and_the_next_rebuild_clears_up(
    each_elasticsearch_url: str, elastic: ElasticsearchBackend, elastic_client: Elasticsearch, elastic_name: str
) -> None:
    elastic.index([entry("old")])
    died = subprocess.run([sys.executable, "-c", DIES, each_elasticsearch_url, elastic_name], cwd=PROJECT, check=False)
    assert died.returncode == 9
    elastic.index([entry("meanwhile")])
    assert set(titles(elastic)) == {"old", "meanwhile"}
    with pytest.raises(SearchUnavailable, match="正在重建"):
        fail_half_way(elastic)  # for a minute nobody can know that it is dead
    much_later = ElasticsearchBackend(each_elasticsearch_url, elastic_name, words, clock=later(3601))
    assert "第 2 代的重建已中断" in much_later.health().detail
    much_later.index([entry("much later")])  # clears away what costs each write as much as the index in use
    assert generations(elastic_client, elastic_name) == {"1"}
    much_later.close()
    after = ElasticsearchBackend(each_elasticsearch_url, elastic_name, words, clock=later(61))
    with after.rebuild() as builder:
        builder.index([entry("new")])
    assert set(titles(after)) == {"new"}
    assert generations(elastic_client, elastic_name) == {"3"}
    after.close()


@EIGHT_ALONE
@pytest.mark.parametrize("step", ["_settle", "_point", "_sweep"])
def test_a_switch_that_is_cut_off_loses_nothing_and_is_ended_by_the_next_write(
    step: str,
    elastic: ElasticsearchBackend,
    intake: ElasticsearchBackend,
    elastic_client: Elasticsearch,
    elastic_name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    elastic.index([entry("a"), entry("b")])
    intake.index([entry("c", day=-40)])

    def cut_off(_self: Generations) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:

        def dying() -> None:
            with elastic.rebuild() as builder:
                builder.index([entry("a"), entry("b"), entry("c", day=-40)])
                patched.setattr(Generations, step, cut_off)

        with pytest.raises(SystemExit):
            dying()
    assert set(titles(intake)) == {"a", "b", "c"}
    intake.index([entry("d", day=-80)])
    assert set(titles(elastic)) == {"a", "b", "c", "d"}
    with elastic.rebuild() as builder:
        builder.index([entry(known) for known in "abcd"])
    assert set(titles(elastic)) == {"a", "b", "c", "d"}
    assert generations(elastic_client, elastic_name) == {"3"}


@EIGHT_ALONE
def test_an_index_of_an_old_format_asks_for_a_rebuild(
    each_elasticsearch_url: str, elastic: ElasticsearchBackend, elastic_client: Elasticsearch, elastic_name: str
) -> None:
    elastic.index([entry("a")])
    elastic_client.indices.put_mapping(index=elastic_name, meta={"format": "before"})
    later = ElasticsearchBackend(each_elasticsearch_url, elastic_name, words)
    with pytest.raises(SearchUnavailable, match="fengsui reindex"):
        later.search(SearchRequest())
    with pytest.raises(SearchUnavailable, match="fengsui reindex"):
        later.index([entry("b")])
    assert later.health().remedy == "fengsui reindex"
    with later.rebuild() as builder:
        builder.index([entry("a")])
    assert set(titles(later)) == {"a"}
    later.close()


def test_an_index_from_before_there_were_months_asks_for_a_rebuild_which_clears_it_away(
    elastic: ElasticsearchBackend, elastic_client: Elasticsearch, elastic_name: str
) -> None:
    old = f"{elastic_name}-000001"
    elastic_client.indices.create(index=old, mappings=mapping(), aliases={elastic_name: {}, f"{old}-write": {}})
    for use in (lambda: elastic.search(SearchRequest()), lambda: elastic.index([entry("a")])):
        with pytest.raises(SearchUnavailable, match="fengsui reindex"):
            use()
    with elastic.rebuild() as builder:
        builder.index([entry("a")])
    assert set(titles(elastic)) == {"a"}
    assert not elastic_client.indices.exists(index=old)


def test_a_rebuild_may_be_the_first_thing_that_ever_happens(elastic: ElasticsearchBackend) -> None:
    with elastic.rebuild() as builder:
        builder.index([entry("a")])
    elastic.index([entry("b")])
    assert set(titles(elastic)) == {"a", "b"}


def test_a_rebuild_of_nothing_is_an_empty_index(elastic: ElasticsearchBackend) -> None:
    elastic.index([entry("a")])
    with elastic.rebuild():
        pass
    assert titles(elastic) == {}
    assert elastic.health().well
