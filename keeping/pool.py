"""The files of all backups, each once under its SHA-256: a second backup writes only what is new."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from core.durable import sync_file, sync_folder
from core.errors import FengsuiError
from keeping.manifest import KeptFile, hash_of, pour


@dataclass
class Pool:
    """folder: of the pool. written: bytes that were new."""

    folder: Path
    written: int = 0

    def path_of(self, sha256: str) -> Path:
        """Where the bytes of a hash lie."""
        return self.folder / sha256[:2] / sha256

    def add(self, path: Path, name: str, *, open: bool = False, most: int | None = None) -> KeptFile:
        """Copy a file in, or its first `most` bytes; nothing is written where these bytes are there already."""
        modified = path.stat().st_mtime_ns
        self.folder.mkdir(parents=True, exist_ok=True)
        half = self.folder / f".{uuid4().hex}"
        try:
            with path.open("rb") as source, half.open("xb") as target:
                os.chmod(half, 0o600)
                sha256, size = pour(source, target, most=most)
                sync_file(target)
            self._settle(half, sha256, size)
        finally:
            half.unlink(missing_ok=True)
        return KeptFile(name, sha256, size, modified, open)

    def add_bytes(self, body: bytes, name: str) -> KeptFile:
        """The same for what is no file yet."""
        self.folder.mkdir(parents=True, exist_ok=True)
        half, sha256 = self.folder / f".{uuid4().hex}", hashlib.sha256(body).hexdigest()
        with half.open("xb") as target:
            os.chmod(half, 0o600)
            target.write(body)
            sync_file(target)
        self._settle(half, sha256, len(body))
        return KeptFile(name, sha256, len(body))

    def _settle(self, half: Path, sha256: str, size: int) -> None:
        target = self.path_of(sha256)
        if target.is_file() and target.stat().st_size == size and hash_of(target) == sha256:
            half.unlink()
            return
        target.parent.mkdir(exist_ok=True)
        half.replace(target)
        sync_folder(target.parent)
        self.written += size

    def holds(self, kept: KeptFile) -> bool:
        """Whether the file is there in its full length; its bytes are not read."""
        path = self.path_of(kept.sha256)
        return path.is_file() and path.stat().st_size == kept.size

    def fault(self, kept: KeptFile) -> str:
        """What is wrong with a file, read to its end; empty: nothing."""
        path = self.path_of(kept.sha256)
        try:
            found = hash_of(path)
        except OSError as problem:
            return f"{kept.path}：备份里读不到（{problem.strerror}）"
        return "" if found == kept.sha256 else f"{kept.path}：备份里的内容已改变（SHA-256 不符）"

    def fetch(self, kept: KeptFile, target: Path) -> None:
        """Write a file out, synced. Raises FengsuiError where its bytes are not those that were put in."""
        target.parent.mkdir(parents=True, exist_ok=True)
        with self.path_of(kept.sha256).open("rb") as source, target.open("wb") as file:
            os.chmod(target, 0o640)
            sha256, _size = pour(source, file)
            sync_file(file)
        if sha256 != kept.sha256:
            target.unlink()
            raise FengsuiError(f"{kept.path}：备份里的内容已改变（SHA-256 不符），没有恢复它；换一份备份")

    def sweep(self, wanted: Iterable[str]) -> int:
        """Remove what no backup names any more, and what a killed one left half written; how many files."""
        kept, gone = set(wanted), 0
        for path in list(self.folder.glob("*/*")) + list(self.folder.glob(".*")):
            if path.is_file() and path.name not in kept:
                path.unlink()
                gone += 1
        return gone
