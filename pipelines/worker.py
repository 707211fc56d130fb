"""The analysis worker: steps through the pipeline until told to stop."""

import logging
import os
from collections.abc import Callable
from datetime import datetime
from threading import Event

from core.logs import log_event
from pipelines.stages import Pipeline
from store.documents import release_claims
from store.runs import beat

logger = logging.getLogger(__name__)
IDLE_SECONDS = 0.3  # how long a waiting document may lie before it is seen
BEAT_SECONDS = 10.0
RULES_SECONDS = 2.0  # how long a rule that was made on the desk may wait to be taken up


def work_until(
    stop: Event, pipeline: Pipeline, *, refresh: Callable[[Pipeline], None], take_up: Callable[[datetime], object]
) -> None:
    """Run `pipeline` until `stop` is set. `refresh` lets the caller renew the analyzer when the registry changed,
    `take_up` the rules when one was changed."""
    with pipeline.store.write() as db:
        freed = release_claims(db, pipeline.who)
    log_event(logger, "worker started", who=pipeline.who, freed=freed)
    beaten = looked = None
    while not stop.is_set():
        now = pipeline.clock()
        if beaten is None or (now - beaten).total_seconds() >= BEAT_SECONDS:
            with pipeline.store.write() as db:
                beat(db, pipeline.who, pid=os.getpid(), now=now)
            beaten = now
            refresh(pipeline)
        if looked is None or (now - looked).total_seconds() >= RULES_SECONDS:
            take_up(now)
            looked = now
        if pipeline.step() == 0:
            stop.wait(IDLE_SECONDS)
    log_event(logger, "worker stopped", who=pipeline.who)
