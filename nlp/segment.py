"""Word segmentation with our dictionary words: the same for documents, queries and near-duplicates."""

import re
from collections.abc import Iterable
from typing import Protocol

from nlp.normalize import normalize_word, without_surrogates

try:
    import rjieba
except ImportError:  # no wheel for this machine: the same algorithm in pure Python, about 19x slower
    rjieba = None  # type: ignore[assignment]

_WORDY = re.compile(r"[\w%°·.+-]", re.UNICODE)
_FREQUENCY = 20_000  # keeps a dictionary word whole against its parts; jieba's own top words stand at 300 000


class Cutter(Protocol):
    """What both bindings offer."""

    def cut(self, text: str) -> Iterable[str]: ...

    def add_word(self, word: str, freq: int, tag: str) -> object: ...

    def has_word(self, word: str) -> bool: ...


def _pure_python() -> Cutter:
    import jieba  # here: it takes 0.2 s of each process that does not need it

    class Plain(jieba.Tokenizer):  # type: ignore[misc]  # it has no types
        """With the question that the other binding answers too."""

        def has_word(self, word: str) -> bool:
            self.initialize()
            return bool(self.FREQ.get(word))

    plain: Cutter = Plain()
    return plain


class Segmenter:
    """Cuts Chinese text into words. `words`: dictionary words that stay whole."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        self._jieba: Cutter = rjieba.Jieba() if rjieba is not None else _pure_python()
        for word in words:
            plain = normalize_word(word).strip()
            if len(plain) > 1:
                self._jieba.add_word(plain, _FREQUENCY, "nz")

    def cut(self, text: str) -> list[str]:
        """Every piece in order; joined they give `text` (lone surrogates replaced)."""
        return list(self._jieba.cut(without_surrogates(text)))

    def words(self, text: str) -> list[str]:
        """The words, without punctuation and blanks, letters in lower case."""
        pieces = self._jieba.cut(normalize_word(text))
        return [piece.lower() for piece in pieces if piece.isalnum() or _WORDY.search(piece)]

    def knows(self, word: str) -> bool:
        """Whether the general dictionary has `word`: a firm that is called so needs more evidence."""
        return bool(self._jieba.has_word(word))
