"""`fengsui export`: alerts, events and recalls as JSON lines or CSV; the data dictionary."""

import sys
from pathlib import Path
from typing import Annotated, get_args

import typer

from commands.options import DataOption, ProfileOption, settings_of
from commands.stores import open_store
from core.clock import parse_published
from core.errors import UsageError
from web.open_data import SHAPES, Format, What, dictionary, rows_of, written


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(export)


def export(
    what: Annotated[str, typer.Argument(help=f"{'、'.join(SHAPES)}")] = "",
    form: Annotated[str, typer.Option("--format", help="jsonl、csv")] = "jsonl",
    since: Annotated[str, typer.Option("--since", help="ISO 日期或时间；此后变动的 (changed then or later)")] = "",
    out: Annotated[Path | None, typer.Option("--out", help="写入文件；不写则到标准输出")] = None,
    show_dictionary: Annotated[bool, typer.Option("--dictionary", help="数据字典 (the data dictionary)")] = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """导出预警、事件、召回（已掩码），边读边写 (open data: masked, streamed)."""
    if show_dictionary:
        print(dictionary(), end="")
        return
    chosen = next((name for name in get_args(What) if name == what), None)
    kind = next((name for name in get_args(Format) if name == form), None)
    if chosen is None or kind is None:
        wrong = f"没有 {what or '（未写）'}" if chosen is None else f"--format {form}"
        raise UsageError(f"{wrong}（可用：{'、'.join(SHAPES if chosen is None else get_args(Format))}）")
    try:
        moment = parse_published(since) if since else None
    except ValueError:
        raise UsageError(f"--since {since}：须为 ISO 日期或时间，如 2026-11-23") from None
    store = open_store(settings_of(data, profile, log_level="WARNING"))
    pieces = written(chosen, rows_of(store, chosen, None, moment), kind)
    if out is None:
        for piece in pieces:
            sys.stdout.write(piece)
        return
    with out.open("w", encoding="utf-8", newline="") as file:
        file.writelines(pieces)
