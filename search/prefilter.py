"""Which of many queries one row can be a hit of, without asking each: rules keep hundreds of queries for every signal.

From each query a few tokens are taken of which a hit must hold at least one. A row is asked for its own tokens once;
queries that name none of them are out. Queries that offer no such token (a bare range, a negation) are always in.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Generic, TypeVar

from search.records import Row
from search.text import Segmenter, TextTerm, phrase_term, tight, word_terms
from search.where import AllOf, AnyOf, OneOf, Phrase, Where, Words

Key = TypeVar("Key", bound=Hashable)
Token = tuple[str, object]
"""("w", word), ("g", gram or two in a row) of a text, or (field, value) of a keyword field."""

TELLING = ("w", "g", "enterprises", "repost_of", "id", "url", "products", "issues", "flags")
"""What few rows hold. Other fields (kind, level, place) are taken where a query has nothing better."""


def tokens_needed(where: Where, segmenter: Segmenter) -> frozenset[Token] | None:
    """Tokens of which every hit holds at least one; None where the query offers no such set."""
    match where:
        case Words(text):
            found = [_of_term(term) for term in word_terms(text, segmenter)]
            return _best(each for each in found if each)
        case Phrase(text):
            term = phrase_term(text)
            return _of_term(term) if term else frozenset()
        case OneOf(field, values):
            return frozenset((field, value) for value in values)
        case AllOf(parts):
            return _best(each for part in parts if (each := tokens_needed(part, segmenter)) is not None)
        case AnyOf(parts):
            union: set[Token] = set()
            for part in parts:
                each = tokens_needed(part, segmenter)
                if each is None:
                    return None
                union |= each
            return frozenset(union)
        case _:
            return None


def pieces_needed(where: Where, segmenter: Segmenter) -> frozenset[str] | None:
    """Pieces of text of which every hit holds at least one in its `search.text.tight` title or body: a look that needs
    no cut words. None where the query offers no such set.
    """
    tokens = tokens_needed(where, segmenter)
    if tokens is None or any(name not in ("w", "g") for name, _ in tokens):
        return None
    found = frozenset(tight(str(token)) for _, token in tokens)
    return found if all(found) else None


def _of_term(term: TextTerm) -> frozenset[Token] | None:
    """A word stands in the words view, or its grams in the other one: any two in a row must be there, which few rows
    hold; a single character is in many."""
    if not term.grams:
        return None
    of_grams: Token = ("g", max(_pairs(term.grams) or term.grams, key=len))
    return frozenset([of_grams] if term.word is None else [of_grams, ("w", term.word)])


def _pairs(grams: Sequence[str]) -> list[str]:
    return list(map(" ".join, pairwise(grams)))


def _best(sets: Iterable[frozenset[Token]]) -> frozenset[Token] | None:
    return min(sets, key=lambda each: (any(token[0] not in TELLING for token in each), len(each)), default=None)


def tokens_of(row: Row) -> Iterator[Token]:
    """Every token that `tokens_needed` may ask for; some more than once."""
    for name, value in row.items():
        if name in ("title_words", "body_words"):
            yield from (("w", word) for word in set(value.split()))
        elif name in ("title_grams", "body_grams"):
            grams = value.split()
            yield from (("g", gram) for gram in {*grams, *_pairs(grams)})
        elif isinstance(value, list):
            yield from ((name, each) for each in value)
        elif name not in ("title", "body"):
            yield (name, value)


class Prefilter(Generic[Key]):
    """Queries by key. Fields that a row leaves out are not found: booleans are always written."""

    def __init__(self, queries: Mapping[Key, Where], segmenter: Segmenter) -> None:
        self._by_token: defaultdict[Token, list[Key]] = defaultdict(list)
        self._always: list[Key] = []
        for key, where in queries.items():
            needed = tokens_needed(where, segmenter)
            if needed is None:
                self._always.append(key)
            for token in needed or ():
                self._by_token[token].append(key)

    def candidates(self, row: Row) -> set[Key]:
        """The keys of all queries that the row may be a hit of; every query that it is a hit of is among them."""
        found = set(self._always)
        for token in tokens_of(row):
            found.update(self._by_token.get(token, ()))
        return found
