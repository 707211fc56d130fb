"""A backup put back: into an empty data folder, beside what stands there, or only what was damaged.

Everything is fetched and checked first and moved into place last. What stood there is kept in `.before-TIME`. Killed
before the moves it leaves what was there; killed among them, `resume` goes on with them (keeping/moving.py), and until
then nothing else opens the folder.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import inspect

from core.clock import as_utc
from core.durable import sync_file, sync_folder
from core.errors import FengsuiError, UsageError
from crawlers.archive import OPEN
from crawlers.archive_members import holds_together
from crawlers.archive_mend import mend
from keeping.backup import newest
from keeping.folders import ARCHIVE, ASIDE, DATABASE, KEYS, PROOFS, STAGING, config_files, in_use, is_open
from keeping.manifest import POOL, KeptFile, Manifest, backups, hash_of, read_manifest
from keeping.moving import Move, begin, end, finish, staged, unfinished
from keeping.pool import Pool
from keeping.seal import SETTING, unseal
from keeping.store_copy import restore_postgresql, restore_sqlite, tables_of
from store.database import Store
from store.expiry import FileChange

PARTS = ("store", "archive", "proofs", "keys", "config")
A_DAY = timedelta(days=1)
"""An erasure, and a night of retention, is done by then."""
CONFIG_BESIDE = "config-from-backup"


@dataclass(frozen=True)
class Target:
    """Where a backup goes. store: of the address that is set up, it need not open.  schemas: known to this program."""

    store: Store
    data_dir: Path
    config: Path
    profile: str
    schemas: frozenset[str]
    passphrase: str = ""


@dataclass
class Restored:
    """What was put back. aside: where what stood there lies now; empty: nothing stood there.  told: what to know."""

    manifest: Manifest
    files: int = 0
    aside: str = ""
    told: list[str] = field(default_factory=list)


def choose(folder: Path, name: str | None, target: Target) -> Manifest:
    """The backup to restore, the newest unless named. Raises UsageError where it is broken or does not fit here."""
    manifest = read_manifest(folder / (name or newest(folder)))
    here = target.store.engine.dialect.name
    if manifest.profile != target.profile:
        raise UsageError(f"备份是 {manifest.profile} 的，这里是 {target.profile}：换 --data、--profile 或备份")
    if manifest.schema not in target.schemas:
        raise UsageError(f"备份的库结构 {manifest.schema} 比本版新：先升级烽燧到 {manifest.program} 或更新，再恢复")
    if manifest.store.engine != here:
        raise UsageError(
            f"备份的库是 {manifest.store.engine}，这里是 {here}：按备份时的数据库设置 FENGSUI_DATABASE_URL；"
            "换数据库用 fengsui export-all"
        )
    file = target.store.engine.url.database or ""
    if here == "sqlite" and Path(file).resolve() != (target.data_dir / DATABASE[0]).resolve():
        raise UsageError(
            f"FENGSUI_DATABASE_URL 指到数据目录之外的 {file}，恢复只放回 {target.data_dir / DATABASE[0]}："
            "去掉这项设置再恢复，然后自行移到那里"
        )
    return manifest


def restore_all(folder: Path, manifest: Manifest, target: Target, *, now: datetime, force: bool) -> Restored:
    """Put everything back. Nobody else may hold the data folder. Raises UsageError where there is something and not
    `force`, FengsuiError where the backup is damaged: then nothing was changed."""
    done = Restored(manifest)
    stands = in_use(target.data_dir)
    tables = _rows(target.store) if manifest.store.engine == "postgresql" else 0
    if (stands or tables) and not force:
        what = "、".join(stands[:4]) or f"数据库里 {tables} 行"
        raise UsageError(f"{target.data_dir} 不是空的（{what}）：加 --force，原有的移到旁边保留；或换一个 --data")
    aside = f"{ASIDE}{as_utc(now):%Y%m%d-%H%M%S}"
    with staged(target.data_dir) as staging:
        _fetch(folder, manifest, target, staging, done)
        if manifest.store.engine == "sqlite":
            restore_sqlite(manifest.store, folder / manifest.name, staging / DATABASE[0])
        elif hash_of(folder / manifest.name / manifest.store.file) != manifest.store.sha256:
            raise FengsuiError(f"{manifest.store.file} 与清单的 SHA-256 不符，备份已损坏；换一份备份")
        else:
            old = f"fengsui_before_{as_utc(now):%Y%m%d_%H%M%S}" if tables else ""
            _replace_database(folder, manifest, target, old, alone=False)
            done.aside = f"数据库模式 {old}" if old else ""
        moved = [*stands, *(name for name in ("index", "registry.match") if (target.data_dir / name).exists())]
        _move_in(target.data_dir, staging, folder / manifest.name, aside, moved)
        done.aside = "，".join(filter(None, [str(target.data_dir / aside) if moved else "", done.aside]))
    _finish(target, done)
    _tell_later(folder, manifest, done)
    return done


def resume(target: Target) -> Move | None:
    """Go on with a restore that was cut off among its moves; None where there is none. Of one that was replacing a
    database the tables cannot be gone on with: it is to be asked for again, and nothing was moved."""
    move = unfinished(target.data_dir)
    if move is None:
        return None
    if move.database:
        end(target.data_dir)
    else:
        finish(target.data_dir, move)
        target.store.engine.dispose()
    shutil.rmtree(target.data_dir / STAGING, ignore_errors=True)
    return move


def restore_parts(
    folder: Path,
    manifest: Manifest,
    target: Target,
    parts: Sequence[str],
    *,
    now: datetime,
    rewritten: Mapping[str, FileChange],
) -> Restored:
    """Put back only what is missing or damaged of these parts; what is whole stays as it is.

    rewritten: files of the archive that were changed on purpose, ever.  Raises UsageError for an unknown part.
    """
    unknown = sorted(set(parts) - set(PARTS))
    if unknown:
        raise UsageError(f"--only {unknown[0]}：没有这一部分（可用：{'、'.join(PARTS)}）")
    done, aside = Restored(manifest), f"{ASIDE}{as_utc(now):%Y%m%d-%H%M%S}"
    for part in parts:
        if part in (ARCHIVE, PROOFS):
            _mend_files(folder, manifest, target, part, aside, rewritten, done)
    with staged(target.data_dir) as staging:
        if "keys" in parts:
            _keys(folder, manifest, target, staging, done)
            names = [name for name in KEYS if (staging / name).exists()]
            _move_in(target.data_dir, staging, folder / manifest.name, aside, names)
        if "store" in parts:
            _store_alone(folder, manifest, target, staging, aside, now, done)
    if "config" in parts:
        _config(folder, manifest, target, done)
    if (target.data_dir / aside).exists():
        done.aside = str(target.data_dir / aside)
    _finish(target, done)
    return done


def _store_alone(
    folder: Path, manifest: Manifest, target: Target, staging: Path, aside: str, now: datetime, done: Restored
) -> None:
    if manifest.store.engine == "postgresql":
        old = f"fengsui_before_{as_utc(now):%Y%m%d_%H%M%S}" if _rows(target.store) else ""
        _replace_database(folder, manifest, target, old, alone=True)
        end(target.data_dir)
        done.told += [f"原来的库在数据库模式 {old}"] if old else []
        return
    restore_sqlite(manifest.store, folder / manifest.name, staging / DATABASE[0])
    _move_in(target.data_dir, staging, folder / manifest.name, aside, DATABASE)
    done.told.append(f"{manifest.made_at} 之后入库的不在其中；页面存档还在，重新采集会再入库")


def _replace_database(folder: Path, manifest: Manifest, target: Target, old: str, *, alone: bool) -> None:
    """The tables of a PostgreSQL, with a note that they are being replaced: it stays where this is killed."""
    begin(target.data_dir, Move(str(folder / manifest.name), database=True, schema=old, alone=alone))
    try:
        restore_postgresql(manifest.store, folder / manifest.name, target.store, aside=old)
    except FengsuiError:  # what stood there is in its place again
        end(target.data_dir)
        raise


def _fetch(folder: Path, manifest: Manifest, target: Target, staging: Path, done: Restored) -> None:
    pool = Pool(folder / POOL)
    for kept in manifest.files:
        pool.fetch(kept, _safe(staging, kept.path))
        if kept.open:  # its end may be half a record: the mark has it mended as after a kill
            _safe(staging, kept.path + OPEN).touch()
        done.files += 1
    _keys(folder, manifest, target, staging, done)
    _config(folder, manifest, target, done, into=staging)


def _keys(folder: Path, manifest: Manifest, target: Target, staging: Path, done: Restored) -> None:
    if manifest.left_out:
        done.told.append(f"备份里没有密钥 {'、'.join(manifest.left_out)}：另行放回数据目录，否则两步验证须重设")
    if manifest.sealed is None:
        return
    if not target.passphrase:
        done.told.append(f"密钥在备份里是加密的，没有恢复：设置 {SETTING} 后再运行 fengsui restore 目录 --only keys")
        return
    kept = _safe(staging, manifest.sealed.path)
    Pool(folder / POOL).fetch(manifest.sealed, kept)
    opened = unseal(kept.read_bytes(), target.passphrase)
    kept.unlink()
    for name in sorted(set(opened) & set(KEYS)):
        handle = os.open(staging / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(opened[name])
            sync_file(file)
        done.files += 1


def _config(folder: Path, manifest: Manifest, target: Target, done: Restored, *, into: Path | None = None) -> None:
    """The config of then is laid beside, never over the one in use: who runs the system decides."""
    here = {name: hash_of(path) for name, path in config_files(target.config)} if target.config.is_dir() else {}
    differ = [one for one in manifest.config if here.get(one.path) != one.sha256]
    if not differ:
        return
    pool, beside = Pool(folder / POOL), (into or target.data_dir) / CONFIG_BESIDE
    for kept in manifest.config:
        pool.fetch(kept, _safe(beside, kept.path))
    done.told.append(
        f"配置有 {len(differ)} 个文件与现用的不同（{'、'.join(one.path for one in differ[:3])}）："
        f"备份时的放在 {target.data_dir / CONFIG_BESIDE}，核对后自行取用"
    )


def _mend_files(
    folder: Path,
    manifest: Manifest,
    target: Target,
    part: str,
    aside: str,
    rewritten: Mapping[str, FileChange],
    done: Restored,
) -> None:
    """Put back the files of one folder that are gone or damaged, the system may run."""
    pool = Pool(folder / POOL)
    for kept in manifest.files:
        path = _safe(target.data_dir, kept.path)
        change = rewritten.get(kept.path)
        if not kept.path.startswith(f"{part}/") or _is_whole(path, kept):
            continue
        if change is not None and (change.records < 0 or holds_together(path)):
            continue  # as it is to be
        if change is not None and not _has(kept, manifest, change):
            done.told.append(
                f"{kept.path} 损坏或缺失；备份里的还是按期限或按人删除之前的，没有恢复：用 --name 选更晚的一份"
            )
            continue
        if path.is_file() and is_open(path):
            done.told.append(f"{kept.path} 正在写，没有动；停下系统后再恢复")
            continue
        _replace(pool, kept, path, target.data_dir / aside / kept.path)
        done.files += 1
        done.told.append(f"已恢复 {kept.path}")


def _has(kept: KeptFile, manifest: Manifest, change: FileChange) -> bool:
    """Whether a backup's copy was made after a file was last changed on purpose, and not while it was being changed."""
    copied, written = datetime.fromisoformat(manifest.made_at), kept.modified / 1e9
    return written >= change.at.timestamp() and copied - change.at >= A_DAY


