"""Writing the index: judged > indexed, in batches, in a process of its own.

A dead or slow index holds up nothing but this: what waits stays in the store, is tried again after 1, 2, 5, ... 60
seconds, and is caught up when the index answers. What it refuses for ever is set aside with the reason.
"""

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event, Thread

from core.clock import Clock, system_clock
from core.errors import SearchUnavailable, StoreError
from core.logs import log_event
from core.measures import STAGE, taking
from core.records import Signal
from core.traces import tell_span, tracing
from pipelines.waking import Idle, Polling
from search.backend import SearchBackend
from search.records import IndexEntry
from store.database import Store
from store.documents import JUDGED, find_signal, find_signals, release_claims, waits
from store.index_queue import Waiting, backlog, claim_waiting, put_off, settle
from store.processes import beat, leave, take_name

logger = logging.getLogger(__name__)
BATCH = 500
"""Rows a claim. Measured, embedded, documents a CPU-second: 50: 830, 200: 1,370, 500: 1,690, 1,000: 1,810."""
MOST_CHARACTERS = 2_000_000
"""Of the texts written at once: 500 of the longest would be a request of a gigabyte."""
PAUSES = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 60.0)
BEAT_SECONDS = 10.0
LOOK_SECONDS = 1.0


@dataclass
class Indexer:
    """Writes what waits. `who` names the process: its claims are freed when it starts again.

    down: why the index could not be written the last time; empty while it is well.
    """

    store: Store
    index: SearchBackend
    entry_of: Callable[[Signal], IndexEntry]
    who: str
    clock: Clock = system_clock
    down: str = field(default="", init=False)

    def drain(self) -> int:
        """Write until nothing waits or the index is down. Returns the rows written."""
        total = 0
        while moved := self.step():
            total += moved
        return total

    def step(self) -> int:
        """Write one batch. Returns how many rows were settled; 0 means that nothing waits or that the index is down."""
        with self.store.read() as db:
            waiting = waits(db, JUDGED)
        if not waiting:  # an idle process must not take the write lock three times a second
            self.down = ""
            return 0
        with self.store.write() as db:
            rows = claim_waiting(db, who=self.who, now=self.clock(), limit=BATCH)
        moved = 0
        for part, entries, unfit in self._portions(rows):
            began = self.clock()
            try:
                with taking(STAGE, "index"):
                    told = {no.id: no.reason for no in self.index.index(entries)} if entries else {}
            except SearchUnavailable as problem:
                with self.store.write() as db:
                    put_off(db, rows[moved:], who=self.who)
                self._went_down(str(problem))
                return moved
            refused = {**unfit, **told}
            with self.store.write() as db:
                lost = settle(db, part, who=self.who, now=self.clock(), refused=refused)
            moved += len(part)
            for row in part if tracing() else ():
                tell_span("index", row.id, row.revision, start=began, end=self.clock(), error=refused.get(row.id))
            log_event(logger, "documents indexed", documents=[row.id for row in part if row.id not in refused])
            if lost:
                log_event(logger, "claim lost", level=logging.WARNING, who=self.who, documents=lost)
            if refused:
                log_event(logger, "index refused", level=logging.ERROR, documents=refused)
        if moved:
            self._came_back()
        return moved

    def _portions(
        self, rows: Sequence[Waiting]
    ) -> Iterator[tuple[Sequence[Waiting], list[IndexEntry], dict[str, str]]]:
        """Rows in order, with their entries and those that no entry can be made of, cut where texts grow too long."""
        start, size = 0, 0
        entries: dict[str, IndexEntry] = {}
        unfit: dict[str, str] = {}
        signals = self._signals(rows)
        for position, row in enumerate(rows):
            signal = signals.get(row.id)
            if signal is None or row.id in entries or row.id in unfit:
                continue
            length = len(signal.document.title) + len(signal.document.text)
            if entries and size + length > MOST_CHARACTERS:
                yield rows[start:position], list(entries.values()), unfit
                start, size, entries, unfit = position, 0, {}, {}
            try:
                entries[row.id] = self.entry_of(signal)
                size += length
            except Exception as problem:  # noqa: BLE001 - one hostile text must not hold the others back
                unfit[row.id] = f"{type(problem).__name__}: {problem}"
        if start < len(rows):
            yield rows[start:], list(entries.values()), unfit

    def _signals(self, rows: Sequence[Waiting]) -> Mapping[str, Signal]:
        """The newest reading of each document: of its newest revision, or of the waiting one while that is unread."""
        with self.store.read() as db:
            found = {signal.document.id: signal for signal in find_signals(db, [row.id for row in rows])}
            for row in rows:
                if row.id not in found and (own := find_signal(db, row.id, row.revision)) is not None:
                    found[row.id] = own
        return found

    def _went_down(self, why: str) -> None:
        if not self.down:
            with self.store.read() as db:
                waiting = backlog(db).waiting
            log_event(logger, "index unavailable", level=logging.WARNING, waiting=waiting, why=why)
        self.down = why

    def _came_back(self) -> None:
        if self.down:
            log_event(logger, "index is back", level=logging.WARNING)
        self.down = ""


def index_until(stop: Event, indexer: Indexer, *, waiting: Idle | None = None) -> None:
    """Write what waits until `stop` is set. waiting: for work; None: it looks by itself."""
    waiting, look = waiting or Polling(), True
    with indexer.store.write() as db:
        take_name(db, indexer.who, now=indexer.clock())
        freed = release_claims(db, indexer.who)
    log_event(logger, "indexer started", who=indexer.who, freed=freed)
    # A thread of its own: a server that takes its time must not make this process look dead.
    Thread(target=_beat_until, args=(stop, indexer), name="beat", daemon=True).start()
    failures = 0
    while not stop.is_set():
        moved = indexer.step() if look else 0
        failures = failures + 1 if indexer.down else 0
        if indexer.down:
            stop.wait(PAUSES[min(failures, len(PAUSES)) - 1])
        elif not moved:
            look = waiting.idle(stop, BEAT_SECONDS)
    waiting.close()
    with indexer.store.write() as db:
        leave(db, indexer.who)
    log_event(logger, "indexer stopped", who=indexer.who)


def _beat_until(stop: Event, indexer: Indexer) -> None:
    """Say that the process lives, and at once when the index goes or comes back."""
    told: str | None = None
    looks = 0
    while not stop.is_set():
        if indexer.down != told or looks * LOOK_SECONDS >= BEAT_SECONDS:
            told, looks = indexer.down, 0
            try:
                with indexer.store.write() as db:
                    beat(db, indexer.who, pid=os.getpid(), now=indexer.clock(), note=told)
            except StoreError as problem:  # the next beat tells; the work itself reports what is wrong
                log_event(logger, "no beat", level=logging.WARNING, why=str(problem))
        looks += 1
        stop.wait(LOOK_SECONDS)
