"""Crawling by hand."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from commands.knowledge import open_store
from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from config.sources import load_sources
from core.clock import system_clock
from core.errors import UsageError
from crawlers.runner import run_reactor
from pipelines.crawling import CrawlQueue, crawl_by_hand, make_engine


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
    """立即采集；每个信源一行结果 (runs sources now). Exit 1 when one failed."""
    settings = settings_of(data, profile, log_level="WARNING")
    known = {s.key: s for s in load_sources(settings.config, settings.profile, base=settings.source_base)}
    wanted = list(sources or [key for key, source in known.items() if source.enabled])
    unknown = [key for key in wanted if key not in known]
    if unknown:
        raise UsageError(f"no source {', '.join(unknown)} in profile {settings.profile} (known: {', '.join(known)})")
    store = open_store(settings)
    engine = make_engine(store, known, settings.data_dir, system_clock)
    queue = CrawlQueue(store, system_clock, who="crawl-by-hand")
    summaries = run_reactor(lambda _stop: crawl_by_hand(engine, queue, wanted))
    for one in summaries:
        if as_json:
            print(json.dumps(asdict(one), ensure_ascii=False, default=str))
            continue
        why = f"  {one.problems[0]}" if one.problems else ""
        print(
            f"{one.source:<24} {one.status:<8} 新 {one.new}  变 {one.changed}  未变 {one.unchanged}  "
            f"失败 {one.failed}  {one.seconds:.1f} 秒{why}"
        )
    if any(one.status != "ok" for one in summaries):
        raise typer.Exit(1)
