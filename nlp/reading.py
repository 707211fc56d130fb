"""What was found in one text, before anything is decided: the common ground of risk, level, firm and place."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from nlp.casualties import Count
from nlp.clauses import Clauses
from nlp.enterprises import FirmMention
from nlp.issues import IssueMention
from nlp.regions import TownSpan

_SEVERAL_CASES = re.compile(r"(?:[两三四五六七八九十多数]|(?<!\d)[2-9])起")

ProductSpan = tuple[int, int, str]
RegionSpan = tuple[int, int, str]


@dataclass(frozen=True)
class Reading:
    """Title, text and table rows as one normalised string, with everything found in it.

    title_end, text_end: where title and text end in `clauses.text`; what lies behind are table rows.
    outside: counties of other provinces with the code of their prefecture; they are no mentions.
    """

    clauses: Clauses
    title_end: int
    text_end: int
    products: tuple[ProductSpan, ...]
    firms: tuple[FirmMention, ...]
    regions: tuple[RegionSpan, ...]
    issues: tuple[IssueMention, ...]
    genre: Mapping[str, float]
    counts: Mapping[str, Count]
    foreign: bool
    towns: tuple[TownSpan, ...] = ()
    outside: tuple[RegionSpan, ...] = ()

    @property
    def text(self) -> str:
        """Everything, normalised."""
        return self.clauses.text

    @cached_property
    def casualties(self) -> dict[str, int]:
        """The numbers of `counts`."""
        return {kind: count.number for kind, count in self.counts.items()}

    @cached_property
    def tells_several_cases(self) -> bool:
        """Whether it speaks of two or more cases (三起)."""
        return bool(_SEVERAL_CASES.search(self.text))

    @cached_property
    def asserted(self) -> tuple[IssueMention, ...]:
        """The risk words that the text asserts."""
        return tuple(issue for issue in self.issues if not issue.negated)

    @cached_property
    def issue_sentences(self) -> frozenset[int]:
        """Numbers of the sentences that assert a risk word."""
        return frozenset(self.clauses.sentence_number(issue.start) for issue in self.asserted)

    def tells_issue(self, place: int) -> bool:
        """Whether the very sentence of `place` asserts a risk word."""
        return self.clauses.sentence_number(place) in self.issue_sentences

    def near_issue(self, place: int) -> bool:
        """Whether the sentence of `place` or the one before it asserts a risk word."""
        number = self.clauses.sentence_number(place)
        return number in self.issue_sentences or number + 1 in self.issue_sentences
