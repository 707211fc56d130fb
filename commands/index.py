"""The search index by hand: its state, and what waits or was refused."""

import json
import os

import typer

from commands.assemble import build_indexer, open_index
from commands.documents import say_what_waits
from commands.knowledge import knowledge_of
from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.stores import open_store
from core.clock import iso_beijing, system_clock
from store.index_queue import retry_refused
from web.health import index_lag


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(help="检索索引 (the search index)", no_args_is_help=True)
    group.command("status")(status)
    group.command("retry")(retry)
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
