"""Whether one crawler process keeps 1,000 feeds on schedule, and what it costs.

`python -m benchmarks.crawl_throughput [--feeds N] [--minutes M] [--pages N] [--only PART]`: a line of JSON a part.

A process of its own serves the feeds on many loopback hosts (127.x.y.z), with ETags and robots.txt; on each visit a
share of them has something new. The crawler is the real one (queue, store, archive, politeness as configured) in a
process of its own that is bound to one core; the scheduler's part runs beside it.

capacity  everything is due at once, twice over, after a first round that read it all: sources a minute, CPU a source;
          as it is, and as it was (eight at once, Scrapy's own settings: a deep copy and all its parts for each run).
schedule  each feed every `--minutes`: p95 and worst lateness, share of a core.
memory    feeds that lead to pages, until `--pages` pages are fetched: RSS at a fifth of them and at the end.
"""

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from scrapy.settings import Settings

import crawlers.runner
from config.sources import SourceConfig, parse_source
from core.clock import system_clock
from crawlers.runner import run_reactor
from crawlers.scrapy_settings import MIDDLEWARES, settings_for
from pipelines.crawling import CrawlQueue, make_engine
from pipelines.turns import Turns
from store.database import Store
from store.pulses import all_pulses, move_turn
from store.runs import lateness

HOSTS = 250
ENTRIES = 20
CHANGED = 10
"""One visit in so many finds a new entry."""
ENTRY = (
    "<item><title>第{n}号通报：某品牌插线板抽检不合格</title><link>http://{host}:{port}/page/{feed}/{n}</link>"
    "<guid>{feed}-{n}</guid><pubDate>{at}</pubDate><description>{text}</description></item>"
)
TEXT = "监督抽查发现，该批次产品的接地措施不符合标准要求，已责令停止销售并召回。" * 8
PAGE = (
    "<html><head><meta charset='utf-8'><title>{title}</title></head><body><div class='nav'>首页 通报 召回</div>"
    "<h1>{title}</h1><div class='info'>发布时间：2026-01-05 10:00</div><div id='content'>{text}</div></body></html>"
)


# --- the server ---------------------------------------------------------------------------------------------------


class Feeds:
    """Answers as a site would. every: a visit in so many brings a new entry; 1: each does."""

    def __init__(self, every: int) -> None:
        self.every, self.port = every, 0
        self.visits: Counter[int] = Counter()
        self.answered: Counter[str] = Counter()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                path, headers = line.split()[1].decode(), {}
                while (line := await reader.readline()).strip():
                    name, _, value = line.decode("latin-1").partition(":")
                    headers[name.lower()] = value.strip()
                writer.write(self.answer(path, headers))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def answer(self, path: str, headers: dict[str, str]) -> bytes:
        what, *rest = path.strip("/").split("/")
        if what == "robots.txt":
            return _reply(b"User-agent: *\nAllow: /\n", "text/plain")
        if what == "counts":
            return _reply(json.dumps(self.answered).encode(), "application/json")
        self.answered[what] += 1
        if what == "page":
            title = f"{rest[0]} 的第 {rest[1]} 号通报"
            return _reply(PAGE.format(title=title, text=title + TEXT).encode(), "text/html; charset=utf-8")
        feed = int(rest[0])
        self.visits[feed] += 1
        newest = ENTRIES + (self.visits[feed] + feed) // self.every
        etag = f'"{feed}-{newest}"'
        if headers.get("if-none-match") == etag:
            self.answered["304"] += 1
            return b"HTTP/1.1 304 Not Modified\r\nETag: " + etag.encode() + b"\r\nContent-Length: 0\r\n\r\n"
        return _reply(self.feed(feed, newest, headers["host"].split(":")[0]), "application/rss+xml", etag)

    def feed(self, feed: int, newest: int, host: str) -> bytes:
        numbers = range(newest, newest - ENTRIES, -1)
        at = time.strftime("%a, %d %b %Y 00:00:00 +0800")
        entries = (ENTRY.format(n=n, host=host, port=self.port, feed=feed, at=at, text=TEXT) for n in numbers)
        rows = f"<title>{feed}</title>{''.join(entries)}"
        return f'<?xml version="1.0"?><rss version="2.0"><channel>{rows}</channel></rss>'.encode()


def _reply(body: bytes, kind: str, etag: str = "") -> bytes:
    tag = f"ETag: {etag}\r\n" if etag else ""
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{tag}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def _serve(every: int, port: int) -> None:
    feeds = Feeds(every)
    server = await asyncio.start_server(feeds.handle, "0.0.0.0", port, backlog=1000)
    feeds.port = server.sockets[0].getsockname()[1]
    print(feeds.port, flush=True)
    async with server:
        await server.serve_forever()


