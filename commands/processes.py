"""The small kept processes: the scheduler and the sender."""

import os

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
from commands.mirror_jobs import mirror_jobs
from commands.options import DataOption, ProfileOption
from commands.outgoing import channels_of
from commands.source_watching import run_sweeping_jobs, source_watch_jobs
from commands.stores import open_store
from commands.told_jobs import told_jobs
from commands.watching import watch_jobs
from config.sources import load_sources
from core.clock import system_clock
from scheduler import schedule
from store.processes import beat, leave, take_name, who_am_i


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
    store = open_store(settings)
    channels, flow = channels_of(settings, store), Flow({"mail": settings.mail_per_minute})
    with store.write() as db:
        take_name(db, who, now=system_clock())
    while not stop.is_set():
        with store.write() as db:
            beat(db, who, pid=os.getpid(), now=system_clock(), note="" if channels else "没有设置邮件")
        for _second in range(10):
            if channels:
                send_due(store, channels, clock=system_clock, who=who, flow=flow)
            if stop.wait(1):
                break
    with store.write() as db:
        leave(db, who)


def scheduler_process(
    name: NameOption = None, kept: KeptOption = False, data: DataOption = None, profile: ProfileOption = None
) -> None:
    """调度进程 (the job table)."""
    who = who_am_i("scheduler", name)
    settings, stop = start(kept, data, profile)
    store = open_store(settings)
    sources = load_sources(settings.config, settings.profile, base=settings.source_base)
    daily = [
        *digest_jobs(settings, store),
        *index_jobs(settings),
        *run_sweeping_jobs(store),
        *grade_jobs(settings, store),
        *keeping_jobs(settings, store),
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
        [*watch_jobs(settings, store), *source_watch_jobs(settings, store), *intake_jobs(settings, store), lab.job()],
    )
    with store.write() as db:
        take_name(db, who, now=system_clock())
    try:
        schedule(stop, store, sources, daily=daily, hourly=hourly, frequent=frequent, clock=system_clock, who=who)
    finally:
        lab.stop()
    with store.write() as db:
        leave(db, who)
