"""Texts that carry the same words: reposts by shared sentences, rewrites by MinHash bands with verification."""

import re
import zlib
from collections.abc import Collection, Sequence

from rensa import RMinHash

from nlp.normalize import normalize_word

_SENTENCE = re.compile(r"[^。！？!?\n；;]+")
_KEPT = re.compile(r"[\u4e00-\u9fffA-Za-z0-9]+")
_SHORTEST = 8  # characters; shorter sentences (“记者 沐秋”) are shared by chance
_LONGEST_TEXT = 200_000
PERMUTATIONS, BANDS = (
    96,
    24,
)  # bands of 4: two texts of similarity 0.5 share a band with probability 0.78, of 0.2 with 0.04
_SHINGLE = 4
_SEED = 20260101


def sentence_hashes(text: str) -> tuple[int, ...]:
    """One unsigned 64-bit number for each different sentence of 8 or more letters, in order of first appearance."""
    found: dict[int, None] = {}
    for match in _SENTENCE.finditer(normalize_word(text[:_LONGEST_TEXT])):
        plain = "".join(_KEPT.findall(match.group()))
        if len(plain) >= _SHORTEST:
            found[_hash64(plain)] = None
    return tuple(found)


def _hash64(text: str) -> int:
    raw = text.encode("utf-8", "replace")
    return (zlib.crc32(raw) << 32) | zlib.crc32(raw[::-1], 0x9E3779B9)


def is_repost(new: Collection[int], old: Collection[int]) -> float:
    """How much of the smaller text stands in the other one, 0-1, by sentence hashes. Two shared sentences at least,
    or the only one there is."""
    shared = len(set(new) & set(old))
    smaller = min(len(set(new)), len(set(old)))
    if not smaller or (shared < 2 and smaller > 1):
        return 0.0
    return shared / smaller


def signature(text: str) -> tuple[int, ...]:
    """The MinHash signature of `text` (96 unsigned 32-bit numbers); equal texts have equal ones, empty text too."""
    plain = "".join(_KEPT.findall(normalize_word(text[:_LONGEST_TEXT])))
    shingles = {plain[place : place + _SHINGLE] for place in range(max(1, len(plain) - _SHINGLE + 1))}
    minhash = RMinHash(num_perm=PERMUTATIONS, seed=_SEED)
    minhash.update(sorted(shingles))
    return tuple(minhash.digest())


def band_keys(signature: Sequence[int]) -> tuple[int, ...]:
    """One 64-bit key a band: texts that share a key are candidates to compare."""
    rows = PERMUTATIONS // BANDS
    keys = []
    for band in range(BANDS):
        part = ",".join(map(str, signature[band * rows : (band + 1) * rows]))
        keys.append(_hash64(f"{band}:{part}"))
    return tuple(keys)


def similarity(a: Sequence[int], b: Sequence[int]) -> float:
    """The estimated Jaccard similarity of two texts by their signatures, 0-1."""
    if not a or len(a) != len(b):
        return 0.0
    return sum(x == y for x, y in zip(a, b, strict=True)) / len(a)
