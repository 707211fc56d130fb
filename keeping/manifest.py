"""What a backup says of itself: which files, under which hashes, of which version of what.

A backup is a folder named by its time, with `manifest.json`, its own hash beside it and the copy of the store. All
other files lie once for all backups in `files/`, under their SHA-256.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from core.durable import sync_file
from core.errors import UsageError
from core.ids import to_pretty_json

FORMAT = 1
MANIFEST, SUM = "manifest.json", "manifest.json.sha256"
POOL = "files"
NAME = re.compile(r"^\d{8}-\d{6}$")
"""YYYYMMDD-HHMMSS, UTC: backups sort by their names."""
CHUNK = 1024 * 1024
Engine = Literal["sqlite", "postgresql"]


@dataclass(frozen=True)
class KeptFile:
    """A file. path: within the data or config folder.  modified: nanoseconds.  open: it was being written then, so that
    its end may be half a record."""

    path: str
    sha256: str
    size: int
    modified: int = 0
    open: bool = False


@dataclass(frozen=True)
class StoreCopy:
    """The store. file: in the backup's folder.  sha256, size: of that file.  plain: SHA-256 of what is packed in it;
    empty for PostgreSQL's own format."""

    engine: Engine
    file: str
    sha256: str
    size: int
    plain: str
    tables: Mapping[str, int]


@dataclass(frozen=True)
class Manifest:
    """One backup. made_at: ISO, Beijing.  sealed: whether the keys are in it, encrypted.  left_out: keys that are not.

    erased: how many erasures of persons had been done: a backup with fewer brings back what was erased since.
    """

    name: str
    made_at: str
    profile: str
    program: str
    schema: str
    store: StoreCopy
    files: tuple[KeptFile, ...]
    config: tuple[KeptFile, ...]
    sealed: KeptFile | None = None
    left_out: tuple[str, ...] = ()
    erased: int = 0
    problems: tuple[str, ...] = ()
    format: int = FORMAT

    @property
    def pooled(self) -> tuple[KeptFile, ...]:
        """All that lies in the pool."""
        return (*self.files, *self.config, *((self.sealed,) if self.sealed else ()))


@dataclass
class Verified:
    """What a look at a backup found. files: read and compared."""

    files: int = 0
    bytes: int = 0
    problems: list[str] = field(default_factory=list)


def backups(folder: Path) -> list[str]:
    """The names of the finished ones, oldest first."""
    if not folder.is_dir():
        return []
    return sorted(one.name for one in folder.iterdir() if NAME.match(one.name) and (one / MANIFEST).is_file())


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write it with its hash, both synced."""
    raw = to_pretty_json(asdict(manifest)).encode()
    for name, body in ((MANIFEST, raw), (SUM, f"{hashlib.sha256(raw).hexdigest()}  {MANIFEST}\n".encode())):
        with (folder / name).open("xb") as file:
            file.write(body)
            sync_file(file)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of one backup. Raises UsageError where it is none, broken, or of a later format."""
    try:
        raw, told = (folder / MANIFEST).read_bytes(), (folder / SUM).read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError) as problem:
        raise UsageError(f"{folder} 不是备份：读不到 {MANIFEST} 和 {SUM}（{problem}）；换一份备份") from None
    if not told or hashlib.sha256(raw).hexdigest() != told[0]:
        raise UsageError(f"{folder}/{MANIFEST} 与其 SHA-256 不符，清单已损坏，不据此恢复；换一份备份")
    given = json.loads(raw)
    if given.get("format") != FORMAT:
        raise UsageError(f"{folder}：备份格式 {given.get('format')}，本版只认 {FORMAT}；请先升级烽燧")
    return _manifest(given)


def _manifest(given: Mapping[str, Any]) -> Manifest:
    files = {name: tuple(KeptFile(**one) for one in given[name]) for name in ("files", "config")}
    rest = {name: tuple(given[name]) for name in ("left_out", "problems")}
    sealed = KeptFile(**given["sealed"]) if given["sealed"] else None
    return Manifest(**{**given, **files, **rest, "sealed": sealed, "store": StoreCopy(**given["store"])})


class Readable(Protocol):
    """An open file, packed or not."""

    def read(self, size: int, /) -> bytes: ...


class Writable(Protocol):
    """As above, to be written."""

    def write(self, data: bytes, /) -> object: ...


def pour(source: Readable, target: Writable | None = None, *, most: int | None = None) -> tuple[str, int]:
    """Read to the end, or `most` bytes, and write it on where there is a target. SHA-256 and how many bytes."""
    sha, size = hashlib.sha256(), 0
    while data := source.read(CHUNK if most is None else min(CHUNK, most - size)):
        sha.update(data)
        size += len(data)
        if target is not None:
            target.write(data)
    return sha.hexdigest(), size


def hash_of(path: Path, *, most: int | None = None) -> str:
    """SHA-256 of a file, or of its first `most` bytes."""
    with path.open("rb") as file:
        return pour(file, most=most)[0]
