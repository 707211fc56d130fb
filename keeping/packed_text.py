"""A person inside of files that are zips of XML: workbooks, documents of office programs, zips of them.

What an office program splits within a name (a bold syllable) is not found; a cell is kept as one.
"""

import zipfile
from collections.abc import Iterator
from io import BytesIO

from crawlers.attached.content import UnreadableFile
from crawlers.attached.zips import BROKEN, check_zip
from keeping.person import MARK, Person

PACKED = b"PK\x03\x04"
MOST = 512 * 1024**2
"""Bytes unpacked."""
DEEP = 2
"""A workbook within a zip."""


def is_in(person: Person, body: bytes) -> bool:
    """Whether a page or file names the person. Raises UnreadableFile for a zip that cannot be searched."""
    return person.is_in(body) or any(person.is_in(part) for part in _parts(body, DEEP))


def masked(person: Person, body: bytes) -> bytes:
    """The same without the person: of a zip every part. Raises UnreadableFile."""
    return _without(person, body, DEEP) if body.startswith(PACKED) else person.masked_bytes(body)


def _parts(body: bytes, deep: int) -> Iterator[bytes]:
    if not body.startswith(PACKED) or not deep:
        return
    for _info, part in _opened(body):
        yield part
        yield from _parts(part, deep - 1)


def _without(person: Person, body: bytes, deep: int) -> bytes:
    if not body.startswith(PACKED) or not deep:
        return _masked_part(person, body)
    parts = [(info, part, _without(person, part, deep - 1)) for info, part in _opened(body)]
    if all(part == made for _, part, made in parts):
        return body
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as target:
        for info, _, made in parts:
            target.writestr(info, made)
    return packed.getvalue()


def _opened(body: bytes) -> Iterator[tuple[zipfile.ZipInfo, bytes]]:
    check_zip(BytesIO(body), len(body), most=MOST)
    try:
        with zipfile.ZipFile(BytesIO(body)) as archive:
            for info in archive.infolist():
                yield info, archive.read(info)
    except BROKEN as error:
        raise UnreadableFile("压缩结构已损坏或有密码") from error


def _masked_part(person: Person, part: bytes) -> bytes:
    """Digits become zeros: a cell that holds a number must go on holding one."""
    return person.byte_pattern.sub(lambda found: (b"0" if found[0].isdigit() else MARK.encode()) * len(found[0]), part)
