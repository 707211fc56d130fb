"""The crawler: takes the runs that are asked for."""

import typer

from commands.kept import KeptOption, NameOption, begin, prompt
from commands.options import DataOption, ProfileOption
from commands.stores import open_store
from config.sources import load_sources
from core.clock import system_clock
from core.records import CANARY
from crawlers.runner import run_reactor
from pipelines.canary import canary_source
from pipelines.crawling import POLL_SECONDS, CrawlQueue, make_engine, serve_queue
from pipelines.waking import waiting_for
from store.processes import who_am_i
from store.wake import CRAWL


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("crawler")(prompt(crawler))


def crawler(
    name: NameOption = None, kept: KeptOption = False, data: DataOption = None, profile: ProfileOption = None
) -> None:
    """采集进程 (takes the runs the scheduler asks for)."""
    who = who_am_i("crawler", name)
    settings = begin(kept, data, profile)
    store = open_store(settings, kept=True)
    followed = {s.key: s for s in load_sources(settings.config, settings.profile, base=settings.source_base)}
    sources = dict(followed)
    if settings.canary_url:
        sources[CANARY] = canary_source(settings.canary_url)
    engine = make_engine(store, sources, settings.data_dir, system_clock, contact=settings.site_contact)
    queue = CrawlQueue(
        store, system_clock, who, sources=followed, waiting=waiting_for(store, CRAWL, seconds=POLL_SECONDS)
    )
    run_reactor(lambda stop: serve_queue(engine, queue, stop=stop))
