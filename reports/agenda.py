"""The reporting calendar against what was done: who owes what until when, and whether it was reported.

A weekly table counts as reported when it is signed, everything else when somebody marks it and says by what one can
tell. `Agenda.told` is what a digest or a first page says, in sentences; it asks no time.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Literal

from sqlalchemy import Connection

from config.regions import Regions
from config.reporting import IsWorkday, Item, Reporting
from core.clock import BEIJING, as_utc, beijing
from ledger.clocks import working_days_after
from ledger.words import bureau_of
from reports.casualties import clocks
from reports.weeks import Week, week_of
from store.reporting import Mark, Owed, OwedPaper, called, newest_marks, owed_papers
from store.weekly import SheetState, states_of

State = Literal["done", "over", "today", "soon", "later"]
TOLD_WITHIN = timedelta(days=7)
EARLIER = timedelta(days=20)
"""A holiday moves a day by less: so far beyond the days asked for days by rule are looked at."""


@dataclass(frozen=True)
class Duty:
    """One office owes one thing. period: its day by rule.  due: with holidays minded.  week: of a weekly table.

    done_at, by, proof: None and empty until it was reported; paper: the signed one it was reported by.
    told_at: when it was told to the office above.  draft: an unsigned paper of it.
    """

    item: Item
    period: date
    territory: str
    due: datetime
    week: Week | None = None
    done_at: datetime | None = None
    by: str = ""
    proof: str = ""
    paper: str = ""
    told_at: datetime | None = None
    draft: str = ""

    @property
    def week_of_period(self) -> Week:
        """The week that ended before its day."""
        return self.week or _week(self.period)

    @property
    def owed(self) -> Owed:
        """As the store knows it."""
        return self.item.id, self.period.isoformat(), self.territory

    @property
    def title(self) -> str:
        """`工作周报和统计表 第 2026-W47 期`, `全年工作总结及报表`."""
        return f"{self.item.title} 第 {self.week.id} 期" if self.week else self.item.title

    @property
    def due_day(self) -> date:
        """The Beijing day it is due."""
        return beijing(self.due).date()

    @property
    def late(self) -> bool:
        """Whether it was reported after it was due."""
        return self.done_at is not None and self.done_at > self.due

    def state(self, now: datetime) -> State:
        """over, today and soon are what a first page shows."""
        if self.done_at is not None:
            return "done"
        if now > self.due:
            return "over"
        left = (beijing(self.due).date() - beijing(now).date()).days
        if left == 0:
            return "today"
        return "soon" if left <= self.item.shows else "later"


@dataclass(frozen=True)
class Line:
    """Something due as a sentence. href: on the desk."""

    text: str
    state: State
    href: str


@dataclass(frozen=True)
class Agenda:
    """The calendar of one province."""

    plan: Reporting
    regions: Regions
    is_workday: IsWorkday
    since: date = date(2000, 1, 1)
    """No weekly table of a week that begins before it is owed."""

    def between(self, db: Connection, first: date, last: date, *, offices: Collection[str] | None = None) -> list[Duty]:
        """Everything due from `first` to `last` by these offices (None: by all), in the order of time."""
        low, high = max(first, self.plan.since), last
        named = [
            (item, period, day)
            for item in self.plan.items
            for period in sorted({*item.named(low - EARLIER, high + EARLIER), *item.moved_here(low, high)})
            if low <= (day := item.due_on(period, self.is_workday)) <= high
        ]
        if not named:
            return []
        periods = sorted(period.isoformat() for _, period, _ in named)
        ids = sorted({item.id for item, _, _ in named})
        marks = newest_marks(db, ids, periods[0], periods[-1])
        told = called(db, ids, periods[0], periods[-1])
        weeks = {period: _week(period) for item, period, _ in named if item.done == "weekly"}
        owners = {item.id: self._owners(item, offices) for item in self.plan.items}
        whose = {code for item, _, _ in named if item.done == "weekly" for code in owners[item.id]}
        signed = states_of(db, [week.id for week in weeks.values()], whose) if weeks else {}
        papers = _papers(db, named)
        found = []
        for item, period, day in named:
            week = weeks.get(period) if item.done == "weekly" else None
            if week is not None and week.first < self.since:
                continue
            due = as_utc(datetime.combine(day, item.at, BEIJING))
            for code in owners[item.id]:
                key = (item.id, period.isoformat(), code)
                done = _signed(signed.get((week.id, code))) if week else _marked(marks.get(key))
                paper = papers.get((item.paper, _about(item, period), code))
                signed_one = paper if paper is not None and paper.at is not None else None
                if signed_one is not None and done[0] is None and week is None:
                    done = signed_one.at, signed_one.by or "", signed_one.id
                one = Duty(item, period, code, due, week, *done, signed_one.id if signed_one else "", told.get(key))
                found.append(replace(one, draft=paper.id) if paper is not None and signed_one is None else one)
        order = {code: place for place, code in enumerate(self._order)}
        return sorted(found, key=lambda one: (one.due, one.item.id, order[one.territory]))

    def standing(self, db: Connection, now: datetime, *, offices: Collection[str] | None = None) -> list[Duty]:
        """What is overdue (and not forgotten), due today or to be shown already, in the order of time."""
        today = beijing(now).date()
        ahead = max((item.shows for item in self.plan.items), default=0)
        first, last = today - self.plan.forget, today + timedelta(days=ahead)
        found = self.between(db, first, last, offices=offices)
        return [one for one in found if one.state(now) in ("over", "today", "soon")]

    def told(self, db: Connection, now: datetime, own: Collection[str]) -> list[Line]:
        """What stands for these offices in sentences, and what is overdue with the offices right below them."""
        below = {code for office in own for code in self.regions.children.get(office, ())} - set(own)
        duties = self.standing(db, now, offices={*own, *below})
        lines = [self._line(one, now) for one in duties if one.territory in own]
        late = [one for one in duties if one.territory not in own and one.state(now) == "over"]
        for item, period in dict.fromkeys((one.item.id, one.period) for one in late):
            these = [one for one in late if (one.item.id, one.period) == (item, period)]
            names = "、".join(bureau_of(self.regions, one.territory) for one in these[:3])
            more = f"等 {len(these)} 个单位" if len(these) > 3 else ""
            lines.append(Line(f"{these[0].title}：{names}{more}逾期未报", "over", "/calendar"))
        for one in clocks(db, now, own):
            state: State = "today" if one.left <= 0 else "soon"
            lines.append(Line(f"重大情况快报：{one.said}", state, f"/papers/{one.paper}"))
        return lines

    def _line(self, one: Duty, now: datetime) -> Line:
        state, when = one.state(now), beijing(one.due)
        words = {"over": "逾期，应于 ", "today": "今日到期，"}.get(state, "应于 ")
        href = f"/reports/weekly/{one.week.id}" if one.week else "/calendar"
        drafted = f"（代拟稿 {one.draft} 待填、待签）" if one.draft else ""
        return Line(f"{one.title}：{words}{when:%m-%d %H:%M} 报{one.item.to or '上级'}{drafted}", state, href)

    def to_call(self, db: Connection, now: datetime) -> list[Duty]:
        """What is overdue for as long as its item says and was not told to the office above yet.

        What should have been told longer ago than TOLD_WITHIN is left: a desk that is new floods nobody.
        """
        today = beijing(now).date()
        late = self.between(db, today - self.plan.forget, today)
        return [
            one
            for one in late
            if one.item.escalates and one.told_at is None and one.state(now) == "over"
            and today - TOLD_WITHIN <= working_days_after(one.due_day, one.item.escalates, self.is_workday) <= today
        ]  # fmt: skip

    def above(self, territory: str) -> str:
        """The office that hears of it: the next one above, the province of its own."""
        chain = [code for code in self.regions.chain(territory) if self.regions.is_within(self.regions.home, code)]
        return chain[min(1, len(chain) - 1)] if chain else self.regions.home

    def _owners(self, item: Item, offices: Collection[str] | None) -> Sequence[str]:
        mine = self._all[item.id]
        return mine if offices is None else [code for code in mine if code in offices]

    @cached_property
    def _all(self) -> dict[str, tuple[str, ...]]:
        return {item.id: item.owners(self.regions) for item in self.plan.items}

    @cached_property
    def _order(self) -> list[str]:
        return [one.code for one in self.regions]


def _papers(db: Connection, named: Sequence[tuple[Item, date, date]]) -> dict[tuple[str, str, str], OwedPaper]:
    """The first signed paper of each kind, week or year and office that something owed asks for, else a draft."""
    kinds = {item.paper for item, _, _ in named if item.paper}
    about = {_about(item, period) for item, period, _ in named if item.paper}
    found = owed_papers(db, kinds, about) if kinds else []
    return {(one.kind, one.subject, one.territory): one for one in found}


def _about(item: Item, period: date) -> str:
    """What the paper of a period is about."""
    return f"week:{_week(period).id}" if item.every is not None else f"year:{period.year}"


def _week(period: date) -> Week:
    """The week whose table is due on a day: the one before the week it lies in."""
    return week_of(as_utc(datetime.combine(period, time(12), BEIJING))).before


def _signed(state: SheetState | None) -> tuple[datetime | None, str, str]:
    if state is None or not state.signed or state.act is None:
        return None, "", ""
    return state.act.at, state.act.actor, ""


def _marked(mark: Mark | None) -> tuple[datetime | None, str, str]:
    return (mark.at, mark.actor, mark.proof) if mark is not None and mark.done else (None, "", "")
