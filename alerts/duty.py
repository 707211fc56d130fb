"""Working time, quiet time and who is on duty: answers about one moment, from the duty book. No query, no clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import chinese_calendar

from config.calendar_classes import Calendar
from config.duty import DutyBook, Hours, Person, Post
from core.clock import BEIJING, as_utc, beijing

FARTHEST = 60
"""Days looked ahead for a working day: no holidays last longer."""
DAY = timedelta(days=1)
FEASTS = ("spring_festival", "national_day", "may_day")
"""Classes of calendar.yml that stand in for the State Council's list where it does not reach; 1 January besides."""
NOT_IN_THE_LISTS = (
    "duty.yml: holidays: the State Council's list for {year} is not in this program;"
    " weekends and the feasts of calendar.yml are taken (enter holidays and workdays of that year)"
)


@dataclass(frozen=True)
class Duty:
    """The duty book at work. ack_hours: hours to accept an alert by level, from orgs.yaml.  calendar: its feasts stand
    in where the State Council's list of holidays does not reach."""

    book: DutyBook = field(default_factory=DutyBook)
    ack_hours: Mapping[int, float] = field(default_factory=dict)
    calendar: Calendar = field(default_factory=Calendar)

    def is_workday(self, day: date) -> bool:
        """Whether the offices work that day: by the duty book, the State Council's calendar, else the weekday."""
        if day in self.book.workdays:
            return True
        if day in self.book.holidays:
            return False
        try:
            worked: bool = chinese_calendar.is_workday(day)
        except NotImplementedError:  # a year whose holidays are not in the package yet
            return day.weekday() < 5 and not self._is_feast(day)
        return worked

    def _is_feast(self, day: date) -> bool:
        if (day.month, day.day) == (1, 1):
            return True
        return self.calendar.names[int(self.calendar.codes(day, 1)[0])] in FEASTS

    def in_working_hours(self, moment: datetime) -> bool:
        """Whether the offices are open."""
        here = beijing(moment)
        return self.is_workday(here.date()) and self.book.working_hours.has(here.time())

    def telling_time(self, level: int, moment: datetime) -> datetime:
        """When somebody may be told of this level: `moment` itself, or the end of the quiet time it lies in.

        What the digest alone tells is told in working hours where it has to be told by itself (an overdue alert).
        """
        one = self.book.of_level(level)
        if one.tell != "always":
            return self._opening(moment)
        if one.quiet is not None and one.quiet.has(beijing(moment).time()):
            return _end_of(one.quiet, moment)
        return moment

    def by_digest_alone(self, level: int) -> bool:
        """Whether the daily digest tells of this level and nothing else does."""
        return self.book.of_level(level).tell == "digest"

    def due_at(self, level: int, now: datetime) -> datetime:
        """Until when an alert told of now is to be accepted: the hours run from when somebody could be told."""
        return self.telling_time(level, now) + self.ack(level)

    def ack(self, level: int) -> timedelta:
        """The hours to accept an alert."""
        return timedelta(hours=self.ack_hours.get(level, 24))

    def on_duty(self, post: str, moment: datetime) -> tuple[Person, ...]:
        """Who stands for a post then; nobody where the post is unknown or empty."""
        found = self.book.posts.get(post)
        if found is None:
            return ()
        ids = self._standing(found, beijing(moment))
        return tuple(self.book.people[one] for one in dict.fromkeys(ids) if one in self.book.people)

    def told_at_once(self, level: int, moment: datetime) -> tuple[Person, ...]:
        """Who on duty is told together with the alert: the first post of the level's chain."""
        chain = self.book.of_level(level).chain
        if not chain or level < self.book.posts[chain[0]].lowest:
            return ()
        return self.on_duty(chain[0], moment)

    def _standing(self, post: Post, here: datetime) -> list[str]:
        days: dict[str | None, date] = {None: here.date()}
        for name, hours in self.book.shifts.items():
            if hours.has(here.time()):
                days[name] = here.date() if _began_today(hours, here) else here.date() - DAY
        instead = [one for one in post.instead if days.get(one.shift) == one.date]
        covered = {one.shift for one in instead}
        found = [person for one in instead for person in one.people]
        for turn in post.turns:
            day = days.get(turn.shift)
            if day is None or day < turn.from_ or covered & {None, turn.shift}:
                continue
            if turn.shift is None and covered:  # somebody came in for a shift of the whole day's turn
                continue
            found.append(turn.people[(day - turn.from_).days // turn.days % len(turn.people)])
        return found or list(post.people)

    def _opening(self, moment: datetime) -> datetime:
        """`moment` in working hours, else when they begin next."""
        if self.in_working_hours(moment):
            return moment
        here, hours = beijing(moment), self.book.working_hours
        for ahead in range(FARTHEST):
            day = here.date() + DAY * ahead
            start = datetime.combine(day, hours.from_, BEIJING)
            if start > here and self.is_workday(day):
                return as_utc(start)
        return moment


def _end_of(quiet: Hours, moment: datetime) -> datetime:
    here = beijing(moment)
    end = datetime.combine(here.date(), quiet.to, BEIJING)
    return as_utc(end if end > here else end + DAY)


def _began_today(hours: Hours, here: datetime) -> bool:
    return not hours.overnight or here.time() >= hours.from_


def unknown_years(today: date) -> list[str]:
    """What to warn of: this year or, from December on, the next one, where its holidays are in no list."""
    years = sorted({today.year, (today + timedelta(days=31)).year})
    known = {day.year for day in chinese_calendar.constants.holidays}
    return [NOT_IN_THE_LISTS.format(year=year) for year in years if year not in known]
