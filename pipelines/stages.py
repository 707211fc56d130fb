"""The steps of the pipeline. A claimed row goes through all of them; each works outside the transaction where it can,
and commits its result together with the next stage: a kill at any line leaves the row to be done again, never half
done."""

import logging
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection

from core.clock import Clock, system_clock
from core.logs import log_event
from core.measures import FAILED, STAGE, count, taking
from core.records import CANARY, SOURCE_TYPE_OF, Analysis, Document, Kind, Signal
from core.traces import spanning
from enterprises.mirror_queue import settle
from enterprises.told import tells, told_by
from nlp.analyze import Analyzer
from nlp.privacy import mask
from pipelines.clean import cleaned
from pipelines.duplicates import Marks, attach
from store.database import Store, in_trouble, part_of, take_turn
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
    current,
    give_back,
    in_order,
    waits,
)
from store.mirror import settled
from store.told import keep_told

logger = logging.getLogger(__name__)
BATCH, LEAST = 50, 10
CLEAN_TURN = 0x636C6561
"""Key of the advisory lock of a cleaning transaction on PostgreSQL ("clea")."""
SUSPECTS_EACH = 9
"""One claim in so many is for a text that processes died on, whatever waits beside it. Odd: a step makes two claims."""
STEP_SECONDS = 3.0
"""So long a step may take: what tells of people harmed waits for the end of the one that is under way. On a machine
that is slow just now fewer rows are claimed at once."""
TURN_SECONDS = 0.25
"""So long a step keeps the write lock: then others have their turn, and people see what it came to so far."""


Made = TypeVar("Made")


class ClaimLost(Exception):
    """The row is somebody else's by now: this process slept past its claim. What it was about to write is undone."""


Judge = Callable[[Connection, Signal, datetime], None]
"""Lets the rules see a signal inside the transaction that moves it on (the alerts package lies above this one)."""

Count = Callable[[Connection, Signal], object]
"""Keeps what pages count of the newest revision of a document, in the same transaction."""

Place = Callable[[Connection, Signal, datetime], object]
"""Puts the newest revision of a document into its event, in the same transaction (pipelines.events)."""


