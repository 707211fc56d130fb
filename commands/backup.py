"""Backup and restore, a command each."""

import json
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from alembic.script import ScriptDirectory
from sqlalchemy import func, select
from sqlalchemy.exc import DatabaseError

from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.stores import existing_store
from commands.system import only_one
from config.settings import Settings
from core.clock import Clock, iso_beijing, system_clock
from core.errors import FengsuiError, StoreError, UsageError
from keeping.backup import Done, Source, back_up, newest, verify
from keeping.erase import erasures
from keeping.manifest import backups, read_manifest
from keeping.moving import unfinished
from keeping.restore import Target, check_rows, choose, restore_all, restore_parts, resume
from store.backups import LastBackup, last_backup, note_backup
from store.database import MIGRATIONS, Store
from store.expiry import FileChange, changed_files
from store.processes import list_processes, stale
from store.schema import deliveries
from web.machine import bytes_word

FolderArgument = Annotated[
    Path, typer.Argument(metavar="目录", help="备份目录，可放多份 (holds any number of backups)")
]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(backup)
    app.command()(restore)


def backup(
    folder: FolderArgument,
    keep: Annotated[int, typer.Option("--keep", min=0, help="只留最近几份；0 全留 (older ones are removed)")] = 0,
    check: Annotated[bool, typer.Option("--verify", help="不做新的，把最近一份整份读回核对 (reads one back)")] = False,
    name: Annotated[str | None, typer.Option("--name", help="核对哪一份 (with --verify; default: the newest)")] = None,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """备份库、原文存档、材料、配置和密钥，系统照常运行 (store, archive, proofs, config, keys; the system may run).

    Keys are sealed with FENGSUI_BACKUP_KEY, left out without it. Exit 1 where something is damaged or does not verify.
    """
    if check:
        _verify(folder, name, as_json=as_json)
        return
    settings = settings_of(data, profile, log_level="WARNING")
    done = backed_up(settings, existing_store(settings), folder, keep=keep, clock=system_clock)
    if as_json:
        told = {
            "folder": str(done.folder), "made_at": done.manifest.made_at, "files": len(done.manifest.files),
            "rows": sum(done.manifest.store.tables.values()), "written": done.written, "dropped": list(done.dropped),
            "sealed": done.manifest.sealed is not None, "left_out": list(done.manifest.left_out),
            "problems": list(done.manifest.problems),
        }  # fmt: skip
        print(json.dumps(told, ensure_ascii=False))
    else:
        _tell(done)
    if done.manifest.problems:
        raise typer.Exit(1)


def backed_up(settings: Settings, store: Store, folder: Path, *, keep: int, clock: Clock, check: bool = False) -> Done:
    """Make one and remember how it went. check: read it back. Raises FengsuiError."""
    key = settings.backup_key.get_secret_value() if settings.backup_key else ""
    source = Source(
        store, settings.data_dir, settings.config, settings.profile, key, _erasures(store), frozenset(_rewritten(store))
    )
    now, before = clock(), last_backup(store)
    try:
        done = back_up(source, folder, now=now, keep=keep)
    except (FengsuiError, OSError) as problem:
        failed = {**vars(before), "failed_at": now.isoformat(), "why": str(problem)[:500]}
        note_backup(store, LastBackup(**failed))
        raise
    found = verify(folder, done.manifest.name)[1] if check else None
    problems = (*done.manifest.problems, *(found.problems if found else ()))
    verified = not found.problems if found else None
    note_backup(store, LastBackup(now.isoformat(), str(done.folder), done.written, verified, problems))
    return done


def _tell(done: Done) -> None:
    manifest = done.manifest
    rows = sum(manifest.store.tables.values())
    print(f"{done.folder}：{rows:,} 行，{len(manifest.files):,} 个文件，新写 {bytes_word(done.written)}")
    if manifest.left_out:
        print(f"密钥 {'、'.join(manifest.left_out)} 没有放入：设置 FENGSUI_BACKUP_KEY 后加密放入，或另行保管")
    for name in done.dropped:
        print(f"已删去旧的 {name}")
    for problem in manifest.problems:
        typer.echo(problem, err=True)
    print(f"核对：fengsui backup --verify {done.folder.parent}；恢复：fengsui restore {done.folder.parent}")


def _verify(folder: Path, name: str | None, *, as_json: bool) -> None:
    manifest, found = verify(folder, name)
    if as_json:
        told = {"name": manifest.name, "made_at": manifest.made_at, "ok": not found.problems, **vars(found)}
        print(json.dumps(told, ensure_ascii=False))
    else:
        print(f"{folder / manifest.name}（{manifest.made_at}）：读回 {found.files:,} 个文件，{bytes_word(found.bytes)}")
        for problem in found.problems:
            typer.echo(problem, err=True)
        print("与清单一致" if not found.problems else "与清单不符，不要靠它恢复")
    if found.problems:
        raise typer.Exit(1)


def restore(
    folder: FolderArgument,
    name: Annotated[str | None, typer.Option("--name", help="哪一份 (default: the newest; --list shows them)")] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="只修复：store、archive、proofs、keys、config，可多次")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="数据目录不空也恢复，原有的移到旁边 (keeps the old aside)")
    ] = False,
    listed: Annotated[bool, typer.Option("--list", help="列出有哪几份 (which there are)")] = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """由备份恢复 (puts a backup back). The system must stand still, but for --only archive, proofs, keys, config."""
    if listed:
        _list(folder)
        return
    settings = settings_of(data, profile, log_level="WARNING")
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    target = target_of(settings)
    if _resumed(target, folder, name):
        return
    manifest = choose(folder, name, target)
    print(f"由 {folder / manifest.name}（{manifest.made_at}）恢复到 {settings.data_dir}")
    now = system_clock()
    with ExitStack() as held:
        if not only or "store" in only:
            held.enter_context(only_one(settings.data_dir))
            _refuse_running(target.store, now)
        if only:
            rewritten = _rewritten(target.store) if "archive" in only else {}
            done = restore_parts(folder, manifest, target, only, now=now, rewritten=rewritten)
        else:
            done = restore_all(folder, manifest, target, now=now, force=force)
        if (not only or "store" in only) and (wrong := check_rows(target, manifest)):
            raise FengsuiError(f"恢复后的行数与清单不符：{'；'.join(wrong)}；换一份备份")
    print(
        f"已恢复 {done.files:,} 个文件"
        + ("" if only and "store" not in only else f"，{sum(manifest.store.tables.values()):,} 行")
    )
    if done.aside:
        print(f"原有的在 {done.aside}，确认无误后自行删去")
    for told in done.told:
        print(told)
    if not only or "store" in only:
        if due := _due(target.store):
            print(f"备份时待发的通知有 {due} 条，启动后会发出；其后已经发过的，对方会再收到一次")
        print("检索索引由库重建：fengsui reindex；再启动系统")


