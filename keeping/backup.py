"""A backup while the system runs: the store as of one moment, then the files that its rows lead to.

A page or a proof is on the disk before its row is committed, so what is copied after the store has all that the store
knows. A backup is made under a name nobody reads and renamed at its end: whatever kills it, the older ones stay whole.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from core.clock import as_utc, iso_beijing
from core.durable import sync_folder
from core.errors import FengsuiError, UsageError
from crawlers.archive_members import holds_together
from keeping.folders import ARCHIVE, config_files, is_open, kept_files, key_files, locked
from keeping.manifest import (
    POOL,
    KeptFile,
    Manifest,
    Verified,
    backups,
    hash_of,
    read_manifest,
    write_manifest,
)
from keeping.pool import Pool
from keeping.seal import seal
from keeping.store_copy import MAKING, copy_store, faults_of_copy
from store.database import Store

LOCK = ".lock"
SEALED = "keys.sealed"


@dataclass(frozen=True)
class Source:
    """What is backed up. passphrase: seals the keys; empty: they are left out.  erased: as in the manifest.

    rewritten: files of the archive that were changed on purpose, ever, by name.
    """

    store: Store
    data_dir: Path
    config: Path
    profile: str
    passphrase: str = ""
    erased: int = 0
    rewritten: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Done:
    """A finished backup. written: bytes that were new on the backup's disk.  dropped: older ones that were removed."""

    folder: Path
    manifest: Manifest
    written: int
    dropped: tuple[str, ...]


def back_up(source: Source, folder: Path, *, now: datetime, keep: int = 0) -> Done:
    """Make a backup in `folder`. keep: so many stay, the newest; 0: all.

    Raises StoreDamaged, UsageError, and FengsuiError where another one is at work or the disk is full.
    """
    _refuse_inside(source.data_dir, folder)
    with _alone(folder):
        _clear(folder)
        name = _free_name(folder, now)
        making = folder / f"{MAKING}{name}"
        try:
            making.mkdir(mode=0o700)
            manifest, written = _fill(source, folder, making, name, now)
            write_manifest(making, manifest)
            sync_folder(making)
            making.rename(folder / name)
            sync_folder(folder)
        except OSError as problem:
            if problem.errno in (errno.ENOSPC, errno.EDQUOT):
                told = f"备份没有做成：{folder} 所在磁盘已满；旧的备份没有动。腾出空间或减少 --keep 后再做"
                raise FengsuiError(told) from problem
            raise
        finally:
            shutil.rmtree(making, ignore_errors=True)
        return Done(folder / name, manifest, written, tuple(_drop_old(folder, keep)))


def verify(folder: Path, name: str | None = None) -> tuple[Manifest, Verified]:
    """Read a backup (the newest one) to its last byte and hold it against its manifest; the store is unpacked, opened
    and its rows are counted. Raises UsageError, and FengsuiError where another one is at work."""
    manifest = read_manifest(folder / (name or newest(folder)))
    with _alone(folder) if os.access(folder, os.W_OK) else nullcontext():
        return manifest, _read_back(folder, manifest)


def _read_back(folder: Path, manifest: Manifest) -> Verified:
    pool, found = Pool(folder / POOL), Verified()
    copy = folder / manifest.name / manifest.store.file
    whole = copy.is_file() and hash_of(copy) == manifest.store.sha256
    found.problems += faults_of_copy(manifest.store, copy) if whole else [f"{copy.name}：缺失或已改变"]
    for sha256, kept in {one.sha256: one for one in manifest.pooled}.items():
        found.problems += filter(None, [pool.fault(kept)])
        found.files, found.bytes = found.files + 1, found.bytes + (kept.size if sha256 else 0)
    return found


def newest(folder: Path) -> str:
    """The name of the newest backup. Raises UsageError where there is none."""
    names = backups(folder)
    if not names:
        raise UsageError(f"{folder} 里没有备份；先做：fengsui backup {folder}")
    return names[-1]


