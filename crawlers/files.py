"""Family `file_import`: tables and JSON dropped into a folder. A row is a document; a still file is read once.

What a file was read is remembered by the SHA-256 of its bytes, so neither a copy nor a second run imports it again.
"""

import asyncio
import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from config.source_parts import Pick
from config.sources import FileImportSource
from core.clock import Clock
from core.errors import SourceChanged
from core.ids import digest, to_json
from crawlers.archive import WHOLE_FILE, Archive
from crawlers.attached.content import UnreadableFile
from crawlers.intake import Validators
from crawlers.json_files import ENDINGS, json_records
from crawlers.records import Origin, read_record
from crawlers.run import Run
from crawlers.table_files import bare, sheets_of, table_records

STILL = timedelta(seconds=2)
"""A file that changed within this time may still be being written."""
PARTIAL = (".tmp", ".part", ".crdownload", ".filepart")
TYPES = {
    ".csv": "text/csv",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
}
BATCH = 50
"""Rows between two breaths of the event loop."""
TITLES = 100
"""Rows that may stand above the header of a sheet."""
NO_RECORD = "a row without title and text was left out"


@dataclass(frozen=True)
class FileImport:
    """Reads the files of one source. data: the data folder.  stopping: asked between rows."""

    source: FileImportSource
    run: Run
    archive: Archive
    data: Path
    clock: Clock
    stopping: Callable[[], bool]

    async def read_all(self) -> bool:
        """Import what is new; True when nothing was cut short. Rows saved so far stay when it is."""
        read = 0
        for path in self._files():
            try:
                data = path.read_bytes()
            except OSError as error:
                self.run.fail(f"{path.name}: cannot be read: {error.strerror}")
                continue
            digested = hashlib.sha256(data).hexdigest()
            keys = self.source.remembered_as(digested)
            if any(self.run.intake.validators(self.source.key, key) is not None for key in keys):
                continue
            read += 1
            try:
                complete = await self._read(path, data)
            except (SourceChanged, UnreadableFile) as error:
                self.run.fail(f"{path.name}: {error}", "changed")
                continue
            if complete is None:
                return False
            self.run.intake.remember(self.source.key, keys[not complete], Validators(body_sha256=digested))
        if read == 0:
            self.run.counts["not_modified"] += 1
        return True

    def _files(self) -> Iterator[Path]:
        folder = self.data / self.source.place
        if not folder.resolve().is_relative_to(self.data.resolve()):
            self.run.fail(f"folder {self.source.folder!r} is not below the data folder")
            return
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(matching(folder, self.source.pattern)):
            if path.name.startswith((".", "~$")) or path.name.lower().endswith(PARTIAL):
                continue
            status = path.stat()
            if self.clock() - datetime.fromtimestamp(status.st_mtime, tz=UTC) < STILL:
                continue
            if status.st_size > self.source.max_size:
                self.run.fail(f"{path.name}: larger than max_size ({self.source.max_size} bytes)")
                continue
            yield path

    async def _read(self, path: Path, data: bytes) -> bool | None:
        """Import a file: True to its end, False up to max_rows (read on when that is raised), None when told to stop.

        Raises SourceChanged when not one row is a record.
        """
        now = self.clock()
        content_type = TYPES.get(path.suffix.lower(), "application/octet-stream")
        kept = self.archive.write_file(f"{WHOLE_FILE}{self.source.key}/{path.name}", content_type, data, now)
        origin = Origin("", now, kept)
        saved, seen, again = 0, dict[str, str](), list[str]()
        records = records_of(self.source, path.name, data, lambda loss: self.run.problem(f"{path.name}: {loss}"))
        for number, record in enumerate(records):
            if number % BATCH == BATCH - 1:
                await asyncio.sleep(0)
                if self.stopping():
                    return None
            if number >= self.source.max_rows:
                self.run.problem(f"{path.name}: more than {number} rows (max_rows): the rest is not imported")
                return False
            raw = read_record(self.source, self.source.map, record, origin, now=now)
            if raw is None:
                self.run.skip(f"{path.name}: {NO_RECORD}")
                continue
            saved += 1
            self.run.row(raw.published)
            told = _name_of(record)
            if raw.external_id and seen.setdefault(raw.external_id, told) != told:
                again.append(raw.external_id)
            self.run.save(raw if raw.external_id else replace(raw, external_id=told))
        if again:
            self.run.problem(
                f"{path.name}: {len(again)} rows bear the id of an earlier row and take its place, first {again[0]!r}"
                " (key: map.id)"
            )
        if not saved and self.run.skipped[f"{path.name}: {NO_RECORD}"]:
            raise SourceChanged(f"no row has {' or '.join(_wanted(self.source))}")
        return True


def records_of(
    source: FileImportSource, name: str, data: bytes, tell: Callable[[str], None]
) -> Iterator[Mapping[str, Any] | None]:
    """The records of a JSON file, or the rows of a table below its header, by header text.

    The header is the first row that has the column of the title. tell: is told what was lost.
    Raises SourceChanged when no table has it, UnreadableFile when the bytes are no table.
    """
    if name.lower().endswith(ENDINGS):
        yield from json_records(data, items=source.items, encoding=source.encoding)
        return
    wanted = {bare(path) for path in _wanted(source)}
    picks = (value for _, value in source.map if isinstance(value, Pick))
    known = {bare(path) for pick in (*picks, *source.map.fields.values()) for path in pick.path}
    found, missing = False, SourceChanged(f"has no sheet {source.sheet!r} (key: sheet)")
    sheets = sheets_of(name, data, max_rows=source.max_rows + TITLES, encoding=source.encoding, tell=tell)
    for title, rows in sheets:
        if source.sheet is not None and title and title != source.sheet:
            continue
        try:
            yield from (record or None for record in table_records(iter(rows), wanted, known))
            found = True
        except SourceChanged as problem:
            missing = problem
    if not found:
        raise missing


def _wanted(source: FileImportSource) -> tuple[str, ...]:
    """What a record must have one of: the paths of title and text."""
    return (*source.map.title.path, *(source.map.text.path if source.map.text else ()))


def matching(folder: Path, patterns: Collection[str]) -> set[Path]:
    """Files of a folder by pattern, in capitals or not: A.CSV is a *.csv."""
    below = {pattern for pattern in patterns if "/" in pattern}
    here = [pattern.lower() for pattern in patterns if pattern not in below]
    found = {path for path in folder.iterdir() if any(fnmatchcase(path.name.lower(), pattern) for pattern in here)}
    found.update(path for pattern in below for path in folder.glob(pattern))
    return {path for path in found if path.is_file()}


def _name_of(record: Mapping[str, Any] | None) -> str:
    """The id of a row that has none of its own: all that it says."""
    if record is None or any(not isinstance(value, str) for value in record.values()):
        return digest(to_json(record))
    return digest(*(f"{name}={value}" for name, value in sorted(record.items()) if name == bare(name)))