def _is_whole(path: Path, kept: KeptFile) -> bool:
    """Whether a file is what was backed up, or has grown since: one that was open then."""
    size = path.stat().st_size if path.is_file() else -1
    fits = size == kept.size or (kept.open and size > kept.size)
    return fits and hash_of(path, most=kept.size) == kept.sha256


def _replace(pool: Pool, kept: KeptFile, path: Path, aside: Path) -> None:
    """The backup's bytes; what was written behind them since stays, for a file that was open then."""
    fetched = path.with_name(f".{path.name}.restoring")
    pool.fetch(kept, fetched)
    if path.is_file():
        if kept.open and path.stat().st_size > kept.size:
            with path.open("rb") as source, fetched.open("ab") as target:
                source.seek(kept.size)
                shutil.copyfileobj(source, target)
                sync_file(target)
        aside.parent.mkdir(parents=True, exist_ok=True)
        path.rename(aside)
    fetched.replace(path)
    sync_folder(path.parent)


def _move_in(data_dir: Path, staging: Path, backup: Path, aside: str, old: Sequence[str]) -> None:
    """Move what stands there aside and the restored into its place."""
    new = tuple(sorted(entry.name for entry in staging.iterdir()))
    move = Move(str(backup), aside, tuple(name for name in old if (data_dir / name).exists()), new)
    begin(data_dir, move)
    finish(data_dir, move)


