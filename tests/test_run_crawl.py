"""Crawling by hand: with nothing else running, beside another process, interrupted; and what its exit codes say."""

import signal
import socket
import threading
from datetime import timedelta
from pathlib import Path

from commands.doctor import examine
from commands.sample_site import SITE_PORT, kept_port
from config.settings import Settings
from config.sources import parse_source
from core.clock import fixed_clock, system_clock
from pipelines.intake import StoreIntake
from pipelines.turns import Turns
from scheduler import schedule
from store.database import Store, get_fact, set_fact
from store.documents import count_documents
from store.runs import (
    LEASE,
    ask_for_run,
    claim_run,
    finish_run,
    held_back,
    hold_back,
    recent_runs,
    renew_runs,
    source_health,
)
from tests.conftest import NOON
from tests.crawl_server import Reply, Site
from tests.forked import run_apart, start

COUNTS = {"new": 0, "changed": 0, "unchanged": 0, "failed": 0, "gone": 0}


def crawl(folder: Path, *sources: str) -> tuple[int, str, str]:
    """Exit code, output, errors, in a process of its own: a reactor runs once."""
    done = run_apart("crawl", *sources, "--data", str(folder))
    return done.returncode, done.stdout, done.stderr


def opened(folder: Path) -> Store:
    store = Store(f"sqlite:///{folder / 'fengsui.db'}")
    store.migrate()
    return store


def test_a_fresh_demo_folder_is_crawled_without_anything_running(tmp_path: Path) -> None:
    code, out, err = crawl(tmp_path, "gz_amr", "export_12315")
    assert (code, err) == (0, "")
    assert {line.split()[0]: line.split()[1] for line in out.splitlines()} == {"gz_amr": "ok", "export_12315": "ok"}
    store = opened(tmp_path)
    with store.read() as db:
        first, port = count_documents(db)["documents"], get_fact(db, SITE_PORT)
    assert first > 20
    assert crawl(tmp_path, "gz_amr")[0] == 0
    with store.read() as db:
        assert (count_documents(db)["documents"], get_fact(db, SITE_PORT)) == (first, port)


def test_a_source_nobody_knows_is_wrong_use(tmp_path: Path) -> None:
    code, out, err = crawl(tmp_path, "gz_amt")
    assert (code, out) == (2, "")
    assert "no source gz_amt in profile demo (known: ask_jiangxi," in err


