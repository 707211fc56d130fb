"""Runs sources: some at once and then done, or for as long as requests come in.

One process, one event loop; a source runs once at a time, several sources run side by side, and sources on one host
take turns unless they ask for no delay.
"""

import asyncio
import logging
import signal
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.utils.reactor import install_reactor
from twisted.python.failure import Failure

from config.sources import FileImportSource, SourceConfig
from core.clock import Clock, beijing, system_clock
from core.errors import SourceChanged, UsageError
from core.logs import log_event
from core.records import RawDocument
from crawlers.archive import Archive
from crawlers.archive_mend import mend
from crawlers.attached.worker import FileReader
from crawlers.base import SourceSpider
from crawlers.context import LIST, PRODUCT, CrawlContext, asked_url, role_of
from crawlers.families import SPIDERS
from crawlers.files import FileImport
from crawlers.guard import AddressGuard
from crawlers.intake import Intake
from crawlers.pace import Pace
from crawlers.robots import RobotsCache
from crawlers.run import Run, RunSummary
from crawlers.scrapy_settings import REACTOR, settings_for
from crawlers.urls import host_of

log = logging.getLogger(__name__)
AT_ONCE = 32
"""Sources; they mostly wait, for a slow site or out of politeness, and one that hangs keeps its place for minutes."""
STOP_WITHIN = 1.5
"""Seconds that running crawls get to finish what they do when we are told to stop; the rest is dropped unharmed."""
T = TypeVar("T")


