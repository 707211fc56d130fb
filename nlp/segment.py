"""Word segmentation with our dictionary words: the same for documents, queries and near-duplicates."""

import re
from collections.abc import Iterable
from typing import Protocol

from nlp.normalize import normalize_word, without_surrogates

try:
    from rjieba import Jieba
except ImportError:  # a machine the binding has no wheel for: the same algorithm in pure Python, about 19x slower
    from jieba import Tokenizer as Jieba

_WORDY = re.compile(r"[\w%°·.+-]", re.UNICODE)
_FREQUENCY = 20_000  # keeps a dictionary word whole against its parts; jieba's own top words stand at 300 000


class Cutter(Protocol):
    """What both bindings offer."""

    def cut(self, text: str, hmm: bool = True) -> Iterable[str]: ...


class Segmenter:
    """Cuts Chinese text into words. `words`: dictionary words that stay whole."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        self._jieba = Jieba()
        for word in words:
            plain = normalize_word(word).strip()
            if len(plain) > 1:
                self._jieba.add_word(plain, _FREQUENCY, "nz")

    def cut(self, text: str) -> list[str]:
        """Every piece in order; joined they give `text` (lone surrogates replaced)."""
        return list(self._jieba.cut(without_surrogates(text)))

    def words(self, text: str) -> list[str]:
        """The words, without punctuation and blanks, letters in lower case."""
        return [word.lower() for word in self._jieba.cut(normalize_word(text)) if _WORDY.search(word)]

    def knows(self, word: str) -> bool:
        """Whether the general dictionary has `word`: a firm that is called so needs more evidence."""
        has_word = getattr(self._jieba, "has_word", None)
        if has_word is None:
            return bool(self._jieba.FREQ.get(word))
        return bool(has_word(word))
