"""A search cluster that hangs, refuses, is killed and comes back: reading and alerts go on, and nothing is lost."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import elasticsearch
import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import func, select

from config.settings import Settings
from core.clock import system_clock
from search.open import open_backend
from store.database import Store
from store.documents import JUDGED, count_by_stage
from store.schema import alerts, documents
from tests import outages
from tests.command_line import Finished, run_here
from tests.desk_server import make_services, running_desk
from tests.elasticsearch import NodeMissing, build, required, running_node
from tests.forked import start
from tests.gate import Gate
from tests.postgresql import PostgresMissing
from tests.running_system import until
from tests.test_kill import filled
from web.health import index_lag

NAME = "fengsui-live-signals"


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    try:
        build()
    except NodeMissing as reason:
        if required():
            raise
        pytest.skip(f"no Elasticsearch node: {reason}")


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.shut()


@contextmanager
def processes(folder: Path, gate: Gate, *names: str) -> Iterator[None]:
    """Kept processes of a live profile, as `fengsui run` starts them."""
    started = []
    leading = {"FENGSUI_ELASTICSEARCH_URL": gate.url}
    try:
        for name in names:
            words = (name, "--profile", "live", "--data", str(folder))
            started.append(start(*words, log=folder / f"{name}.log", environment=leading))
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def fengsui(folder: Path, gate: Gate, *words: str) -> Finished:
    """A command on the demo profile: its index is another one than that of the kept processes above."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FENGSUI_ELASTICSEARCH_URL", gate.url)
        return run_here(*words, "--data", str(folder))


def stages(store: Store) -> dict[str, int]:
    with store.read() as db:
        return count_by_stage(db)


def alert_count(store: Store) -> int:
    with store.read() as db:
        return db.execute(select(func.count()).select_from(alerts)).scalar_one()


def lag_sentence(store: Store) -> str:
    with store.read() as db:
        return index_lag(db, system_clock()).sentence


def assert_same_in_store_and_index(store: Store, url: str) -> int:
    """Every document of the store is in the index, once; how many."""
    with store.read() as db:
        known = set(db.execute(select(documents.c.id)).scalars())
    client = elasticsearch.Elasticsearch(url)
    client.indices.refresh(index=NAME)
    hits = client.search(index=NAME, size=1000, source=False, track_total_hits=True)["hits"]
    client.close()
    assert {hit["_id"] for hit in hits["hits"]} == known
    assert hits["total"]["value"] == len(known)
    return len(known)


@pytest.mark.timeout(400)
def test_an_index_that_hangs_then_refuses_then_comes_back_costs_nothing_but_time(
    tmp_path: Path, gate: Gate, elasticsearch_url: str
) -> None:
    store = filled(tmp_path)
    gate.hang()
    with processes(tmp_path, gate, "worker", "indexer"):
        until("everything judged though the index hangs", lambda: set(stages(store)) == {JUDGED})
        assert alert_count(store) > 0
        until("the desk says that the index hangs", lambda: "15 秒内没有回答" in lag_sentence(store))
        assert lag_sentence(store).startswith(f"检索索引落后：{stages(store)[JUDGED]} 件待写入，自 ")
        gate.shut()
        until("the desk says that the index refuses", lambda: "拒绝连接" in lag_sentence(store))
        assert set(stages(store)) == {JUDGED}
        gate.lead_to(elasticsearch_url)
        until("everything indexed", lambda: set(stages(store)) == {"indexed"})
        until("the desk says nothing any more", lambda: lag_sentence(store) == "")
    assert assert_same_in_store_and_index(store, elasticsearch_url) > 100
    store.close()


@pytest.mark.timeout(400)
def test_a_node_killed_in_the_middle_and_started_again_has_everything(tmp_path: Path, gate: Gate) -> None:
    node, data = tmp_path / "node", tmp_path / "data"
    data.mkdir()
    store = filled(data)
    with processes(data, gate, "worker", "indexer"):
        with running_node(node) as url:
            gate.lead_to(url)
            until("a part is indexed", lambda: stages(store).get("indexed", 0) > 0)
        # The node was killed just now (kill -9), in the middle of the work.
        gate.shut()
        waiting = stages(store).get(JUDGED, 0)
        until("everything judged without a node", lambda: set(stages(store)) <= {JUDGED, "indexed"})
        assert alert_count(store) > 0
        with running_node(node) as url:
            gate.lead_to(url)
            until("everything indexed", lambda: set(stages(store)) == {"indexed"})
            found = assert_same_in_store_and_index(store, url)
    print(f"judged and not indexed when the node was killed: {waiting} of {found}")
    store.close()


