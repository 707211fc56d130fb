"""Who gets a place in the crawler: a slow host keeps its own sources waiting and no others."""

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from config.sources import SourceConfig, parse_source
from core.clock import fixed_clock
from crawlers.run import RunSummary
from crawlers.runner import CrawlEngine
from pipelines.crawling import CrawlQueue, serve_queue
from pipelines.intake import StoreIntake
from store.database import Store
from store.runs import ask_for_run, drop_runs, lateness, recent_runs
from tests.conftest import NOON
from tests.crawl_server import ReactorThread, Reply, Site

FEED = "<rss version='2.0'><channel><item><title>通报</title><link>http://x.example/1</link></item></channel></rss>"


def source(site: Site, key: str, host: str) -> SourceConfig:
    values = {
        "title": key, "family": "feed", "kind": "news", "every": "30m", "delay": 0.01, "autothrottle": False,
        "allow_private": [host], "list_url": f"http://{host}:{site.base.rsplit(':', 1)[1]}/{key}",
    }  # fmt: skip
    return parse_source(key, values)


@dataclass
class TellingQueue(CrawlQueue):
    """Says when a source's run is closed."""

    told: Mapping[str, threading.Event] = field(default_factory=dict)

    def done(self, summary: RunSummary) -> None:
        super().done(summary)
        self.told[summary.source].set()


def test_sources_of_a_host_that_hangs_keep_no_place_from_others(store: Store, tmp_path: Path) -> None:
    site, go_on, told = Site(), threading.Event(), dict[str, threading.Event]()
    slow = [source(site, f"slow{n}", "127.0.0.1") for n in range(3)]
    every = {one.key: one for one in [*slow, source(site, "fast", "localhost")]}
    for key in every:
        told[key] = threading.Event()
        site.routes[f"/{key}"] = lambda asked: Reply(FEED) if "fast" in asked.path or go_on.wait(60) else Reply()
    with store.write() as db:
        for n, key in enumerate(every):
            at = NOON + timedelta(seconds=n)
            ask_for_run(db, key, reason="schedule", now=at, due_at=at)
    clock = fixed_clock(NOON + timedelta(seconds=30))
    engine = CrawlEngine(
        sources=every, intake=StoreIntake(store, clock), archive_dir=tmp_path, contact="x", clock=clock, at_once=2
    )
    queue, stop = TellingQueue(store, clock, sources=every, told=told), asyncio.Event()
    reactor = ReactorThread.get()
    serving = asyncio.run_coroutine_threadsafe(serve_queue(engine, queue, stop=stop), reactor.loop)
    try:
        assert told["fast"].wait(60)
        with store.read() as db:
            states = {run.source: run.status for run in recent_runs(db)}
        assert states == {"slow0": "running", "slow1": "waiting", "slow2": "waiting", "fast": "ok"}
        go_on.set()
        assert all(told[key].wait(60) for key in told)
    finally:
        go_on.set()
        reactor.loop.call_soon_threadsafe(stop.set)
        serving.result(60)
        site.close()
    with store.read() as db:
        assert {run.status for run in recent_runs(db)} == {"ok"}
        assert sorted(lateness(db, NOON)) == [27.0, 28.0, 29.0, 30.0]


def test_old_runs_go_and_open_ones_stay(store: Store) -> None:
    with store.write() as db:
        ask_for_run(db, "a", reason="schedule", now=NOON)
        assert drop_runs(db, NOON + timedelta(days=1)) == 0
        assert [run.source for run in recent_runs(db)] == ["a"]
