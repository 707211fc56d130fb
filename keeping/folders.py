"""What of a data folder is kept: everything but what can be made again, so that no new kind of file is forgotten."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from core.errors import FengsuiError
from crawlers.archive import OPEN
from store.link_key import FILE as LINK_KEY
from store.vault import FILE as FACTOR_KEY

KEYS = (FACTOR_KEY, LINK_KEY)
ARCHIVE, PROOFS = "archive", "proofs"
DATABASE = ("fengsui.db", "fengsui.db-wal", "fengsui.db-shm", "fengsui.db-journal")
MADE_AGAIN = ("index", "snapshots", "logs", "run.lock", "keep.lock", "registry.match", "lost+found")
"""The index is made from the store, the matcher's file from the registry."""
ASIDE, STAGING, NOTE = ".before-", ".restoring", ".restore-note.json"
NOT_CONFIG = ("__pycache__",)


def kept_files(data_dir: Path) -> Iterator[tuple[str, Path]]:
    """Name within the folder and path of each file to keep, keys and the database left out, in order of names."""
    left_out = {*KEYS, *DATABASE, *MADE_AGAIN, STAGING, NOTE}
    for entry in sorted(data_dir.iterdir()) if data_dir.is_dir() else ():
        if entry.name not in left_out and not entry.name.startswith(ASIDE):
            yield from ((name, path) for name, path in _below(entry, data_dir) if not name.endswith(OPEN))


def config_files(config_dir: Path) -> Iterator[tuple[str, Path]]:
    """The same for the config folder: what an operator edits, not the code that reads it."""
    for name, path in _below(config_dir, config_dir):
        if path.suffix != ".py" and not set(Path(name).parts) & set(NOT_CONFIG):
            yield name, path


def key_files(data_dir: Path) -> dict[str, bytes]:
    """The keys that lie in the folder, by name."""
    return {name: (data_dir / name).read_bytes() for name in KEYS if (data_dir / name).is_file()}


def in_use(data_dir: Path) -> list[str]:
    """What lies in a folder that a restore would replace."""
    if not data_dir.is_dir():
        return []
    idle = {"run.lock", "keep.lock", "logs", "lost+found", STAGING, NOTE}
    return sorted(one.name for one in data_dir.iterdir() if one.name not in idle and not one.name.startswith(ASIDE))


def is_open(path: Path) -> bool:
    """Whether a file of the archive is being written, or was when its writer was killed."""
    return path.with_name(f"{path.name}{OPEN}").exists()


def alone(data_dir: Path) -> AbstractContextManager[None]:
    """Nobody else removes what is kept meanwhile. Raises FengsuiError where somebody does."""
    return locked(data_dir / "keep.lock", busy="按保存期限清理或另一次按人删除正在进行：等它做完再做")


@contextmanager
def locked(file: Path, *, busy: str) -> Iterator[None]:
    """Hold a file that one process at a time holds. Raises FengsuiError `busy` where another does."""
    with file.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FengsuiError(busy) from None
        yield


def _below(top: Path, root: Path) -> Iterator[tuple[str, Path]]:
    """Files below `top`, or itself. Links are not followed: what they lead to is not ours."""
    if top.is_file() and not top.is_symlink():
        yield top.relative_to(root).as_posix(), top
    if not top.is_dir() or top.is_symlink():
        return
    for folder, _folders, names in os.walk(top):
        for name in sorted(names):
            path = Path(folder) / name
            if path.is_file() and not path.is_symlink():
                yield path.relative_to(root).as_posix(), path
