"""The processes that `fengsui run` keeps; each also runs by itself, on a machine of its own."""

import functools
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from alerts.feeds import FeedWriter
from alerts.lifecycle import act
from alerts.sender import send_due
from commands.assemble import build_pipeline, channels_of, digest_jobs, names_of, open_index, renewing, stop_event
from commands.knowledge import knowledge_of, open_store
from commands.options import DataOption, ProfileOption, settings_of
from config.rules import load_rules
from config.settings import Settings
from config.sources import load_sources
from core.clock import system_clock
from crawlers.runner import run_reactor
from demo.site import serve as serve_site
from demo.story import DEFAULT_SPEED
from pipelines.crawling import CrawlQueue, make_engine, serve_queue
from pipelines.supervisor import GRACE_SECONDS
from pipelines.worker import work_until
from scheduler import schedule
from store.runs import beat
from web.server import serve as serve_desk
from web.services import Services

KeptOption = Annotated[bool, typer.Option("--kept", help="end when standard input closes (as `run` wants it)")]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    for name, process in PROCESSES.items():
        app.command(name)(_prompt(process))


def worker(kept: KeptOption = False, data: DataOption = None, profile: ProfileOption = None) -> None:
    """研读进程 (clean, analyse, judge, index)."""
    settings, stop = _start(kept, data, profile)
    store = open_store(settings)
    known = knowledge_of(settings, store)
    work_until(stop, build_pipeline(settings, store, known, who="worker"), refresh=renewing(settings, known))


def crawler(kept: KeptOption = False, data: DataOption = None, profile: ProfileOption = None) -> None:
    """采集进程 (takes the runs the scheduler asks for)."""
    settings = _begin(kept, data, profile)
    store = open_store(settings)
    sources = {s.key: s for s in load_sources(settings.config, settings.profile, base=settings.source_base)}
    engine = make_engine(store, sources, settings.data_dir, system_clock)
    queue = CrawlQueue(store, system_clock)
    run_reactor(lambda stop: serve_queue(engine, queue, stop=stop))


def sender(kept: KeptOption = False, data: DataOption = None, profile: ProfileOption = None) -> None:
    """发送进程 (delivers what the outbox holds)."""
    settings, stop = _start(kept, data, profile)
    store, channels = open_store(settings), channels_of(settings)
    while not stop.is_set():
        with store.write() as db:
            beat(db, "sender", pid=os.getpid(), now=system_clock(), note="" if channels else "没有设置邮件")
        for _second in range(10):
            if channels:
                send_due(store, channels, clock=system_clock, who="sender")
            if stop.wait(1):
                break


def scheduler_process(kept: KeptOption = False, data: DataOption = None, profile: ProfileOption = None) -> None:
    """调度进程 (the job table)."""
    settings, stop = _start(kept, data, profile)
    store = open_store(settings)
    sources = load_sources(settings.config, settings.profile, base=settings.source_base)
    schedule(stop, store, sources, daily=digest_jobs(settings, store), clock=system_clock)


def desk(
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 8000,
    host: Annotated[str, typer.Option("--host", help="address to listen on")] = "127.0.0.1",
    kept: KeptOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """网页席位 (the web desk)."""
    settings = _begin(kept, data, profile)
    serve_desk(desk_services(settings), host=host, port=port, sockets=[_listening(host, port)])


def demo_site(
    port: Annotated[int, typer.Option("--port", min=0, max=65535)] = 0,
    speed: Annotated[float, typer.Option("--speed", min=1)] = DEFAULT_SPEED,
    kept: KeptOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """演示站点 (serves the sample pack in each source's own shape)."""
    settings = _begin(kept, data, profile)
    serve_site(settings.data_dir, port=port, speed=speed, announce=not kept)


def desk_services(settings: Settings) -> Services:
    """All that the desk's pages need."""
    store = open_store(settings)
    known = knowledge_of(settings, store)
    sources = load_sources(settings.config, settings.profile, base=settings.source_base)
    return Services(
        store=store,
        settings=settings,
        lexicon=known.lexicon,
        sources=sources,
        rules=load_rules(settings.config),
        search=open_index(settings, known),
        act=act,
        render_feed=FeedWriter(settings.public_url, known.lexicon),
        query_names=names_of(known, {source.key: source.title for source in sources}),
    )


def _start(kept: bool, data: Path | None, profile: str | None) -> tuple[Settings, threading.Event]:
    return _begin(kept, data, profile), stop_event()


def _begin(kept: bool, data: Path | None, profile: str | None) -> Settings:
    """As `_start`, for what handles signals itself: until it does, SIGTERM ends the process at once."""
    if kept:
        threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    return settings_of(data, profile)


def _end_with_parent() -> None:
    # The supervisor holds the other end of our stdin: it closes when the supervisor dies, however it dies.
    while os.read(0, 1024):
        continue
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def _prompt(process: Callable[..., None]) -> Callable[..., None]:
    """`process`, ended without the interpreter's clean-up: freeing the dictionaries takes a second of Ctrl-C."""

    @functools.wraps(process)
    def run(**options: Any) -> None:
        process(**options)
        logging.shutdown()
        sys.stdout.flush()
        os._exit(0)

    return run


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener


PROCESSES: Mapping[str, Callable[..., None]] = {
    "worker": worker,
    "crawler": crawler,
    "sender": sender,
    "scheduler": scheduler_process,
    "desk": desk,
    "demo-site": demo_site,
}
