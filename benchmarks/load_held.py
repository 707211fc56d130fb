"""Ten times the normal stream, for as long as is asked: the whole system as `fengsui run` starts it, on PostgreSQL.

    python -m benchmarks.load_held [--minutes 60] [--rate 2] [--workers 1] [--accident-every 10] [--sqlite]
    python -m benchmarks.load_held --minutes 3 --rate 200 --backlog 500        far above what one machine reads

The normal stream of a province is taken as 10,000 documents a day, 0.2 a second in a busy hour; ten times that is the
default rate of 2 a second. On what ground, by the shipped catalogue and shared/data:
- hot lists: a platform brings 302 new titles on a usual day, 381 at most (streams/weibo_hot, 2022 and 2023), another 49
  (zhihu_hot); the catalogue knows ten platforms: 3,000 a day.
- news: 18 sources are on; the evening news alone has 15 items a day (streams/xwlb), a portal's channel is taken as 150:
  2,700 a day.
- notices, spot checks, recalls: 27 sources are on, mostly with a few a day: 300 a day.
- complaints: no data here; taken as 4,000 a day, which is more than a province of the size of Jiangxi would have from
  the national platform by its share of the people.
- hours: the busiest ten hours of a day bring 1.1 to 1.7 times the mean (weibo_hot by hour): 1.7 is taken.

Of forty texts two are the sample pack's, the rest real questions, news and headlines (benchmarks/stream_texts.py). Six
of ten stand in a feed of news (tier 3), two on a list of notices with a page each, two in a feed
of complaints (tier 1); all over HTTP, each source visited by its schedule every two seconds. Every so often an accident
of a firm of its own stands among the news or the notices, in turns.

A line a minute: published, stored, texts that wait, judged; seconds from the page's arrival and from publication to the
alert, of the accidents whose alert was opened in that minute; sources that give way; memory (PSS) by process. At the
end the verdict: each accident an alert within ten seconds of its page's arrival, memory at the end against that of the
fifth minute (in a shorter run the last but one).
"""

import argparse
import html
import itertools
import json
import os
import statistics
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr
from sqlalchemy import func, select

from benchmarks.alert_latency import firms, prepare, write_config
from benchmarks.answering import answering
from benchmarks.meter import pss_mb, tree
from benchmarks.stream_texts import SHARED, Text, everyday
from config.lexicon import load_lexicon
from config.settings import PROJECT, Settings
from core.clock import beijing, system_clock
from store.database import Store
from store.documents import READ, last_arrival
from store.pulses import held_turns
from store.schema import TO_READ, alert_documents, documents
from tests.chaos import Eager
from tests.mail_server import Inbox, free_port, listening
from tests.postgresql import running_postgresql

LASTING = ("shared_buffers=128MB", "max_wal_size=1GB")
"""Commits wait for the disk, as they do by default."""
SHOWN, PAGES_SHOWN, ON_TOP = 400, 100, 40
"""Entries that a feed shows, rows of the list: what was not taken when it goes off them is lost to everybody. Accidents
stay on top, as a site would show them."""
NEWS, NOTICES, COMPLAINTS = "held_news", "held_notices", "held_complaints"
OF_TEN = (NEWS, COMPLAINTS, NEWS, NOTICES, NEWS, NEWS, COMPLAINTS, NEWS, NOTICES, NEWS)
WITHIN, LAST_WAIT = 10.0, 90.0
AGAINST = 5
"""The minute that memory is measured against."""


@dataclass
class Entry:
    """What was published, and when (seconds of the epoch)."""

    number: int
    title: str
    text: str
    at: float


