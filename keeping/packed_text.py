"""A person inside of files that are zips of XML: workbooks, documents of office programs, zips of them.

What an office program splits within a name (a bold syllable) is not found; a cell is kept as one.
"""

import codecs
import lzma
import re
import struct
import zipfile
from collections.abc import Iterator
from io import BytesIO

from crawlers.attached.content import UnreadableFile
from crawlers.attached.zips import BROKEN, check_zip
from keeping.person import MARK, Person

PACKED = b"PK\x03\x04"
WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
BAD = (*BROKEN, lzma.LZMAError, struct.error)
UTF8 = 0x800
MOST = 512 * 1024**2
"""Bytes unpacked."""
DEEP = 2
"""A workbook within a zip."""


def is_in(person: Person, body: bytes) -> bool:
    """Whether a page or file names the person. Raises UnreadableFile for a zip that cannot be searched."""
    if body.startswith(WIDE):
        return person.pattern.search(body.decode("utf-16", "replace")) is not None
    if not body.startswith(PACKED):
        return person.is_in(body)
    # All of it, to its end: what cannot be masked is not said to be found. What is packed is no text.
    return sum(person.is_in(part) for part in _parts(body, DEEP)) > 0


def masked(person: Person, body: bytes, *, numbers: bool = False) -> bytes:
    """The same without the person: of a zip every part. numbers: those that are none in quotes go on being numbers.
    Raises UnreadableFile."""
    if body.startswith(WIDE):
        charset = "utf-16-le" if body.startswith(codecs.BOM_UTF16_LE) else "utf-16-be"
        return person.masked(body.decode(charset, "surrogatepass")).encode(charset, "surrogatepass")
    if body.startswith(PACKED):
        return _without(person, body, DEEP)
    return _masked_part(person, body, b"1") if numbers else person.masked_bytes(body)


def _parts(body: bytes, deep: int) -> Iterator[bytes]:
    for info, part in _opened(body, deep):
        yield _named(info).encode()
        if part.startswith(PACKED):
            yield from _parts(part, deep - 1)
        else:
            yield part


def _without(person: Person, body: bytes, deep: int) -> bytes:
    if not body.startswith(PACKED):
        return _masked_part(person, body)
    parts = [(info, part, _without(person, part, deep - 1)) for info, part in _opened(body, deep)]
    names = [person.masked_name(_named(info)) for info, _, _ in parts]
    if all(part == made and name == _named(info) for (info, part, made), name in zip(parts, names, strict=True)):
        return body
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as target:
        for (info, _, made), name in zip(parts, names, strict=True):
            info.filename = name
            target.writestr(info, made)
    return packed.getvalue()


def _named(info: zipfile.ZipInfo) -> str:
    """Its name: Windows writes Chinese ones in GBK and does not say so."""
    try:
        return info.filename if info.flag_bits & UTF8 else info.filename.encode("cp437").decode("gb18030")
    except UnicodeError:
        return info.filename


def _opened(body: bytes, deep: int) -> Iterator[tuple[zipfile.ZipInfo, bytes]]:
    if not deep:
        raise UnreadableFile("压缩文件里套了太多层")
    try:
        check_zip(BytesIO(body), len(body), most=MOST)
        with zipfile.ZipFile(BytesIO(body)) as archive:
            for info in archive.infolist():
                yield info, archive.read(info)
    except UnreadableFile:
        raise
    except BAD as error:
        raise UnreadableFile("压缩结构已损坏或有密码") from error


def _masked_part(person: Person, part: bytes, first: bytes = b"0") -> bytes:
    """Digits become zeros: a cell that holds a number must go on holding one. first: JSON's begin with no zero."""

    def mark(found: "re.Match[bytes]") -> bytes:
        if found[0].isdigit():
            return first + b"0" * (len(found[0]) - 1)
        return MARK.encode() * len(found[0])

    return person.byte_pattern.sub(mark, part)
