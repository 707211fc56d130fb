"""What is owed on which day, by whom, to whom: config/reporting.yml. No query, no clock."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, time, timedelta
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from config.calendar_classes import MonthDay
from config.duty import TimeOfDay
from config.mistakes import mistakes_of
from config.regions import Regions
from config.yaml_text import yaml_of
from core.durations import Duration
from core.errors import ConfigError

FILE = "reporting.yml"
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
DAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LEVELS: Mapping[str, tuple[str, ...]] = {
    "province": ("province",),
    "prefectures": ("prefecture", "national_new_area"),
    "counties": ("county", "zone"),
}
"""Whom a word of `owes` means, as levels of regions.csv."""
PAPERS: Mapping[str, Literal["week", "year"]] = {
    "weekly": "week", "stage": "year", "annual": "year", "sampling": "year",
}  # fmt: skip
"""Kinds of papers that are owed by date, and what each is about."""
FARTHEST = 15
"""Days looked ahead or back for a working day."""
DAY = timedelta(days=1)
IsWorkday = Callable[[date], bool]


class Item(BaseModel):
    """Something that is owed again and again. One of every, day, dates says when.

    paper: a kind of official paper (PAPERS); one of the office about the week or year, signed, counts as reported of
    that period.  drafts: hour of the day it is due at which the paper is drafted by itself.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")
    title: str = Field(min_length=1, max_length=60)
    every: Weekday | None = None
    day: MonthDay | None = None
    dates: tuple[date, ...] = ()
    at: TimeOfDay = time(18)
    owes: tuple[str, ...] = Field(default=("province",), min_length=1)
    to: str = Field(default="", max_length=60)
    shows: int = Field(default=7, ge=0, le=120)
    escalates: int = Field(default=1, ge=0, le=60)
    holidays: Literal["after", "before", "keep"] = "after"
    moved: Mapping[date, date] = Field(default_factory=dict)
    done: Literal["mark", "weekly"] = "mark"
    paper: str = ""
    drafts: TimeOfDay | None = None
    basis: str = Field(default="", max_length=120)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum((self.every is not None, self.day is not None, bool(self.dates))) != 1:
            raise ValueError("needs one of every, day, dates (accepted: one of the three)")
        if self.done == "weekly" and self.every is None:
            raise ValueError("done: weekly belongs to what is owed each week (accepted: with every)")
        self._fitting()
        return self

    def _fitting(self) -> None:
        if self.drafts is not None and not self.paper:
            raise ValueError("drafts needs paper, the kind that is drafted")
        if not self.paper:
            return
        span = "week" if self.every is not None else "year"
        fits = ", ".join(name for name, one in PAPERS.items() if one == span)
        if self.paper not in PAPERS:
            raise ValueError(f"paper: {self.paper!r} is no kind of paper (accepted: {fits})")
        if PAPERS[self.paper] != span:
            raise ValueError(f"paper: {self.paper} is no paper of a {span}, by which this is owed (accepted: {fits})")
        years = [one.year for one in self.dates]
        if len(set(years)) != len(years):
            raise ValueError("paper: one paper of a year cannot stand for two days of it (accepted: a day each year)")

    def named(self, first: date, last: date) -> Iterator[date]:
        """Its days by rule, holidays not minded, from `first` to `last`."""
        day = first
        while day <= last:
            if self._has(day):
                yield day
            day += DAY

    def _has(self, day: date) -> bool:
        if self.every is not None:
            return day.weekday() == DAYS.index(self.every)
        if self.day is not None:
            return f"{day.month:02}-{day.day:02}" == self.day
        return day in self.dates

    def due_on(self, named: date, is_workday: IsWorkday) -> date:
        """The day it is due instead of its day by rule."""
        if named in self.moved:
            return self.moved[named]
        if self.holidays == "keep":
            return named
        step = DAY if self.holidays == "after" else -DAY
        day = named
        for _ in range(FARTHEST):
            if is_workday(day):
                return day
            day += step
        return named

    def moved_here(self, first: date, last: date) -> Iterator[date]:
        """The days by rule that were moved, however far, to a day from `first` to `last`."""
        for named, day in self.moved.items():
            if first <= day <= last and self._has(named):
                yield named

    def owners(self, regions: Regions) -> tuple[str, ...]:
        """The codes of the offices that owe it, in the order of the register."""
        levels = {level for word in self.owes for level in LEVELS.get(word, ())}
        home = [one for one in regions if regions.is_within(regions.home, one.code)]
        return tuple(one.code for one in home if one.level in levels or one.code in self.owes)


class Reporting(BaseModel):
    """The file. since: nothing due before it is asked for.  forget: so long after its day it is no longer told.

    casualty_days, fire_days: so long the casualties of a case stay open, of a fire.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    since: date = date(2026, 1, 1)
    forget: Duration = timedelta(days=30)
    casualty_days: int = Field(default=30, ge=1, le=90)
    fire_days: int = Field(default=7, ge=1, le=90)
    items: tuple[Item, ...] = ()

    def find(self, item: str) -> Item | None:
        """An item by id."""
        return next((one for one in self.items if one.id == item), None)


def load_reporting(config_dir: Path, regions: Regions) -> Reporting:
    """Reads <config_dir>/reporting.yml; without it nothing is owed. Raises ConfigError with every mistake."""
    path = config_dir / FILE
    try:
        given = yaml_of(path.read_text(encoding="utf-8")) if path.exists() else {}
        found = Reporting.model_validate(given or {})
    except ValidationError as error:
        raise ConfigError(mistakes_of(FILE, error, Reporting)) from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise ConfigError([f"{FILE}: (whole file): is not YAML in UTF-8: {' '.join(str(error).split())}"]) from None
    mistakes = list(_mistakes(found, regions))
    if mistakes:
        raise ConfigError(mistakes)
    return found


def _mistakes(found: Reporting, regions: Regions) -> Iterator[str]:
    ids = [one.id for one in found.items]
    for twice in sorted({one for one in ids if ids.count(one) > 1}):
        yield f"{FILE}: items: id {twice!r} is given twice (accepted: each id once)"
    for number, one in enumerate(found.items):
        for day in one.moved:
            if list(one.named(day, day)) != [day]:
                yield f"{FILE}: items.{number}.moved: {day} is no day of {one.id} (accepted: its days by rule)"
        for word in one.owes:
            if word not in LEVELS and word not in regions:
                accepted = ", ".join(LEVELS)
                yield f"{FILE}: items.{number}.owes: {word!r} (accepted: {accepted}, or a code of lexicons/regions.csv)"