def test_a_stranger_on_the_sample_sites_port_is_told_of(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        store = opened(tmp_path)
        with store.write() as db:
            set_fact(db, "profile", "demo")
            set_fact(db, SITE_PORT, str(port))
        stranger.settimeout(0)
        code, out, err = crawl(tmp_path, "gz_amr")
    assert kept_port(store) == port
    assert (code, out) == (1, "")
    assert err.startswith(f"fengsui: port {port}, which this demo's sample site uses, is taken; free it")


def test_a_source_that_another_process_crawls_is_not_crawled_twice(tmp_path: Path) -> None:
    store = opened(tmp_path)
    with store.write() as db:
        ask_for_run(db, "gz_amr", reason="schedule", now=system_clock())
        claim_run(db, who="crawler", now=system_clock())
    code, out, err = crawl(tmp_path, "gz_amr")
    assert (code, out) == (1, "")
    assert err == "gz_amr：另一个进程正在采集，这次没有重复采集\n"


def test_an_interrupted_crawl_says_so_and_leaves_no_run_open(tmp_path: Path) -> None:
    site = Site()
    site.routes["/rss"] = lambda _asked: Reply(status=200 if site.closing.wait(60) else 500)
    source = f"title: 慢\nfamily: feed\nkind: news\nevery: 30m\ndelay: 0\nlist_url: '{site.base}/rss'\n"
    folder = tmp_path / "config" / "sources" / "live"
    folder.mkdir(parents=True)
    (folder / "slow.yml").write_text(source + "allow_private: ['127.0.0.1']\n", encoding="utf-8")
    live = {"FENGSUI_PROFILE": "live", "FENGSUI_CONTACT": "desk@bureau.example.org"}
    live["FENGSUI_CONFIG"] = str(tmp_path / "config")
    process = start("crawl", "--data", str(tmp_path / "data"), environment=live)
    try:
        while not site.hits()["/rss"]:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    finally:
        process.kill()
        site.close()
    assert (process.returncode, out, err) == (130, "", "已中断；已入库的不丢，其余下次再采\n")
    with opened(tmp_path / "data").read() as db:
        assert [run.status for run in recent_runs(db)] == ["interrupted"]


def test_a_source_has_one_open_run(store: Store) -> None:
    with store.write() as db:
        assert ask_for_run(db, "a", reason="schedule", now=NOON)
        assert not ask_for_run(db, "a", reason="hand", now=NOON + timedelta(seconds=1))
        assert ask_for_run(db, "b", reason="schedule", now=NOON)
        run = claim_run(db, who="crawler", now=NOON, source="a")
        assert run is not None
        assert not ask_for_run(db, "a", reason="hand", now=NOON + timedelta(seconds=2))
        finish_run(db, run.id, status="ok", counts=COUNTS, problems=(), now=NOON)
        assert ask_for_run(db, "a", reason="schedule", now=NOON + timedelta(seconds=3))


def test_a_run_whose_process_was_killed_gives_way_when_its_lease_has_run_out(store: Store) -> None:
    late = NOON + LEASE + timedelta(seconds=5)
    with store.write() as db:
        ask_for_run(db, "a", reason="hand", now=NOON)
        lost = claim_run(db, who="crawl-by-hand", now=NOON)
        assert lost is not None
        renew_runs(db, [lost.id], now=NOON + timedelta(seconds=10))
        assert not ask_for_run(db, "a", reason="schedule", now=late)
        assert ask_for_run(db, "a", reason="schedule", now=late + timedelta(seconds=10))
        finish_run(db, lost.id, status="ok", counts=COUNTS, problems=(), now=late)
        assert {run.status for run in recent_runs(db)} == {"interrupted", "waiting"}


def test_what_a_site_asked_for_is_kept_and_shown(store: Store, tmp_path: Path) -> None:
    tomorrow = system_clock() + timedelta(days=1)
    StoreIntake(store, fixed_clock(NOON)).hold_back("gz_amr", tomorrow, "HTTP 429")
    with store.write() as db:
        hold_back(db, "gz_amr", until=tomorrow - timedelta(hours=3), why="a sooner wish does not shorten it")
    again = opened(tmp_path)
    assert StoreIntake(again, fixed_clock(NOON)).held_until("gz_amr") == tomorrow
    with again.write() as db:
        set_fact(db, "profile", "demo")
        ask_for_run(db, "gz_amr", reason="schedule", now=NOON)
        run = claim_run(db, who="crawler", now=NOON)
        assert run is not None
        finish_run(db, run.id, status="blocked", counts=COUNTS, problems=("HTTP 429",), now=NOON)
        assert source_health(db, "gz_amr").not_before == held_back(db, "gz_amr") == tomorrow
    told = [one.detail for one in examine(Settings(data=tmp_path)) if "不再访问" in one.detail]
    assert len(told) == 1
    assert told[0].startswith("上次 blocked")


def test_the_scheduler_does_not_ask_before_the_time_a_site_named(store: Store) -> None:
    values = {"title": "甲", "family": "feed", "kind": "news", "every": "1h", "list_url": "http://127.0.0.1:9/rss"}
    turns = Turns(store, [parse_source("a", values), parse_source("b", values)])
    with store.write() as db:
        hold_back(db, "a", until=NOON + timedelta(hours=3), why="Retry-After")
    assert turns.ask(NOON) == ["b"]
    assert turns.ask(NOON + timedelta(hours=3)) == ["a"]


def test_the_scheduler_asks_for_what_is_due_while_it_runs(store: Store) -> None:
    values = {"title": "甲", "family": "feed", "kind": "news", "every": "1h", "list_url": "http://127.0.0.1:9/rss"}
    stop, stay = threading.Event(), [parse_source("a", values)]
    table = threading.Thread(target=schedule, args=(stop, store, stay), kwargs={"daily": [], "clock": system_clock})
    table.start()
    try:
        asked = False
        while not asked:
            with store.read() as db:
                asked = bool(recent_runs(db))
    finally:
        stop.set()
        table.join()
    with store.read() as db:
        assert [(run.status, run.reason) for run in recent_runs(db)] == [("waiting", "schedule")]
