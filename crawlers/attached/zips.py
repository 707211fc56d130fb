"""Whether a zip, or an office file which is one, may be unpacked: by what its parts say, and by whether that is so."""

import zipfile
import zlib
from copy import copy
from pathlib import Path
from typing import BinaryIO

from crawlers.attached.content import MAX_MEMBERS, MAX_RATIO, MAX_UNPACKED, UnreadableFile

LEAST = 10_000
"""Bytes that a small file counts as: its parts are mostly markup that packs well."""
PIECE = 1 << 20
LOCKED = 0x1
BROKEN = (zipfile.BadZipFile, zlib.error, ValueError, OSError, NotImplementedError, RuntimeError, EOFError)


def check_zip(file: BinaryIO | Path, size: int, *, most: int = MAX_UNPACKED) -> None:
    """Raise UnreadableFile where the parts are too many, too large when unpacked, or larger than they say.

    size: of the file.  most: bytes of all parts together. The readers of sheets unpack a part to its end, whatever
    its header says: so each is unpacked once here, piece by piece and no further than a byte beyond what was said.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            unpacked = sum(member.file_size for member in members)
            if len(members) > MAX_MEMBERS or unpacked > most or unpacked > MAX_RATIO * max(size, LEAST):
                raise UnreadableFile(f"解压后过大（{len(members)} 个部分，共 {unpacked} 字节），未读")
            if liar := next((member.filename for member in members if _lies(archive, member)), None):
                raise UnreadableFile(f"解压后过大（{liar[:60]} 比所称的大），未读")
    except UnreadableFile:
        raise
    except BROKEN as error:
        raise UnreadableFile("压缩结构已损坏") from error


def _lies(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    """Whether more comes out than the part's header says. A broken part is told by who reads it."""
    if member.is_dir() or member.flag_bits & LOCKED:
        return False
    asked, seen = copy(member), 0
    asked.file_size += 1  # the library stops at what this says
    del asked.CRC  # which would be that of what was said
    try:
        with archive.open(asked) as stream:
            while piece := stream.read(PIECE):
                seen += len(piece)
    except BROKEN:
        return False
    return seen > member.file_size
