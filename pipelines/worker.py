"""The analysis worker: steps through the pipeline until told to stop."""

import logging
import os
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event

from sqlalchemy import Connection

from core.errors import StoreInTrouble
from core.logs import log_event
from pipelines.stages import Pipeline
from pipelines.waking import Idle, Polling
from store.documents import forgive, release_claims
from store.processes import beat, last_of, leave, list_processes, take_name
from store.source_times import note_outage

logger = logging.getLogger(__name__)
BEAT_SECONDS = 10.0
AGAIN_SECONDS = 2.0
RULES_SECONDS = 2.0  # how long a rule that was made on the desk may wait to be taken up
HALT = timedelta(minutes=2)  # without a beat for so long nothing was judged: what it missed is marked late


def work_until(
    stop: Event,
    pipeline: Pipeline,
    *,
    refresh: Callable[[Pipeline], None],
    take_up: Callable[[datetime], object],
    waiting: Idle | None = None,
) -> None:
    """Run `pipeline` until `stop` is set. `refresh` lets the caller renew the analyzer when the registry changed,
    `take_up` the rules when one was changed. waiting: for work; None: it looks by itself."""
    waiting, look = waiting or Polling(), True
    with pipeline.store.write() as db:
        note_halt(db, pipeline.clock())
        take_name(db, pipeline.who, now=pipeline.clock())
        freed = release_claims(db, pipeline.who)
    log_event(logger, "worker started", who=pipeline.who, freed=freed)
    # Spans are measured by the steady clock: the machine's may be set back by a day.
    beaten = looked = -BEAT_SECONDS
    troubled = False
    while not stop.is_set():
        now, steady = pipeline.clock(), time.monotonic()
        try:
            if troubled:
                _take_up_again(pipeline, now)
                troubled = False
            if steady - beaten >= BEAT_SECONDS:
                with pipeline.store.write() as db:
                    beat(db, pipeline.who, pid=os.getpid(), now=now)
                beaten = steady
                refresh(pipeline)
            if steady - looked >= RULES_SECONDS:
                take_up(now)
                looked = steady
            if not look or pipeline.step() == 0:
                look = waiting.idle(stop, RULES_SECONDS)
        except StoreInTrouble as problem:  # full, away, stopped: what waits, waits, until it is well again
            log_event(logger, "store in trouble", level=logging.WARNING, who=pipeline.who, why=str(problem)[:500])
            troubled, look = True, True
            stop.wait(AGAIN_SECONDS)
    waiting.close()
    with pipeline.store.write() as db:
        leave(db, pipeline.who)
    log_event(logger, "worker stopped", who=pipeline.who)


def _take_up_again(pipeline: Pipeline, now: datetime) -> None:
    """What we held when the store failed is free again, without a try lost; a long silence is noted."""
    with pipeline.store.write() as db:
        note_halt(db, now)
        freed = forgive(db, pipeline.who)
    log_event(logger, "store works again", who=pipeline.who, freed=freed)


def note_halt(db: Connection, now: datetime) -> None:
    """Remember the time in which no worker ran."""
    last = last_of(list_processes(db), "worker")
    if last is not None and now - last.beat_at > HALT:
        note_outage(db, last.beat_at, now)
