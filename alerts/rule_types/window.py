"""A sliding window over event time that is sized by its newest entry."""

from bisect import insort_right
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.rule_types.protocol import Event


@dataclass(frozen=True)
class Entry:
    """What lies in a window. number: how many documents, or a value.  marker: only there to move the window on."""

    event: Event
    number: float | None
    marker: bool = False

    @property
    def at(self) -> datetime:
        """Its place in the window."""
        return self.event.at


class Window:
    """Entries of the last `span`: one that is exactly a span older than the newest has left it.

    Entries may come in any order; of equal times the later arrival is the newer one.
    """

    def __init__(self, span: timedelta) -> None:
        self.span = span
        self.entries: list[Entry] = []
        self.total: float = 0

    def add(self, entry: Entry) -> list[Entry]:
        """Take an entry in; what left the window for it, oldest first. It may be the entry itself, if it is too old."""
        insort_right(self.entries, entry, key=lambda one: one.at)
        self.total += entry.number or 0
        edge = self.newest.at - self.span
        gone = 0
        while self.entries[gone].at <= edge:
            gone += 1
        left, self.entries = self.entries[:gone], self.entries[gone:] if gone else self.entries
        for one in left:
            self.total -= one.number or 0
        return left

    def clear(self) -> None:
        """Forget everything."""
        self.entries, self.total = [], 0

    @property
    def newest(self) -> Entry:
        """The entry with the latest time. The window must not be empty."""
        return self.entries[-1]

    @property
    def mean(self) -> float | None:
        """Of the values, markers left out; None where there are none."""
        values = [one.number for one in self.entries if one.number is not None and not one.marker]
        return sum(values) / len(values) if values else None

    @property
    def least(self) -> float | None:
        """The smallest value, markers count as 0."""
        return min((one.number for one in self.entries if one.number is not None), default=None)

    @property
    def most(self) -> float | None:
        """The largest value, markers count as 0."""
        return max((one.number for one in self.entries if one.number is not None), default=None)
