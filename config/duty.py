"""When people are told, who is on duty, and who is next when nobody accepts an alert: config/duty.yml."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, time, timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from config.mistakes import mistakes_of
from config.routes import CLOCK, MailAddress
from config.yaml_text import yaml_of
from core.durations import Duration
from core.errors import ConfigError
from core.records import LEVEL_IDS

FILE = "duty.yml"
LevelId = Literal["red", "orange", "yellow", "blue"]


def _clock(given: object) -> time:
    # YAML reads 08:30 as text but 18:30 as the number 1110: that is not what anybody meant.
    if isinstance(given, time):
        return given
    if isinstance(given, str) and re.fullmatch(CLOCK, given):
        return time.fromisoformat(given)
    raise ValueError('is no time of day (accepted: in quotes, "08:30")')


TimeOfDay = Annotated[time, BeforeValidator(_clock)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Hours(_Part):
    """A part of the day, [from, to). One that ends before it begins runs into the next day."""

    from_: TimeOfDay = Field(alias="from")
    to: TimeOfDay

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.from_ == self.to:
            raise ValueError("from and to are the same (accepted: two times of day)")
        return self

    @property
    def overnight(self) -> bool:
        """Whether it runs into the next day."""
        return self.to < self.from_

    def has(self, clock: time) -> bool:
        """Whether a time of day lies in it."""
        if self.overnight:
            return clock >= self.from_ or clock < self.to
        return self.from_ <= clock < self.to


class Remind(_Part):
    """How an alert nobody accepts is told again. most: 0 never."""

    every: Duration = timedelta(hours=4)
    factor: float = Field(default=2.0, ge=1, le=10)
    longest: Duration = timedelta(days=1)
    most: int = Field(default=3, ge=0, le=50)

    @field_validator("every", "longest")
    @classmethod
    def _not_at_once(cls, span: timedelta) -> timedelta:
        if not timedelta(minutes=1) <= span <= timedelta(days=30):
            raise ValueError("is too short or too long (accepted: 1m to 30d)")
        return span

    def after(self, done: int) -> timedelta:
        """How long to wait for the next one when `done` were sent."""
        longest = max(self.longest, self.every)
        return min(self.every * min(self.factor ** min(done, 40), longest / self.every), longest)


class LevelDuty(_Part):
    """How one level is told."""

    tell: Literal["always", "working_hours", "digest"] = "always"
    quiet: Hours | None = None
    remind: Remind = Remind(most=0)
    chain: tuple[str, ...] = ()


class Person(_Part):
    """Somebody who is on duty."""

    name: str = Field(min_length=1, max_length=40)
    mail: MailAddress


class Turn(_Part):
    """From a day on these people take turns, each for `days` days. shift: in which one; None is the whole day."""

    shift: str | None = None
    from_: date = Field(alias="from")
    days: int = Field(default=1, ge=1, le=366)
    people: tuple[str, ...] = Field(min_length=1)


class Instead(_Part):
    """Who is on duty that day, whatever the turns say. shift: None is the whole day."""

    date: date
    shift: str | None = None
    people: tuple[str, ...] = Field(min_length=1)
    why: str = ""


class Post(_Part):
    """A place in the chain. min_level: from which level on those on duty are told with the alert."""

    title: str = Field(min_length=1, max_length=40)
    min_level: LevelId = "yellow"
    people: tuple[str, ...] = ()
    turns: tuple[Turn, ...] = ()
    instead: tuple[Instead, ...] = ()

    @property
    def lowest(self) -> int:
        """The same as a number, 1 to 4."""
        return LEVEL_IDS[self.min_level]


LEVELS: Mapping[LevelId, LevelDuty] = {
    "red": LevelDuty(remind=Remind(every=timedelta(minutes=10), longest=timedelta(hours=2), most=8)),
    "orange": LevelDuty(remind=Remind(every=timedelta(hours=1), longest=timedelta(hours=8), most=5)),
    "yellow": LevelDuty(tell="working_hours", remind=Remind()),
    "blue": LevelDuty(tell="digest"),
}


_LEVEL_ID: Mapping[int, LevelId] = {1: "blue", 2: "yellow", 3: "orange", 4: "red"}


class DutyBook(_Part):
    """The whole file."""

    working_hours: Hours = Hours.model_validate({"from": "08:30", "to": "17:30"})
    holidays: tuple[date, ...] = ()
    workdays: tuple[date, ...] = ()
    levels: Mapping[LevelId, LevelDuty] = LEVELS
    watch_for: Duration = timedelta(days=7)
    shifts: Mapping[str, Hours] = Field(default_factory=dict)
    people: Mapping[str, Person] = Field(default_factory=dict)
    posts: Mapping[str, Post] = Field(default_factory=dict)

    @field_validator("levels")
    @classmethod
    def _whole(cls, given: Mapping[LevelId, LevelDuty]) -> Mapping[LevelId, LevelDuty]:
        levels = {**LEVELS, **given}
        if levels["red"].tell != "always" or levels["red"].quiet is not None:
            raise ValueError("red wakes people at any time (accepted for red: tell: always, without quiet)")
        return levels

    @field_validator("working_hours")
    @classmethod
    def _by_day(cls, given: Hours) -> Hours:
        if given.overnight:
            raise ValueError("working hours end before they begin (accepted: from earlier than to)")
        return given

    def of_level(self, level: int) -> LevelDuty:
        """How a level (1 to 4) is told."""
        return self.levels[_LEVEL_ID[level]]


def load_duty(config_dir: Path) -> DutyBook:
    """Reads <config_dir>/duty.yml; without it the usual ways and nobody on duty.

    Raises ConfigError with every mistake: `duty.yml: posts.duty.people.0: 'li' is no one of people (accepted: zhang)`.
    """
    path = config_dir / FILE
    try:
        given = yaml_of(path.read_text(encoding="utf-8")) if path.exists() else {}
        duty = DutyBook.model_validate(given or {})
    except ValidationError as error:
        raise ConfigError(mistakes_of(FILE, error, DutyBook)) from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise ConfigError([f"{FILE}: (whole file): is not YAML in UTF-8: {' '.join(str(error).split())}"]) from None
    mistakes = list(_mistakes(duty))
    if mistakes:
        raise ConfigError(mistakes)
    return duty


def _mistakes(duty: DutyBook) -> Iterator[str]:
    for day in sorted(set(duty.holidays) & set(duty.workdays)):
        yield f"{FILE}: workdays: {day} is among holidays too (accepted: a day in one of the two)"
    for level, one in duty.levels.items():
        for place, link in enumerate(one.chain):
            yield from _known(f"levels.{level}.chain.{place}", link, duty.posts, "posts")
    for name, post in duty.posts.items():
        where = f"posts.{name}"
        yield from _all_known(f"{where}.people", post.people, duty)
        listed: tuple[tuple[str, Sequence[Turn | Instead]], ...] = (("turns", post.turns), ("instead", post.instead))
        for kind, entries in listed:
            for place, entry in enumerate(entries):
                yield from _all_known(f"{where}.{kind}.{place}.people", entry.people, duty)
                if entry.shift is not None:
                    yield from _known(f"{where}.{kind}.{place}.shift", entry.shift, duty.shifts, "shifts")


def _all_known(where: str, people: Collection[str], duty: DutyBook) -> Iterator[str]:
    for place, person in enumerate(people):
        yield from _known(f"{where}.{place}", person, duty.people, "people")


def _known(where: str, name: str, accepted: Collection[str], of: str) -> Iterator[str]:
    if name not in accepted:
        listed = ", ".join(accepted) or f"none: {of} is empty"
        yield f"{FILE}: {where}: {name!r} is not one of {of} (accepted: {listed})"
