"""Dictionary automaton: every occurrence of many words in one pass."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from daachorse import CharwiseDoubleArrayAhoCorasick

T = TypeVar("T")


class Hit(NamedTuple):
    """text[start:end] is the word with index `word`."""

    start: int
    end: int
    word: int


@dataclass(frozen=True)
class Entry(Generic[T]):
    """A word and everything it may mean."""

    word: str
    meanings: tuple[T, ...]


class Dictionary(Generic[T]):
    """Words with their meanings. Words are given in normalised form; one word may be given more than once."""

    def __init__(self, pairs: Iterable[tuple[str, T]]) -> None:
        grouped: dict[str, list[T]] = {}
        for word, meaning in pairs:
            if word:
                meanings = grouped.setdefault(word, [])
                if meaning not in meanings:
                    meanings.append(meaning)
        self.entries = [Entry(word, tuple(meanings)) for word, meanings in grouped.items()]
        self._automaton = CharwiseDoubleArrayAhoCorasick(list(grouped)) if grouped else None

    def find_all(self, text: str) -> list[Hit]:
        """Every occurrence, overlapping ones too, ordered by end."""
        if self._automaton is None:
            return []
        return [Hit(*hit) for hit in self._automaton.find_overlapping(text)]


def longest(hits: Iterable[Hit]) -> list[Hit]:
    """Hits that don't overlap: the leftmost first, of those that start together the longest."""
    kept: list[Hit] = []
    end = 0
    for hit in sorted(hits, key=lambda hit: (hit.start, -hit.end)):
        if hit.start >= end:
            kept.append(hit)
            end = hit.end
    return kept
