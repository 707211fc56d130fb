"""A WARC file as what it is below: gzip members one after the other, a record each."""

import zlib
from collections.abc import Iterator
from pathlib import Path

CHUNK = 256 * 1024


def members(path: Path) -> Iterator[tuple[int, int]]:
    """Offset and length of each gzip member, that is of each record. Ends before half a member at the end."""
    start = read = 0
    member = zlib.decompressobj(zlib.MAX_WBITS + 16)
    with path.open("rb") as file:
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
