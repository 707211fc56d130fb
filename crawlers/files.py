"""Family `file_import`: tables dropped into a folder. A row is a document; a still file is read once.

What a file was read is remembered by the SHA-256 of its bytes, so neither a copy nor a second run imports it again.
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from config.sources import FileImportSource
from core.clock import Clock
from core.errors import SourceChanged
from core.ids import digest
from crawlers.archive import Archive
from crawlers.attached.content import UnreadableFile
from crawlers.attached.sheets import book_sheets, csv_rows
from crawlers.intake import Validators
from crawlers.records import Origin, read_record
from crawlers.run import Run

STILL = timedelta(seconds=2)
"""A file that changed within this time may still be being written."""
PARTIAL = (".tmp", ".part", ".crdownload", ".filepart")
TYPES = {".csv": "text/csv", ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
BATCH = 50
"""Rows between two breaths of the event loop."""


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
            key = f"sha256:{hashlib.sha256(data).hexdigest()}"
            if self.run.intake.validators(self.source.key, key) is not None:
                continue
            read += 1
            try:
                complete = await self._read(path, data)
            except (SourceChanged, UnreadableFile) as error:
                self.run.fail(f"{path.name}: {error}", "changed")
                continue
            if not complete:
                return False
            self.run.intake.remember(self.source.key, key, Validators(body_sha256=key.removeprefix("sha256:")))
        if read == 0:
            self.run.counts["not_modified"] += 1
        return True

    def _files(self) -> Iterator[Path]:
        folder = self.data / (self.source.folder or f"inbox/{self.source.key}")
        if not folder.resolve().is_relative_to(self.data.resolve()):
            self.run.fail(f"folder {self.source.folder!r} is not below the data folder")
            return
        folder.mkdir(parents=True, exist_ok=True)
        names = {path for pattern in self.source.pattern for path in folder.glob(pattern)}
        for path in sorted(names):
            if path.name.startswith((".", "~$")) or path.name.lower().endswith(PARTIAL) or not path.is_file():
                continue
            status = path.stat()
            if self.clock() - datetime.fromtimestamp(status.st_mtime, tz=UTC) < STILL:
                continue
            if status.st_size > self.source.max_size:
                self.run.fail(f"{path.name}: larger than max_size ({self.source.max_size} bytes)")
                continue
            yield path

    async def _read(self, path: Path, data: bytes) -> bool:
        now = self.clock()
        content_type = TYPES.get(path.suffix.lower(), "application/octet-stream")
        kept = self.archive.write_file(f"file:{self.source.key}/{path.name}", content_type, data, now)
        origin = Origin("", now, kept)
        for number, record in enumerate(records_of(self.source, path.name, data)):
            if number % BATCH == BATCH - 1:
                await asyncio.sleep(0)
                if self.stopping():
                    return False
            raw = read_record(self.source, self.source.map, record, origin, now=now)
            if raw is None:
                self.run.problem(f"{path.name}: rows without title and text were left out")
                continue
            self.run.row(raw.published)
            if not raw.external_id:
                raw = replace(raw, external_id=digest(*(f"{name}={value}" for name, value in sorted(record.items()))))
            self.run.save(raw)
        return True


def records_of(source: FileImportSource, name: str, data: bytes) -> Iterator[Mapping[str, str]]:
    """The rows below the header, by header text. The header is the first row that has the column of the title.

    Raises SourceChanged when no row has it, UnreadableFile when the bytes are no table.
    """
    wanted = {_bare(path) for path in (*source.map.title.path, *(source.map.text.path if source.map.text else ()))}
    found = False
    for rows in _sheets(source, name, data):
        header: tuple[str, ...] = ()
        for row in rows:
            if not header:
                if wanted & {_bare(cell) for cell in row}:
                    header, found = tuple(_bare(cell) for cell in row), True
            elif any(row):
                yield {label: value for label, value in zip(header, row, strict=False) if label}
    if not found:
        raise SourceChanged(f"no row of headers with {' or '.join(sorted(wanted))}")


def _sheets(source: FileImportSource, name: str, data: bytes) -> Iterator[Iterator[tuple[str, ...]]]:
    if name.lower().endswith((".xlsx", ".xlsm", ".xls", ".et")):
        for title, rows in book_sheets(data, max_rows=source.max_rows):
            if source.sheet is None or title == source.sheet:
                yield iter(rows)
    else:
        yield csv_rows(data, max_rows=source.max_rows, encoding=source.encoding)


def _bare(label: str) -> str:
    return "".join(label.split()).rstrip(":：*")
