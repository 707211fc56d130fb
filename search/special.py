"""What is special in the hits of a search: values and words that more of them hold than chance would put there.

Measure: G2, the log-likelihood ratio of the table (hit or not) x (holds it or not), Dunning 1993. JLH asks how many
times more often, and so puts a value of three hits that is nowhere else above everything; G2 weighs how sure the
difference is, and its scale is known: with one degree of freedom 10.83 is passed by chance once in a thousand values.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from search.backend import Hit, SearchBackend, SearchRequest, SearchResult, Sort
from search.text import Segmenter, fold, words_of
from search.where import AllOf, AnyOf, Everything, Not, OneOf, Phrase, Scalar, Where, WildText, both, wanted_text

SURE = 10.83
"""G2 that chance passes once in 1,000 (chi square, one degree of freedom)."""
LIFT = 1.2
"""A share must be so many times the usual one: among many hits a difference nobody cares about is sure as well."""
FEWEST = 3
"""Hits that must hold a value: two are a coincidence."""
FIELDS = ("products", "issues", "enterprises", "territory", "source", "kind")
LONGER = timedelta(days=365)
ASKED_APART = 20
"""Values of a field beyond the background's most frequent ones whose count is asked one by one."""
SAMPLE, CONTRAST = 150, 100
"""Newest hits, and newest others, whose texts are read for words."""
READ = 600
"""Characters of a body that are read."""
COUNTED = re.compile(
    r"[第近约]?[\d.一二两三四五六七八九十百千万亿几数多]+[个名人次起件批家只辆台种户年月日号条份套元天时分万余多]*"
)
LOOKED_AT = 16
"""Words whose true counts are asked: two small queries each."""


@dataclass(frozen=True)
class Special:
    """A value of `field` (`words`: a word of title or body) in `hits` of `of_hits` hits, where of all `of_all` signals
    `all` hold it. score: G2."""

    field: str
    value: Scalar
    hits: int
    of_hits: int
    all: int
    of_all: int
    score: float

    @property
    def lift(self) -> float:
        """How many times as often as usual."""
        return self.hits * self.of_all / (self.of_hits * self.all)


def background_of(request: SearchRequest, *, now: datetime) -> SearchRequest | None:
    """What the hits of `request` are held against: all signals of its time and territory; where nothing but a time was
    asked for, all of the year up to its end. None where the two would be the same."""
    plain = replace(request, where=Everything(), filters={}, without={})
    if not isinstance(request.where, Everything) or request.filters or request.without:
        return plain
    longer = min(request.to or now, now) - LONGER
    if request.from_ is None or request.from_ <= longer:
        return None
    return replace(plain, from_=longer)


def significant(
    backend: SearchBackend,
    request: SearchRequest,
    background: SearchRequest,
    *,
    fields: Sequence[str] = FIELDS,
    counted: SearchResult | None = None,
) -> tuple[Special, ...]:
    """Values that are special in the hits of `request`, the surest first; `background` must hold all of them.

    Fields the request itself asks about are left out: of course 电动自行车 is in all hits of 产品:电动自行车.
    counted: an answer to `request` that has facets of `fields` already. Two queries and at most 20 small ones a field.
    """
    wanted = [name for name in fields if name not in _asked_about(request)]
    facets = dict.fromkeys(wanted, 1000)
    if counted is None:
        counted = backend.search(_counting(request, facets))
    usual = backend.search(_counting(background, facets))
    found = []
    for name in wanted:
        known = {value.value: value.count for value in usual.facets[name]}
        unknown = 0
        for value in counted.facets[name]:
            if value.count < FEWEST:
                break
            if value.value not in known:
                unknown += 1
                if unknown > ASKED_APART:
                    continue
                known[value.value] = _count(backend, background, OneOf(name, (value.value,)))
            found.append((name, value.value, value.count, known[value.value]))
    return _surest(found, counted.total, usual.total)


