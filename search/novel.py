"""Pairs of values that the hits of a search hold and that no signal of the look-back before it held."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from search.backend import Hit, Pair, SearchBackend, SearchRequest, SearchResult, Sort
from search.records import millis
from search.where import Everything, OneOf, Scalar, both

FIRM = "enterprises"
KINDS = (("products", "issues"), ("products", "enterprises"), ("issues", "enterprises"))
LOOK_BACK = timedelta(days=365)
ROWS, COLUMNS = 120, 500
"""Products or issues, and values with each: 60,120 buckets at most, and a thousand firms; both engines stop at 65,000,
so each kind is asked alone."""
MOST_FIRMS = 1_000
"""Firms that are asked for by name, so that only their past is counted; with more of them all firms' past is."""
TRIES = 60
"""Pairs of a kind that are looked up one by one: 20 ms at 20,000 signals."""


@dataclass(frozen=True)
class NovelPair:
    """count: hits of the window with both values.  first: the first signal with both, whether a hit or not."""

    row: Scalar
    column: Scalar
    count: int
    first: Hit


@dataclass(frozen=True)
class NovelPairs:
    """Those of one kind, the most frequent first.  unseen: pairs of the window that were not looked up, for there were
    too many; each may be new or not.  cut: rarer pairs were not even listed."""

    row: str
    column: str
    pairs: tuple[NovelPair, ...]
    unseen: int = 0
    cut: bool = False


def novel_pairs(
    backend: SearchBackend,
    request: SearchRequest,
    *,
    kinds: Sequence[tuple[str, str]] = KINDS,
    look_back: timedelta = LOOK_BACK,
    most: int = 10,
    tries: int = TRIES,
) -> tuple[NovelPairs, ...]:
    """For each kind up to `most` pairs of values that hits of `request` hold together and no signal of the viewer's
    territory held together in the `look_back` before: whatever the query, a matter seen before is not new. The pairs
    of the 120 most frequent products or issues are looked at, of each those with its 500 most frequent partners.

    request: with a start, else ValueError.  Two queries a kind, then one small one for each pair that may be new: the
    oldest signal with both since the look-back began says whether the pair is new and which was the first.
    """
    if request.from_ is None:
        raise ValueError("request has no start: nothing lies before it")
    past = replace(
        request, where=Everything(), filters={}, without={}, to=request.from_, from_=request.from_ - look_back
    )
    since = replace(past, to=request.to)
    found = []
    for kind in kinds:
        pair = Pair(*kind, rows=ROWS, columns=COLUMNS)
        window = backend.search(_counting(request, pair))
        known = _known(backend, past, window, pair)
        seen = [one for one in window.pairs[pair] if (one.row, one.column) not in known]
        candidates = sorted(seen, key=lambda one: (-one.count, str(one.row), str(one.column)))
        new: list[NovelPair] = []
        tried = 0
        for tried, one in enumerate(candidates[:tries], start=1):  # noqa: B007  # how far it came is told
            first = _first(backend, since, {kind[0]: one.row, kind[1]: one.column})
            if first is not None and millis(first.fields["event_time"]) >= millis(request.from_):
                new.append(NovelPair(one.row, one.column, one.count, first))
                if len(new) == most:
                    break
        partners = Counter(one.row for one in window.pairs[pair])
        cut = len(partners) >= ROWS or max(partners.values(), default=0) >= COLUMNS
        found.append(NovelPairs(*kind, tuple(new), len(candidates) - tried, cut))
    return tuple(found)


def _known(backend: SearchBackend, past: SearchRequest, window: SearchResult, pair: Pair) -> set[tuple[Scalar, Scalar]]:
    """Pairs that the past held: of few firms all, else the most frequent ones."""
    if not window.pairs[pair]:
        return set()
    if FIRM in (pair.row, pair.column):
        firms = tuple(value.value for value in window.facets[FIRM])
        past = replace(past, where=OneOf(FIRM, firms)) if len(firms) <= MOST_FIRMS else past
    return {(one.row, one.column) for one in backend.search(_counting(past, pair)).pairs[pair]}


def _counting(request: SearchRequest, pair: Pair) -> SearchRequest:
    plain = replace(request, size=0, offset=0, after=None, sort=Sort.NEWEST)
    facets = {FIRM: MOST_FIRMS + 1} if FIRM in (pair.row, pair.column) else {}
    return replace(plain, facets=facets, histogram=False, split=None, pairs=(pair,))


def _first(backend: SearchBackend, since: SearchRequest, values: Mapping[str, Scalar]) -> Hit | None:
    where = both([OneOf(name, (value,)) for name, value in values.items()])
    asked = replace(since, where=where, size=1, offset=0, after=None, sort=Sort.OLDEST)
    hits = backend.search(replace(asked, facets={}, histogram=False, split=None, pairs=())).hits
    return hits[0] if hits else None
