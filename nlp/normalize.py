"""A text as dictionaries can read it, with the way back to the original offsets.

Full width, traditional, circled and half-broken characters become plain simplified ones; zero-width characters and
separators put between single characters (充 电 器, 电-动-车) are dropped. Matching works on the normalised text,
mentions are given over the original.
"""

import re
import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from opencc import OpenCC

_ZERO_WIDTH = "\u00ad\u200b\u200c\u200d\u2060\ufeff\ufe0f\u180e"
_SPLITTERS = r" \u3000\-·.*_~|/\U0001F300-\U0001FAFF\u2600-\u27bf"
_ODD = re.compile(rf"[{_ZERO_WIDTH}]+|(?:[\u4e00-\u9fff]([{_SPLITTERS}]))(?:[\u4e00-\u9fff]\1)+(?=[\u4e00-\u9fff])")
"""Zero-width characters, or at least two single characters each followed by the same separator, before a third."""


def _translation() -> dict[int, str]:
    """Replacements of one character by one: full width, compatibility forms, traditional characters, broken ones."""
    table: dict[int, str] = {}
    for point in (*range(0xFF01, 0xFF5F), *range(0x2460, 0x2474), *range(0x2F00, 0x2FD6), *range(0xF900, 0xFB00)):
        plain = unicodedata.normalize("NFKC", chr(point))
        if len(plain) == 1:
            table[point] = plain
    # Full-width punctuation separates clauses: it stays.
    for mark in "，。！？；：（）":
        table.pop(ord(mark), None)
    table[ord("\u3000")] = " "
    table[ord("\xa0")] = " "
    table[0] = " "
    hanzi = "".join(chr(point) for point in range(0x4E00, 0xA000))
    simplified = OpenCC("t2s").convert(hanzi)
    if len(simplified) == len(hanzi):
        table.update({ord(old): new for old, new in zip(hanzi, simplified, strict=True) if old != new})
    return table


_TABLE = _translation()
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Normalized:
    """text: what to match in.  offsets: for each of its characters the place in the original; None: the same.

    widths: how many characters of the original stand behind the character at a place, where it is not one.
    """

    text: str
    offsets: "array[int] | None"
    length: int
    widths: Mapping[int, int] = field(default_factory=dict)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The original span of text[start:end] (start < end)."""
        if self.offsets is None:
            return start, end
        return self.offsets[start], self.offsets[end - 1] + self.widths.get(end - 1, 1)

    def place(self, original: int) -> int:
        """Where the original offset lies in `text`: the first kept character at or behind it."""
        return original if self.offsets is None else bisect_left(self.offsets, original)

    def rewritten(self, changes: Iterable[tuple[int, int, str]]) -> "Normalized":
        """With text[start:end] replaced for each change; of changes that overlap the first counts."""
        old = self.offsets if self.offsets is not None else array("l", range(len(self.text)))
        pieces: list[str] = []
        offsets, widths, at = array("l"), {}, 0
        for start, end, new in sorted(changes):
            if start < at:
                continue
            pieces += (self.text[at:start], new)
            offsets.extend(old[at:start])
            # Each new character stands for the whole of what was replaced.
            width = old[end - 1] + self.widths.get(end - 1, 1) - old[start]
            widths.update(dict.fromkeys(range(len(offsets), len(offsets) + len(new)), width))
            offsets.extend([old[start]] * len(new))
            at = end
        pieces.append(self.text[at:])
        offsets.extend(old[at:])
        return Normalized("".join(pieces), offsets, self.length, widths)


def normalize(text: str) -> Normalized:
    """`text` for matching. Any string is accepted, lone surrogates and NUL included."""
    plain = without_surrogates(text).translate(_TABLE)
    odd = [match.span() for match in _ODD.finditer(plain)]
    if not odd:
        return Normalized(plain, None, len(text))
    dropped = {place for start, end in odd for place in range(start, end) if not "\u4e00" <= plain[place] <= "\u9fff"}
    kept = array("l", (place for place in range(len(plain)) if place not in dropped))
    return Normalized("".join(plain[place] for place in kept), kept, len(text))


def normalize_word(word: str) -> str:
    """A dictionary word in the form `normalize` gives to texts."""
    return without_surrogates(word).translate(_TABLE)


def without_surrogates(text: str) -> str:
    """`text` as UTF-8 can carry it: each lone surrogate becomes U+FFFD, the length stays."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return _SURROGATES.sub("\ufffd", text)
    return text
