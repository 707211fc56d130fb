"""`fengsui log`: what all processes wrote of one document or one alert, in the order of time."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.stores import open_store, store_exists
from core.errors import UsageError
from store.alert_log import alerts_of_document, deliveries_of_alerts, find_alert
from store.database import Store

ABOUT = ("document", "documents", "alert", "alerts", "delivery")
"""Fields that say what a line is about."""
TOLD_FIRST = ("time", "level", "logger", "event", "process", "error")


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("log")(log)


def log(
    document: Annotated[str, typer.Option("--document", help="document id; its alerts and their messages, too")] = "",
    alert: Annotated[str, typer.Option("--alert", help="alert id or number (YJ-2026-0001); its messages, too")] = "",
    file: Annotated[
        list[Path] | None, typer.Option("--file", help="read these files of JSON lines instead (of other machines)")
    ] = None,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """一件文档或一条预警在各进程日志中的全部记录，按时间 (its lines in the logs of all processes). Exit 1 when none."""
    if bool(document) == bool(alert):
        raise UsageError("give either --document ID or --alert ID")
    settings = settings_of(data, profile, log_level="WARNING")
    ids = {document or alert}
    if store_exists(settings):
        ids |= _belonging(open_store(settings), document, alert)
    folder = settings.data_dir / "logs"
    files = list(file) if file else sorted(folder.glob("*.log*"))
    lines = sorted(lines_about(ids, files), key=lambda line: str(line.get("time", "")))
    for line in lines:
        print(json.dumps(line, ensure_ascii=False) if as_json else in_words(line))
    if not lines:
        where = "、".join(map(str, file)) if file else str(folder)
        typer.echo(f"{where} 中没有 {document or alert} 的记录（日志按大小轮换，早的已不在）", err=True)
        raise typer.Exit(1)


def _belonging(store: Store, document: str, alert: str) -> set[str]:
    """The alerts that a document is in, and the messages about them."""
    with store.read() as db:
        found = find_alert(db, alert) if alert else None
        alerts = [one.id for one in alerts_of_document(db, document)] if document else [found.id] if found else []
        return {*alerts, *deliveries_of_alerts(db, alerts)}


def lines_about(ids: Collection[str], files: Iterable[Path]) -> Iterator[Mapping[str, Any]]:
    """The lines about any of `ids`, with the `process` that wrote them: the name of its file. What is no JSON is
    passed over: a line may have been cut off by a kill."""
    for path in files:
        process = path.name.partition(".log")[0]
        with path.open(encoding="utf-8", errors="replace") as lines:
            for text in lines:
                if not any(one in text for one in ids):
                    continue
                try:
                    line = json.loads(text)
                except ValueError:
                    continue
                if isinstance(line, dict) and _is_about(line, ids):
                    yield {**line, "process": process}


def _is_about(line: Mapping[str, Any], ids: Collection[str]) -> bool:
    for name in ABOUT:
        told = line.get(name)
        if told in ids if isinstance(told, str) else any(one in ids for one in told or ()):
            return True
    return False


def in_words(line: Mapping[str, Any]) -> str:
    """`2026-11-26T10:00:01.250+08:00 worker: document judged document=d1 risk=True`; a batch is told by its size."""
    fields = "".join(
        f" {name}={len(value) if name == 'documents' else value}"
        for name, value in line.items()
        if name not in TOLD_FIRST
    )
    level = "" if line.get("level") == "info" else f" {line.get('level')}"
    told = f"{line.get('time')} {line['process']}{level}: {line.get('event')}{fields}"
    return f"{told}\n{line['error']}" if "error" in line else told
