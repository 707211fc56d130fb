"""A WARC file as what it is below: gzip members one after the other, a record each."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

CHUNK = 256 * 1024
MAGIC = b"\x1f\x8b\x08"
RECORD = b"WARC/"


def holds_together(path: Path) -> bool:
    """Whether a file is there and every member of it is whole, by the checksums of gzip."""
    try:
        return path.stat().st_size == sum(length for _, length in members(path))
    except OSError:
        return False


def members(path: Path) -> Iterator[tuple[int, int]]:
    """Offset and length of each whole gzip member, that is of each record: also of those behind a damaged one, of
    which nothing is told, as of half a member at the end."""
    with path.open("rb") as file:
        place: int | None = 0
        while place is not None:
            for offset, length in _from(file, place):
                yield offset, length
                place = offset + length
            place = _next_record(file, place + 1)


def _from(file: BinaryIO, start: int) -> Iterator[tuple[int, int]]:
    """One behind the other, up to the first that is not whole."""
    read = start
    file.seek(start)
    member = zlib.decompressobj(zlib.MAX_WBITS + 16)
    while data := file.read(CHUNK):
        read += len(data)
        while data:
            try:
                member.decompress(data)
            except zlib.error:
                return
            data = member.unused_data
            if member.eof:
                end = read - len(data)
                yield start, end - start
                start, member = end, zlib.decompressobj(zlib.MAX_WBITS + 16)


def _next_record(file: BinaryIO, place: int) -> int | None:
    """Where the next whole record begins; None: there is none."""
    file.seek(place)
    data = file.read(CHUNK)
    while len(data) > len(MAGIC):
        found = data.find(MAGIC)
        while found >= 0:
            if _is_record(file, place + found):
                return place + found
            found = data.find(MAGIC, found + 1)
        place += len(data) - len(MAGIC) + 1
        file.seek(place)
        data = file.read(CHUNK)
    return None


def _is_record(file: BinaryIO, place: int) -> bool:
    """Whether a whole member begins here, and in it a record."""
    file.seek(place)
    member = zlib.decompressobj(zlib.MAX_WBITS + 16)
    begin, data = b"", file.read(CHUNK)
    try:
        while data and not member.eof:
            begin += member.decompress(data, CHUNK)
            if begin[: len(RECORD)] != RECORD[: len(begin)]:
                return False
            begin, data = begin[: len(RECORD)], member.unconsumed_tail or file.read(CHUNK)
    except zlib.error:
        return False
    return member.eof and begin == RECORD
