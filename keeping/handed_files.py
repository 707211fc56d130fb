"""Files that people and other systems put into the data folder and that were read: which are old, which name a person.

All that was taken of them is in the archive and the store as well; these are the copies that were put there.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from config.intake import FOLDERS, load_intake
from config.sources import FileImportSource, load_sources
from core.clock import as_utc
from core.durable import sync_file, sync_folder
from crawlers.attached.content import UnreadableFile
from keeping.packed_text import is_in, masked
from keeping.person import Person
from store.database import Store
from store.runs import Address, find_address, remember_address

STAMP = "%Y%m%d-%H%M%S"
"""Before the name of a file that was handed in: when it was read, Beijing time."""
SEARCHED = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".xlsx", ".ods", ".docx", ".zip", ".html", ".xml")
HELD = ".masking-"


@dataclass(frozen=True)
class HandedPlaces:
    """finished: folders of what was handed in and read.  waiting: of what was not.  dropped: of each source, by key."""

    finished: tuple[Path, ...] = ()
    waiting: tuple[Path, ...] = ()
    dropped: Mapping[str, Path] = field(default_factory=dict)

    @classmethod
    def of(cls, config: Path, data: Path, profile: str) -> "HandedPlaces":
        """Where config has them. Raises ConfigError."""
        intake = load_intake(config)
        top = data / (intake.rules.folder or "intake")
        sources = [one for one in load_sources(config, profile) if isinstance(one, FileImportSource)]
        return cls(
            tuple(top / name for name in FOLDERS),
            tuple(top / kind for kind in intake.kinds),
            {one.key: data / (one.folder or f"inbox/{one.key}") for one in sources},
        )


NOWHERE = HandedPlaces()


@dataclass
class InFiles:
    """masked: how many name the person.  waiting: not read yet.  unsearched: by ending, those that hide their words."""

    masked: int = 0
    waiting: list[str] = field(default_factory=list)
    unsearched: Counter[str] = field(default_factory=Counter)


def aged(store: Store, places: HandedPlaces, before: datetime) -> Iterator[Path]:
    """Files that were read before a moment, and the reports beside them."""
    for folder in places.finished:
        yield from (path for path in _files(folder) if (at := _stamped(path)) and at < before)
    for source, folder in places.dropped.items():
        for path in _files(folder):
            if path.stat().st_mtime < before.timestamp():
                read = _read(store, source, path.read_bytes())
                if read is not None and read.seen_at < before:
                    yield path


def search(store: Store, places: HandedPlaces, person: Person, *, now: datetime, do: bool) -> InFiles:
    """Find the person in them; do: mask. What is not read yet is told alone: reading it says what it is."""
    found = InFiles()
    for folder in places.finished:
        for path in _files(folder):
            if (made := _without(person, path, found)) and do:
                _replace(path, made)
    for source, folder in places.dropped.items():
        for path in _files(folder):
            if (made := _without(person, path, found)) is None:
                continue
            if _read(store, source, path.read_bytes()) is None:
                found.masked -= 1
                found.waiting.append(path.name)
            elif do:
                _remember(store, source, made, now)
                _replace(path, made)
    for folder in places.waiting:
        found.waiting += [path.name for path in _files(folder) if _without(person, path, InFiles()) is not None]
    return found


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and not path.name.startswith((".", "~$")):
            yield path


def _stamped(path: Path) -> datetime | None:
    try:
        return as_utc(datetime.strptime(path.name[:15], STAMP))  # noqa: DTZ007 - Beijing, says as_utc
    except ValueError:
        return None


def _read(store: Store, source: str, body: bytes) -> Address | None:
    """What is remembered of a dropped file; None where it was not read to its end."""
    with store.read() as db:
        return find_address(db, source, f"sha256:{hashlib.sha256(body).hexdigest()}")


def _remember(store: Store, source: str, body: bytes, now: datetime) -> None:
    """A file without the person is no new file."""
    digested = hashlib.sha256(body).hexdigest()
    with store.write() as db:
        remember_address(db, source, f"sha256:{digested}", now=now, body_sha256=digested)


def _without(person: Person, path: Path, found: InFiles) -> bytes | None:
    """The file without the person; None where it does not name them, or cannot be searched."""
    if path.suffix.lower() not in SEARCHED:
        found.unsearched[path.suffix.lower() or path.name] += 1
        return None
    body = path.read_bytes()
    try:
        if not is_in(person, body):
            return None
        found.masked += 1
        return masked(person, body)
    except UnreadableFile:
        found.unsearched[path.suffix.lower()] += 1
        return None


def _replace(path: Path, body: bytes) -> None:
    """Whole or not at all; its time stays, for its age is told by it."""
    times, other = path.stat(), path.with_name(f"{HELD}{path.name[-200:]}")
    with other.open("wb") as file:
        file.write(body)
        sync_file(file)
    os.chmod(other, times.st_mode)
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(path)
    sync_folder(path.parent)
