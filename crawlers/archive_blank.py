"""A record of the archive made empty where it lies: same length, so that every other record stays where it is.

What stands there afterwards is a whole gzip member with a WARC record of type metadata that says why; the member's
comment field fills it up to the length of what was there.
"""

import zlib
from datetime import datetime
from pathlib import Path
from struct import pack
from uuid import uuid4

from core.clock import as_utc
from core.durable import sync_file

HEAD = b"\x1f\x8b\x08\x10\x00\x00\x00\x00\x02\xff"
"""Of gzip: deflate, with a comment, without a time."""
BLANK = b"blank"
FILL = b"."


def is_blank(path: Path, offset: int) -> bool:
    """Whether the record there was made empty before."""
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(len(HEAD) + len(BLANK)) == HEAD + BLANK


def blank(path: Path, offset: int, length: int, *, note: str, now: datetime) -> None:
    """Write over a record, synced. note: why, for who reads the archive with other tools."""
    raw = _member(_record(note, now), length) or _member(b"", length)
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(raw)
        sync_file(file)


def _record(note: str, now: datetime) -> bytes:
    body = note.encode()
    lines = (
        "WARC/1.0", "WARC-Type: metadata", f"WARC-Record-ID: <urn:uuid:{uuid4()}>",
        f"WARC-Date: {as_utc(now):%Y-%m-%dT%H:%M:%SZ}", "Content-Type: text/plain", f"Content-Length: {len(body)}",
    )  # fmt: skip
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body + b"\r\n\r\n"


def _member(content: bytes, length: int) -> bytes:
    """A gzip member of exactly that length; empty where it would be longer."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    rest = packer.compress(content) + packer.flush() + pack("<II", zlib.crc32(content), len(content))
    room = length - len(HEAD) - 1 - len(rest)
    if room < len(BLANK):
        return b""
    return HEAD + BLANK + FILL * (room - len(BLANK)) + b"\0" + rest