@dataclass
class Site:
    """A feed of news, one of complaints, a list of notices with pages: each shows its newest."""

    entries: dict[str, deque[Entry]] = field(default_factory=dict)
    top: dict[str, deque[Entry]] = field(default_factory=dict)
    pages: dict[str, Entry] = field(default_factory=dict)
    lock: Any = field(default_factory=threading.Lock)
    base: str = ""
    _number: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.entries = {NEWS: deque(maxlen=SHOWN), COMPLAINTS: deque(maxlen=SHOWN), NOTICES: deque(maxlen=PAGES_SHOWN)}
        self.top = {source: deque(maxlen=ON_TOP) for source in self.entries}

    def publish(self, source: str, title: str, text: str, *, on_top: bool = False) -> str:
        """Put one in front; its address. on_top: everyday texts do not push it off."""
        entry = Entry(next(self._number), title, text or title, time.time())
        path = f"/{source}/{entry.number}.html"
        with self.lock:
            shown = (self.top if on_top else self.entries)[source]
            if source == NOTICES:
                if len(shown) == shown.maxlen:
                    self.pages.pop(f"/{NOTICES}/{shown[-1].number}.html", None)
                self.pages[path] = entry
            shown.appendleft(entry)
        return self.base + path

    def answer(self, path: str) -> tuple[str, bytes] | None:
        """Its type and body; None where there is nothing."""
        with self.lock:
            if path in self.pages:
                return "text/html; charset=utf-8", _page(self.pages[path])
            source = path.strip("/").partition(".")[0]
            shown = [*self.top.get(source, ()), *self.entries.get(source, ())]
        if source not in self.entries:
            return None
        if source == NOTICES:
            rows = "".join(
                f'<li><a href="/{NOTICES}/{one.number}.html">{html.escape(one.title)}</a>'
                f"<span>{beijing(datetime.fromtimestamp(one.at, UTC)):%Y-%m-%d}</span></li>"
                for one in shown
            )
            return "text/html; charset=utf-8", f"<html><body><ul class=rows>{rows}</ul></body></html>".encode()
        items = [
            {
                "id": f"{source}-{one.number}", "url": f"{self.base}/{source}/{one.number}.html", "title": one.title,
                "content_text": one.text, "date_published": datetime.fromtimestamp(one.at, UTC).isoformat(),
            }
            for one in shown
        ]  # fmt: skip
        feed = {"version": "https://jsonfeed.org/version/1.1", "title": source, "items": items}
        return "application/feed+json; charset=utf-8", json.dumps(feed, ensure_ascii=False).encode()

    @contextmanager
    def serve(self) -> Iterator[str]:
        """Its address."""
        with answering(self.answer) as self.base:
            yield self.base


def _page(entry: Entry) -> bytes:
    parts = "".join(f"<p>{html.escape(part)}</p>" for part in entry.text.split("\n"))
    date = f"{beijing(datetime.fromtimestamp(entry.at, UTC)):%Y-%m-%d %H:%M:%S}"
    return (
        f"<html><head><title>{html.escape(entry.title)}</title></head><body><h1>{html.escape(entry.title)}</h1>"
        f"<div class=date>{date}</div><div class=body>{parts}</div></body></html>"
    ).encode()


def write_sources(folder: Path, base: str) -> None:
    """The three sources in place of the one of `write_config`."""
    live = folder / "sources" / "live"
    for path in live.glob("*.yml"):
        path.unlink()
    same = {
        "every": "2s", "floor": "2s", "delay": 0, "autothrottle": False, "allow_private": ["127.0.0.1"],
        "max_items": 200, "recheck_limit": 0,
    }  # fmt: skip
    sources: dict[str, dict[str, Any]] = {
        NEWS: {"title": "新闻", "family": "feed", "kind": "news", "tier": 3, "ceiling": "10m"},
        COMPLAINTS: {"title": "投诉", "family": "feed", "kind": "complaint", "tier": 1, "ceiling": "2s"},
        NOTICES: {
            "title": "通报", "family": "html_list", "kind": "notice", "tier": 2, "ceiling": "2s", "item": ".rows li",
            "item_date": "span", "detail": {"body": ".body"}, "expect": {"min_items": 0},
        },
    }  # fmt: skip
    for key, values in sources.items():
        ending = "html" if key == NOTICES else "json"
        values = {**same, **values, "list_url": f"{base}/{key}.{ending}"}
        (live / f"{key}.yml").write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")


