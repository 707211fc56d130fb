"""Due dates of the ledger, in days of Beijing. No query, no clock."""

from collections.abc import Callable
from datetime import date, timedelta

from config.ledger import LedgerRules, Span

DAY = timedelta(days=1)
IsWorkday = Callable[[date], bool]


def working_days_after(day: date, count: int, is_workday: IsWorkday) -> date:
    """The `count`-th working day after `day`; the day itself is not counted."""
    while count > 0:
        day += DAY
        count -= is_workday(day)
    return day


def end_of(span: Span, start: date, is_workday: IsWorkday) -> date:
    """The last day of a span that begins after `start`."""
    if span.working:
        return working_days_after(start, span.days, is_workday)
    end = start + DAY * span.days
    while not is_workday(end):
        end += DAY
    return end


def due_date(rules: LedgerRules, level: int, found_on: date, is_workday: IsWorkday) -> date:
    """Until when a hazard found on a day is to be put right."""
    return end_of(rules.span_of(level), found_on, is_workday)


def due_words(due_on: date, today: date) -> tuple[str, str]:
    """What is left or over, and how the clock looks: `逾期 3 日`, over; `今日到期`, soon; `剩 5 日`."""
    left = (due_on - today).days
    if left < 0:
        return f"逾期 {-left} 日", "over"
    return ("今日到期", "soon") if left == 0 else (f"剩 {left} 日", "soon" if left <= 1 else "")
