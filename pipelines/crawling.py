"""The crawler process: takes the runs that the store holds, one per source at a time, and notes how each ended."""

import asyncio
import logging
import os
import random
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Event

from sqlalchemy import Connection

from config.sources import SourceConfig
from core.clock import Clock, beijing
from core.logs import log_event
from core.measures import RUNS, count
from crawlers.run import RunSummary
from crawlers.runner import CrawlEngine
from nlp.first_reading import is_urgent
from pipelines.intake import StoreIntake
from pipelines.pressure import GLANCE
from pipelines.rhythm import pulse_after
from pipelines.waking import Idle
from store.database import Store
from store.processes import beat, leave, take_name
from store.pulses import count_read, find_pulse, held_turns, save_pulse
from store.runs import COUNTS, ask_for_run, claim_run, finish_run, interrupt_runs, renew_runs

logger = logging.getLogger(__name__)
POLL_SECONDS = 0.5
BEAT_SECONDS = 10.0


@dataclass
class CrawlQueue:
    """The runs of the store as the crawl engine wants them. sources: those whose pace and days are kept."""

    store: Store
    clock: Clock
    who: str = "crawler"
    sources: Mapping[str, SourceConfig] = field(default_factory=dict)
    waiting: Idle | None = None
    _open: dict[str, str] = field(default_factory=dict, init=False)
    _glances: set[str] = field(default_factory=set, init=False)
    _pressed: bool = field(default=False, init=False)

    def recover(self) -> None:
        """What this process held when it was killed is asked for again."""
        with self.store.write() as db:
            take_name(db, self.who, now=self.clock())
            for source in interrupt_runs(db, who=self.who, now=self.clock()):
                ask_for_run(db, source, reason="restart", now=self.clock())

    def take(self, sources: Sequence[str], *, reason: str) -> list[str]:
        """Ask for runs of these sources and claim them at once; those that another process runs are left out."""
        with self.store.write() as db:
            for source in sources:
                ask_for_run(db, source, reason=reason, now=self.clock())
                run = claim_run(db, who=self.who, now=self.clock(), source=source)
                if run is not None:
                    self._open[source] = run.id
        return list(self._open)

    async def keep_alive(self) -> None:
        """Renew the claims of what runs; never ends."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            with self.store.write() as db:
                renew_runs(db, list(self._open.values()), now=self.clock())

    def let_go(self) -> None:
        """What was claimed and is not done is interrupted."""
        with self.store.write() as db:
            interrupt_runs(db, who=self.who, now=self.clock(), only=list(self._open.values()))
        self._open.clear()

    async def requests(self, busy: Callable[[], Collection[str]] = tuple) -> AsyncIterator[str]:
        """Sources to run, as their runs fall due; never ends. busy: those that could not begin now."""
        beaten = 0.0
        loop = asyncio.get_running_loop()
        while True:
            if loop.time() - beaten >= BEAT_SECONDS:
                beaten = loop.time()
                with self.store.write() as db:
                    renew_runs(db, list(self._open.values()), now=self.clock())
                    beat(db, self.who, pid=os.getpid(), now=self.clock(), note=self._note(db))
            with self.store.write() as db:
                run = claim_run(db, who=self.who, now=self.clock(), busy=sorted({*self._open, *busy()}))
            if run is None:
                await self._idle(bool(self._open or busy()))
                continue
            self._open[run.source] = run.id
            (self._glances.add if run.reason == GLANCE else self._glances.discard)(run.source)
            yield run.source

    def is_glance(self, source: str) -> bool:
        """Whether the open run of a source takes only what may tell of people harmed."""
        return source in self._glances

    def _note(self, db: Connection) -> str:
        """What it does; in its log, too, once when sources begin or cease to give way."""
        held = held_turns(db, self.clock())
        if bool(held) != self._pressed:
            self._pressed = bool(held)
            what, level = ("sources give way", logging.WARNING) if held else ("sources go on", logging.INFO)
            log_event(logger, what, level=level, sources=held[:20])
        return f"{len(self._open)} 个在采" + (f"，{len(held)} 个因积压让路" if held else "")

    async def _idle(self, at_work: bool) -> None:
        """at_work: a source may become free without any job of the queue."""
        if at_work or self.waiting is None:
            await asyncio.sleep(POLL_SECONDS)
            return
        stop, end = Event(), asyncio.get_running_loop().time() + BEAT_SECONDS
        while not await asyncio.to_thread(self.waiting.idle, stop, 1.0) and asyncio.get_running_loop().time() < end:
            continue

    def done(self, summary: RunSummary) -> None:
        """Close the run of this source, and settle when its next turn is."""
        count(RUNS, summary.status)
        run_id, source = self._open.pop(summary.source, None), self.sources.get(summary.source)
        if run_id is not None:
            with self.store.write() as db:
                # A run that was given up tells nothing of its source: another's has told, or will.
                # A glance tells nothing of its pace; its turn is settled.
                mine = note_summary(db, run_id, summary, self.clock)
                if mine and source is not None and summary.source not in self._glances:
                    note_pulse(db, source, summary, self.clock())


def note_summary(db: Connection, run_id: str, summary: RunSummary, clock: Clock) -> bool:
    """Write a summary into its run. False when that was given up meanwhile."""
    counts = {name: getattr(summary, name) for name in COUNTS}
    return finish_run(db, run_id, status=summary.status, counts=counts, problems=summary.problems, now=clock())


def note_pulse(db: Connection, source: SourceConfig, summary: RunSummary, now: datetime) -> None:
    """What a run tells of its source: the pace, its last reads, the day."""
    before = find_pulse(db, source.key)
    pulse = pulse_after(before, source, summary, now, random.random())
    save_pulse(db, pulse)
    if pulse.read_at == now:
        last = before.news_at if before else None
        gap = (now - last).total_seconds() if last is not None and summary.new else 0.0
        count_read(db, source.key, beijing(now).toordinal(), gap)


def make_engine(
    store: Store, sources: Mapping[str, SourceConfig], data_dir: Path, clock: Clock, *, contact: str
) -> CrawlEngine:
    """An engine that saves into `store` and archives below the data folder. contact: `Settings.site_contact`."""
    return CrawlEngine(
        sources=sources,
        intake=StoreIntake(store, clock),
        archive_dir=data_dir / "archive",
        contact=contact,
        drop_dir=data_dir,
        clock=clock,
        urgent=is_urgent,
    )


async def serve_queue(engine: CrawlEngine, queue: CrawlQueue, *, stop: asyncio.Event) -> None:
    """Run what the queue asks for until `stop`."""
    engine.sparing = queue.is_glance
    queue.recover()
    await engine.serve(queue.requests(engine.busy), queue.done, stop=stop)
    with queue.store.write() as db:
        leave(db, queue.who)


@dataclass(frozen=True)
class HandCrawl:
    """How a crawl by hand ended. busy: sources that another process is crawling.  stopped: before it was done."""

    busy: tuple[str, ...]
    stopped: bool


async def crawl_by_hand(
    engine: CrawlEngine,
    queue: CrawlQueue,
    keys: Sequence[str],
    *,
    tell: Callable[[RunSummary], None],
    stop: asyncio.Event,
) -> HandCrawl:
    """Run these sources now, each with a row in the table of runs; `tell` hears of each that has ended."""
    claimed = queue.take(keys, reason="hand")

    def done(summary: RunSummary) -> None:
        queue.done(summary)
        tell(summary)

    async def requests() -> AsyncIterator[str]:
        for key in claimed:
            yield key

    beating = asyncio.create_task(queue.keep_alive())
    try:
        await engine.serve(requests(), done, stop=stop)
    finally:
        beating.cancel()
        queue.let_go()
    return HandCrawl(tuple(key for key in keys if key not in claimed), stop.is_set())