def _fill(source: Source, folder: Path, making: Path, name: str, now: datetime) -> tuple[Manifest, int]:
    pool, names = Pool(folder / POOL), backups(folder)
    last = read_manifest(folder / names[-1]) if names else None
    _refuse_full(source, folder, last)
    copy = copy_store(source.store, making)
    known = {one.path: one for one in last.files} if last else {}
    config = {one.path: one for one in last.config} if last else {}
    problems: list[str] = []
    files = [
        kept
        for path_name, path in kept_files(source.data_dir)
        if (kept := _keep(pool, path_name, path, known.get(path_name), source.rewritten, problems)) is not None
    ]
    keys = key_files(source.data_dir)
    sealed = pool.add_bytes(seal(keys, source.passphrase), SEALED) if keys and source.passphrase else None
    manifest = Manifest(
        name=name,
        made_at=iso_beijing(now),
        profile=source.profile,
        program=_version(),
        schema=source.store.schema_version() or "",
        store=copy,
        files=tuple(files),
        config=tuple(
            kept
            for path_name, path in config_files(source.config)
            if (kept := _keep(pool, path_name, path, config.get(path_name), frozenset(), problems)) is not None
        ),
        sealed=sealed,
        left_out=() if sealed else tuple(sorted(keys)),
        erased=source.erased,
        problems=tuple(problems),
    )
    return manifest, pool.written + copy.size


def _keep(
    pool: Pool, name: str, path: Path, before: KeptFile | None, rewritten: frozenset[str], problems: list[str]
) -> KeptFile | None:
    """Take a file in; None where it is gone by now. A page's file that changed after it was closed is damaged, unless
    records of it were blanked and all of it holds together: what the backup before has of it is kept instead, and
    told."""
    try:
        found = path.stat()
        if before and (before.size, before.modified) == (found.st_size, found.st_mtime_ns) and pool.holds(before):
            return before
        kept = pool.add(path, name, open=is_open(path), most=found.st_size)
    except FileNotFoundError:
        return None
    if before is None or before.open or not name.startswith(f"{ARCHIVE}/") or kept.sha256 == before.sha256:
        return kept
    on_purpose = name in rewritten and kept.size == before.size and holds_together(path)
    if not on_purpose and pool.holds(before):
        problems.append(f"{name}：封存后被改动，备份里保留原来的；恢复：fengsui restore 目录 --only archive")
        return before
    return kept


def _refuse_full(source: Source, folder: Path, last: Manifest | None) -> None:
    """Say at once that there will be no room: a backup that fills the disk of the system stops the system."""
    known = {(one.path, one.size, one.modified) for one in last.files} if last else set()
    new = 0
    for name, path in kept_files(source.data_dir):
        found = path.stat()
        new += 0 if (name, found.st_size, found.st_mtime_ns) in known else found.st_size
    database = source.data_dir / "fengsui.db"
    new += 2 * database.stat().st_size if database.is_file() else 0
    free = shutil.disk_usage(folder).free
    if new > free:
        raise FengsuiError(
            f"备份没有做：最多要写 {new / 1e9:.2f} GB，{folder} 只余 {free / 1e9:.2f} GB；"
            "旧的备份没有动。腾出空间或换一处"
        )


def _refuse_inside(data_dir: Path, folder: Path) -> None:
    if folder.resolve().is_relative_to(data_dir.resolve()):
        raise UsageError(f"{folder} 在数据目录里：磁盘坏了两者一起丢；请给另一处，最好在另一块盘上")


def _free_name(folder: Path, now: datetime) -> str:
    """Names go up, whatever the clock does: the newest backup is the last one."""
    names = backups(folder)
    last = datetime.strptime(f"{names[-1]}+0000", "%Y%m%d-%H%M%S%z") if names else None
    return f"{max(as_utc(now), last + timedelta(seconds=1)) if last else as_utc(now):%Y%m%d-%H%M%S}"


def _drop_old(folder: Path, keep: int) -> Iterator[str]:
    """Remove the older ones, then what none of the rest needs. Where a manifest cannot be read nothing is swept."""
    names = backups(folder)
    for name in names[:-keep] if keep else []:
        gone = folder / f"{MAKING}{name}.old"
        (folder / name).rename(gone)
        shutil.rmtree(gone)
        yield name
    try:
        left = [one.sha256 for name in backups(folder) for one in read_manifest(folder / name).pooled]
    except UsageError:
        return
    Pool(folder / POOL).sweep(left)


def _clear(folder: Path) -> None:
    """What a backup that was killed left."""
    for left in folder.glob(f"{MAKING}*"):
        shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One backup at a time into a folder."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with locked(folder / LOCK, busy=f"{folder}：另一个备份正在进行；等它做完"):
        yield


def _version() -> str:
    try:
        return version("fengsui")
    except PackageNotFoundError:
        return ""
