"""召回镜像 by hand: mirror."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from sqlalchemy import true

from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.stores import open_store
from config.lexicon import load_lexicon
from core.clock import system_clock
from enterprises.mirror_queue import fill_queue
from store.mirror import OPEN, MirrorItem, list_items

SHOWN = 1000


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("mirror")(mirror)


def mirror(
    again: Annotated[bool, typer.Option("--again", help="also those nobody decided of: the registry changed")] = False,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """召回镜像：境外召回比对名录，列出待人认定的 (recalls abroad and the firms of the registry they may mean).

    Looks at the recalls that came since, then prints the queue. People decide on the desk.
    """
    settings = settings_of(data, profile, log_level="WARNING")
    store, regions = open_store(settings), load_lexicon(settings.config).regions
    told, _ = fill_queue(store, regions, clock=system_clock, again=again)
    with store.read() as db:
        items = list_items(db, OPEN, true(), start=0, limit=SHOWN)
    for item in items:
        print(json.dumps(_plain(item), ensure_ascii=False) if as_json else "\n".join(_lines(item)))
    if not as_json:
        new = f"新看 {told.asked} 份（涉华 {told.chinese}），新增待核 {told.queued}"
        print(f"{new}；队列 {len(items)} 份，在 /recalls/mirror 认定")


def _plain(item: MirrorItem) -> dict[str, object]:
    return asdict(item) | {"day": item.day.isoformat() if item.day else None}


def _lines(item: MirrorItem) -> list[str]:
    head = f"{item.document}  {item.day or ''}  {item.maker or '未写生产者'}  {item.product[:60]}"
    rows = [f"    {one.score:.2f}  {one.firm}  {one.name}  {'；'.join(one.reasons)}" for one in item.candidates]
    return [head, *rows, *(["    唯一相符，仍须人认定"] if item.exact else [])]