@dataclass
class Stream:
    """Publishes at a rate, in a thread. accidents: when each was published, by address, until its alert was seen."""

    site: Site
    texts: Iterator[Text]
    made: Sequence[tuple[str, str, str, str]]
    rate: float
    every: float
    over: threading.Event = field(default_factory=threading.Event)
    published: int = 0
    told: int = 0
    accidents: dict[str, float] = field(default_factory=dict)

    def run(self) -> None:
        """Until `over` is set, or nothing is left to publish."""
        began = time.monotonic()
        while not self.over.wait(0.05):
            gone = time.monotonic() - began
            while self.published < gone * self.rate:
                text = next(self.texts, None)
                if text is None:
                    return
                self.site.publish(OF_TEN[self.published % 10], text.title, text.text)
                self.published += 1
            if self.told < len(self.made) and self.told < gone / self.every:
                self._accident()

    def _accident(self) -> None:
        number = self.told
        name, _code, goods, _product = self.made[number]
        hurt = number % 3 + 1
        body = (
            f"市场监管部门今日通报，{name}生产的{goods}在使用中突然起火，造成{hurt}人受伤，伤者已送医。"
            f"起火产品编号为{number * 7919 + 1000}，原因正在调查。"
        )
        source = (NEWS, NOTICES)[number % 2]
        url = self.site.publish(source, f"{name}生产的{goods}起火致{hurt}人受伤", body, on_top=True)
        self.accidents[url] = time.time()
        self.told += 1


@dataclass
class Seen:
    """Seconds from a page's arrival and from its publication to the alert."""

    since_fetched: list[float] = field(default_factory=list)
    since_published: list[float] = field(default_factory=list)

    def add(self, other: "Seen") -> None:
        """All of another."""
        self.since_fetched += other.since_fetched
        self.since_published += other.since_published


def look(store: Store, stream: Stream) -> Seen:
    """The accidents whose alert is there; they are waited for no longer."""
    found, waiting = Seen(), list(stream.accidents)
    columns = (documents.c.url, documents.c.fetched_at, documents.c.moved_at)
    query = select(*columns).join(alert_documents, alert_documents.c.document == documents.c.id)
    with store.read() as db:
        for start in range(0, len(waiting), 200):
            for url, fetched, moved in db.execute(query.where(documents.c.url.in_(waiting[start : start + 200]))):
                published = stream.accidents.pop(url, None)
                if published is not None and moved is not None:
                    found.since_fetched.append((moved - fetched).total_seconds())
                    found.since_published.append(moved.timestamp() - published)
    return found


def spread(seconds: Sequence[float]) -> str:
    """p50, p95, p99, max."""
    if not seconds:
        return "-"
    if len(seconds) == 1:
        return f"{seconds[0]:.1f}"
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return f"{cuts[49]:.1f} {cuts[94]:.1f} {cuts[98]:.1f} {max(seconds):.1f}"


def memory(system: Eager, database: int | None) -> dict[str, float]:
    """PSS in MB by role; the database with all of its processes."""
    found: dict[str, float] = {}
    for pid, name in system.processes().items():
        role = name.split("@")[0].split("-")[0]
        found[role] = found.get(role, 0.0) + pss_mb(pid)
    if database is not None:
        found["database"] = sum(map(pss_mb, tree(database)))
    return found


def hold(options: argparse.Namespace, folder: Path, url: str | None, database: int | None) -> int:
    """Publish and look, a minute at a time. 1 where an accident took longer than it may, or had no alert."""
    lexicon, inbox, site = load_lexicon(PROJECT / "config"), Inbox(), Site()
    accidents = firms(int(options.minutes * 60 / options.accident_every), lexicon)
    with ExitStack() as stack:
        base, port = stack.enter_context(site.serve()), free_port()
        stack.enter_context(listening(inbox, port))
        write_config(folder / "config", 0, base, lexicon)
        write_sources(folder / "config", base)
        own = {
            "FENGSUI_CONFIG": str(folder / "config"),
            "FENGSUI_CONTACT": "desk@bureau.example.org",
            "FENGSUI_SMTP_URL": f"smtp://127.0.0.1:{port}",
            "FENGSUI_MAIL_TO": "desk@bureau.example.org",
            "FENGSUI_BACKLOG_MOST": str(options.backlog),
            **({"FENGSUI_DATABASE_URL": url} if url else {}),
        }
        settings = Settings(profile="live", data=folder / "data", config=folder / "config")
        if url:
            settings = settings.model_copy(update={"database_url": SecretStr(url)})
        store, _secret = prepare(settings, accidents)
        stack.callback(store.close)
        system = Eager(settings.data_dir, profile="live", environment=own, workers=options.workers)
        system.start()
        stack.callback(system.clear)
        system.address()
        stream = Stream(site, everyday(options.shared), accidents, options.rate, options.accident_every)
        threading.Thread(target=stream.run, daemon=True).start()
        stack.callback(stream.over.set)
        return minutes(options, store, stream, system, database, inbox)


