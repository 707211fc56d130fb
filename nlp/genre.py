"""What kind of text a document is: drill, advert, science article, plan, rebuttal, football, finance, ...

Each genre has words (weak) and strong words in cues.yaml. The evidence is a number: a strong word counts 2, a weak one
1, a strong one in the title 4; each word counts once. Long texts hold more words, so weak ones are weighed by length.
`patterns` are regular expressions that count like strong words, each once.
"""

from collections.abc import Mapping
from typing import Any

from core.patterns import bounded
from nlp.dictionary import Dictionary
from nlp.normalize import normalize_word

WEAK, STRONG, TITLE = 1.0, 2.0, 4.0
MOST_READ = 5000  # characters in which patterns are looked for
USUAL_LENGTH = 400  # characters; gold's median is 110, long texts 700


class Genres:
    """Reads the genre evidence of a text from dictionary hits."""

    def __init__(self, cues: Mapping[str, Any]) -> None:
        pairs: list[tuple[str, tuple[str, float]]] = []
        for genre, lists in cues.get("article", {}).items():
            pairs += [(normalize_word(word), (genre, WEAK)) for word in lists.get("words", ())]
            pairs += [(normalize_word(word), (genre, STRONG)) for word in lists.get("strong", ())]
        for name, words in cues.get("asserting", {}).items():
            pairs += [(normalize_word(word), (name, WEAK)) for word in words]
        for name, words in cues.get("stance", {}).items():
            pairs += [(normalize_word(word), (f"stance_{name}", WEAK)) for word in words]
        for name in ("sarcasm", "intensify"):
            pairs += [(normalize_word(word), (name, WEAK)) for word in cues.get(name, ())]
        self._dictionary: Dictionary[tuple[str, float]] = Dictionary(pairs)
        self._patterns = [
            (genre, bounded(pattern))
            for genre, lists in cues.get("article", {}).items()
            for pattern in lists.get("patterns", ())
        ]

    def evidence(self, text: str, title_end: int) -> dict[str, float]:
        """The evidence by genre name; a genre without any word is missing. text[:title_end] is the title."""
        found: dict[str, dict[int, float]] = {}
        shrink = min(1.0, USUAL_LENGTH / max(len(text), 1))
        for hit in self._dictionary.find_all(text):
            for genre, weight in self._dictionary.entries[hit.word].meanings:
                strong = TITLE if hit.end <= title_end else STRONG
                worth = shrink if weight == WEAK else strong
                words = found.setdefault(genre, {})
                words[hit.word] = max(words.get(hit.word, 0.0), worth)
        total = {genre: sum(words.values()) for genre, words in found.items()}
        for genre, pattern in self._patterns:
            match = pattern.search(text, 0, MOST_READ)
            if match:
                total[genre] = total.get(genre, 0.0) + (TITLE if match.end() <= title_end else STRONG)
        return total
