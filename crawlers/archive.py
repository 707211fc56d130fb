"""Every fetched page as a WARC record: the evidence that is left when a page is changed or deleted.

One file a process, day and half gigabyte; a record is one gzip member, written with one call and synced before its
document is saved. A process never appends to a file of another one, so a tail torn by kill -9 hurts no one: readers
go by offset and length, and standard WARC tools read up to the tear.
"""

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
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from core.clock import as_utc, beijing_day
from core.errors import FengsuiError
from core.records import ArchiveRef

MAX_FILE = 512 * 1024**2


class ArchiveDamaged(FengsuiError):
    """The archive has no such record, or its payload is not what was written."""


@dataclass
class Archive:
    """Writes records below `folder`. started: names this process's files, so two runs with one pid never share one."""

    folder: Path
    started: datetime
    _day: str = ""
    _number: int = 0
    _size: int = 0
    _name: str = ""
    _handle: int = field(default=-1, repr=False)

    def write_response(
        self, url: str, status: int, headers: Iterable[tuple[str, str]], body: bytes, fetched_at: datetime
    ) -> ArchiveRef:
        """Keep an HTTP answer. body: as decoded; its transport coding is kept as X-Archive-Orig-Content-Encoding."""
        lines = [(f"X-Archive-Orig-{name}" if name.lower() in TRANSPORT else name, value) for name, value in headers]
        lines.append(("Content-Length", str(len(body))))
        http = StatusAndHeaders(str(status), lines, protocol="HTTP/1.1")
        return self._write(url, "response", body, fetched_at, http=http)

    def write_file(self, uri: str, content_type: str, body: bytes, fetched_at: datetime) -> ArchiveRef:
        """Keep a file that did not come over HTTP (an imported table)."""
        return self._write(uri, "resource", body, fetched_at, content_type=content_type)

    def close(self) -> None:
        """Close the current file; the next record opens a new one."""
        if self._handle >= 0:
            os.close(self._handle)
        self._handle, self._day = -1, ""

    def _write(
        self,
        uri: str,
        kind: str,
        body: bytes,
        fetched_at: datetime,
        *,
        http: StatusAndHeaders | None = None,
        content_type: str | None = None,
    ) -> ArchiveRef:
        buffer = BytesIO()
        writer = WARCWriter(buffer, gzip=True)
        stamp = as_utc(fetched_at).strftime("%Y-%m-%dT%H:%M:%SZ")
        record = writer.create_warc_record(
            uri,
            kind,
            payload=BytesIO(body),
            length=len(body),
            http_headers=http,
            warc_content_type=content_type or "",
            warc_headers_dict={"WARC-Date": stamp},
        )
        writer.write_record(record)
        raw = buffer.getvalue()
        self._open_for(fetched_at)
        offset = self._size
        _write_whole(self._handle, raw)
        os.fsync(self._handle)
        self._size += len(raw)
        return ArchiveRef(self._name, offset, len(raw), hashlib.sha256(body).hexdigest())

    def _open_for(self, moment: datetime) -> None:
        """Make sure that the open file is one of `moment`'s day with room in it."""
        day = beijing_day(moment).replace("-", "")
        if self._handle >= 0 and day == self._day and self._size < MAX_FILE:
            return
        self.close()
        self._day, self._size = day, 0
        folder = self.folder / day[:6]
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            self._number += 1
            name = f"{day}-{self.started:%H%M%S%f}-{os.getpid()}-{self._number:04d}.warc.gz"
            try:
                self._handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
            except FileExistsError:
                continue
            self._name = f"{day[:6]}/{name}"
            return


TRANSPORT = frozenset(("content-encoding", "transfer-encoding", "content-length"))


def read_record(archive_dir: Path, ref: ArchiveRef) -> tuple[Mapping[str, str], bytes]:
    """Headers and body of a kept page; `WARC-Target-URI` and `WARC-Date` are among the headers.

    Raises ArchiveDamaged when the file is gone, or the bytes are not those of `ref.sha256`.
    """
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
    headers = dict(record.http_headers.headers) if record.http_headers else {}
    for name in ("WARC-Target-URI", "WARC-Date", "Content-Type"):
        headers.setdefault(name, record.rec_headers.get_header(name) or "")
    return headers, body


def _write_whole(handle: int, raw: bytes) -> None:
    view = memoryview(raw)
    while view:
        view = view[os.write(handle, view) :]
