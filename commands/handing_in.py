"""`fengsui intake`: rows of other systems from a file, and one look at the folder that is watched."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from commands.knowledge import lexicon_of
from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.stores import open_store
from config.intake import Intake, load_intake
from config.settings import Settings
from core.clock import system_clock
from core.errors import UsageError
from crawlers.archive import Archive
from pipelines.handed_files import FileReport, FileTaker, WatchedFolder, settled_for
from pipelines.handed_rows import Words
from scheduler import FrequentJob
from store.database import Store
from store.handed_in import counts

SECONDS = 30
SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(intake)


def intake(
    kind: Annotated[str, typer.Argument(help="种类，不写则列出 (a kind; none lists them)")] = "",
    file: Annotated[Path | None, typer.Argument(help="CSV（任何编码）、XLSX 或 JSONL，列序不限")] = None,
    source: Annotated[
        str, typer.Option("--source", help="来自哪个系统；编号在一个系统内唯一 (ids are per source)")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只校验，不写入 (writes nothing)")] = False,
    sweep: Annotated[bool, typer.Option("--sweep", help="收一遍监视文件夹 (one look at the watched folder)")] = False,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """接收 12315、e-CQS、工品查、自查、信用名单等导出 (takes exports of other systems; again is an update)."""
    settings = settings_of(data, profile, log_level="WARNING")
    rules, store = load_intake(settings.config), open_store(settings)
    if not kind:
        if sweep:
            _show(folder_of(settings, store, rules).sweep() if rules.rules.folder else [], as_json=as_json)
        else:
            _list(store, rules, as_json=as_json)
        return
    if kind not in rules.kinds:
        raise UsageError(f"没有种类 {kind}（可用：{'、'.join(rules.kinds)}）")
    if file is None:
        raise UsageError(f"须给出文件：fengsui intake {kind} 文件")
    if source and not (source.isascii() and source.replace("_", "").isalnum() and len(source) <= 40):
        raise UsageError("--source 只能用字母、数字和下划线，至多 40 个")
    archive = Archive(settings.data_dir / "archive", started=system_clock())
    taker = FileTaker(store, rules, words_of(settings), system_clock, archive)
    try:
        report = taker.take(file, rules.kinds[kind], source=source, actor=f"command {os.getpid()}", dry=dry_run)
    finally:
        archive.close()
    _show([report], as_json=as_json)
    if report.why:
        raise typer.Exit(1)


def words_of(settings: Settings) -> Words:
    """Words of products and regions."""
    return Words.of(lexicon_of(settings))


def folder_of(settings: Settings, store: Store, rules: Intake) -> WatchedFolder:
    """The watched folder; its files are archived by this process."""
    archive = Archive(settings.data_dir / "archive", started=system_clock())
    taker = FileTaker(store, rules, words_of(settings), system_clock, archive)
    folder = settings.data_dir / rules.rules.place
    return WatchedFolder(folder, taker, settled_for(rules.rules.settle.total_seconds(), system_clock))


def intake_jobs(settings: Settings, store: Store) -> list[FrequentJob]:
    """The watched folder as a job of the scheduler."""
    rules = load_intake(settings.config)
    if not rules.rules.folder or not rules.kinds:
        return []
    folder = folder_of(settings, store, rules)

    def look() -> str:
        folder.prepare()
        try:
            reports = folder.sweep()
        finally:
            if folder.taker.archive is not None:
                folder.taker.archive.close()
        return "；".join(map(_sentence, reports))[:500]

    return [FrequentJob("intake", "接收文件夹", SECONDS, look)]


def _list(store: Store, rules: Intake, *, as_json: bool) -> None:
    with store.read() as db:
        known = counts(db)
    for kind in rules.kinds.values():
        rows = known[kind.id][0] if kind.id in known else 0
        if as_json:
            print(
                json.dumps({"kind": kind.id, "title": kind.title, "into": kind.into, "rows": rows}, ensure_ascii=False)
            )
        else:
            print(f"{kind.id}  {kind.title}  {rows} 行  列：{'、'.join(one.title for one in kind.fields.values())}")


def _show(reports: list[FileReport], *, as_json: bool) -> None:
    for report in reports:
        if as_json:
            print(json.dumps(asdict(report), ensure_ascii=False))
            continue
        print(_sentence(report))
        for one in report.mistakes[:SHOWN]:
            print(f"  第 {one.line} 行 {one.title}：{one.what}")
        if report.unused:
            print(f"  没有用到的列：{'、'.join(report.unused)}")
    if not reports and not as_json:
        print("没有可收的文件")


def _sentence(report: FileReport) -> str:
    if report.why and not report.taken:
        return f"{report.file} 未收：{report.why}"
    told = (
        f"读 {report.rows} 行：新增 {report.new}，更新 {report.changed}，未变 {report.unchanged}，未收 {report.refused}"
    )
    return f"{report.file} {told}" + (f"；{report.why}" if report.why else "")
