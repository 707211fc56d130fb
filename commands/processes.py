"""The small kept processes: the scheduler and the sender."""

import logging
import os
import sys
import time
from collections.abc import Callable
from threading import Event

import typer

from alerts.sender import Flow, send_due
from commands.canary import canary_jobs
from commands.cluster_jobs import cluster_jobs
from commands.digests import digest_jobs
from commands.grade import grade_jobs
from commands.handing_in import intake_jobs
from commands.index_care import index_jobs
from commands.keeping_jobs import keeping_jobs
from commands.kept import KeptOption, NameOption, prompt, start
from commands.lab_jobs import LabRunner
from commands.lead_jobs import lead_jobs
from commands.mail import bounce_jobs
from commands.mirror_jobs import mirror_jobs
from commands.options import DataOption, ProfileOption
from commands.outgoing import channels_of
from commands.paper_jobs import paper_jobs
from commands.source_watching import run_sweeping_jobs, source_watch_jobs
from commands.stores import open_store
from commands.told_jobs import told_jobs
from commands.watching import watch_jobs
from config.settings import Settings
from config.sources import load_sources
from core.clock import system_clock
from core.logs import log_event
from pipelines.waking import waiting_for
from scheduler import schedule
from store.alert_log import release_deliveries
from store.database import Store
from store.leader import Leadership, NotLeading, leadership_of, wait_to_lead
from store.processes import beat, leave, take_name, who_am_i
from store.wake import DELIVERY

logger = logging.getLogger(__name__)
BEAT_SECONDS = 10.0
DUE_SECONDS = 5.0
"""How late a message that was put off may leave: those that are due at once are told of."""


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("sender")(prompt(sender))
    app.command("scheduler")(prompt(scheduler_process))


def sender(
    name: NameOption = None, kept: KeptOption = False, data: DataOption = None, profile: ProfileOption = None
) -> None:
    """发送进程 (delivers what the outbox holds)."""
    who = who_am_i("sender", name)
    settings, stop = start(kept, data, profile)
    store = open_store(settings, kept=True)
    channels, flow = channels_of(settings, store), Flow({"mail": settings.mail_per_minute})
    waiting = waiting_for(store, DELIVERY, seconds=1.0)
    with store.write() as db:
        take_name(db, who, now=system_clock())
        release_deliveries(db, who, now=system_clock())
    while not stop.is_set():
        with store.write() as db:
            beat(db, who, pid=os.getpid(), now=system_clock(), note="" if channels else "没有设置邮件")
        end = time.monotonic() + BEAT_SECONDS
        while not stop.is_set() and time.monotonic() < end:
            if channels:
                send_due(store, channels, clock=system_clock, who=who, flow=flow)
            waiting.idle(stop, DUE_SECONDS)
    waiting.close()
    with store.write() as db:
        leave(db, who)


def scheduler_process(
    name: NameOption = None, kept: KeptOption = False, data: DataOption = None, profile: ProfileOption = None
) -> None:
    """调度进程 (the job table)."""
    who = who_am_i("scheduler", name)
    settings, stop = start(kept, data, profile)
    store = open_store(settings, kept=True)
    with store.write() as db:
        take_name(db, who, now=system_clock())
    leadership = leadership_of(store, who, settings.data_dir)
    try:
        if wait_to_lead(leadership, clock=system_clock, wait=stop.wait, beat=_standing_by(store, who)):
            log_event(logger, "scheduler leads", who=who)
            _lead(settings, store, stop, leadership)
    except NotLeading as problem:  # at once: jobs of ours that still run could write nothing, but may work on
        log_event(logger, "scheduler lost its seat", level=logging.ERROR, who=who, why=str(problem))
        print(f"fengsui: {problem}", file=sys.stderr)
        os._exit(NotLeading.exit_code)
    leadership.give_up()
    with store.write() as db:
        leave(db, who)


def _standing_by(store: Store, who: str) -> Callable[[], None]:
    """Says every ten seconds that we wait."""
    told = -BEAT_SECONDS

    def tell() -> None:
        nonlocal told
        if time.monotonic() - told >= BEAT_SECONDS:
            told = time.monotonic()
            with store.write() as db:
                beat(db, who, pid=os.getpid(), now=system_clock(), note="候补")

    return tell


def _lead(settings: Settings, store: Store, stop: Event, leadership: Leadership) -> None:
    sources = load_sources(settings.config, settings.profile, base=settings.source_base)
    daily = [
        *digest_jobs(settings, store),
        *index_jobs(settings),
        *run_sweeping_jobs(settings, store),
        *grade_jobs(settings, store),
        *keeping_jobs(settings, store),
        *paper_jobs(settings, store),
    ]
    lab = LabRunner(settings, store)
    hourly, frequent = (
        [
            *canary_jobs(settings, store),
            *lead_jobs(settings, store),
            *told_jobs(store),
            *mirror_jobs(settings, store),
            *cluster_jobs(settings, store),
        ],
        [
            *watch_jobs(settings, store),
            *source_watch_jobs(settings, store),
            *intake_jobs(settings, store),
            *bounce_jobs(settings, store),
            lab.job(),
        ],
    )
    try:
        schedule(
            stop,
            store,
            sources,
            daily=daily,
            hourly=hourly,
            frequent=frequent,
            clock=system_clock,
            who=leadership.who,
            check=leadership.check,
            most=settings.backlog_most,
        )
    finally:
        lab.stop()
