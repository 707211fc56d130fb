"""What names are looked up by: pairs of characters and of syllables, and keys that whole names share.

The same functions make the keys of a registry and of a question; they are part of the format of compiled files.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any
from zlib import crc32

import numpy as np

from enterprises.name_parts import NameParts
from nlp.pinyin import usual_sounds

Ints = np.ndarray[Any, np.dtype[np.uint32]]
BUCKETS = 1 << 21
_SHIFT = np.uint32(32 - 21)
_A, _B, _C = np.uint32(0x9E3779B1), np.uint32(0x85EBCA77), np.uint32(0xC2B2AE3D)
_SOUND = np.uint32(0x5BD1E995)
_LATIN = 0x250
_PLAIN = str.maketrans("ḿê", "me")
_SYLLABLE = re.compile("[a-z]+")


@dataclass(frozen=True)
class Sounds:
    """How characters sound. of: number of the syllable by code point, 0 for none.  syllables: by number."""

    of: np.ndarray[Any, np.dtype[np.uint16]]
    syllables: tuple[str, ...]

    @cached_property
    def _by_sign(self) -> dict[str, str]:
        """A look-up in an array of numpy takes five times as long."""
        return {chr(point): self.syllables[self.of[point]] for point in np.flatnonzero(self.of).tolist()}

    def spell(self, text: str) -> tuple[str, ...]:
        """The syllables of a text; what is no Chinese character stays."""
        known = self._by_sign
        return tuple([known.get(sign, sign) for sign in text])


@cache
def numbered_sounds() -> Sounds:
    """The usual syllable of each character, without tones."""
    numbers: dict[str, int] = {"": 0}
    table = np.zeros(0x10000, np.uint16)
    for char, sound in usual_sounds():
        plain = sound.translate(_PLAIN)
        if ord(char) < len(table) and _SYLLABLE.fullmatch(plain):
            table[ord(char)] = numbers.setdefault(plain, len(numbers))
    return Sounds(table, tuple(numbers))


def pairs_of(texts: Sequence[str], sounds: Sounds) -> tuple[Ints, Ints]:
    """Bucket and number of the text of each pair of characters (three of Latin ones) and of syllables, in any order."""
    joined = "\0".join(texts) + "\0\0"
    points = np.frombuffer(joined.encode("utf-32-le", "replace"), np.uint32)
    owner = np.cumsum(points == 0, dtype=np.uint32) - (points == 0)
    first, second, third = points[:-2], points[1:-1], points[2:]
    both = (first > 0) & (second > 0)
    latin = (first < _LATIN) & (second < _LATIN)
    with np.errstate(over="ignore"):
        pair = ((first * _A ^ second * _B) * _C) >> _SHIFT
        three = ((first * _B ^ second * _C ^ third * _A) * _B) >> _SHIFT
        spoken = sounds.of[np.minimum(points, 0xFFFF)].astype(np.uint32)
        low, high = np.minimum(spoken[:-2], spoken[1:-1]), np.maximum(spoken[:-2], spoken[1:-1])
        sound = ((low * _B ^ high * _A ^ _SOUND) * _C) >> _SHIFT
    of_pairs, of_three = both & ~latin, both & latin & (third > 0) & (third < _LATIN)
    of_sounds = low > 0
    buckets = np.concatenate((pair[of_pairs], three[of_three], sound[of_sounds]))
    owners = owner[:-2]
    return buckets, np.concatenate((owners[of_pairs], owners[of_three], owners[of_sounds]))


def sound_pairs(syllables: Sequence[str], sounds: Sounds) -> Ints:
    """Buckets of the pairs of syllables that somebody typed in letters."""
    number = {word: place for place, word in enumerate(sounds.syllables)}
    spoken = np.array([number.get(word, 0) for word in syllables], np.uint32)
    low, high = np.minimum(spoken[:-1], spoken[1:]), np.maximum(spoken[:-1], spoken[1:])
    with np.errstate(over="ignore"):
        found: Ints = ((low * _B ^ high * _A ^ _SOUND) * _C) >> _SHIFT
    return found[low > 0]


def gram_text(parts: NameParts) -> str:
    """What pairs are taken of: without the legal form, which says nothing."""
    return parts.base + parts.branch if parts.base else parts.text


def key(kind: str, text: str) -> int:
    """A key that whole names share. kind: t text, c core, o own name, p pinyin, i initials, k and l halves of codes."""
    return crc32(f"{kind}:{text}".encode("utf-8", "replace"))


def name_keys(parts: NameParts, sounds: Sounds) -> Iterator[int]:
    """The keys of a name."""
    texts = {parts.text, parts.base, parts.core, parts.own} - {""}
    yield key("t", parts.text)
    yield key("t", parts.base)
    yield key("c", parts.core)
    yield key("o", parts.own)
    if parts.words:
        yield key("p", parts.own)
        if len(parts.words) > 1:
            yield key("i", "".join(word[0] for word in parts.words))
        return
    for text in texts:
        syllables = sounds.spell(text)
        yield key("p", "".join(syllables))
        yield key("i", "".join([word[0] for word in syllables]))
    if parts.trade and (called := parts.called):
        yield key("i", "".join([word[0] for word in sounds.spell(called)]))


def code_keys(code: str) -> tuple[int, int]:
    """The keys of the halves of a credit code: one wrong sign leaves the other half."""
    return key("k", code[:9]), key("l", code[-9:])
