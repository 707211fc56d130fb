"""What a page of hits does not say by itself: texts like one text (here), what is special in the hits
(search/special.py), pairs never seen before (search/novel.py).

All ask only through SearchBackend, so that both backends answer alike; every count comes from a query, never from an
engine's own statistics.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from search.backend import SearchBackend, SearchRequest
from search.novel import NovelPair, NovelPairs, novel_pairs
from search.special import Special, background_of, significant, significant_words, telling
from search.text import Segmenter, words_of
from search.where import AllOf, AnyOf, Exists, Not, Nothing, OneOf, Phrase, Where, Words

__all__ = [
    "Alike", "NovelPair", "NovelPairs", "Special", "background_of", "more_like", "novel_pairs", "significant",
    "significant_words",
]  # fmt: skip

CANDIDATES = 30
"""Words of a text whose document frequency is asked: one small query each."""
TELLING = 9
"""Words kept of them. Another text must share a third: at three of nine the sample pack's stories stay apart."""
TITLE_WEIGHT = 3.0
"""A word of the title counts as often as three of the body: what search/ranking.py gives it and a little more, since a
headline names the matter once."""
TOO_COMMON = 0.1
"""Share of all signals above which a word tells nothing apart."""
FEW = 50
"""Below so many signals no word is called common: two stories fill a small desk."""
READ = 5_000
"""Characters of a body that are looked at: the matter is named by then."""


@dataclass(frozen=True)
class Alike:
    """Texts like one text. where: to be asked in order of relevance; without the text itself and, unless asked for,
    without reposts, so that one story takes one line.  words: what was looked for, the most telling first.
    shared: how many of them a text must hold.  copies: the same text elsewhere (its origin and all reposts).
    """

    where: Where
    words: tuple[str, ...]
    shared: int
    copies: Where


def count_of(backend: SearchBackend, where: Where, *, territory: str | None = None) -> int:
    """How many signals; nothing is fetched."""
    return backend.search(SearchRequest(where, territory=territory, size=0, facets={}, histogram=False)).total


def more_like(
    backend: SearchBackend,
    document_id: str,
    *,
    words: Segmenter,
    territory: str | None = None,
    reposts: bool = False,
) -> Alike | None:
    """What to ask for texts like this one; None where the text is not in the index or not in `territory`.

    words: the segmenter of the index.  At most 32 small queries. Raises SearchUnavailable.
    """
    itself = OneOf("id", (document_id,))
    found = backend.search(SearchRequest(itself, territory=territory, size=1, facets={}, histogram=False))
    if not found.hits:
        return None
    fields = found.hits[0].fields
    chosen = telling_words(backend, fields["title"], fields["body"], words=words)
    origin = fields["repost_of"] or document_id
    copies = AllOf((AnyOf((OneOf("id", (origin,)), OneOf("repost_of", (origin,)))), Not(itself)))
    shared = max(min(2, len(chosen)), -(-len(chosen) // 3))
    if not chosen:
        return Alike(Nothing(), (), 0, copies)
    # The threshold only includes; the words beside it are what orders the hits and what is marked in them.
    enough = Not(Not(at_least(shared, [Phrase(word) for word in chosen])))
    parts: list[Where] = [AnyOf(tuple(Words(word) for word in chosen)), enough, Not(itself)]
    if not reposts:
        parts += [Not(Exists("repost_of")), Not(OneOf("id", (origin,)))]
    return Alike(AllOf(tuple(parts)), chosen, shared, copies)


def telling_words(backend: SearchBackend, title: str, body: str, *, words: Segmenter) -> tuple[str, ...]:
    """The words by which other texts of the same matter are found: frequent here (the title weighs more), rare
    elsewhere, in at least one other signal. Best first, ties in order of the word."""
    weights: defaultdict[str, float] = defaultdict(float)
    for word, times in Counter(filter(telling, words_of(body[:READ], words))).items():
        weights[word] += 1 + math.log(times)
    for word in dict.fromkeys(filter(telling, words_of(title, words))):
        weights[word] += TITLE_WEIGHT
    # Long words are rare: which ones to ask about is guessed by length, how rare they are is then known.
    likely = sorted(weights, key=lambda word: (-weights[word] * min(len(word), 4), word))[:CANDIDATES]
    everything = backend.count()
    scores = {}
    for word in likely:
        found = count_of(backend, Phrase(word))
        if found > 1 and (everything < FEW or found <= everything * TOO_COMMON):
            scores[word] = weights[word] * math.log((everything + 1) / found)
    return tuple(sorted(scores, key=lambda word: (-scores[word], word))[:TELLING])


def at_least(count: int, parts: Sequence[Where]) -> Where:
    """At least `count` of the parts, by halving: a third of nine words takes some fifty leaves, not 84 triples."""
    if count <= 0 or count > len(parts):
        raise ValueError(f"count is {count} (accepted: 1 to {len(parts)})")
    if count == 1:
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))
    if count == len(parts):
        return AllOf(tuple(parts))
    left, right = parts[: len(parts) // 2], parts[len(parts) // 2 :]
    ways: list[Where] = []
    for here in range(max(0, count - len(right)), min(count, len(left)) + 1):
        pair = [at_least(n, half) for n, half in ((here, left), (count - here, right)) if n]
        ways.append(pair[0] if len(pair) == 1 else AllOf(tuple(pair)))
    return AnyOf(tuple(ways))