@dataclass
class CrawlEngine:
    """Crawls sources into an intake.

    archive_dir: where WARC files go.  contact: address or page in the User-Agent, so that a site can reach us.
    drop_dir: the data folder, below which file_import looks.  backoff: first pause before a retry.
    spiders: the spider of each family.  urgent, sparing: see Run; the latter by source.
    """

    sources: Mapping[str, SourceConfig]
    intake: Intake
    archive_dir: Path
    contact: str
    drop_dir: Path | None = None
    clock: Clock = system_clock
    at_once: int = AT_ONCE
    backoff: timedelta = timedelta(seconds=5)
    spiders: Mapping[str, type[SourceSpider[Any]]] = field(default_factory=lambda: SPIDERS)
    pace: Pace = field(default_factory=Pace)
    urgent: Callable[[str, str], bool] = lambda _title, _text: False
    sparing: Callable[[str], bool] = lambda _key: False
    _running: dict[str, Crawler | None] = field(default_factory=dict, init=False)
    _hosts: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock), init=False)
    _stopping: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        for torn in mend(self.archive_dir):
            log_event(log, "archive mended", what=torn)
        self._archive = Archive(self.archive_dir, started=self.clock())
        self._guard = AddressGuard()
        self._robots = RobotsCache()
        self._files = FileReader()
        self._places = asyncio.Semaphore(self.at_once)
        self._on_host: dict[str, set[str]] = defaultdict(set)
        for source in self.sources.values():
            for host in hosts_of(source):
                self._on_host[host].add(source.key)

    def busy(self) -> set[str]:
        """Sources that cannot begin now: those that run, and those on a host that one of them has to itself."""
        hosts = {host for key in self._running for host in hosts_of(self.sources[key])}
        return set(self._running).union(*(self._on_host[host] for host in hosts))

    async def crawl(self, key: str) -> RunSummary:
        """Run one source now. Raises UsageError for an unknown key; everything else is told by the summary.

        A source that blocked us, or asked us to come back later, is not asked again before that time.
        """
        source = self.sources.get(key)
        if source is None:
            raise UsageError(f"source {key!r} is unknown (known: {', '.join(self.sources)})")
        if key in self._running:
            raise UsageError(f"source {key!r} is running already")
        self._running[key] = None
        try:
            async with AsyncExitStack() as held:
                for host in sorted(hosts_of(source)):
                    await held.enter_async_context(self._hosts[host])
                # only then a place: sources that wait for one host would leave none to the others
                await held.enter_async_context(self._places)
                until = self.intake.held_until(key)
                if until is not None and self.clock() < until:
                    return self._held_back(source, until)
                return await self._run(source)
        finally:
            del self._running[key]

    async def crawl_all(self, keys: Iterable[str] = ()) -> list[RunSummary]:
        """Run these sources (all enabled ones when none are named) side by side; summaries in the order asked."""
        wanted = list(keys) or [key for key, source in self.sources.items() if source.enabled]
        return list(await asyncio.gather(*(self.crawl(key) for key in wanted)))

    async def serve(
        self, requests: AsyncIterator[str], done: Callable[[RunSummary], None], *, stop: asyncio.Event
    ) -> None:
        """Run the sources that `requests` names until it ends or `stop` is set; then finish within two seconds.

        The next one is asked for when there is a place for it. A request for a source that is running is dropped: the
        next interval asks again.
        """
        tasks: set[asyncio.Task[None]] = set()
        stopped: asyncio.Task[Any] = asyncio.create_task(stop.wait())
        following: asyncio.Task[Any] | None = None
        try:
            while not stop.is_set():
                if len(tasks) >= self.at_once:
                    await asyncio.wait({stopped, *tasks}, return_when=asyncio.FIRST_COMPLETED)
                    continue
                following = following or asyncio.ensure_future(anext(requests))
                await asyncio.wait({following, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if not following.done():
                    break
                try:
                    key = following.result()
                except StopAsyncIteration:
                    break
                finally:
                    following = None
                if key in self._running or key not in self.sources:
                    log_event(log, "crawl request dropped", source=key, running=key in self._running)
                    continue
                task = asyncio.create_task(self._crawl_and_tell(key, done))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            if tasks and not stop.is_set():
                everything: asyncio.Task[Any] = asyncio.ensure_future(asyncio.wait(tasks))
                await asyncio.wait({stopped, everything}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiting in (following, stopped):
                if waiting is not None:
                    waiting.cancel()
            await self.stop(tasks)

    async def stop(self, tasks: Iterable[asyncio.Task[Any]] = ()) -> None:
        """End what runs: what is saved stays, what is not is fetched again next time."""
        self._stopping = True
        crawlers = [crawler for crawler in self._running.values() if crawler is not None and crawler.crawling]
        pending = {asyncio.ensure_future(crawler.stop_async()) for crawler in crawlers} | set(tasks)
        if pending:
            _, late = await asyncio.wait(pending, timeout=STOP_WITHIN)
            for task in late:
                task.cancel()
        self._archive.close()

    def _held_back(self, source: SourceConfig, until: datetime) -> RunSummary:
        run = Run(source, self.intake, self.clock, not_before=until)
        run.fail(f"the site wants no visit before {beijing(until):%m-%d %H:%M}", "blocked")
        return run.finish(complete=False)

    async def _crawl_and_tell(self, key: str, done: Callable[[RunSummary], None]) -> None:
        summary = await self.crawl(key)
        if not self._stopping:  # cut short by us: no verdict on the site, whoever asked still has it open
            done(summary)

    async def _run(self, source: SourceConfig) -> RunSummary:
        again = self.intake.dead_due(source.key)
        run = Run(
            source,
            self.intake,
            self.clock,
            anew=again or self.intake.is_sick(source.key),
            tries_again=again,
            urgent=self.urgent,
            sparing=self.sparing(source.key),
        )
        complete = False
        try:
            if isinstance(source, FileImportSource):
                complete = await self._import_files(source, run)
            else:
                complete = await self._crawl_web(source, run)
        except Exception as error:
            log.exception("crawl failed", extra={"fields": {"source": source.key}})
            run.fail(f"{type(error).__name__}: {error}")
        summary = run.finish(complete=complete and not self._stopping)
        log_event(
            log,
            "crawled",
            source=source.key,
            status=summary.status,
            new=summary.new,
            changed=summary.changed,
            failed=summary.failed,
            gone=summary.gone,
            items=summary.items,
            seconds=round(summary.seconds, 2),
            problems=summary.problems[:3],
        )
        return summary

    async def _import_files(self, source: FileImportSource, run: Run) -> bool:
        if self.drop_dir is None:
            run.fail("file_import needs a data folder")
            return False
        return await FileImport(
            source, run, self._archive, self.drop_dir, self.clock, lambda: self._stopping
        ).read_all()

    async def _crawl_web(self, source: SourceConfig, run: Run) -> bool:
        """Crawl; True when it came to its own end."""
        context = CrawlContext(
            source=source,
            run=run,
            intake=self.intake,
            archive=self._archive,
            clock=self.clock,
            guard=self._guard,
            robots=self._robots,
            pace=self.pace,
            user_agent=f"{PRODUCT} (+{self.contact})",
            files=self._files,
            backoff=self.backoff,
        )
        crawler = Crawler(self.spiders[source.family], settings_for(source, context.user_agent))
        ended: list[str] = []
        watch_errors(crawler, run)
        self._guard.install()
        crawler.signals.connect(lambda spider, reason: ended.append(reason), signals.spider_closed, weak=False)
        self._running[source.key] = crawler
        await crawler.crawl_async(context=context)
        reason = ended[0] if ended else "never opened"
        if reason.startswith("closespider"):
            run.fail(f"cut short: {reason.removeprefix('closespider_')}")
        return reason == "finished"


def hosts_of(source: SourceConfig) -> set[str]:
    """The hosts that a source has to itself while it runs; none where it asks for no delay."""
    return {host_of(url) for url in source.addresses} if source.delay else set()


class SavePipeline:
    """Documents that spiders yield go to the run, which saves them at once."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "SavePipeline":
        return cls(crawler)

    def process_item(self, item: RawDocument) -> RawDocument:
        self.crawler.spider.context.run.save(item)  # type: ignore[union-attr]  # ours, see _crawl_web
        return item


def watch_errors(crawler: Crawler, run: Run) -> None:
    """Make what goes wrong in callbacks and in saving part of the run's verdict; Scrapy only counts it."""

    def on_spider_error(failure: Failure, response: Response) -> None:
        error = failure.value
        request = getattr(response, "request", None)
        changed = isinstance(error, SourceChanged)
        what = str(error) if changed else f"{type(error).__name__}: {error}"
        if not changed:
            log.error("spider error", extra={"fields": {"source": run.source.key, "error": failure.getTraceback()}})
        if changed and request is not None and role_of(request) != LIST:
            again = bool(request.meta.get("again"))
            run.page_failed(asked_url(request), what, changed=True, again=again)
        else:
            run.fail(what, "changed" if changed else "failed")

    def on_item_error(item: Any, response: Response, failure: Failure) -> None:
        log.error("save failed", extra={"fields": {"source": run.source.key, "error": failure.getTraceback()}})
        run.fail(f"a document could not be saved: {type(failure.value).__name__}: {failure.value}")

    def on_dropped(request: Request) -> None:
        """A redirect in a circle comes to nothing without a word: Scrapy takes it for a page it has."""
        if request.url not in request.meta.get("redirect_urls", ()):
            return
        why = f"{asked_url(request)}: redirected in a circle"
        if role_of(request) == LIST:
            run.fail(why)
        else:
            run.page_failed(asked_url(request), "redirected in a circle", again=bool(request.meta.get("again")))

    crawler.signals.connect(on_dropped, signals.request_dropped, weak=False)
    crawler.signals.connect(on_spider_error, signals.spider_error, weak=False)
    crawler.signals.connect(on_item_error, signals.item_error, weak=False)


def run_reactor(main: Callable[[asyncio.Event], Coroutine[Any, Any, T]]) -> T:
    """Run `main(stop)` to its end; `stop` is set on SIGTERM and SIGINT. Once a process, in its main thread."""
    install_reactor(REACTOR)
    reactor: Any = sys.modules["twisted.internet.reactor"]  # there only now: importing it earlier would install another
    outcome: list[T | BaseException] = []

    async def supervise() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        try:
            outcome.append(await main(stop))
        except BaseException as error:  # noqa: BLE001 handed to the caller below
            outcome.append(error)
        finally:
            reactor.stop()

    tasks: list[asyncio.Task[None]] = []
    reactor.callWhenRunning(lambda: tasks.append(asyncio.ensure_future(supervise())))
    reactor.run(installSignalHandlers=False)
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]
