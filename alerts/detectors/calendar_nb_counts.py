"""What calendar_nb reads, and its parameters."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]


class CalendarNb(BaseModel):
    """Parameters of the detector; the figures behind each default are in docs/calendar_nb.md.

    threshold: alarm above this score; a score of s or more is reached by about 10^-s of quiet key-days.
    windows: days of the windows that an alert shows.
    starts: something may have begun on any of so many days, today included.
    start_odds: that it began today, and, given that it did not, yesterday, and so on.
    rise: what is looked for: so many standard deviations of a day more than expected, each day since the start.
    level_days: the level comes from so many days.  guard: but not from the last so many, today included.
    half_life: of the weights for the level, in events (0.69 x 250): a busy key forgets within half_life_days[0] days,
    a rare one within half_life_days[1].
    cap: counts further than so many standard deviations above the fit shape neither level nor calendar: past outbreaks.
    level_sd: how uncertain a level is besides chance (share).  special_sd: the same for one day of a calendar class.
    dispersion: variance over mean where nothing is known.  dispersion_weight: worth so many events.
    dispersion_days: it is learnt from so many days.
    class_weight, weekday_weight: a key's own factor against that of all keys: worth so many events.
    pool_weight: the factor of all keys against calendar.yml's `usual` (1 for a weekday): worth so many events.
    season: whether a yearly wave is taken into the expectation where two years of history show one.
    least_events: fewer events than this in a week are never an alarm; nor is a day without one.
    rare_level, rare_events: so many events in a week are always an alarm where less than rare_level a day is expected.
    short_days: with a shorter history the level leans on `borrowed`, worth borrow_days days.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    threshold: float = Field(default=2.5, gt=0, le=50)
    windows: tuple[int, ...] = (1, 3, 7)
    starts: int = Field(default=14, ge=1, le=60)
    start_odds: float = Field(default=0.3, gt=0, lt=1)
    rise: float = Field(default=3.0, gt=0, le=20)
    level_days: int = Field(default=365, ge=28, le=1100)
    guard: int = Field(default=7, ge=1, le=60)
    half_life: float = Field(default=172.5, gt=0)
    half_life_days: tuple[float, float] = (10.0, 120.0)
    cap: float = Field(default=3.0, gt=0)
    level_sd: float = Field(default=0.1, ge=0, le=1)
    special_sd: float = Field(default=0.2, ge=0, le=1)
    dispersion: float = Field(default=1.3, ge=1)
    dispersion_weight: float = Field(default=10.0, gt=0)
    dispersion_days: int = Field(default=1095, ge=28)
    class_weight: float = Field(default=15.0, gt=0)
    weekday_weight: float = Field(default=100.0, gt=0)
    pool_weight: float = Field(default=50.0, gt=0)
    season: bool = True
    least_events: int = Field(default=2, ge=1)
    rare_level: float = Field(default=0.1, ge=0)
    rare_events: int = Field(default=3, ge=2)
    short_days: int = Field(default=28, ge=1)
    borrow_days: float = Field(default=28.0, gt=0)

    @model_validator(mode="after")
    def possible(self) -> Self:
        if not self.windows or any(not 1 <= days <= 60 for days in self.windows):
            raise ValueError("windows: each must be 1 to 60 days, and there must be one (accepted: such as [1, 3, 7])")
        low, high = self.half_life_days
        if not 0 < low <= high:
            raise ValueError("half_life_days: shortest, then longest, above 0 (accepted: such as [10, 120])")
        return self


@dataclass(frozen=True)
class KeyCounts:
    """Counts of many keys, one column a day, from first_day on.

    counts: keys x days, >= 0.  since: the column of each key's first watched day (a silent key that was watched has
    zeros before, a new one has no history); None: the first.
    borrowed: events a day of the parent key's children, for keys with a short history; NaN or None: no parent.
    arrived: the share of each day's events that can have arrived by now (calendar_nb_arrival), for the last columns;
    one row for all keys or one a key; None: all.
    Raises ValueError for counts, shares or lengths that cannot be.
    """

    counts: Floats
    first_day: date
    since: Ints | None = None
    borrowed: Floats | None = None
    arrived: Floats | None = None

    def __post_init__(self) -> None:
        if self.counts.ndim != 2 or not np.all(np.isfinite(self.counts)) or np.any(self.counts < 0):
            raise ValueError("counts: must be keys x days of numbers >= 0, none missing")
        keys, days = self.counts.shape
        if self.since is not None and (self.since.shape != (keys,) or np.any((self.since < 0) | (self.since > days))):
            raise ValueError(f"since: must be one column from 0 to {days} for each of {keys} keys")
        if self.borrowed is not None and (self.borrowed.shape != (keys,) or np.any(self.borrowed < 0)):
            raise ValueError(f"borrowed: must be one level >= 0 for each of {keys} keys")
        if self.arrived is not None and not _shares(self.arrived, keys, days):
            raise ValueError(f"arrived: must be shares from 0 to 1, for at most {days} days, of one or {keys} keys")

    def __len__(self) -> int:
        return int(self.counts.shape[0])

    def days(self) -> int:
        return int(self.counts.shape[1])

    def day(self, column: int) -> date:
        return self.first_day + timedelta(days=column)

    def watched_from(self) -> Ints:
        return np.zeros(len(self), dtype=np.intp) if self.since is None else self.since

    def part(self, keys: slice) -> "KeyCounts":
        """Some of the keys."""
        arrived = self.arrived
        return KeyCounts(
            self.counts[keys], self.first_day, None if self.since is None else self.since[keys],
            None if self.borrowed is None else self.borrowed[keys],
            arrived[keys] if arrived is not None and arrived.ndim == 2 and len(arrived) > 1 else arrived,
        )  # fmt: skip

    def up_to(self, column: int) -> "KeyCounts":
        """What was known at the end of that day; shares of arrival belong to the last day only."""
        if column == self.days() - 1:
            return self
        if not 0 <= column < self.days():
            raise ValueError(f"day: column {column} of {self.days()} days")
        since = None if self.since is None else np.minimum(self.since, column + 1)
        return replace(self, counts=self.counts[:, : column + 1], since=since, arrived=None)


def _shares(arrived: Floats, keys: int, days: int) -> bool:
    rows = 1 if arrived.ndim == 1 else arrived.shape[0]
    fits = arrived.ndim in (1, 2) and rows in (1, keys) and arrived.shape[-1] <= days
    return bool(fits and np.all((arrived >= 0) & (arrived <= 1)))