@contextmanager
def served(every: int) -> Iterator[int]:
    """The port of a server in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.crawl_throughput", "serve", str(every)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


# --- the crawler --------------------------------------------------------------------------------------------------


def feed_sources(count: int, port: int, every: str, *, follow: bool) -> dict[str, SourceConfig]:
    """Feeds on HOSTS hosts, with the politeness that a source has by default."""
    found = {}
    for n in range(count):
        host = f"127.0.{n % HOSTS // 200}.{n % HOSTS % 200 + 1}"
        values = {
            "title": f"信源 {n}", "family": "feed", "kind": "news", "every": every, "floor": every, "ceiling": every,
            "list_url": f"http://{host}:{port}/feed/{n}", "allow_private": [host], "follow": follow,
            **({"delay": 0, "autothrottle": False} if follow else {}),
        }  # fmt: skip
        found[f"feed_{n:04d}"] = parse_source(f"feed_{n:04d}", values)
    return found


@dataclass(frozen=True)
class Work:
    """What a crawler process is to do. stop after `visits` feed runs, or after `pages` pages, or `seconds`."""

    folder: str
    port: int
    feeds: int
    every: str
    follow: bool = False
    visits: int = 0
    pages: int = 0
    seconds: float = 0.0
    as_before: bool = False


def crawl(work: Work) -> dict[str, Any]:
    """The crawler process: runs until the work is done, and says what it cost."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    folder = Path(work.folder)
    store = Store(f"sqlite:///{folder / 'fengsui.db'}")
    sources = feed_sources(work.feeds, work.port, work.every, follow=work.follow)
    engine = make_engine(store, sources, folder, system_clock, contact="mailto:desk@example.org")
    if work.as_before:
        engine = replace(engine, at_once=8)
        crawlers.runner.settings_for = _settings_as_before  # type: ignore[attr-defined]
    queue, told = CrawlQueue(store, system_clock, sources=sources), Counter[str]()
    rss: list[tuple[int, int]] = []
    took, idle = [0.0], _cpu()

    async def main(stop: asyncio.Event) -> None:
        began = time.monotonic()

        def note(summary: Any) -> None:
            queue.done(summary)
            told["runs"] += 1
            told[summary.status] += 1
            told["pages"] += summary.new if work.follow else 0
            told["new"] += summary.new
            reached = told["pages"] if work.follow else told["runs"]
            if not rss or reached >= rss[-1][0] + 500:
                rss.append((reached, _rss()))
            over = time.monotonic() - began
            ended = (work.visits and told["runs"] >= work.visits) or (work.pages and told["pages"] >= work.pages)
            if ended or (work.seconds and over >= work.seconds):
                took[0] = over
                stop.set()

        queue.recover()
        await engine.serve(queue.requests(engine.busy), note, stop=stop)

    run_reactor(main)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": took[0], "cpu": _cpu() - idle, "peak_mb": peak / 1024,
        "told": dict(told), "rss": rss,
    }  # fmt: skip