def significant_words(
    backend: SearchBackend, request: SearchRequest, background: SearchRequest, *, words: Segmenter, most: int = 10
) -> tuple[Special, ...]:
    """Words of title and body that are special in the hits, the surest first, at most `most`.

    Found in the newest 150 hits beside the newest 100 other signals, then counted in all of them: four queries and at
    most 32 small ones.  words: the segmenter of the index.
    """
    front, rest = request.everything_asked(), Not(request.everything_asked())
    ours = backend.search(_newest(request, request.where, SAMPLE))
    others = backend.search(_newest(background, rest, CONTRAST))
    here, there = (_frequencies(result.hits, words) for result in (ours, others))
    asked = "\0".join(fold(leaf.text) for leaf in wanted_text(front) if not isinstance(leaf, WildText))
    n, m = min(ours.total, SAMPLE), min(ours.total, SAMPLE) + min(others.total, CONTRAST)
    guessed = [
        ("words", word, times, times + there[word])
        for word, times in here.items()
        if times >= min(FEWEST, n) and word not in asked
    ]
    likely = sorted(
        (one for one in guessed if one[2] * m > LIFT * n * one[3]),
        key=lambda one: (-_g2(one[2], n, one[3], m), one[1]),
    )[:LOOKED_AT]
    everything = _count(backend, background, Everything())
    found: list[tuple[str, Scalar, int, int]] = []
    for _, word, _, _ in likely:
        hits, all_ = (_count(backend, each, Phrase(word)) for each in (request, background))
        found.append(("words", word, hits, all_))
    return _without_parts(_surest(found, ours.total, everything))[:most]


def _asked_about(request: SearchRequest) -> set[str]:
    """Fields whose values the request names."""

    def named(where: Where) -> Iterable[str]:
        match where:
            case OneOf(field):
                yield field
            case AllOf(parts) | AnyOf(parts):
                for part in parts:
                    yield from named(part)
            case _:
                pass

    return {*request.filters, *named(request.where)}


def _counting(request: SearchRequest, facets: Mapping[str, int]) -> SearchRequest:
    plain = replace(request, size=0, offset=0, after=None, sort=Sort.NEWEST)
    return replace(plain, facets=facets, histogram=False, split=None, pairs=())


def _count(backend: SearchBackend, request: SearchRequest, where: Where) -> int:
    """How many of the request's signals are also `where`."""
    return backend.search(_counting(replace(request, where=both([request.where, where])), {})).total


def _newest(request: SearchRequest, where: Where, size: int) -> SearchRequest:
    """The newest signals. Denied twice, the query leaves nothing to mark in texts that nobody is shown."""
    return replace(_counting(replace(request, where=Not(Not(where))), {}), size=size)


def _frequencies(hits: Sequence[Hit], words: Segmenter) -> Counter[str]:
    """In how many of the texts each word is."""
    found: Counter[str] = Counter()
    for hit in hits:
        found.update(_words_in(words, f"{hit.fields['title']}\n{hit.fields['body'][:READ]}"))
    return found


@lru_cache(maxsize=1000)
def _words_in(words: Segmenter, text: str) -> frozenset[str]:
    """The telling words of a text. Kept, since cutting is what takes longest."""
    return frozenset(filter(telling, words_of(text, words)))


def telling(word: str) -> bool:
    """Whether a word can name a matter: two characters at least, no bare number, share (14.6%) or count (两名)."""
    return len(word) > 1 and any(map(str.isalpha, word)) and not COUNTED.fullmatch(word)


def _surest(found: Iterable[tuple[str, Scalar, int, int]], of_hits: int, of_all: int) -> tuple[Special, ...]:
    special = []
    for name, value, hits, all_ in found:
        if hits < FEWEST or hits * of_all < LIFT * of_hits * all_:
            continue
        score = _g2(hits, of_hits, all_, of_all)
        if score >= SURE:
            special.append(Special(name, value, hits, of_hits, all_, of_all, round(score, 2)))
    return tuple(sorted(special, key=lambda one: (-one.score, one.field, str(one.value))))


def _g2(hits: int, of_hits: int, all_: int, of_all: int) -> float:
    """2 x sum of seen x ln(seen / expected); the hits are part of all."""
    rest, of_rest = all_ - hits, of_all - of_hits
    total = 0.0
    for seen, row, column in (
        (hits, of_hits, all_),
        (of_hits - hits, of_hits, of_all - all_),
        (rest, of_rest, all_),
        (of_rest - rest, of_rest, of_all - all_),
    ):
        if seen > 0:
            total += seen * math.log(seen * of_all / (row * column))
    return 2 * total


def _without_parts(found: Sequence[Special]) -> tuple[Special, ...]:
    """Without words that say the same as a longer or surer one: 自行车 where 电动自行车 is in as many hits."""
    kept: list[Special] = []
    for one in found:
        word = str(one.value)
        if not any(
            (word in str(k.value) or str(k.value) in word) and abs(k.hits - one.hits) <= 0.1 * k.hits for k in kept
        ):
            kept.append(one)
    return tuple(kept)
