"""Which parts of a text are taken already: overlap questions in logarithmic time."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable


class Cover:
    """Spans of a text, merged. Spans are half open; empty ones are ignored."""

    def __init__(self, spans: Iterable[tuple[int, int]] = ()) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in sorted(spans):
            if start >= end:
                continue
            if self._ends and start < self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)

    def overlaps(self, start: int, end: int) -> bool:
        """Whether any part of text[start:end] is taken."""
        place = bisect_right(self._ends, start)
        return place < len(self._starts) and self._starts[place] < end

    def holds(self, start: int, end: int) -> bool:
        """Whether all of text[start:end] is taken by one stretch."""
        place = bisect_right(self._starts, start) - 1
        return place >= 0 and end <= self._ends[place]

    def add(self, start: int, end: int) -> None:
        """Take a span that overlaps none that is taken."""
        place = bisect_left(self._starts, start)
        self._starts.insert(place, start)
        self._ends.insert(place, end)