@dataclass
class Pipeline:
    """The steps over one store; the index is written by pipelines/indexing.py.

    who: names the process, with its mark (store/processes.py): what it claimed is freed when one of that name starts
    again.  clock: what the rules take for now (a story's, when past documents come in).
    """

    store: Store
    analyzer: Analyzer
    judge: Judge
    clock: Clock
    who: str
    place: Place | None = None
    count: Count | None = None
    _most: int = field(default=BATCH, init=False)
    _claims: int = field(default=0, init=False)

    def step(self) -> int:
        """Carry what is waiting through to `judged`. Returns how many steps were made; 0 means nothing is to be done
        now."""
        started = time.monotonic()
        begun = self._claim(FETCHED, DEDUPED)
        fetched = [work for work in begun if work.stage == FETCHED]
        cleaned = self._clean(fetched, keep=True)
        read = self._read([*cleaned, *(work for work in begun if work.stage == DEDUPED)])
        # Others that wait for the rules (their origin or withdrawal changed) have their place in time among them.
        judged = self._judge([*read, *self._claim(ANALYSED)])
        if judged:
            self._most = bounded(judged, time.monotonic() - started)
        return len(cleaned) + len(read) + judged

    def drain(self) -> int:
        """Repeat until nothing waits. Returns the steps made."""
        total = 0
        while moved := self.step():
            total += moved
        return total

    def clean(self) -> int:
        """fetched > deduped, and no further. Returns how many rows moved; so do the following two."""
        return len(self._clean(self._claim(FETCHED), keep=False))

    def analyse(self) -> int:
        """deduped > analysed."""
        read = self._read(self._claim(DEDUPED))
        with self.store.write() as db:
            for work in read:
                if work.analysis is not None:
                    advance(db, work, who=self.who, to=ANALYSED, at=system_clock(), **analysis_columns(work.analysis))
        return len(read)

    def judge_signals(self) -> int:
        """analysed > judged."""
        return self._judge(self._claim(ANALYSED))

    def _clean(self, works: Sequence[Work], *, keep: bool) -> list[Work]:
        """Cleaned and masked text, and the origin it repeats. keep: the rows stay claimed."""

        def prepared(work: Work) -> tuple[Mapping[str, Any], Marks]:
            values = cleaned(work.raw)
            return values, Marks.of(values["title"], values["text"])

        ready = {work.seq: (work, *made) for work, made in self._outside(works, "clean", prepared)}
        done: list[Work] = []

        def one(db: Connection, work: Work) -> None:
            _work, values, marks = ready[work.seq]
            take_turn(db, CLEAN_TURN)  # two texts alike that are cleaned side by side would both be origins
            with _step("attach", work.document):
                document = replace(work.document, **values)
                origin = attach(db, document, marks, self.analyzer.subjects)
                self._advance(db, work, DEDUPED, keep=keep, repost_of=origin, **values)
            document = replace(document, repost_of=origin)
            done.append(replace(work, stage=DEDUPED, document=document, attempts=1))

        self._each([work for work, *_made in ready.values()], one)
        return done

    def _read(self, works: Sequence[Work]) -> list[Work]:
        """The text read."""

        def read(work: Work) -> Analysis:
            document = work.document
            return self.analyzer.analyze(
                document.title,
                document.text,
                source_type=SOURCE_TYPE_OF[document.kind],
                published=document.event_time,
                tables=document.tables,
            )

        found = self._outside(works, "analyse", read)
        return [replace(work, stage=ANALYSED, analysis=analysis, attempts=1) for work, analysis in found]

    def _outside(self, works: Iterable[Work], step: str, do: Callable[[Work], Made]) -> Iterator[tuple[Work, Made]]:
        """What a step makes of each row outside any transaction; one hostile text must not stop the others."""
        for work in works:
            try:
                with _step(step, work.document):
                    made = do(work)
            except Exception as problem:  # noqa: BLE001 - of that text alone
                self._failed(work, problem)
            else:
                yield work, made

    def _judge(self, works: Iterable[Work]) -> int:
        """The rules see the signals, in order of event time; what was read of a text is written with what it came to.

        Each revision, the replaced ones too: what the rules knew must not depend on when the worker came round.
        """
        return self._each(in_order(works), self._judge_one)

    def _judge_one(self, db: Connection, work: Work) -> None:
        with _step("judge", work.document):
            self._judge_within(db, work)

    def _judge_within(self, db: Connection, work: Work) -> None:
        found = current(db, work, who=self.who)
        if found is None or work.analysis is None:  # swept away, or lost: nothing is to be judged
            return
        document, latest = found
        analysis = work.analysis
        if document.kind is Kind.RECALL_FOREIGN:  # a person may have said whose it is
            analysis = settle(db, *settled(db, document.id), analysis)
        signal = Signal(document, analysis)
        self.judge(db, signal, self.clock())
        end = INDEXED if document.source == CANARY else JUDGED  # no event counts it, and it stays out of the index
        if latest and end == JUDGED and (tells(document) or document.revision > 1):
            keep_told(db, document.id, told_by(document, analysis))
        if self.place is not None and latest and end == JUDGED:
            self.place(db, signal, self.clock())
        if self.count is not None and latest and end == JUDGED:
            self.count(db, signal)
        self._advance(db, work, end, **analysis_columns(analysis))
        log_event(
            logger,
            "document judged",
            document=document.id,
            revision=document.revision,
            risk=analysis.is_risk,
            graded=analysis.level,
        )

    def _claim(self, *stages: str) -> Sequence[Work]:
        with self.store.read() as db:
            if not waits(db, *stages):  # an idle worker must not take the write lock three times a second
                return []
        self._claims += 1
        alone, most = self._claims % SUSPECTS_EACH == 0, min(self._most, BATCH)
        with self.store.write() as db:
            return claim(db, *stages, who=self.who, now=self.clock(), limit=most, alone=alone)

    def _advance(self, db: Connection, work: Work, to: str, *, keep: bool = False, **values: Any) -> None:
        if not advance(db, work, who=self.who, to=to, at=system_clock(), keep=keep, **values):
            raise ClaimLost

    def _each(self, works: Sequence[Work], one: Callable[[Connection, Work], None]) -> int:
        if len(works) == 1:
            return self._alone(works[0], one)
        failures: list[tuple[Work, Exception]] = []
        lost: list[Work] = []
        left = deque(works)
        while left:
            end = time.monotonic() + TURN_SECONDS
            with self.store.write() as db:
                while left:
                    work = left.popleft()
                    try:
                        with part_of(db):
                            one(db, work)
                    except ClaimLost:
                        lost.append(work)
                    except Exception as problem:
                        if in_trouble(problem):  # that is no text's fault: the turn is undone
                            raise
                        # One bad document must not stop the others.
                        failures.append((work, problem))
                    if time.monotonic() > end:
                        break
        for work, why in failures:
            self._failed(work, why)
        self._tell_lost(lost)
        return len(works) - len(failures) - len(lost)

    def _alone(self, work: Work, one: Callable[[Connection, Work], None]) -> int:
        """A row that comes by itself needs no savepoint: its transaction is its own."""
        why: Exception | None = None
        try:
            with self.store.write() as db:
                try:
                    one(db, work)
                except Exception as problem:
                    why = problem
                    raise
        except ClaimLost:
            self._tell_lost([work])
        except Exception:
            if why is None or in_trouble(why):  # the transaction could not be had, or the store is full or gone
                raise
            self._failed(work, why)
        return int(why is None)

    def _tell_lost(self, lost: Sequence[Work]) -> None:
        if lost:
            names = [work.document.id for work in lost]
            log_event(logger, "claim lost", level=logging.WARNING, who=self.who, documents=names)

    def _failed(self, work: Work, problem: Exception) -> None:
        """What went wrong may quote the text as it was fetched: it is told masked."""
        why = mask(f"{work.stage}: {type(problem).__name__}: {problem}")
        with self.store.write() as db:
            outcome = give_back(db, work, who=self.who, error=why)
        count(FAILED, work.stage)
        log_event(
            logger,
            "step failed",
            level=logging.ERROR,
            document=work.document.id,
            stage=work.stage,
            outcome=outcome,
            error=mask("".join(traceback.format_exception(problem))),
        )


def bounded(rows: int, seconds: float) -> int:
    """How many rows to claim next, so that a step takes STEP_SECONDS at most; it never falls below LEAST."""
    return max(LEAST, min(BATCH, int(rows * STEP_SECONDS / max(seconds, 0.001))))


@contextmanager
def _step(stage: str, document: Document) -> Iterator[None]:
    """Measured, and told as a span of the document's way."""
    with taking(STAGE, stage), spanning(stage, document.id, document.revision):
        yield
