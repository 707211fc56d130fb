"""The steps of the pipeline. Each claims rows of one stage, works outside the transaction, and commits its result
together with the next stage: a kill at any line leaves the row to be done again, never half done."""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from core.clock import Clock, system_clock
from core.records import CANARY, SOURCE_TYPE_OF, Analysis, Signal
from nlp.analyze import Analyzer
from pipelines.clean import cleaned
from pipelines.duplicates import attach
from store.database import Store
from store.documents import (
    ANALYSED,
    DEDUPED,
    FETCHED,
    INDEXED,
    JUDGED,
    Work,
    advance,
    analysis_columns,
    claim,
    find_signal,
    give_back,
    is_latest,
    waits,
)

logger = logging.getLogger(__name__)
BATCH = 50
TURN_SECONDS = 0.25
"""So long a step keeps the write lock: then others have their turn, and people see what it came to so far."""

Judge = Callable[[Connection, Signal, datetime], None]
"""Lets the rules see a signal inside the transaction that moves it on (the alerts package lies above this one)."""

Place = Callable[[Connection, Signal, datetime], object]
"""Puts the newest revision of a document into its event, in the same transaction (pipelines.events)."""


@dataclass
class Pipeline:
    """The steps over one store; the index is written by pipelines/indexing.py.

    who: names the process: its claims are freed when it starts again.  clock: what the rules take for now (a story's,
    when past documents come in).
    """

    store: Store
    analyzer: Analyzer
    judge: Judge
    clock: Clock
    who: str
    place: Place | None = None

    def step(self) -> int:
        """Carry what is waiting one step on. Returns how many rows moved; 0 means nothing is to be done now."""
        return self.clean() + self.analyse() + self.judge_signals()

    def drain(self) -> int:
        """Repeat until nothing waits. Returns the rows moved."""
        total = 0
        while moved := self.step():
            total += moved
        return total

    def clean(self) -> int:
        """fetched > deduped: cleaned and masked text, and the origin it repeats."""

        def one(db: Connection, work: Work) -> None:
            values = cleaned(work.raw)
            origin = attach(db, work.document, values["title"], values["text"])
            self._advance(db, work, DEDUPED, repost_of=origin, **values)

        return self._each(FETCHED, one)

    def analyse(self) -> int:
        """deduped > analysed: read the text; the reading itself is done outside any transaction."""
        works = self._claim(DEDUPED)
        read: dict[int, Analysis] = {}
        for work in works:
            document = work.document
            try:
                read[work.seq] = self.analyzer.analyze(
                    document.title,
                    document.text,
                    source_type=SOURCE_TYPE_OF[document.kind],
                    published=document.event_time,
                    tables=document.tables,
                )
            except Exception as problem:  # noqa: BLE001 - one hostile text must not stop the others
                self._failed(work, DEDUPED, problem)
        with self.store.write() as db:
            for work in works:
                if work.seq in read:
                    self._advance(db, work, ANALYSED, **analysis_columns(read[work.seq]))
        return len(read)

    def judge_signals(self) -> int:
        """analysed > judged: the rules see the signal, in order of event time."""

        def one(db: Connection, work: Work) -> None:
            # Each revision, the replaced ones too: what the rules knew must not depend on when the worker came round.
            signal = find_signal(db, work.document.id, work.document.revision)
            if signal is not None:
                self.judge(db, signal, self.clock())
                if signal.document.source == CANARY:  # no event counts it, and it stays out of the index
                    self._advance(db, work, INDEXED)
                    return
                if self.place is not None and is_latest(db, signal.document):
                    self.place(db, signal, self.clock())
            self._advance(db, work, JUDGED)

        return self._each(ANALYSED, one)

    def _claim(self, stage: str) -> Sequence[Work]:
        with self.store.read() as db:
            if not waits(db, stage):  # an idle worker must not take the write lock three times a second
                return []
        with self.store.write() as db:
            return claim(db, stage, who=self.who, now=self.clock(), limit=BATCH)

    def _advance(self, db: Connection, work: Work, to: str, **values: Any) -> None:
        advance(db, work, who=self.who, to=to, at=system_clock(), **values)

    def _each(self, stage: str, one: Callable[[Connection, Work], None]) -> int:
        works = self._claim(stage)
        failures: list[tuple[Work, Exception]] = []
        left = deque(works)
        while left:
            end = time.monotonic() + TURN_SECONDS
            with self.store.write() as db:
                while left:
                    work = left.popleft()
                    try:
                        with db.begin_nested():
                            one(db, work)
                    except Exception as problem:  # noqa: BLE001 - one bad document must not stop the others
                        failures.append((work, problem))
                    if time.monotonic() > end:
                        break
        for work, why in failures:
            self._failed(work, stage, why)
        return len(works) - len(failures)

    def _failed(self, work: Work, stage: str, problem: Exception) -> None:
        with self.store.write() as db:
            outcome = give_back(db, work, who=self.who, error=f"{stage}: {type(problem).__name__}: {problem}")
        logger.error(
            "step failed",
            exc_info=problem,
            extra={"fields": {"document": work.document.id, "stage": stage, "outcome": outcome}},
        )
