"""The machine under the desk: how full its disk is and what grows there, and which version runs."""

import os
import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

FOLDERS: Mapping[str, str] = {
    "archive": "原文存档", "index": "检索索引", "proofs": "佐证材料", "snapshots": "索引快照", "logs": "日志",
}  # fmt: skip
KEPT = timedelta(minutes=5)
"""An archive has many files: they are not counted for every look."""


@dataclass(frozen=True)
class Disk:
    """Bytes. parts: name and size of what grows, the largest first.  at: when the parts were added up."""

    free: int
    total: int
    parts: tuple[tuple[str, int], ...]
    at: datetime

    @property
    def share(self) -> float:
        """The share that is free."""
        return self.free / self.total if self.total else 0.0


class DiskWatch:
    """Knows the sizes in the data folder; added up at most every five minutes."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._lock = folder, threading.Lock()
        self._parts: tuple[tuple[str, int], ...] = ()
        self._at: datetime | None = None

    def look(self, now: datetime, database: int) -> Disk:
        """database: its size, which the database itself knows."""
        with self._lock:
            if self._at is None or not timedelta(0) <= now - self._at < KEPT:
                self._parts = tuple((word, size_of(self._folder / name)) for name, word in FOLDERS.items())
                self._at = now
            sizes, at = self._parts, self._at
        used = shutil.disk_usage(self._folder)
        parts = sorted((("数据库", database), *sizes), key=lambda part: -part[1])
        return Disk(used.free, used.total, tuple(part for part in parts if part[1]), at)


def size_of(folder: Path) -> int:
    """Bytes of all files below; 0 where there is no such folder. What vanishes meanwhile counts nothing."""
    total, todo = 0, [folder]
    while todo:
        try:
            with os.scandir(todo.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(Path(entry.path))
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue
    return total


@cache
def program_version() -> str:
    """The version of the program; 未知 where it was not installed as a package."""
    try:
        return version("fengsui")
    except PackageNotFoundError:
        return "未知"


def bytes_word(size: int) -> str:
    """3.2 GB, 640 KB."""
    number, units = float(size), ("B", "KB", "MB", "GB", "TB")
    for unit in units:
        if number < 1000 or unit == units[-1]:
            return f"{number:.0f} {unit}" if unit in ("B", "KB") or number >= 100 else f"{number:.1f} {unit}"
        number /= 1000
    return ""
