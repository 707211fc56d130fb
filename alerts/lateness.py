"""Whether an alert was opened too late, and how that is said: after a halt of the system, or by a late document."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from core.clock import start_of_beijing_day
from store.source_times import in_outage

USUAL = timedelta(hours=6)
"""From publication to alert, where a source is visited a few times a day."""
DAY = timedelta(days=1)


def late_by(db: Connection, at: datetime, grace: timedelta, now: datetime) -> int:
    """Seconds that an alert of a moment comes too late by now; 0 where it is in time.

    Too late: 6 hours, or any time at all where the system stood still at that moment. A moment at 00:00 Beijing is a
    date without an hour: it lasts until the day's end.  grace: it could not be known earlier.
    """
    ends = at + DAY if at == start_of_beijing_day(at) else at
    delay = now - ends - grace
    if delay <= timedelta(0):
        return 0
    return int((now - at).total_seconds()) if delay > USUAL or in_outage(db, at, now) else 0


def late_words(seconds: int) -> str:
    """`晚 3 天 2 小时`; empty for 0."""
    if seconds <= 0:
        return ""
    hours = round(seconds / 3600)
    days, rest = divmod(hours, 24)
    parts = [f"{days} 天" if days else "", f"{rest} 小时" if rest else ""]
    told = " ".join(part for part in parts if part)
    return f"晚 {told}" if told else f"晚 {max(1, round(seconds / 60))} 分钟"