def _settings_as_before(source: SourceConfig, user_agent: str) -> Settings:
    """Nothing shared, nothing left out."""
    ours = {name: one.value for name, one in settings_for(source, user_agent).attributes.items() if one.priority >= 20}
    for name in ("CONCURRENT_ITEMS", "EXTENSIONS", "SPIDER_MIDDLEWARES"):
        del ours[name]
    used = {name: order for name, order in MIDDLEWARES.items() if order is not None}
    unused = ("retry.RetryMiddleware", "robotstxt.RobotsTxtMiddleware", "redirect.RedirectMiddleware")
    ours["DOWNLOADER_MIDDLEWARES"] = used | {f"scrapy.downloadermiddlewares.{name}": None for name in unused}
    off = dict.fromkeys(("TELNETCONSOLE_ENABLED", "REMOTE_CONTROL_ENABLED", "COOKIES_ENABLED"), False)
    return Settings({**ours, **off, "HTTPERROR_ALLOW_ALL": True})


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _rss() -> int:
    """KB."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def run_crawler(work: Work) -> dict[str, Any]:
    """Crawl in a process of its own while this one asks for what is due, as the scheduler does."""
    store = Store(f"sqlite:///{Path(work.folder) / 'fengsui.db'}")
    store.migrate()
    turns = Turns(store, list(feed_sources(work.feeds, work.port, work.every, follow=work.follow).values()))
    stop = threading.Event()

    def ask() -> None:
        while not stop.wait(1.0):
            turns.ask(system_clock())

    turns.ask(system_clock())
    asking = threading.Thread(target=ask)
    asking.start()
    try:
        command = [sys.executable, "-m", "benchmarks.crawl_throughput", "crawl", json.dumps(work.__dict__)]
        ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    finally:
        stop.set()
        asking.join()
    return dict(json.loads(ended.stdout.splitlines()[-1]))


# --- what is measured ---------------------------------------------------------------------------------------------


def capacity(feeds: int) -> dict[str, Any]:
    """As fast as it goes."""
    found: dict[str, float] = {}
    with served(CHANGED) as port, tempfile.TemporaryDirectory() as folder:
        run_crawler(Work(folder, port, feeds, "1s", visits=feeds))
        for name in ("before", "now"):
            one = run_crawler(Work(folder, port, feeds, "1s", visits=2 * feeds, as_before=name == "before"))
            runs = one["told"]["runs"]
            found |= {
                f"sources_a_minute_{name}": 60 * runs / one["seconds"],
                f"cpu_ms_a_source_{name}": 1000 * one["cpu"] / runs,
                f"peak_mb_{name}": one["peak_mb"],
                f"new_{name}": one["told"]["new"], f"ok_{name}": one["told"]["ok"],
            }  # fmt: skip
    return found


def on_schedule(feeds: int, minutes: float) -> dict[str, Any]:
    """Each feed every so many minutes; the first round, which reads everything, is over before lateness counts."""
    with served(CHANGED) as port, tempfile.TemporaryDirectory() as folder:
        every = f"{int(minutes * 60)}s"
        run_crawler(Work(folder, port, feeds, every, visits=feeds))
        store, since = Store(f"sqlite:///{Path(folder) / 'fengsui.db'}"), system_clock()
        _spread(store, minutes)
        found = run_crawler(Work(folder, port, feeds, every, seconds=minutes * 60 * 1.5))
        with store.read() as db:
            late = sorted(lateness(db, since))
        store.close()
    return {
        "sources_a_minute": 60 * found["told"]["runs"] / found["seconds"], "late_p50_s": late[len(late) // 2],
        "late_p95_s": late[int(0.95 * len(late))], "late_worst_s": late[-1],
        "share_of_a_core": found["cpu"] / found["seconds"], "peak_mb": found["peak_mb"], **found["told"],
    }  # fmt: skip


def _spread(store: Store, minutes: float) -> None:
    """Turns evenly over the interval, as they are after a while."""
    with store.write() as db:
        pulses = sorted(all_pulses(db))
        for n, key in enumerate(pulses):
            at = system_clock() + timedelta(minutes=minutes * n / len(pulses), seconds=10)
            move_turn(db, key, at, "")


def memory(feeds: int, pages: int) -> dict[str, Any]:
    """RSS while pages are fetched, archived, read and saved."""
    with served(1) as port, tempfile.TemporaryDirectory() as folder:
        found = run_crawler(Work(folder, port, feeds, "1s", follow=True, pages=pages))
    early = next(rss for reached, rss in found["rss"] if reached >= pages / 5)
    return {
        "pages": found["told"]["pages"], "pages_a_second": found["told"]["pages"] / found["seconds"],
        "rss_mb_at_a_fifth": early / 1024, "rss_mb_at_the_end": found["rss"][-1][1] / 1024,
        "peak_mb": found["peak_mb"],
    }  # fmt: skip


def main() -> None:
    """Measure, and print a line each."""
    if sys.argv[1:2] == ["serve"]:
        asyncio.run(_serve(int(sys.argv[2]), 0))
    elif sys.argv[1:2] == ["crawl"]:
        print(json.dumps(crawl(Work(**json.loads(sys.argv[2])))))
    else:
        parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--feeds", type=int, default=1000)
        parser.add_argument("--minutes", type=float, default=3.0)
        parser.add_argument("--pages", type=int, default=10_000)
        parser.add_argument("--only", choices=("capacity", "schedule", "memory"))
        asked = parser.parse_args()
        parts: dict[str, Callable[[], dict[str, Any]]] = {
            "capacity": lambda: capacity(asked.feeds),
            "schedule": lambda: on_schedule(asked.feeds, asked.minutes),
            "memory": lambda: memory(min(asked.feeds, 100), asked.pages),
        }
        for name, measure in parts.items():
            if asked.only in (None, name):
                print(json.dumps({"part": name, **{k: round(v, 3) for k, v in measure().items()}}), flush=True)


if __name__ == "__main__":
    main()
