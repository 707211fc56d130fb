"""Bytes to text. What is declared is often wrong on Chinese sites; the bytes decide, and what was done is said.

Order: a byte order mark; UTF-16 and UTF-32 by their zero bytes; UTF-8 where (nearly) all multi-byte sequences are
valid; the declared charset that fits and gives plausible text; else the most plausible of GB18030, Big5, Shift_JIS and
Windows-1252. GB2312 and GBK are read as GB18030, so that 镕 and 〔〕 survive. Pieces in another charset than the rest
are read as such (crawlers/mending.py); bytes that mean nothing become U+FFFD, and are counted.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

import chardet
from w3lib.encoding import resolve_encoding

from crawlers.mending import LOST, mend_gb, mend_utf8
from crawlers.plausible import plausible

XML_NAME = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']\s*([\w.:-]{1,30})""", re.I)
META = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{2,30})""", re.I)
HEADER = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]{1,30})", re.I)
HEAD = 4096
SAMPLE = 60_000
"""Bytes from the first that is not ASCII on, by which charsets are compared."""
SINGLE_BYTE = {"cp1252", "iso8859-1", "latin-1", "ascii"}
"""They decode anything, so they are held against the others."""
WIDE = ("utf-16", "utf-32", "utf-7", "utf-1", "ucs")
"""Never right where the bytes have passed as ASCII-compatible; UTF-7 never at all."""
BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
ZEROS = ((b"<\0\0\0", "utf-32-le"), (b"\0\0\0<", "utf-32-be"), (b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))
"""How a page begins without a mark (XML 1.0, appendix F)."""
UNDECLARED = ("gb18030", "big5hkscs", "cp932", "cp1252")
UTF8_SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
HIGH = bytes(range(0x80, 0x100))
MOST = 0.7
"""Share of the bytes beyond ASCII in valid UTF-8 sequences from which a page is UTF-8; GBK text reaches 0.2."""
MARGIN = 0.15
"""What a charset nobody declared must be better by."""
FAIR = 0.6
"""Plausibility from which a declared charset that fits is believed without a comparison."""
POOR = 0.75
"""Plausibility of the best below which chardet is asked too; Chinese in its own charset has 0.9 and more."""
GUESSED = 4000
"""Bytes that chardet sees: it takes 5 ms for them."""
KANA = re.compile("[\u3041-\u3093\u30a1-\u30f3]")
MOST_KANA = 0.1
"""Share of kana from which GB text is Japanese: EUC-JP has its kana in the same places."""


@dataclass(frozen=True)
class Decoded:
    """text: without a byte order mark.  encoding: the one used, a Python codec.

    corrected: a declared charset did not fit.  declared, unknown: its name, and the declared name nobody knows.
    replaced: characters that are lost, U+FFFD in the text.  mended: pieces in another charset, read as such.
    """

    text: str
    encoding: str
    corrected: bool = False
    declared: str = ""
    unknown: str = ""
    replaced: int = 0
    mended: int = 0

    def problems(self) -> Iterator[str]:
        """What the reader of the text should know, one sentence each."""
        if self.unknown:
            yield f"the declared charset {self.unknown} is not known, read as {self.encoding}"
        if self.corrected:
            yield f"the declared charset {self.declared} does not fit, read as {self.encoding}"
        elif not self.declared and not self.encoding.startswith("utf"):
            yield f"no known charset is declared, read as {self.encoding}"
        if self.mended:
            yield f"{self.mended} pieces in another charset than the rest, or encoded twice: read as such"
        if self.replaced:
            yield f"{self.replaced} characters are lost: their bytes are broken, replaced by U+FFFD"


def decode_page(body: bytes, *, content_type: str | None = None, override: str | None = None) -> Decoded:
    """The text of an HTML, XML or JSON page. content_type: the HTTP header. Never raises."""
    for mark, encoding in BOMS:
        if body.startswith(mark):
            return _decoded(body[len(mark) :], encoding, encoding)
    names = {name: _python_name(name) for name in _named(body, content_type, override)}
    unknown = next((name for name, known in names.items() if known is None), "")
    declared = [name for name in names.values() if name]
    head = body[:64].lstrip(b" \t\r\n")
    for zeros, encoding in ZEROS:
        if head.startswith(zeros):
            return _decoded(body, encoding, encoding)
    return _decoded(body, _choose(body, declared), declared[0] if declared else "", unknown)


def _decoded(body: bytes, encoding: str, declared: str, unknown: str = "") -> Decoded:
    text, mended = _strict(body, encoding), 0
    if encoding == "utf-8":
        text, mended = mend_utf8(body, text)
    elif encoding == "gb18030":
        text, mended = mend_gb(body, text)
    elif text is None:
        text = body.decode(encoding, "replace")
    same = encoding == declared or (encoding == "cp1252" and declared in SINGLE_BYTE)
    return Decoded(text, encoding, bool(declared) and not same, declared, unknown, text.count(LOST), mended)


def _choose(body: bytes, declared: list[str]) -> str:
    byte_wise = [name for name in declared if not name.startswith(WIDE)]
    if body.isascii():
        return next((name for name in byte_wise if _strict(body, name) is not None), "utf-8")
    first = _first_high(body)
    sample = body[max(first - 100, 0) : first + SAMPLE]
    fitting = [name for name in byte_wise if name not in {*SINGLE_BYTE, "utf-8"} and _strict(body, name) is not None]
    if _strict(body, "utf-8") is not None or _utf8_share(sample) >= MOST:
        return max(["utf-8", *fitting], key=lambda name: _rate(sample, name))
    if fitting and _rate(sample, fitting[0]) >= FAIR:
        return fitting[0]
    return _most_plausible(sample, byte_wise, fitting)


def _most_plausible(sample: bytes, byte_wise: list[str], fitting: list[str]) -> str:
    told = ["cp1252" if name in SINGLE_BYTE else name for name in byte_wise]
    rates = {name: _rate(sample, name) for name in dict.fromkeys([*told, *UNDECLARED])}
    for name in (*told, "gb18030"):
        rates[name] += MARGIN if name in (*fitting, "gb18030", "cp1252") else 0.0
    best = max(rates, key=lambda name: rates[name])
    kana = len(KANA.findall(sample.decode("gb18030", "replace"))) if best == "gb18030" else 0
    if kana > MOST_KANA * len(sample) / 2 and _rate(sample, "euc_jp") >= FAIR:
        return "euc_jp"
    if rates[best] < POOR + MARGIN:
        guess = _python_name(chardet.detect(sample[:GUESSED])["encoding"] or "")
        if guess and not guess.startswith(WIDE) and _rate(sample, guess) > rates[best]:
            return guess
    return best


def _named(body: bytes, content_type: str | None, override: str | None) -> Iterator[str]:
    """The names that are declared, strongest first. Metas count in HTML only: a feed may quote a page."""
    if override:
        yield override
    if content_type and (told := HEADER.search(content_type)):
        yield told[1]
    match = XML_NAME.match(body[:HEAD]) or META.search(body[:HEAD])
    if match:
        yield match[1].decode("ascii")


def _python_name(name: str) -> str | None:
    encoding = resolve_encoding(name)
    if encoding is None:
        return None
    return "gb18030" if encoding in {"gb2312", "gbk"} else encoding


def _first_high(body: bytes) -> int:
    match = re.search(rb"[\x80-\xff]", body)
    return match.start() if match else 0


def _utf8_share(sample: bytes) -> float:
    valid = sum(len(match[0]) for match in UTF8_SEQUENCE.finditer(sample))
    return valid / max(len(sample) - len(sample.translate(None, HIGH)), 1)


def _rate(sample: bytes, encoding: str) -> float:
    return plausible(sample.decode(encoding, "replace"))


def _strict(body: bytes, encoding: str) -> str | None:
    try:
        return body.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None