MANY = 30
LINES = [
    {"id": f"x{number}", "source": "daily", "title": "小区车棚起火", "published": "2026-11-20T10:00:00",
     "text": f"南昌市一小区车棚内第{number}辆电动自行车充电时起火，编号{number * 7919}，无人员伤亡。"}
    for number in range(MANY)
]  # fmt: skip


@pytest.mark.parametrize("how", ["shut", "hang"])
def test_ingest_ends_without_an_index_and_says_how_many_wait(tmp_path: Path, gate: Gate, how: str) -> None:
    getattr(gate, how)()
    file = tmp_path / "lines.jsonl"
    file.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in LINES), encoding="utf-8")
    done = fengsui(tmp_path, gate, "ingest", str(file), "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["new"], told["index_waiting"]) == (MANY, MANY)
    assert f"{MANY} 件待写入检索索引" in done.stderr
    assert "fengsui index retry" in done.stderr
    if how == "shut":  # a server that hangs costs 15 s a try
        again = fengsui(tmp_path, gate, "reanalyze")
        assert again.returncode == 0
        assert f"{MANY} 件待写入检索索引" in again.stderr


def test_what_waits_is_written_by_hand_when_the_index_is_back(
    tmp_path: Path, gate: Gate, elasticsearch_url: str
) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in LINES), encoding="utf-8")
    assert fengsui(tmp_path, gate, "ingest", str(file)).returncode == 0
    behind = fengsui(tmp_path, gate, "index", "status", "--json")
    assert behind.returncode == 1
    told = json.loads(behind.stdout)
    assert (told["well"], told["waiting"], told["why_waiting"]) == (False, MANY, "写索引的进程没有在运行")
    gate.lead_to(elasticsearch_url)
    retried = fengsui(tmp_path, gate, "index", "retry")
    assert (retried.returncode, retried.stdout) == (0, f"写入 {MANY} 件，其中 0 件曾被拒收；仍被拒收 0 件\n")
    with elasticsearch.Elasticsearch(elasticsearch_url) as client:
        client.indices.refresh(index=NAME.replace("live", "demo"))  # else they are found within a second
    well = fengsui(tmp_path, gate, "index", "status", "--json")
    assert well.returncode == 0, well.stdout
    assert json.loads(well.stdout)["documents"] == MANY


def test_a_hanging_index_does_not_hang_the_desk(tmp_path: Path, gate: Gate) -> None:
    gate.hang()
    index = open_backend(Settings(data=tmp_path, elasticsearch_url=SecretStr(gate.url)), words=list)
    services = make_services(tmp_path, search=index)
    with running_desk(services) as desk, httpx.Client(follow_redirects=True, timeout=60) as person:
        assert person.get(desk.entry()).status_code == 200
        for path in ("/", "/status"):
            page = person.get(desk.base + path)
            assert page.status_code == 200
            assert "3 秒内没有回答" in page.text
        assert person.get(f"{desk.base}/alerts").status_code == 200


@pytest.mark.timeout(900)
def test_a_whole_system_loses_nothing_to_a_busy_index_a_stopped_database_and_a_full_disk(
    tmp_path: Path, elasticsearch_url: str
) -> None:
    """In this file, as the first test leaves an index of the same name on the node."""
    with elasticsearch.Elasticsearch(elasticsearch_url) as client:
        for index in client.indices.get(index="fengsui-live-*", expand_wildcards="all").body:
            client.indices.delete(index=index, ignore_unavailable=True)
    try:
        told = outages.live_through(tmp_path, elasticsearch_url, away=3.0)
    except PostgresMissing as problem:
        if required():
            raise
        pytest.skip(str(problem))
    assert [one.fault for one in told][:2] == ["Elasticsearch answers 429", "PostgreSQL stopped and started"]
    for one in told:
        assert one.after.documents == 2 * one.after.alerts > one.before.documents
        assert one.after.mails >= one.after.alerts
