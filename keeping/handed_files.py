"""Files that people and other systems put into the data folder and that were read: which are old, which name a person.

All that was taken of them is in the archive and the store as well; these are the copies that were put there. Others
write into these folders meanwhile: a file goes, or is written over, only as long as it is the one that was looked at.
"""

import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

from config.intake import FOLDERS, READ_AT, load_intake
from config.settings import Settings
from config.sources import FileImportSource, load_sources
from core.clock import as_utc
from core.durable import sync_file, sync_folder
from crawlers.attached.content import UnreadableFile
from keeping.packed_text import MOST, is_in, masked
from keeping.person import Person
from nlp.normalize import without_surrogates
from store.database import Store
from store.runs import Address, find_address, remember_address

SEARCHED = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".xlsx", ".ods", ".docx", ".zip", ".html", ".xml")
NUMBERS = (".json", ".jsonl", ".ndjson")
"""Kinds in which a number must go on being one."""
LOCKED_BOOK = b"\xd0\xcf\x11\xe0"
"""A workbook with a password is an OLE file, whatever it is called."""
HELD = ".masking-"


@dataclass(frozen=True)
class Dropped:
    """A folder into which tables are put, and the sources that read it."""

    folder: Path
    sources: tuple[FileImportSource, ...]

    def read(self, store: Store, digest: str) -> list[tuple[str, Address]]:
        """Which of them know a file, and since when."""
        with store.read() as db:
            found = [
                (source.key, find_address(db, source.key, known))
                for source in self.sources
                for known in source.remembered_as(digest)
            ]
        return [(source, known) for source, known in found if known is not None]


@dataclass(frozen=True)
class HandedPlaces:
    """finished: folders of what was handed in and read.  waiting: of what was not.  dropped: of sources."""

    finished: tuple[Path, ...] = ()
    waiting: tuple[Path, ...] = ()
    dropped: tuple[Dropped, ...] = ()

    @classmethod
    def of(cls, settings: Settings) -> "HandedPlaces":
        """Where config has them. Raises ConfigError."""
        intake = load_intake(settings.config)
        top = settings.data_dir / intake.rules.place
        readers: dict[Path, list[FileImportSource]] = {}
        for one in load_sources(settings.config, settings.profile):
            if isinstance(one, FileImportSource):
                readers.setdefault(settings.data_dir / one.place, []).append(one)
        return cls(
            tuple(top / name for name in FOLDERS),
            tuple(top / kind for kind in intake.kinds),
            tuple(Dropped(folder, tuple(sources)) for folder, sources in readers.items()),
        )


NOWHERE = HandedPlaces()


