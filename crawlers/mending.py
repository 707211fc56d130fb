"""Text out of bytes that are not of one piece: a GBK include in a UTF-8 page, a lost byte, a text encoded twice.

Works piece by piece and only where the bytes ask for it; what cannot be mended becomes U+FFFD.
"""

import re

from crawlers.plausible import is_western, plausible

LOST = "\ufffd"
MAX_BROKEN = 2_000_000
"""Bytes up to which broken text is mended; beyond, every broken byte is U+FFFD."""
MAX_BROKEN_RUNS = 3000
SURE = 0.7
"""Plausibility from which a piece is believed to be in another charset than the rest."""
HIGH_RUN = re.compile(rb"[\x80-\xff]+")
UTF8_RUN = re.compile(rb"(?:[\xe3-\xe9\xef][\x80-\xbf]{2}){2,}")
"""Chinese in UTF-8; in GBK text two such sequences in a row do not occur."""
SURROGATES = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]")
SEGMENT = re.compile(rb"[\x80-\xff][^<>\r\n]*")
MAX_SEGMENT = 600
MAX_REALIGNED = 10
"""Bounds of the search for a lost byte: half a second in all."""
TWICE = re.compile(
    "(?:[\u00e3-\u00e9\u00ef][\u0080-\u00bf\u0152-\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]{2}){2,}|\u00e2[\u0080\u20ac][\u0080-\u00bf\u0152-\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]"
)
"""Chinese or a sign like … in UTF-8 that was read as Latin-1 or Windows-1252 once and encoded again."""


def mend_utf8(body: bytes, text: str | None) -> tuple[str, int]:
    """The text of a UTF-8 page and how many pieces were mended. text: the strict decoding, None where it fails."""
    mended = looked_at = 0
    if text is None and len(body) > MAX_BROKEN:
        text = body.decode("utf-8", "replace")
    if text is None:
        pieces: list[str] = []
        at = 0
        for run in HIGH_RUN.finditer(body):
            pieces.append(body[at : run.start()].decode("ascii"))
            piece, changed = _utf8_run(body, run, search=looked_at < MAX_BROKEN_RUNS)
            pieces.append(piece)
            mended += changed
            looked_at += changed or LOST in piece
            at = run.end()
        text = "".join([*pieces, body[at:].decode("ascii")])
    text, once = encoded_once(text)
    return text, mended + once


def mend_gb(body: bytes, text: str | None) -> tuple[str, int]:
    """The same for a GB18030 page, where one lost byte shifts all that follow it."""
    if text is not None and UTF8_RUN.search(body) is None:
        return text, 0
    if len(body) > MAX_BROKEN:
        return body.decode("gb18030", "replace"), 0
    pieces: list[str] = []
    at = mended = 0
    for run in UTF8_RUN.finditer(body):
        alien = run[0].decode("utf-8")
        if plausible(alien) >= SURE > plausible(run[0].decode("gb18030", "replace")):
            pieces += [_gb_part(body[at : run.start()]), alien]
            at = run.end()
            mended += 1
    return "".join([*pieces, _gb_part(body[at:])]), mended


def _utf8_run(body: bytes, run: re.Match[bytes], *, search: bool) -> tuple[str, int]:
    """One stretch of bytes beyond ASCII, and how many pieces of it were no UTF-8 and could be read all the same."""
    data = run[0]
    try:
        return data.decode("utf-8"), 0
    except UnicodeDecodeError:
        rough = SURROGATES.sub(_one_character, data).decode("utf-8", "replace")
    if not search:
        return rough, 0
    if LOST not in rough:
        return rough, 1
    western = data.decode("cp1252", "replace")
    before, after = (
        body[max(run.start() - 1, 0) : run.start()].decode("ascii"),
        body[run.end() : run.end() + 1].decode("ascii"),
    )
    if (before.isalpha() or after.isalpha()) and is_western(before, western, after) and LOST not in western:
        return western, 1
    pieces: list[str] = []
    at = mended = 0
    for sound in (*UTF8_RUN.finditer(data), None):
        text, changed = _alien(data[at : sound.start() if sound else None])
        pieces += [text, sound[0].decode("utf-8") if sound else ""]
        mended += changed
        at = sound.end() if sound else at
    return "".join(pieces), mended


def _alien(data: bytes) -> tuple[str, int]:
    """Bytes between sound UTF-8: GBK where two characters or more make sense, else what is left of UTF-8."""
    rough = data.decode("utf-8", "replace")
    if LOST not in rough or len(data) < 4:
        return rough, 0
    try:
        chinese = data.decode("gb18030")
    except UnicodeDecodeError:
        return rough, 0
    return (chinese, 1) if plausible(chinese) >= max(SURE, plausible(rough)) else (rough, 0)


def _one_character(pair: re.Match[bytes]) -> bytes:
    """An emoji written as two encoded surrogates (CESU-8), as UTF-8."""
    return pair[0].decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass").decode("utf-16").encode()


def _gb_part(part: bytes) -> str:
    try:
        return part.decode("gb18030")
    except UnicodeDecodeError:
        pass
    pieces: list[str] = []
    at = realigned = 0
    for segment in SEGMENT.finditer(part):
        pieces.append(part[at : segment.start()].decode("gb18030", "replace"))
        try:
            pieces.append(segment[0].decode("gb18030"))
        except UnicodeDecodeError:
            realigned += 1
            pieces.append(_realigned(segment[0], search=realigned <= MAX_REALIGNED))
        at = segment.end()
    return "".join([*pieces, part[at:].decode("gb18030", "replace")])


def _realigned(segment: bytes, *, search: bool) -> str:
    """A broken stretch of GB18030, read so that the loss of one byte costs one character and not all that follow."""
    best = segment.decode("gb18030", "replace")
    if not search or len(segment) > MAX_SEGMENT:
        return best
    rate = plausible(best)
    for at in range(len(segment)):
        if segment[at] < 0x80:
            continue
        text = segment[:at].decode("gb18030", "replace") + LOST + segment[at + 1 :].decode("gb18030", "replace")
        if (found := plausible(text)) > rate:
            best, rate = text, found
    return best


def encoded_once(text: str) -> tuple[str, int]:
    """`text` with what was encoded twice made readable, and how many pieces that were."""
    mended = 0

    def once(run: re.Match[str]) -> str:
        nonlocal mended
        try:
            data = b"".join(char.encode("latin-1" if char <= "\xff" else "cp1252") for char in run[0])
            clear = data.decode("utf-8")
        except UnicodeError:
            return run[0]
        if plausible(clear) < SURE:
            return run[0]
        mended += 1
        return clear

    return TWICE.sub(once, text), mended
