"""How a text is worded: learned weights of everyday words (店家, 退货, 演练, 目标价) for or against a risk signal.

The weights come from `python -m nlp.train_risk` on our own texts; names of firms, products and places are left out, so
they cannot be learned. A text's points are the mean weight of its words, scaled.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nlp.reading import Reading
from nlp.segment import Segmenter

LENGTH = 1500  # characters that are read
FEWEST = 10  # a text of fewer words counts as one of so many
SCALE = 3.0
_TELLING = re.compile(r"[\u4e00-\u9fff\U0001f300-\U0001faff]")
_ENGLISH = re.compile(r"[a-z]{3,}")


@dataclass(frozen=True)
class Wording:
    """Weights by word."""

    weights: Mapping[str, float]

    def points(self, words: Iterable[str]) -> float:
        """The points of a set of words; 0 where none is known."""
        listed = set(words)
        total = sum(self.weights.get(word, 0.0) for word in listed)
        return SCALE * total / math.sqrt(max(len(listed), FEWEST))

    def strongest(self, words: Iterable[str], count: int = 5) -> list[str]:
        """The words that weigh most, for reasons."""
        known = [word for word in set(words) if word in self.weights]
        return sorted(known, key=lambda word: (-abs(self.weights[word]), word))[:count]


def words_of(reading: Reading, segmenter: Segmenter) -> set[str]:
    """The different words of the first 1500 characters, without names of firms, products and places.

    English words count in a foreign text only: in a Chinese one they are models and brands.
    """
    text = reading.text[:LENGTH]
    named = [(firm.start, firm.end) for firm in reading.firms]
    named += [(start, end) for start, end, _ in (*reading.products, *reading.regions)]
    pieces: list[str] = []
    place = 0
    for start, end in sorted(named):
        if start >= place:
            pieces += (text[place:start], " ")
            place = end
    pieces.append(text[place:])
    plain = "".join(pieces)
    if reading.foreign:
        return set(_ENGLISH.findall(plain.lower()))
    return {word for word in segmenter.cut(plain) if _TELLING.search(word)}
