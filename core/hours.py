"""A stretch of the day by Beijing's clock, over midnight where it ends before it begins: `22:00-06:00`."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator

from core.clock import beijing

FORM = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*[-–~]\s*([01]?\d|2[0-3]|24):([0-5]\d)")


@dataclass(frozen=True)
class DayHours:
    """start is inside, end is not. 24:00 is 00:00."""

    start: time
    end: time

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"

    def holds(self, moment: datetime) -> bool:
        """Whether `moment` lies within."""
        now = beijing(moment).time()
        if self.start < self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end

    def opens(self, moment: datetime) -> datetime:
        """`moment` where it lies within, else the next beginning."""
        if self.holds(moment):
            return moment
        local = beijing(moment)
        begins = local.replace(hour=self.start.hour, minute=self.start.minute, second=0, microsecond=0)
        return begins if begins > local else begins + timedelta(days=1)


def parse_hours(text: str) -> DayHours:
    """`22:00-06:00`. Raises ValueError with the accepted form; a stretch without length is none."""
    match = FORM.fullmatch(text.strip())
    if match is None or (match[3] == "24" and match[4] != "00"):
        raise ValueError(f"{text!r} are no hours of the day (accepted: 22:00-06:00)")
    start, end = time(int(match[1]), int(match[2])), time(int(match[3]) % 24, int(match[4]))
    if start == end:
        raise ValueError(f"{text!r} begins where it ends (accepted: 22:00-06:00; leave the key out for all day)")
    return DayHours(start, end)


def _read(value: Any) -> DayHours:
    return value if isinstance(value, DayHours) else parse_hours(str(value))


Hours = Annotated[DayHours, BeforeValidator(_read)]
"""How a file says it."""