def minutes(
    options: argparse.Namespace, store: Store, stream: Stream, system: Eager, database: int | None, inbox: Inbox
) -> int:
    """The lines, and the verdict."""
    columns = (
        "minute", "published", "stored", "waiting", "judged", "alerts", "since arrival: p50 p95 p99 max, s",
        "since published", "give way", "memory, MB",
    )  # fmt: skip
    print(f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|", flush=True)
    began, whole, first = time.monotonic(), Seen(), dict[str, float]()
    before, used = 0, dict[str, float]()
    for minute in range(1, options.minutes + 1):
        fresh = Seen()
        while time.monotonic() - began < minute * 60:
            time.sleep(1.0)
            fresh.add(look(store, stream))
        used = memory(system, database)
        if minute == min(AGAINST, max(1, options.minutes - 1)):
            first = used
        with store.read() as db:
            stored, held = last_arrival(db), held_turns(db, system_clock())
            waiting = db.execute(select(func.count()).select_from(documents).where(TO_READ)).scalar_one()
            judged = db.execute(select(func.count()).where(documents.c.stage.in_(READ))).scalar_one()
        parts = " ".join(f"{role} {mb:.0f}" for role, mb in sorted(used.items()))
        print(
            f"| {minute} | {stream.published:,} | {stored:,} | {waiting:,} | {judged - before:,} | "
            f"{len(fresh.since_fetched)} | {spread(fresh.since_fetched)} | {spread(fresh.since_published)} | "
            f"{' '.join(held) or '-'} | {sum(used.values()):.0f}: {parts} |",
            flush=True,
        )
        before = judged
        whole.add(fresh)
    stream.over.set()
    end = time.monotonic() + LAST_WAIT
    while stream.accidents and time.monotonic() < end:
        time.sleep(0.5)
        whole.add(look(store, stream))
    return verdict(stream, whole, first, used, len(inbox.mails))


def verdict(stream: Stream, whole: Seen, first: dict[str, float], last: dict[str, float], mails: int) -> int:
    """Said at the end; 1 where it is not held."""
    arrival, published = spread(whole.since_fetched), spread(whole.since_published)
    print(f"machine: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end")
    print(f"p50 p95 p99 max since arrival {arrival} s; since published {published} s")
    late = sum(seconds > WITHIN for seconds in whole.since_fetched)
    print(
        f"{stream.told} accidents, {len(whole.since_fetched)} with an alert, {late} of them later than {WITHIN:.0f} s "
        f"after the page arrived; without one: {len(stream.accidents)}; mails arrived: {mails}"
    )
    for url in list(stream.accidents)[:10]:
        print(f"    no alert: {url}")
    grown = ", ".join(f"{role} {first.get(role, 0.0):.0f} > {mb:.0f}" for role, mb in sorted(last.items()))
    print(f"memory, MB: {sum(first.values()):.0f} > {sum(last.values()):.0f} ({grown})")
    return int(bool(late or stream.accidents))


def main() -> int:
    """Start the servers, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--rate", type=float, default=2.0, help="documents a second")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--accident-every", type=float, default=10.0, help="seconds")
    parser.add_argument("--backlog", type=int, default=5_000, help="FENGSUI_BACKLOG_MOST: where sources give way")
    parser.add_argument("--sqlite", action="store_true", help="on a data folder alone, without PostgreSQL")
    parser.add_argument("--shared", type=Path, default=SHARED)
    options = parser.parse_args()
    if not (options.shared / "streams").is_dir():  # else all texts would be the sample pack's, each of a risk
        parser.error(f"no streams in {options.shared}: give --shared")
    with tempfile.TemporaryDirectory(prefix="held-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if options.sqlite:
            return hold(options, folder, None, None)
        with running_postgresql(folder / "postgresql", LASTING) as server:
            pid = int((folder / "postgresql/data/postmaster.pid").read_text().split()[0])
            return hold(options, folder, server.url, pid)


if __name__ == "__main__":
    raise SystemExit(main())
