"""Crawling by hand."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.sample_site import sample_site
from commands.source_watching import source_watch_of
from commands.stores import open_store
from config.sources import load_sources
from core.clock import system_clock
from core.errors import UsageError
from crawlers.problem_words import in_chinese
from crawlers.run import RunSummary
from crawlers.runner import run_reactor
from pipelines.crawling import CrawlQueue, crawl_by_hand, make_engine

INTERRUPTED = 130


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(crawl)


def crawl(
    sources: Annotated[list[str] | None, typer.Argument(metavar="[SOURCE]...", help="default: all enabled")] = None,
    once: Annotated[bool, typer.Option("--once", help="run each once and end (always so by hand)")] = True,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """立即采集；每个信源一行结果 (runs sources now; in the demo with the sample site, started when it does not run).

    Exit 0 all read, 1 a source failed or is being crawled by another process, 2 wrong use, 130 interrupted.
    """
    settings = settings_of(data, profile, log_level="WARNING")
    contact = settings.site_contact
    known = {s.key: s for s in load_sources(settings.config, settings.profile, base=settings.source_base)}
    wanted = list(dict.fromkeys(sources or [key for key, source in known.items() if source.enabled]))
    unknown = [key for key in wanted if key not in known]
    if unknown:
        raise UsageError(f"no source {', '.join(unknown)} in profile {settings.profile} (known: {', '.join(known)})")
    store = open_store(settings)
    done: list[RunSummary] = []

    def tell(summary: RunSummary) -> None:
        done.append(summary)
        print(json.dumps(asdict(summary), ensure_ascii=False, default=str) if as_json else line_of(summary), flush=True)

    with sample_site(settings, store) as found:
        known = {s.key: s for s in load_sources(found.config, found.profile, base=found.source_base)}
        engine = make_engine(store, known, found.data_dir, system_clock, contact=contact)
        queue = CrawlQueue(store, system_clock, who="crawl-by-hand", sources=known)
        ended = run_reactor(lambda stop: crawl_by_hand(engine, queue, wanted, tell=tell, stop=stop))
        source_watch_of(settings, store).tick(system_clock())
    for key in ended.busy:
        typer.echo(f"{key}：另一个进程正在采集，这次没有重复采集", err=True)
    if ended.stopped:
        typer.echo("已中断；已入库的不丢，其余下次再采", err=True)
        raise typer.Exit(INTERRUPTED)
    if ended.busy or any(one.status != "ok" for one in done):
        raise typer.Exit(1)


def line_of(one: RunSummary) -> str:
    """A run as one line for people."""
    why = f"  {in_chinese(one.problems[0])}" if one.problems else ""
    return (
        f"{one.source:<24} {one.status:<8} 新 {one.new}  变 {one.changed}  未变 {one.unchanged}  "
        f"失败 {one.failed}  {one.seconds:.1f} 秒{why}"
    )
