"""`fengsui hot`: how headlines of the hot lists have fared."""

import json
from datetime import timedelta
from typing import Annotated, Any

import typer

from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.stores import open_store
from core.clock import beijing, iso_beijing, system_clock
from core.durations import parse_duration
from core.errors import UsageError
from store.hot_lines import SeenLine, lines_seen


def register(app: typer.Typer) -> None:
    """Add this group's command."""
    app.command()(hot)


def hot(
    since: Annotated[str, typer.Option("--since", help="seen within this time: 6h, 2d")] = "24h",
    platform: Annotated[str | None, typer.Option("--platform", help="only this one: weibo, baidu, …")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000)] = 50,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """热榜条目的最高名次、热度、初见与末见 (headlines of hot lists, the one that stood highest first).

    --json: a line each, times in Beijing time. Nothing is fetched.
    """
    try:
        within: timedelta = parse_duration(since)
    except ValueError as problem:
        raise UsageError(f"--since: {problem}") from problem
    store = open_store(settings_of(data, profile, log_level="WARNING"))
    with store.read() as db:
        lines = lines_seen(db, since=system_clock() - within, platform=platform, limit=limit)
    for line in lines:
        print(json.dumps(_as_json(line), ensure_ascii=False) if as_json else _as_text(line))
    if not lines and not as_json:
        print(f"{since} 内没有见到热榜条目")


def _as_json(line: SeenLine) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(line, name) for name in SeenLine.__dataclass_fields__}
    return {**values, "first_seen": iso_beijing(line.first_seen), "last_seen": iso_beijing(line.last_seen)}


def _as_text(line: SeenLine) -> str:
    span = f"{beijing(line.first_seen):%m-%d %H:%M} 至 {beijing(line.last_seen):%m-%d %H:%M}"
    heat = f"，热度 {line.heat_text}" if line.heat_text else ""
    title = "".join(sign for sign in line.title if sign.isprintable())
    rank = f"最高第 {line.peak_rank} 位，末见第 {line.rank} 位"
    return f"{line.platform} {rank}{heat}，{span} 见 {line.sightings} 次：{title}"