@dataclass
class InFiles:
    """masked: how many name the person.  waiting: not read yet.  unsearched: by ending, those that hide their words."""

    masked: int = 0
    waiting: list[str] = field(default_factory=list)
    unsearched: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Copy:
    """A file as it was looked at."""

    path: Path
    status: os.stat_result
    body: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of what is in it."""
        return hashlib.sha256(self.body).hexdigest()

    def stands(self) -> bool:
        """Whether it is still the same."""
        now, then = self.path.stat(), self.status
        return (now.st_ino, now.st_size, now.st_mtime_ns) == (then.st_ino, then.st_size, then.st_mtime_ns)


# by age -------------------------------------------------------------------------------------------------------------


def remove_aged(store: Store, places: HandedPlaces, before: datetime, *, dry: bool) -> int:
    """Remove the files that were read before a moment, and the reports beside them; how many. What cannot be read or
    removed stays."""
    if not dry:
        _tidy(places)
    count = 0
    for copy in _aged(store, places, before):
        with suppress(OSError):
            if dry:
                count += 1
            elif copy.stands():
                copy.path.unlink()
                count += 1
    return count


def _aged(store: Store, places: HandedPlaces, before: datetime) -> Iterator[Copy]:
    for folder in places.finished:
        for path in _files(folder):
            at = _stamped(path)
            if at is not None and at < before:
                with suppress(FileNotFoundError):
                    yield Copy(path, path.stat(), b"")
    for dropped in places.dropped:
        for path in _files(dropped.folder):
            copy = _taken(path, before=before)
            known = dropped.read(store, copy.digest) if copy else []
            if copy and known and all(one.seen_at < before for _, one in known):
                yield copy


def _taken(path: Path, *, before: datetime | None = None) -> Copy | None:
    """A file that can be read, not too large, not changed since `before`."""
    try:
        status = path.stat()
        if status.st_size > MOST or (before is not None and status.st_mtime >= before.timestamp()):
            return None
        return Copy(path, status, path.read_bytes())
    except OSError:
        return None


# a person -----------------------------------------------------------------------------------------------------------


def waiting_for(store: Store, places: HandedPlaces, person: Person) -> InFiles:
    """Files that name the person and were not read yet. To be asked before the rows are masked: what is read meanwhile
    brings rows of its own."""
    found = InFiles()
    for folder in places.waiting:
        found.waiting += [
            without_surrogates(path.name) for path in _files(folder) if _names(person, path, _taken(path), found)
        ]
    for dropped in places.dropped:
        for path in _files(dropped.folder):
            copy = _taken(path)
            if not (copy and dropped.read(store, copy.digest)) and _names(person, path, copy, found):
                found.waiting.append(without_surrogates(path.name))
    return found


def search(store: Store, places: HandedPlaces, person: Person, found: InFiles, *, do: bool) -> None:
    """Find the person in what was read; do: mask. found: of `waiting_for`, and what comes to it."""
    if do:
        _tidy(places)
    waiting = set(found.waiting)

    def remember(known: Sequence[tuple[str, Address]], body: bytes) -> None:
        """A file without the person is no new file, and no younger one."""
        digest = hashlib.sha256(body).hexdigest()
        for source, one in known:
            with store.write() as db:
                remember_address(db, source, f"sha256:{digest}", now=one.seen_at, body_sha256=digest)

    for folder in places.finished:
        for path in _files(folder):
            found.masked += _mask(person, path, _taken(path), found, do=do)
    for dropped in places.dropped:
        for path in _files(dropped.folder):
            copy = None if without_surrogates(path.name) in waiting else _taken(path)
            known = dropped.read(store, copy.digest) if copy else []
            if known:
                found.masked += _mask(person, path, copy, found, do=do, first=partial(remember, known))


def _mask(
    person: Person,
    path: Path,
    copy: Copy | None,
    found: InFiles,
    *,
    do: bool,
    first: Callable[[bytes], None] | None = None,
) -> bool:
    """Whether a file names the person, in it or in its name, and is masked where it is to be.

    first: what is done before the masked one stands.
    """
    copy, name = _searchable(path, copy, found), person.masked_name(path.name)
    try:
        if copy is None or not is_in(person, copy.body):
            if name != path.name and do:
                path.rename(path.with_name(name))
            return name != path.name
        made = masked(person, copy.body, numbers=path.suffix.lower() in NUMBERS)
        if not do:
            return True
        if first is not None:
            first(made)
        if _replace(copy, path.with_name(name), made):
            return True
        found.waiting.append(without_surrogates(path.name))
    except FileNotFoundError:
        return False
    except (UnreadableFile, OSError):
        found.unsearched[path.suffix.lower()] += 1
    return False


def _names(person: Person, path: Path, copy: Copy | None, found: InFiles) -> bool:
    """Whether a file names the person."""
    copy = _searchable(path, copy, found)
    try:
        return person.masked_name(path.name) != path.name or (copy is not None and is_in(person, copy.body))
    except UnreadableFile:
        found.unsearched[path.suffix.lower()] += 1
        return False


def _searchable(path: Path, copy: Copy | None, found: InFiles) -> Copy | None:
    """A file whose words can be seen; one that hides them is counted, one that has gone is nothing."""
    kind = path.suffix.lower()
    if copy is None or kind not in SEARCHED or copy.body.startswith(LOCKED_BOOK):
        if os.path.lexists(path):
            found.unsearched[kind or without_surrogates(path.name)] += 1
        return None
    return copy


def _replace(copy: Copy, into: Path, body: bytes) -> bool:
    """Whole or not at all; its time stays, for its age is told by it. False: it is another file by now."""
    other = copy.path.with_name(f"{HELD}{copy.digest[:16]}")
    with other.open("wb") as file:
        file.write(body)
        sync_file(file)
    os.chmod(other, copy.status.st_mode)
    os.utime(other, ns=(copy.status.st_atime_ns, copy.status.st_mtime_ns))
    if not copy.stands():
        other.unlink()
        return False
    other.replace(copy.path)
    if into != copy.path:
        copy.path.rename(into)
    sync_folder(copy.path.parent)
    return True


# files --------------------------------------------------------------------------------------------------------------


def _tidy(places: HandedPlaces) -> None:
    """What a killed erasure left; nobody else is at it."""
    for folder in (*places.finished, *(one.folder for one in places.dropped)):
        for path in folder.rglob(f"{HELD}*"):
            path.unlink(missing_ok=True)


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and not path.name.startswith((".", "~$")):
            yield path


def _stamped(path: Path) -> datetime | None:
    if not re.match(r"\d{8}-\d{6}-", path.name):
        return None
    try:
        return as_utc(datetime.strptime(path.name[:15], READ_AT))  # noqa: DTZ007 - Beijing, says as_utc
    except ValueError:
        return None
