"""A record of the archive made empty where it lies: same length, so that every other record stays where it is.

What stands there afterwards is a whole gzip member with a WARC record of type metadata that says why; the member's
comment field fills it up to the length of what was there. What is to be blanked is noted beside the file first: a kill
in the middle of a record would leave half of it, and hide all behind it (`finish_blanks`).
"""

import json
import os
import zlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from struct import pack
from uuid import NAMESPACE_URL, uuid5

from core.clock import as_utc
from core.durable import sync_file, sync_folder

HEAD = b"\x1f\x8b\x08\x10\x00\x00\x00\x00\x02\xff"
"""Of gzip: deflate, with a comment, without a time."""
BLANK = b"blank"
FILL = b"."
NOTED = ".blanking"
"""Ends the name of what says which records of a file are being made empty."""


def is_blank(path: Path, offset: int) -> bool:
    """Whether the record there was made empty before."""
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(len(HEAD) + len(BLANK)) == HEAD + BLANK


def blank(path: Path, spots: Sequence[tuple[int, int]], *, note: str, now: datetime) -> None:
    """Write over records, synced. spots: offset and length of each.  note: why, for who reads it with other tools."""
    noted = path.with_name(f"{path.name}{NOTED}")
    written = noted.with_name(f"{noted.name}.new")
    with written.open("w", encoding="utf-8") as file:
        json.dump({"spots": list(spots), "note": note, "at": as_utc(now).isoformat()}, file, ensure_ascii=False)
        sync_file(file)
    written.replace(noted)
    sync_folder(path.parent)
    finish_blanks(path)


def finish_blanks(path: Path) -> int:
    """Make empty what was noted beside a file, and forget the note; how many records. Done twice it writes the same."""
    noted = path.with_name(f"{path.name}{NOTED}")
    try:
        told = json.loads(noted.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return 0
    now = datetime.fromisoformat(told["at"])
    handle = os.open(path, os.O_WRONLY)
    try:
        for offset, length in told["spots"]:
            content = _record(told["note"], now, f"{path.name} {offset}")
            os.pwrite(handle, _member(content, length) or _member(b"", length), offset)
        os.fsync(handle)
    finally:
        os.close(handle)
    noted.unlink(missing_ok=True)
    sync_folder(path.parent)
    return len(told["spots"])


def _record(note: str, now: datetime, name: str) -> bytes:
    body = note.encode()
    lines = (
        "WARC/1.0", "WARC-Type: metadata", f"WARC-Record-ID: <urn:uuid:{uuid5(NAMESPACE_URL, name)}>",
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
