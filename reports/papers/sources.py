"""Whether the sources ran as they should in a week: what the weekly report says of it, and only if it is so."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date, datetime, timedelta

from core.clock import beijing
from reports.papers.gather import Desk
from reports.papers.phrases import short_day
from reports.papers.record import Said, fact
from reports.weeks import Week
from store.pulses import days_since
from store.source_states import changes_between, present_states

CUT = ("layout_changed", "blocked", "failed")
"""States in which nothing can be read of a source."""
SILENT = "silent"
NAMED = 5
WELL = "各信源运行正常"
ASKED = "待核（系统管理员核查）"


def sources_said(desk: Desk, week: Week, key: str) -> tuple[Said, ...]:
    """What was interrupted, silent or not recorded, up to now; empty where all ran well. key: what it rests on."""
    ends = min(week.ends, desk.now)
    spent = _spent(desk, week.begins, ends)
    read = _read_days(desk, week, ends)
    unknown = [one for one in sorted(desk.running) if one not in spent or not read[one]]
    if len(unknown) == len(desk.running):
        return (fact(f"本期各信源没有运行记录，是否正常{ASKED}。", key),)
    told = _cut(desk, spent)
    silent = {one: spans[SILENT] for one, spans in spent.items() if spans[SILENT]}
    if silent:
        told.append(f"{_each(desk, silent, '静默')}，较往常少发布，是否停更{ASKED}。")
    empty = [day for day in _days_over(week, desk.today) if not any(day.toordinal() in days for days in read.values())]
    if empty:
        told.append(f"{'、'.join(short_day(day) for day in empty)}没有采集记录，情况可能不全。")
    if unknown:
        named = "、".join(desk.source(one) for one in unknown[:NAMED]) + ("等" if len(unknown) > NAMED else "")
        told.append(f"{named}{len(unknown)}个信源没有运行记录，是否正常{ASKED}。")
    return tuple(fact(one, key) for one in told)


def _spent(desk: Desk, begins: datetime, ends: datetime) -> Mapping[str, Counter[str]]:
    """Seconds that each source was in each state."""
    spans: defaultdict[str, Counter[str]] = defaultdict(Counter)
    now = {one: (change.state, begins) for one, change in present_states(desk.db, before=begins).items()}
    for change in changes_between(desk.db, begins, ends):
        if change.source in now:
            state, since = now[change.source]
            spans[change.source][state] += int((change.at - since).total_seconds())
        now[change.source] = (change.state, change.at)
    for one, (state, since) in now.items():
        spans[one][state] += max(1, int((ends - since).total_seconds()))
    return {one: spent for one, spent in spans.items() if one in desk.running}


def _read_days(desk: Desk, week: Week, ends: datetime) -> Mapping[str, frozenset[int]]:
    """The days on which each source was read, as ordinals."""
    last = beijing(ends - timedelta(microseconds=1)).toordinal()
    found = days_since(desk.db, sorted(desk.running), week.first.toordinal())
    return {one: frozenset(day.day for day in days if day.reads and day.day <= last) for one, days in found.items()}


def _days_over(week: Week, today: date) -> list[date]:
    every = (week.first + timedelta(days=number) for number in range((week.last - week.first).days + 1))
    return [day for day in every if day < today]


def _cut(desk: Desk, spent: Mapping[str, Counter[str]]) -> list[str]:
    """「其间××信源中断×小时，情况可能不全。」, the longest first."""
    lost = {one: sum(spans[state] for state in CUT) for one, spans in spent.items()}
    lost = {one: seconds for one, seconds in lost.items() if seconds}
    return [f"其间{_each(desk, lost, '信源中断')}，情况可能不全。"] if lost else []


def _each(desk: Desk, seconds: Mapping[str, int], word: str) -> str:
    order = sorted(seconds, key=lambda one: (-seconds[one], one))
    told = "、".join(f"{desk.source(one)}{word}{_hours(seconds[one])}" for one in order[:NAMED])
    return told + (f"等{len(order)}个信源" if len(order) > NAMED else "")


def _hours(seconds: int) -> str:
    hours = round(seconds / 3600)
    return f"{hours}小时" if hours else "不足1小时"
