"""Bytes to text. The HTTP header is often wrong on Chinese sites; what decodes cleanly wins.

Order: a byte order mark; then the declared charset (the source's override, header, meta) that decodes cleanly; then
strict UTF-8, then strict GB18030; then the best of them with replacement marks. GB2312 and GBK are read as GB18030, so
that 镕 and 〔〕 survive.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

from w3lib.encoding import http_content_type_encoding, resolve_encoding

META = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{2,30})|<\?xml[^>]{0,100}?encoding\s*=\s*["']([\w.:-]{2,30})""",
    re.I,
)
HEAD = 4096
SINGLE_BYTE = {"cp1252", "iso8859-1", "latin-1", "ascii"}
"""They decode anything, so they are believed only when nothing else fits."""
BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
REPLACED_MOST = 0.001
"""Share of U+FFFD up to which a declared charset is believed: one broken byte is no other charset."""


@dataclass(frozen=True)
class Decoded:
    """text: without a byte order mark.  encoding: the one used.  corrected: a declared charset did not fit."""

    text: str
    encoding: str
    corrected: bool = False


def decode_page(body: bytes, *, content_type: str | None = None, override: str | None = None) -> Decoded:
    """The text of an HTML or XML page. content_type: the HTTP header. Never raises."""
    for mark, encoding in BOMS:
        if body.startswith(mark):
            return Decoded(body[len(mark) :].decode(encoding, "replace"), encoding)
    declared = list(_declared(body, content_type, override))
    trusted = [name for name in declared if name not in SINGLE_BYTE]
    tried = dict.fromkeys([*trusted, "utf-8", "gb18030"])
    for encoding in tried:
        text = _strict(body, encoding)
        if text is not None:
            return Decoded(text, encoding, corrected=bool(declared) and encoding != declared[0])
    if any(name in SINGLE_BYTE for name in declared):
        return Decoded(body.decode("cp1252", "replace"), "cp1252")
    rough = [(body.decode(encoding, "replace"), encoding) for encoding in tried]
    for text, encoding in rough:
        if text.count("�") <= REPLACED_MOST * max(len(text), 1000):
            return Decoded(text, encoding, corrected=bool(declared) and encoding != declared[0])
    text, encoding = min(rough, key=lambda pair: pair[0].count("�"))
    return Decoded(text, encoding, corrected=bool(declared) and encoding != declared[0])


def _declared(body: bytes, content_type: str | None, override: str | None) -> Iterator[str]:
    names = [override, http_content_type_encoding(content_type) if content_type else None]
    match = META.search(body[:HEAD])
    if match:
        names.append((match[1] or match[2]).decode("ascii"))
    for name in names:
        encoding = resolve_encoding(name) if name else None
        if encoding:
            yield "gb18030" if encoding in {"gb2312", "gbk"} else encoding


def _strict(body: bytes, encoding: str) -> str | None:
    try:
        return body.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None
