"""A site on the loopback that can be as hostile as real ones, an intake in memory, and the crawl of one source."""

import asyncio
import sys
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

from scrapy.utils.reactor import install_reactor

from config.sources import SourceConfig, parse_source
from core.clock import Clock, fixed_clock
from core.ids import content_hash
from core.records import Gone, HotLine, RawDocument
from crawlers.intake import KnownPage, Outcome, Validators
from crawlers.run import RunSummary
from crawlers.runner import CrawlEngine
from crawlers.scrapy_settings import REACTOR
from crawlers.urls import canonical_url

T = TypeVar("T")
NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
"""Noon in Beijing."""


@dataclass(frozen=True)
class Asked:
    """A request as the server saw it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """An answer. endless: the body never ends (until the server closes)."""

    body: bytes | str = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    endless: bool = False


Route = Reply | Callable[[Asked], Reply]


class Site:
    """Answers by path (with query first, then without); anything else is a 404. robots.txt allows unless told."""

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {"/robots.txt": Reply(b"User-agent: *\nAllow: /\n")}
        self.asked: list[Asked] = []
        self.closing = threading.Event()
        self.reached = threading.Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                asked = Asked(self.command, self.path, dict(self.headers.items()), self.rfile.read(length))
                site.asked.append(asked)
                route = site.routes.get(self.path) or site.routes.get(self.path.split("?")[0]) or Reply(status=404)
                self.answer(route(asked) if callable(route) else route)

            do_POST = do_GET

            def answer(self, reply: Reply) -> None:
                body = reply.body.encode() if isinstance(reply.body, str) else reply.body
                headers = {"Content-Type": "text/html; charset=utf-8", **reply.headers}
                self.send_response(reply.status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body) + (1 if reply.endless else 0)))
                self.end_headers()
                self.wfile.write(body)
                if reply.endless:
                    self.wfile.flush()
                    site.reached.set()
                    site.closing.wait(60)

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients go away on purpose
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def hits(self) -> Counter[str]:
        """Requests by path, robots.txt left out."""
        return Counter(asked.path for asked in self.asked if asked.path != "/robots.txt")

    def close(self) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()


@dataclass
class MemoryIntake:
    """What pipelines/intake.py does, in dictionaries."""

    documents: dict[tuple[str, str], RawDocument] = field(default_factory=dict)
    revisions: list[RawDocument] = field(default_factory=list)
    withdrawn: list[Gone] = field(default_factory=list)
    remembered: dict[tuple[str, str], Validators] = field(default_factory=dict)
    to_recheck: list[str] = field(default_factory=list)
    missing: dict[tuple[str, str], datetime] = field(default_factory=dict)
    looks: list[str] = field(default_factory=list)
    held: dict[str, datetime] = field(default_factory=dict)
    sick: set[str] = field(default_factory=set)
    lines: list[HotLine] = field(default_factory=list)
    dead_links: set[str] = field(default_factory=set)

    def save(self, raw: RawDocument) -> Outcome:
        address = canonical_url(raw.url) if raw.url else ""
        key = (raw.source, raw.external_id or address or content_hash(raw.title, raw.text))
        before = self.documents.get(key)
        if before is not None and content_hash(before.title, before.text) == content_hash(raw.title, raw.text):
            return "unchanged"
        self.documents[key] = raw
        self.revisions.append(raw)
        return "changed" if before else "new"

    def hot(self, lines: Sequence[HotLine]) -> None:
        self.lines += lines

    def gone(self, gone: Gone, *, after: timedelta = timedelta(0)) -> bool:
        since = self.missing.setdefault((gone.source, gone.url), gone.seen_at)
        if gone.seen_at - since < after:
            return False
        self.withdrawn.append(gone)
        return True

    def looked(self, source: str, url: str) -> None:
        self.looks.append(url)

    def validators(self, source: str, url: str) -> Validators | None:
        return self.remembered.get((source, url))

    def remember(self, source: str, url: str, validators: Validators) -> None:
        self.remembered[source, url] = validators
        self.missing.pop((source, url), None)

    def dead(self, source: str, url: str) -> None:
        self.dead_links.add(url)

    def is_dead(self, source: str, url: str) -> bool:
        return False

    def dead_due(self, source: str) -> bool:
        return False

    def alive(self, source: str, url: str) -> None:
        self.dead_links.discard(url)

    def known(self, source: str, address: str) -> bool:
        return any(key == (source, address) or canonical_url(raw.url) == address for key, raw in self.documents.items())

    def recheck(
        self, source: str, limit: int, *, within: timedelta, looks: Sequence[timedelta], missing_for: timedelta
    ) -> list[KnownPage]:
        return [self.page(source, url) for url in self.to_recheck[:limit]]

    def page(self, source: str, url: str) -> KnownPage:
        raw = self.documents.get((source, canonical_url(url)))
        return KnownPage(url, raw.title, raw.published, fields=raw.fields) if raw else KnownPage(url)

    def hold_back(self, source: str, until: datetime, why: str) -> None:
        self.held[source] = until

    def held_until(self, source: str) -> datetime | None:
        return self.held.get(source)

    def is_sick(self, source: str) -> bool:
        return source in self.sick

    @property
    def titles(self) -> list[str]:
        return [raw.title for raw in self.revisions]


class ReactorThread:
    """Twisted's reactor, once a process, in a thread of its own; `run` waits for a coroutine on it."""

    _only: "ReactorThread | None" = None

    def __init__(self) -> None:
        self._ready = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()
        assert self._ready.wait(30), "the reactor did not start"

    def _serve(self) -> None:
        install_reactor(REACTOR)
        reactor: Any = sys.modules["twisted.internet.reactor"]
        self.loop = asyncio.get_event_loop()
        reactor.callWhenRunning(self._ready.set)
        reactor.run(installSignalHandlers=False)

    @classmethod
    def get(cls) -> "ReactorThread":
        cls._only = cls._only or cls()
        return cls._only

    def run(self, work: Coroutine[Any, Any, T], timeout: float = 60) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout)


@dataclass
class Bench:
    """A site, an intake, an archive; `crawl` runs one source described by keys."""

    site: Site
    folder: Path
    intake: MemoryIntake = field(default_factory=MemoryIntake)
    clock: Clock = field(default_factory=lambda: fixed_clock(NOW))

    def source(self, family: str, key: str = "sample", **values: Any) -> SourceConfig:
        """A source of this site: no delay, short timeout."""
        defaults = {"title": "样例", "family": family, "kind": "news", "every": "1h", "delay": 0, "autothrottle": False}
        if family != "file_import":
            defaults |= {"allow_private": ["127.0.0.1"], "timeout": "5s"}
        return parse_source(key, {**defaults, **values})

    def engine(self, *sources: SourceConfig) -> CrawlEngine:
        return CrawlEngine(
            sources={source.key: source for source in sources},
            intake=self.intake,
            archive_dir=self.folder / "archive",
            contact="mailto:desk@example.org",
            drop_dir=self.folder,
            clock=self.clock,
            backoff=timedelta(milliseconds=1),
        )

    def crawl(self, source: SourceConfig) -> RunSummary:
        async def work() -> RunSummary:
            return await self.engine(source).crawl(source.key)

        return ReactorThread.get().run(work())
