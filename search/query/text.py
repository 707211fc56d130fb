"""Bare text in queries: words, their synonyms, phrases and words with wildcards, as conditions on the texts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from search.query.tree import Value
from search.text import fold
from search.where import AllOf, AnyOf, Everything, Exists, Phrase, Where, WildText, Words

Synonyms = Mapping[str, tuple[str, ...]]
NO_SYNONYMS: Synonyms = {}
_SHORTEST_WORD = 2  # characters


@dataclass
class TextBinder:
    """Reads the text of values. synonyms: other words by folded word; quoted words are taken as they stand."""

    synonyms: Synonyms
    _known: re.Pattern[str] | None = field(init=False)

    def __post_init__(self) -> None:
        longest_first = sorted(self.synonyms, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def ask(self, value: Value, fields: tuple[str, ...] | None = None) -> Where:
        """What `value` asks of the fields; of title and body where none are given."""
        chosen: Mapping[str, tuple[str, ...]] = {"fields": fields} if fields else {}
        if value.quoted:
            return Phrase(value.text, **chosen)
        if value.anything:
            return AnyOf(tuple(Exists(name) for name in fields)) if fields else Everything()
        if not value.wild:
            return self._words(value.text, chosen)
        # `电动* 起火`: each word on its own, so that the wildcard stays inside one word.
        parts = [
            WildText(tuple(map(fold, word)), **chosen) if len(word) > 1 else self._words(word[0], chosen)
            for word in _words_of(value.parts)
        ]
        return AllOf(tuple(parts))

    def _words(self, text: str, chosen: Mapping[str, tuple[str, ...]]) -> Where:
        """All of the words; one that has synonyms is found by any of them too."""
        pieces = [part for piece in text.split() for part in self._split(piece)]
        others = {piece: self.synonyms.get(fold(piece), ()) for piece in pieces}
        if not any(others.values()):
            return Words(text, **chosen)
        parts = tuple(
            AnyOf((Words(piece, **chosen), *(Phrase(other, **chosen) for other in others[piece])))
            if others[piece]
            else Words(piece, **chosen)
            for piece in pieces
        )
        return parts[0] if len(parts) == 1 else AllOf(parts)

    def _split(self, piece: str) -> list[str]:
        """`赣州电瓶车起火` as 赣州, 电瓶车 and 起火; left whole where a single character would remain (电动车间)."""
        if self._known is None:
            return [piece]
        cuts = [0, *(edge for found in self._known.finditer(fold(piece)) for edge in found.span()), len(piece)]
        parts = [piece[start:end] for start, end in pairwise(cuts) if start < end]
        return parts if all(len(part) >= _SHORTEST_WORD for part in parts) else [piece]


def _words_of(parts: tuple[str, ...]) -> list[list[str]]:
    """A literal with wildcards cut at its blanks: each word as the text around its own wildcards."""
    words: list[list[str]] = [[""]]
    for number, part in enumerate(parts):
        if number:
            words[-1].append("")
        head, *more = re.split(r"\s+", part)
        words[-1][-1] += head
        words += [[piece] for piece in more]
    return [[word[0], *filter(None, word[1:-1]), *word[1:][-1:]] for word in words if len(word) > 1 or word[0]]
