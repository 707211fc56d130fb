"""Chinese characters by their sound, without tones."""

import gc
import importlib.util
import json
import sys
import unicodedata
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

_TONES = dict.fromkeys(map(ord, "\u0304\u0301\u030c\u0300"))
"""The four marks, where they stand apart from their vowel."""


def spelt(text: str) -> str:
    """The syllables of a text in a row, in lower case; what is no Chinese character stays (`赣州A` > `ganzhoua`).
    Characters in a known phrase sound as they do there (`重庆` > `chongqing`)."""
    # Here: its phrases take 0.4 s and 50 MB, which a process that spells nothing is spared.
    from pypinyin import lazy_pinyin

    return "".join(lazy_pinyin(text)).lower()


@contextmanager
def phrases_given_back() -> Iterator[None]:
    """Afterwards the phrases of `spelt` are loaded no longer: for who spells once and stays for days."""
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "pypinyin"]:
            del sys.modules[name]
        gc.collect()


def sound_of(char: str) -> str:
    """The usual syllable of a character, without tone; the character itself where it has none."""
    numbers, syllables = _numbered()
    return syllables[numbers[ord(char)]] or char


def usual_sounds() -> Iterator[tuple[str, str]]:
    """Characters with their usual syllable, without tone: from the library's table of characters alone."""
    spec = importlib.util.find_spec("pypinyin")
    assert spec is not None  # it stands in requirements.txt
    table = json.loads((Path(str(spec.origin)).parent / "pinyin_dict.json").read_text(encoding="utf-8"))
    for point, told in table.items():
        apart = unicodedata.normalize("NFD", told.partition(",")[0]).translate(_TONES)
        yield chr(int(point)), unicodedata.normalize("NFC", apart).replace("ü", "v")


@cache
def _numbered() -> tuple[Sequence[int], Sequence[str]]:
    """The number of each character's syllable, and the syllables: 2 MB, where a dictionary takes eight."""
    numbers: dict[str, int] = {"": 0}
    of = array("H", bytes(2 * (sys.maxunicode + 1)))
    for char, sound in usual_sounds():
        of[ord(char)] = numbers.setdefault(sound, len(numbers))
    return of, tuple(numbers)
