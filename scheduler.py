"""The job table: what runs when. The jobs themselves live where their subject lives.

APScheduler with coalescing and one run of a job at a time; every outcome, misfires too, is written into the store's
`jobs` table, which `fengsui doctor` and the desk show. Sources are no jobs: each run settles when its source is due
next (pipelines/rhythm.py), and every second the scheduler asks for the runs of those that are (pipelines/turns.py).
"""

import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event
from typing import Any

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from config.sources import SourceConfig
from core.clock import BEIJING, Clock, beijing
from core.durations import duration_words
from core.logs import log_event
from pipelines.turns import BACKLOG_MOST, Turns
from store.database import Store
from store.processes import beat
from store.runs import keep_jobs, note_job, save_job

logger = logging.getLogger(__name__)
GRACE = 300  # seconds a job may start late before it counts as missed
SETTLING = timedelta(seconds=30)
LOOK_EVERY = 1.0
BEAT_SECONDS = 10.0
A_WHILE = timedelta(minutes=1)


@dataclass(frozen=True)
class DailyJob:
    """Something due once a day at `hour`:`minute` Beijing time; doing it twice a day does nothing more.

    A start later on the day makes up for it at once, and so does a process that slept: the system may have been down at
    the hour, or the machine paused.
    """

    id: str
    what: str
    hour: int
    minute: int
    do: Callable[[], object]


@dataclass(frozen=True)
class HourlyJob:
    """Something due every hour, for the first time half a minute after a start. do: given what is set at the end."""

    id: str
    what: str
    do: Callable[[Event], object]


@dataclass(frozen=True)
class FrequentJob:
    """Something to look after every few seconds, for the first time at a start; doing it again does nothing more."""

    id: str
    what: str
    seconds: int
    do: Callable[[], object]


def schedule(
    stop: Event,
    store: Store,
    sources: Sequence[SourceConfig],
    *,
    daily: Sequence[DailyJob],
    clock: Clock,
    hourly: Sequence[HourlyJob] = (),
    frequent: Sequence[FrequentJob] = (),
    who: str = "scheduler",
    check: Callable[[], None] = lambda: None,
    most: int = BACKLOG_MOST,
) -> None:
    """Run the table until `stop` is set. who: of the beats.  check: asked once a second, raises where another leads.

    most: see Turns.
    """
    table = table_of(stop, store, daily=daily, hourly=hourly, frequent=frequent, clock=clock)
    table.start(paused=True)  # a job's outcome is noted in its row, which must be there first
    _show(store, table)
    table.resume()
    log_event(logger, "scheduler started", jobs=len(table.get_jobs()))
    # Spans are measured by the steady clock: the machine's may be set back by a day.
    turns, beaten = Turns(store, sources, most), -BEAT_SECONDS
    try:
        while not stop.is_set():
            check()
            set_right(table, clock)
            now, steady = clock(), time.monotonic()
            if steady - beaten >= BEAT_SECONDS:
                beaten = steady
                with store.write() as db:
                    beat(db, who, pid=os.getpid(), now=now)
            turns.ask(now)
            stop.wait(LOOK_EVERY)
    finally:
        table.shutdown(wait=False)


def table_of(
    stop: Event,
    store: Store,
    *,
    daily: Sequence[DailyJob],
    hourly: Sequence[HourlyJob],
    frequent: Sequence[FrequentJob],
    clock: Clock,
) -> BackgroundScheduler:
    """The table, not started yet."""
    table = BackgroundScheduler(
        timezone=BEIJING, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": GRACE}
    )
    table.add_listener(
        lambda event: _note(store, table, event, clock()), EVENT_JOB_EXECUTED | EVENT_JOB_ERROR | EVENT_JOB_MISSED
    )
    for job in daily:
        trigger = CronTrigger(hour=job.hour, minute=job.minute, timezone=BEIJING)
        table.add_job(
            job.do, trigger, id=job.id, name=job.what, misfire_grace_time=_rest_of_day(job), **_first(job, clock())
        )
    for often in hourly:
        every = IntervalTrigger(hours=1, timezone=BEIJING)
        first = clock() + SETTLING
        table.add_job(often.do, every, [stop], id=often.id, name=often.what, next_run_time=first)
    for steady in frequent:
        every = IntervalTrigger(seconds=steady.seconds, timezone=BEIJING)
        table.add_job(steady.do, every, id=steady.id, name=steady.what, next_run_time=clock())
    return table


def _first(job: DailyJob, now: datetime) -> dict[str, datetime]:
    """When to start: at once where today's hour is over."""
    local = beijing(now)
    return {"next_run_time": now} if (local.hour, local.minute) >= (job.hour, job.minute) else {}


def _rest_of_day(job: DailyJob) -> int:
    """Seconds from its hour to midnight: so late it is made up for, after a sleep or a clock put forward."""
    return (24 * 60 - job.hour * 60 - job.minute) * 60


def set_right(table: BackgroundScheduler, clock: Clock) -> list[str]:
    """Jobs whose next start was settled while the clock was ahead of now start as they would have; which."""
    known = [(job, job.next_run_time) for job in table.get_jobs()]
    now = clock()  # after what is known: a job that starts meanwhile is put off rightly
    moved = []
    for job, settled in known:
        if isinstance(job.trigger, IntervalTrigger):
            due = now + job.trigger.interval
        else:
            due = job.trigger.get_next_fire_time(None, now)
        if settled is not None and settled > due + A_WHILE:
            job.modify(next_run_time=now if isinstance(job.trigger, IntervalTrigger) else due)
            moved.append(job.id)
    if moved:
        log_event(logger, "clock was set back", level=logging.WARNING, jobs=moved)
    return moved


def _show(store: Store, table: BackgroundScheduler) -> None:
    with store.write() as db:
        for job in table.get_jobs():
            save_job(db, job.id, what=job.name, trigger=_words(job.trigger), next_at=job.next_run_time)
        keep_jobs(db, [job.id for job in table.get_jobs()])


def _words(trigger: Any) -> str:
    if isinstance(trigger, IntervalTrigger):
        return f"每 {duration_words(timedelta(seconds=trigger.interval_length))}"
    fields = {field.name: str(field) for field in trigger.fields}
    return f"每日 {int(fields['hour']):02d}:{int(fields['minute']):02d}"


def _note(store: Store, table: BackgroundScheduler, event: JobExecutionEvent, now: datetime) -> None:
    status = {EVENT_JOB_EXECUTED: "ok", EVENT_JOB_ERROR: "failed", EVENT_JOB_MISSED: "misfire"}[event.code]
    note = str(event.exception or event.retval or "")
    if status != "ok":
        log_event(
            logger, f"job {status}", level=logging.WARNING, job=event.job_id, due=event.scheduled_run_time, note=note
        )
    job = table.get_job(event.job_id)
    with store.write() as db:
        note_job(db, event.job_id, at=now, status=status, note=note, next_at=job.next_run_time if job else None)