def _resumed(target: Target, folder: Path, name: str | None) -> bool:
    """Go on with one that was cut off; whether that was the one asked for."""
    if unfinished(target.data_dir) is None:
        return False
    with only_one(target.data_dir):
        move = resume(target)
    if move is None:
        return False
    if move.database:
        where = f"；原来的库在数据库模式 {move.schema}" if move.schema else ""
        print(f"上次由 {move.backup} 的恢复在换数据库时中断，文件没有动，重新恢复{where}")
        return False
    print(f"上次由 {move.backup} 的恢复已接着做完" + (f"；原有的在 {target.data_dir / move.aside}" if move.old else ""))
    mine = Path(move.backup).resolve() == (folder / (name or newest(folder))).resolve()
    if mine:
        print("检索索引由库重建：fengsui reindex；再启动系统")
    return mine


def target_of(settings: Settings) -> Target:
    """Where a backup of this profile goes."""
    key = settings.backup_key.get_secret_value() if settings.backup_key else ""
    schemas = frozenset(one.revision for one in ScriptDirectory(str(MIGRATIONS)).walk_revisions())
    return Target(Store(settings.database), settings.data_dir, settings.config, settings.profile, schemas, key)


def _refuse_running(store: Store, now: datetime) -> None:
    """A process that reported lately writes into what is to be replaced."""
    file = store.engine.url.database or ""
    if store.engine.dialect.name == "sqlite" and not Path(file).exists():
        return  # looking would make one
    try:
        with store.read() as db:
            alive = [one.name for one in list_processes(db) if not stale(one, now)]
    except (StoreError, DatabaseError):  # no tables yet, or broken: nobody can work on it
        return
    finally:
        store.close()
    if alive:
        raise UsageError(f"系统还在运行（{'、'.join(alive)}）：先停下；刚被强制结束的，半分钟后再来")


def _due(store: Store) -> int:
    """Messages that waited when the backup was made: what became of them since, nobody here knows."""
    with store.read() as db:
        waiting = select(func.count()).where(deliveries.c.state.in_(("waiting", "sending")))
        return int(db.execute(waiting).scalar_one())


def _erasures(store: Store) -> int:
    with store.read() as db:
        return erasures(db)


def _rewritten(store: Store) -> Mapping[str, FileChange]:
    """Files of the archive that retention or an erasure changed: a backup of before would bring back what had to go."""
    with store.read() as db:
        return {f"archive/{name}": change for name, change in changed_files(db).items()}


def _list(folder: Path) -> None:
    for name in backups(folder):
        manifest = read_manifest(folder / name)
        size = manifest.store.size + sum(one.size for one in manifest.files)
        print(f"{name}  {manifest.made_at}  {manifest.profile}  结构 {manifest.schema}  {bytes_word(size)}")
    if not backups(folder):
        print("还没有备份")


def last_words(last: LastBackup) -> str:
    """When the last one was made, for people."""
    return iso_beijing(last.moment) if last.moment else "还没有做过"
