"""Days on which counts are not what they usually are: config/calendar.yml."""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
import numpy.typing as npt
import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from config.mistakes import mistakes_of
from config.yaml_text import yaml_of
from core.errors import ConfigError

FILE = "calendar.yml"
LONGEST = 60
"""A class reaches at most so many days from its feast: more would be a season."""


def _month_day(value: Any) -> str:
    """`10-01`. The year 2000 has a 29 February."""
    if isinstance(value, str) and re.fullmatch(r"\d\d-\d\d", value):
        try:
            date.fromisoformat(f"2000-{value}")
        except ValueError:
            pass
        else:
            return value
    raise ValueError("is no day of the year (accepted: month-day, such as 10-01)")


MonthDay = Annotated[str, BeforeValidator(_month_day)]


class DayClass(BaseModel):
    """Some days of every year. Either first and last (inclusive, may cross the new year), or around, from and to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    label: str = Field(min_length=1)
    usual: float = Field(default=1.0, gt=0, le=20)
    around: str | None = None
    from_: int | None = Field(default=None, alias="from", ge=-LONGEST, le=LONGEST)
    to: int | None = Field(default=None, ge=-LONGEST, le=LONGEST)
    first: MonthDay | None = None
    last: MonthDay | None = None

    @model_validator(mode="after")
    def one_way(self) -> Self:
        moving = (self.around is not None, self.from_ is not None, self.to is not None)
        fixed = (self.first is not None, self.last is not None)
        if not (all(moving) and not any(fixed)) and not (all(fixed) and not any(moving)):
            raise ValueError("needs either first and last, or around, from and to (accepted: one of the two)")
        if self.from_ is not None and self.to is not None and self.from_ > self.to:
            raise ValueError("from lies after to (accepted: from <= to)")
        return self

    def has(self, day: date, feasts: Sequence[date]) -> bool:
        """feasts: the dates of the feast it lies around; not read for a class between two days of the year."""
        if self.first is not None and self.last is not None:
            here = f"{day.month:02}-{day.day:02}"
            if self.first <= self.last:
                return self.first <= here <= self.last
            return here >= self.first or here <= self.last
        low, high = self.from_ or 0, self.to or 0
        return any(low <= (day - feast).days <= high for feast in feasts)


class Calendar(BaseModel):
    """classes: the first that has a day counts.  feasts: name -> its dates, one a year, in order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    classes: tuple[DayClass, ...] = ()
    feasts: dict[str, tuple[date, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def sound(self) -> Self:
        names = [one.name for one in self.classes]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"classes: {', '.join(twice)} is there twice (accepted: each name once)")
        for feast, dates in self.feasts.items():
            years = [day.year for day in dates]
            if not years or years != list(range(years[0], years[0] + len(years))):
                raise ValueError(
                    f"feasts: {feast}: a year is missing, double or out of order (accepted: one date a year)"
                )
        for one in self.classes:
            if one.around is not None and one.around not in self.feasts:
                known = ", ".join(sorted(self.feasts)) or "none is listed"
                raise ValueError(f"classes: {one.name}: around: {one.around!r} is no feast (accepted: {known})")
        return self

    @property
    def labels(self) -> tuple[str, ...]:
        """By code; code 0 is an ordinary day."""
        return ("", *(one.label for one in self.classes))

    @property
    def names(self) -> tuple[str, ...]:
        """By code; code 0 is an ordinary day."""
        return ("", *(one.name for one in self.classes))

    @property
    def usual(self) -> npt.NDArray[np.float64]:
        """The factor to start from, by code."""
        return np.array([1.0, *(one.usual for one in self.classes)])

    def codes(self, first: date, count: int) -> npt.NDArray[np.intp]:
        """The code of each of `count` days from `first` on: 0 for none, else 1 + the place in classes.

        Days outside the years of a feast's list have none of its classes: see `not_covered`.
        """
        days = (first + timedelta(days=offset) for offset in range(count))
        return np.array([self._code(day) for day in days], dtype=np.intp)

    def _code(self, day: date) -> int:
        known = self._codes_of_days
        if day not in known:
            known[day] = next(
                (place for place, one in enumerate(self.classes, 1) if one.has(day, self._near(one, day))), 0
            )
        return known[day]

    def _near(self, one: DayClass, day: date) -> Sequence[date]:
        years = self._by_year.get(one.around or "", {})
        return [years[year] for year in (day.year - 1, day.year, day.year + 1) if year in years]

    @cached_property
    def _codes_of_days(self) -> dict[date, int]:
        """Kept once looked up: a backtest asks for the same thousand days again for each day it judges."""
        return {}

    @cached_property
    def _by_year(self) -> dict[str, dict[int, date]]:
        return {name: {day.year: day for day in dates} for name, dates in self.feasts.items()}

    def not_covered(self, day: date) -> tuple[str, ...]:
        """The feasts whose list does not reach the year of `day`."""
        return tuple(name for name in self.feasts if day.year not in self._by_year[name])


def load_calendar(config_dir: Path) -> Calendar:
    """Reads <config_dir>/calendar.yml. Raises ConfigError with all mistakes, each with file and key."""
    path = config_dir / FILE
    try:
        return Calendar.model_validate(yaml_of(path.read_text(encoding="utf-8")) or {})
    except ValidationError as error:
        raise ConfigError(mistakes_of(FILE, error, Calendar)) from None
    except FileNotFoundError:
        raise ConfigError([f"{FILE}: is missing (accepted: the file as shipped; `classes: []` for none)"]) from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise ConfigError([f"{FILE}: (whole file): is not YAML in UTF-8: {' '.join(str(error).split())}"]) from None
