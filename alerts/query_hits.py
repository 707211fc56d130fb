"""Which rules with a query a signal meets: judged on the signal itself, so that no index is needed.

A rule made on the desk has tenures: what it asked while it was in force. What came while a tenure was in force is
judged by it and may fire; what came before the rule was made only counts, when the rule looks back over a window.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from config.rules import Rule
from core.records import Signal
from search.match import Match, MatchRow, compile_match
from search.prefilter import Prefilter
from search.records import Row
from search.text import Segmenter
from search.where import Where

NEWEST = 1 << 62
"""The place in the order of arrival of what is in no table: it came last."""


@dataclass(frozen=True)
class Tenure:
    """A rule while it stood in these words. It judges what arrived at since < number <= until (None: still).

    where: what its query asks for.
    """

    rule: Rule
    where: Where
    since: int = 0
    until: int | None = None

    def judges(self, number: int) -> bool:
        """Whether what arrived at that place was this tenure's to judge."""
        return self.since < number and (self.until is None or number <= self.until)


@dataclass(frozen=True)
class Hits:
    """Ids of rules whose query (and tenure) a signal meets. live: may fire on it.  counted: it only counts."""

    live: frozenset[str] = frozenset()
    counted: frozenset[str] = frozenset()


NO_HITS = Hits()
TenureKey = tuple[str, int]
"""A rule's id and the place of a tenure among its tenures."""
InScope = Callable[[TenureKey], bool]
"""Whether the other keys of a tenure's scope take the signal."""


@dataclass(frozen=True)
class QueryHits:
    """The queries of all rules that have one. tenures: of each rule by id, oldest first; a file has one."""

    tenures: Mapping[str, Sequence[Tenure]]
    row_of: Callable[[Signal], Row]
    _matches: Mapping[TenureKey, Match] = field(repr=False)
    _prefilter: Prefilter[TenureKey] = field(repr=False)

    @cached_property
    def by_key(self) -> Mapping[TenureKey, Tenure]:
        """Every tenure of every rule."""
        return {(rule, place): tenure for rule, theirs in self.tenures.items() for place, tenure in enumerate(theirs)}

    @cached_property
    def dated(self) -> bool:
        """Whether it matters when a signal came."""
        return any(tenure.since or tenure.until is not None for theirs in self.tenures.values() for tenure in theirs)

    def of(self, signal: Signal, number: int, in_scope: InScope) -> Hits:
        """What the signal meets. number: its place in the order of arrival."""
        if not self.tenures:
            return NO_HITS
        row = self.row_of(signal)
        looked_at = MatchRow(row)
        live: set[str] = set()
        counted: set[str] = set()
        for rule_id, place in filter(in_scope, self._prefilter.candidates(row)):
            tenure, last = self.tenures[rule_id][place], self.tenures[rule_id][-1]
            judges, counts = tenure.judges(number), tenure is last and number <= tenure.since
            if not (judges or counts) or not self._matches[rule_id, place](looked_at):
                continue
            (live if judges else counted).add(rule_id)
        return Hits(frozenset(live), frozenset(counted - live))


def query_hits(tenures: Mapping[str, Sequence[Tenure]], words: Segmenter, row_of: Callable[[Signal], Row]) -> QueryHits:
    """Compile the queries. tenures: of each rule by id, oldest first.  words, row_of: as the index cuts and holds."""
    asked = {(rule_id, at): tenure.where for rule_id, theirs in tenures.items() for at, tenure in enumerate(theirs)}
    matches = {key: compile_match(where, words) for key, where in asked.items()}
    return QueryHits(tenures, row_of, matches, Prefilter(asked, words))