def _finish(target: Target, done: Restored) -> None:
    """Cut half records; connections to what stood there are of no use any more."""
    done.told += mend(target.data_dir / ARCHIVE)
    target.store.engine.dispose()


def check_rows(target: Target, manifest: Manifest) -> list[str]:
    """Tables that do not hold as many rows as the manifest says, before anybody migrates; empty: all do."""
    with target.store.read() as db:
        found = tables_of(db, only=manifest.store.tables)
    return [
        f"{name}：{found.get(name, 0)} 行，清单 {rows} 行"
        for name, rows in manifest.store.tables.items()
        if found.get(name, 0) != rows
    ]


def _tell_later(folder: Path, manifest: Manifest, done: Restored) -> None:
    """What was erased after this backup comes back with it: who restores must know."""
    last = read_manifest(folder / backups(folder)[-1])
    if last.erased > manifest.erased:
        done.told.append(
            f"这份备份之后有 {last.erased - manifest.erased} 次按人删除，恢复后须再做：fengsui erase-person"
        )


def _rows(store: Store) -> int:
    """Rows of a database that may have no tables yet."""
    with store.read() as db:
        return sum(tables_of(db, only=inspect(db).get_table_names()).values())


def _safe(root: Path, name: str) -> Path:
    """A path of a manifest. Raises UsageError where it leads out of the folder."""
    path = root / name
    if not path.resolve().is_relative_to(root.resolve()):
        raise UsageError(f"清单里的 {name} 指到目录之外，不据此恢复")
    return path
