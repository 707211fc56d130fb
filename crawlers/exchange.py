"""A kept page as it went over the wire: the answer with its headers, the request, the records themselves."""

import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from warcio.archiveiterator import ArchiveIterator

from core.records import ArchiveRef
from crawlers.archive import record_at

LONGEST_REQUEST = 1024**2
"""Bytes of a packed request that are read; ours are a few hundred."""


@dataclass(frozen=True)
class Exchange:
    """url: as asked for.  heads: of the answer, and of the request where it was kept, as text.  body: the answer's
    payload.  records: the WARC records, a valid file by themselves.  content_type: of the answer."""

    url: str
    fetched: str
    content_type: str
    answer_head: str
    request_head: str
    body: bytes
    records: bytes


def read_exchange(archive_dir: Path, ref: ArchiveRef) -> Exchange:
    """Raises ArchiveDamaged when the record is gone, or its payload is not what was archived."""
    record, body, raw = record_at(archive_dir, ref)
    request = _request_after(archive_dir / ref.file, ref, record.rec_headers.get_header("WARC-Record-ID"))
    asked = next(iter(ArchiveIterator(BytesIO(request)))) if request else None
    heads = record.http_headers
    own_type = record.rec_headers.get_header("Content-Type") or ""
    return Exchange(
        url=record.rec_headers.get_header("WARC-Target-URI") or "",
        fetched=record.rec_headers.get_header("WARC-Date") or "",
        content_type=(heads.get_header("Content-Type") or "") if heads else own_type,
        answer_head=heads.to_str() if heads else "",
        request_head=asked.http_headers.to_str() if asked and asked.http_headers else "",
        body=body,
        records=raw + request,
    )


def _request_after(path: Path, ref: ArchiveRef, answer: str) -> bytes:
    """The packed request record behind an answer; empty where none was kept (files written before it was)."""
    with path.open("rb") as file:
        file.seek(ref.offset + ref.length)
        raw = _member(file)
    try:
        head = zlib.decompressobj(zlib.MAX_WBITS + 16).decompress(raw, 8192)
    except zlib.error:
        return b""
    return raw if f"WARC-Concurrent-To: {answer}".encode() in head and b"WARC-Type: request" in head else b""


def _member(file: BinaryIO) -> bytes:
    """The next whole gzip member; empty where there is none."""
    data = file.read(LONGEST_REQUEST)
    member = zlib.decompressobj(zlib.MAX_WBITS + 16)
    try:
        member.decompress(data)
    except zlib.error:
        return b""
    return data[: len(data) - len(member.unused_data)] if member.eof else b""
