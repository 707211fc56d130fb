"""The search index by hand: its state, what waits or was refused, snapshots."""

import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from commands.assemble import build_indexer, open_index
from commands.documents import say_what_waits
from commands.index_care import tidy_index
from commands.knowledge import knowledge_of
from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.stores import open_store
from core.clock import iso_beijing, system_clock
from pipelines.indexing import Indexer
from search.fields import format_mark
from search.open import open_snapshots
from search.snapshots import Snapshots
from store.index_queue import retry_refused, write_again
from web.health import index_lag

SKEW = timedelta(minutes=5)
"""How far the clocks of two machines may be apart: so much more is written again after a restore."""


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(help="检索索引 (the search index)", no_args_is_help=True)
    group.command("status")(status)
    group.command("retry")(retry)
    group.command("tidy")(tidy)
    group.command("snapshot")(snapshot)
    group.command("snapshots")(snapshots)
    group.command("restore")(restore)
    app.add_typer(group, name="index")


def status(as_json: JsonOption = False, data: DataOption = None, profile: ProfileOption = None) -> None:
    """索引的状态与积压 (its state, what waits, what was refused). Exit 1 when it is not well."""
    settings = settings_of(data, profile, log_level="WARNING")
    store = open_store(settings)
    health = open_index(settings, knowledge_of(settings, store)).health()
    with store.read() as db:
        lag = index_lag(db, system_clock())
    since = iso_beijing(lag.since) if lag.since else None
    told = {
        "well": health.well,
        "backend": health.backend,
        "generation": health.generation,
        "documents": health.documents,
        "waiting": lag.waiting,
        "oldest_waiting": since,
        "why_waiting": lag.why,
        "refused": lag.refused,
        "detail": health.detail,
        "remedy": health.remedy,
    }
    if as_json:
        print(json.dumps(told, ensure_ascii=False))
    else:
        print(f"{'正常' if health.well else '异常'}  {health.backend} {health.generation}  {health.detail}")
        print(f"待写入 {lag.waiting} 件" + (f"，最早自 {since}（{lag.why}）" if since else ""))
        print(f"拒收 {lag.refused} 件" + ("；修正后 fengsui index retry" if lag.refused else ""))
        if health.remedy and not health.well:
            print(health.remedy)
    if not health.well:
        raise typer.Exit(1)


def retry(data: DataOption = None, profile: ProfileOption = None) -> None:
    """补写待写入的，重写拒收的 (writes what waits, tries again what was refused). Exit 1 when some still wait."""
    settings = settings_of(data, profile, log_level="WARNING")
    store = open_store(settings)
    indexer = build_indexer(settings, store, knowledge_of(settings, store), who=f"index-retry-{os.getpid()}")
    with store.write() as db:
        again = retry_refused(db, now=system_clock())
    written = indexer.drain()
    with store.read() as db:
        lag = index_lag(db, system_clock())
    print(f"写入 {written - lag.refused} 件，其中 {again} 件曾被拒收；仍被拒收 {lag.refused} 件")
    say_what_waits(indexer)
    if lag.waiting:
        raise typer.Exit(1)


def tidy(data: DataOption = None, profile: ProfileOption = None) -> None:
    """合并已过去的月份 (merges the months that are over; Elasticsearch does it in the background, each night too)."""
    settings = settings_of(data, profile, log_level="WARNING")
    merged = tidy_index(settings)
    if not settings.elasticsearch_url:
        print("内嵌索引写入时自行合并，无须整理")
    else:
        print(f"已要求合并 {merged} 个月份，Elasticsearch 在后台进行" if merged else "没有需要合并的月份")


NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="小写字母、数字、. _ -，例如 2026-11-23")]
LocationOption = Annotated[
    str | None,
    typer.Option("--location", help="快照目录 (instead of FENGSUI_SNAPSHOTS; on a cluster, inside path.repo)"),
]


def snapshot(
    name: NameArgument, location: LocationOption = None, data: DataOption = None, profile: ProfileOption = None
) -> None:
    """做一份索引快照 (a snapshot of the index in use; writers and searches go on)."""
    keeper, _indexer = _keeper(location, data, profile)
    taken = keeper.take(name, now=system_clock())
    print(f"已做快照 {taken.name}：{taken.documents} 件")


def snapshots(
    as_json: JsonOption = False,
    location: LocationOption = None,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """列出快照 (the snapshots, newest first)."""
    keeper, _indexer = _keeper(location, data, profile)
    found = keeper.all()
    if as_json:
        rows = [{"name": one.name, **one.as_json(), "whole": one.whole} for one in found]
        print(json.dumps(rows, ensure_ascii=False))
        return
    for one in found:
        told = [one.name, iso_beijing(one.taken_at), f"{one.documents} 件"]
        told += [] if one.whole else ["不完整"]
        told += [] if one.format == format_mark() else ["字段格式与本版不同，不能恢复"]
        print("  ".join(told))
    if not found:
        print("还没有快照；fengsui index snapshot NAME 做一份")


def restore(
    name: NameArgument, location: LocationOption = None, data: DataOption = None, profile: ProfileOption = None
) -> None:
    """由快照恢复索引，再补写其后的 (restores beside the index in use, switches, writes what is newer)."""
    keeper, indexer = _keeper(location, data, profile)
    again = 0

    def send_newer(taken_at: datetime) -> None:
        nonlocal again
        with indexer.store.write() as db:
            again = write_again(db, taken_at - SKEW, now=system_clock())

    restored = keeper.restore(name, send_newer)
    indexer.drain()
    print(f"已恢复快照 {name}：{restored.documents} 件；其后的 {again} 件补写")
    say_what_waits(indexer)


def _keeper(location: str | None, data: Path | None, profile: str | None) -> tuple[Snapshots, Indexer]:
    settings = settings_of(data, profile, log_level="WARNING")
    if location is not None:
        settings = settings.model_copy(update={"snapshots": location})
    store = open_store(settings)
    known = knowledge_of(settings, store)
    indexer = build_indexer(settings, store, known, who=f"index-restore-{os.getpid()}")
    return open_snapshots(settings, words=known.segmenter.words), indexer
