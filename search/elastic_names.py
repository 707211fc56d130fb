"""What the indices are called, and which one a signal belongs to.

<name>                       alias that searches read: all months of the generation in use
<name>-g000002-2026.11       the signals of November 2026, Beijing time, in generation 2
<name>-g000002-2007          those of 2007: years before 2020 are not worth a month each
<name>-g000002-other         those of no believable time; always there, so that the alias is
<name>-g000002-2026.11-write alias of that month alone; writes demand it
<name>-places-000002         which month holds which signal, in which version
<name>-control               one document: the generation in use, the one being built, who builds
"""

import re
from dataclasses import dataclass
from datetime import datetime

from core.clock import BEIJING
from search.records import millis

FIRST_YEAR, FIRST_MONTHLY_YEAR, END_YEAR = 2000, 2020, 2040
OTHER = "other"
"""A month that dates nobody believes share: 261 indices a generation is the most that hostile dates can open."""

_FIRST = millis(datetime(FIRST_YEAR, 1, 1, tzinfo=BEIJING))
_END = millis(datetime(END_YEAR, 1, 1, tzinfo=BEIJING))


def month_of(event_time: int) -> str:
    """The month (or year, or `other`) of an event time in ms UTC: `2026.11`, by the Beijing calendar."""
    if not _FIRST <= event_time < _END:
        return OTHER
    day = datetime.fromtimestamp(event_time // 1000, BEIJING)
    return f"{day.year}" if day.year < FIRST_MONTHLY_YEAR else f"{day.year}.{day.month:02d}"


@dataclass(frozen=True)
class IndexNames:
    """All names of one index. name: what they begin with, and the alias that searches read."""

    name: str

    @property
    def control(self) -> str:
        return f"{self.name}-control"

    @property
    def every_month(self) -> str:
        """A pattern for the months of all generations."""
        return f"{self.name}-g*"

    @property
    def every_place(self) -> str:
        return f"{self.name}-places-*"

    @property
    def before_months(self) -> str:
        """A pattern for what was there before there were months: one index a generation."""
        return f"{self.name}-0*"

    def generation(self, number: int) -> str:
        """Also the name of its template."""
        return f"{self.name}-g{number:06d}"

    def months(self, number: int) -> str:
        """A pattern for the months of one generation."""
        return f"{self.generation(number)}-*"

    def month(self, number: int, month: str) -> str:
        return f"{self.generation(number)}-{month}"

    def door(self, number: int, month: str) -> str:
        """The write alias of one month."""
        return f"{self.month(number, month)}-write"

    def places(self, number: int) -> str:
        return f"{self.name}-places-{number:06d}"

    def places_door(self, number: int) -> str:
        """The write alias of the places."""
        return f"{self.places(number)}-write"

    def number_of(self, index: str) -> int | None:
        """The generation an index belongs to; None for one that is not of ours."""
        found = re.fullmatch(rf"{re.escape(self.name)}-(?:g|places-)(\d{{6,}})(?:-.*)?", index)
        return int(found[1]) if found else None

    def month_in(self, index: str) -> str:
        """The month of an index of ours."""
        return index.rpartition("-")[2]
