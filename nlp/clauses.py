"""Where sentences and clauses begin and end, for rules that look at the words around a word."""

import re
from bisect import bisect_right
from functools import cached_property

_SENTENCE_END = re.compile(r"[。！？!?\n]+|(?<![A-Z])\.\s|;|；")
_CLAUSE_END = re.compile(r"[。！？!?\n，,;；：:]+|\s{2,}")
_LINE_END = re.compile(r"\n")
_LONGEST = 1000
"""Characters of a sentence. One without an end is no sentence, and rules that read the sentence of each word in it
would take minutes: it is read in pieces."""


class Clauses:
    """A normalised text with its sentence and clause borders, found once."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def _sentences(self) -> list[int]:
        starts = [0]
        for end in (*(match.end() for match in _SENTENCE_END.finditer(self.text)), len(self.text)):
            starts += range(starts[-1] + _LONGEST, end, _LONGEST)
            starts.append(end)
        return starts[:-1]

    @cached_property
    def _clauses(self) -> list[int]:
        return [0, *(match.end() for match in _CLAUSE_END.finditer(self.text))]

    @cached_property
    def _lines(self) -> list[int]:
        return [0, *(match.end() for match in _LINE_END.finditer(self.text))]

    def sentence(self, place: int) -> tuple[int, int]:
        """The span of the sentence that holds `place`."""
        return self._around(self._sentences, place)

    def clause(self, place: int) -> tuple[int, int]:
        """The span of the clause that holds `place`."""
        return self._around(self._clauses, place)

    def sentence_number(self, place: int) -> int:
        """0 for the first sentence."""
        return bisect_right(self._sentences, place) - 1

    def line(self, place: int) -> tuple[int, int]:
        """The span of the line that holds `place`, its line end included."""
        return self._around(self._lines, place)

    def _around(self, starts: list[int], place: int) -> tuple[int, int]:
        number = bisect_right(starts, place) - 1
        end = starts[number + 1] if number + 1 < len(starts) else len(self.text)
        return starts[number], end
