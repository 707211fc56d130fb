"""Every fetched page as a WARC record: the evidence that is left when a page is changed or deleted.

One file a process, day and half gigabyte, its name in order of time; it begins with a warcinfo record. An exchange is a
response and its request, a gzip member each, written with one call and synced before their document is saved. A process
never appends to a file of another one. While a file is open a mark lies beside it, which its writer holds locked; the
next start mends what was left by a writer that was killed: a torn tail, of which nothing is stored, is cut off.
"""

import fcntl
import hashlib
import os
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from pathlib import Path

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.recordloader import ArcWarcRecord

from core.clock import beijing_day
from core.durable import sync_folder
from core.errors import FengsuiError
from core.records import ArchiveRef
from crawlers.warc import Sent, make_record, packed, request_record, response_record, warcinfo

MAX_FILE = 512 * 1024**2
WHOLE_FILE = "file:"
"""How a dropped file is called in the archive: each of its rows leads to all of it, other people's rows among them."""
OPEN = ".open"
"""Ending of the mark beside a file that is being written."""


class ArchiveDamaged(FengsuiError):
    """The archive has no such record, or its payload is not what was written."""


class ArchiveFull(FengsuiError):
    """A page cannot be kept: nothing of it may be stored, and no more be fetched."""


@dataclass
class Archive:
    """Writes records below `folder`. started: names this process's files, so two runs with one pid never share one."""

    folder: Path
    started: datetime
    max_file: int = MAX_FILE
    _day: str = ""
    _number: int = 0
    _size: int = 0
    _name: str = ""
    _handle: int = field(default=-1, repr=False)
    _mark: int = field(default=-1, repr=False)

    def write_response(
        self,
        url: str,
        status: int,
        headers: Iterable[tuple[str, str]],
        body: bytes,
        fetched_at: datetime,
        *,
        sent: Sent | None = None,
    ) -> ArchiveRef:
        """Keep an HTTP answer, and the request that it answers. Raises ArchiveFull.

        body: as decoded; its transport coding is kept as X-Archive-Orig-Content-Encoding.
        """
        answer = response_record(url, status, headers, body, fetched_at, address=sent.address if sent else None)
        asked = [request_record(url, sent, fetched_at, answer)] if sent else []
        return self._write(answer, body, fetched_at, after=asked)

    def write_file(self, uri: str, content_type: str, body: bytes, fetched_at: datetime) -> ArchiveRef:
        """Keep a file that did not come over HTTP (an imported table). Raises ArchiveFull."""
        record = make_record(uri, "resource", body, fetched_at, content_type=content_type)
        return self._write(record, body, fetched_at)

    def close(self) -> None:
        """Close the current file; the next record opens a new one."""
        if self._handle >= 0:
            os.close(self._handle)
            (self.folder / f"{self._name}{OPEN}").unlink(missing_ok=True)
            os.close(self._mark)
        self._handle, self._day = -1, ""

    def _write(
        self, record: ArcWarcRecord, body: bytes, fetched_at: datetime, *, after: Iterable[ArcWarcRecord] = ()
    ) -> ArchiveRef:
        raw = packed(record)
        rest = b"".join(packed(one) for one in after)
        try:
            self._open_for(fetched_at)
            offset = self._size
            self._append(raw + rest)
        except OSError as problem:
            self._step_back()
            raise ArchiveFull(
                f"the archive cannot be written ({self.folder / self._name}: {problem.strerror}): the page is not "
                "stored and is fetched again later; free space, or check who may write there"
            ) from problem
        return ArchiveRef(self._name, offset, len(raw), hashlib.sha256(body).hexdigest())

    def _append(self, raw: bytes) -> None:
        view = memoryview(raw)
        while view:
            view = view[os.write(self._handle, view) :]
        os.fsync(self._handle)
        self._size += len(raw)

    def _step_back(self) -> None:
        """Take half a record off again, so that the next one stands where its reference says."""
        if self._handle < 0:
            return
        try:
            os.ftruncate(self._handle, self._size)
            os.lseek(self._handle, self._size, os.SEEK_SET)
        except OSError:
            os.close(self._handle)  # the mark stays: the next start mends it
            os.close(self._mark)
            self._handle, self._day = -1, ""

    def _open_for(self, moment: datetime) -> None:
        """Make sure that the open file is one of `moment`'s day with room in it."""
        day = beijing_day(moment).replace("-", "")
        if self._handle >= 0 and day == self._day and self._size < self.max_file:
            return
        self.close()
        folder = self.folder / day[:6]
        folder.mkdir(parents=True, exist_ok=True)
        while self._handle < 0:
            self._number += 1
            name = f"{day}-{self.started:%H%M%S%f}-{os.getpid()}-{self._number:04d}.warc.gz"
            self._name = f"{day[:6]}/{name}"
            if (folder / name).exists():  # another writer's: no mark of ours beside it
                continue
            mark = os.open(folder / f"{name}{OPEN}", os.O_WRONLY | os.O_CREAT, 0o640)
            try:
                fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
            except OSError as problem:
                os.close(mark)
                if isinstance(problem, BlockingIOError | FileExistsError):  # another writer's name
                    continue
                raise
            self._mark, self._day, self._size = mark, day, 0
        sync_folder(folder)
        sync_folder(self.folder)
        self._append(packed(warcinfo(name, moment)))


def read_record(archive_dir: Path, ref: ArchiveRef) -> tuple[Mapping[str, str], bytes]:
    """Headers and body of a kept page; `WARC-Target-URI` and `WARC-Date` are among the headers.

    Raises ArchiveDamaged when the file is gone, or the bytes are not those of `ref.sha256`.
    """
    record, body, _ = record_at(archive_dir, ref)
    headers = dict(record.http_headers.headers) if record.http_headers else {}
    for name in ("WARC-Target-URI", "WARC-Date", "Content-Type"):
        headers.setdefault(name, record.rec_headers.get_header(name) or "")
    return headers, body


def record_at(archive_dir: Path, ref: ArchiveRef) -> tuple[ArcWarcRecord, bytes, bytes]:
    """The record, its payload and its packed bytes. Raises as `read_record`."""
    path = (archive_dir / ref.file).resolve()
    if not path.is_relative_to(archive_dir.resolve()):
        raise ArchiveDamaged(f"{ref.file}: is not inside the archive")
    try:
        with path.open("rb") as file:
            file.seek(ref.offset)
            raw = file.read(ref.length)
    except OSError as error:
        raise ArchiveDamaged(f"{ref.file}: cannot be read: {error.strerror}") from error
    try:
        record = next(iter(ArchiveIterator(BytesIO(raw))))
        body = record.content_stream().read()
    except (StopIteration, ArchiveLoadFailed, zlib.error, EOFError, ValueError) as error:
        raise ArchiveDamaged(f"{ref.file}: no whole record at {ref.offset}") from error
    if hashlib.sha256(body).hexdigest() != ref.sha256:
        raise ArchiveDamaged(f"{ref.file}: the record at {ref.offset} is not what was archived (SHA-256 differs)")
    return record, body, raw
