"""The only place that asks the time. Everything else is handed a `Clock` or an aware UTC datetime."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

BEIJING = ZoneInfo("Asia/Shanghai")

FIRST_YEAR, LAST_YEAR = 1900, 2199
"""Of moments that are handed in: around the ends of what a calendar can hold, nothing can be counted."""

Clock = Callable[[], datetime]
"""Returns the present moment, aware, UTC."""


def system_clock() -> datetime:
    """The machine's time, aware, UTC."""
    return datetime.now(UTC)


def fixed_clock(moment: datetime) -> Clock:
    """A clock that always shows `moment` (replay, ingest of past documents, tests)."""
    utc = as_utc(moment)
    return lambda: utc


def as_utc(moment: datetime) -> datetime:
    """`moment` in UTC; one without a zone is Beijing time, as Chinese sources mean it.

    Raises ValueError at the ends of the calendar, where one of the two zones has no such day.
    """
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=BEIJING)
    try:
        utc = moment.astimezone(UTC)
        utc.astimezone(BEIJING)
    except OverflowError:
        raise ValueError(f"{moment.isoformat()} is out of range") from None
    return utc


def beijing(moment: datetime) -> datetime:
    """`moment` on a Beijing wall clock, for showing."""
    return as_utc(moment).astimezone(BEIJING)


def iso_beijing(moment: datetime) -> str:
    """ISO 8601 with +08:00, whole seconds: the form every output uses."""
    return beijing(moment).isoformat(timespec="seconds")


def parse_published(text: str) -> datetime:
    """An ISO date or date-time as UTC; no zone means Beijing, a date alone means 00:00 there.

    Raises ValueError when `text` is neither, or names a year nobody can count days around.
    """
    found = datetime.fromisoformat(text.strip())
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError(f"{text.strip()[:40]!r} lies outside of {FIRST_YEAR} to {LAST_YEAR}")
    return as_utc(found)


def beijing_day(moment: datetime) -> str:
    """The Beijing calendar day, `2026-11-23`."""
    return beijing(moment).date().isoformat()


def start_of_beijing_day(moment: datetime) -> datetime:
    """00:00 Beijing of the day `moment` falls on, as UTC."""
    return beijing(moment).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def days(count: float) -> timedelta:
    """`count` days of 24 hours."""
    return timedelta(days=count)
