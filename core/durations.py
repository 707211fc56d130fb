"""One notation for spans of time in all our YAML: `30s`, `15m`, `24h`, `7d`, `2w`."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
LONGEST = timedelta(days=36_500)
"""A century: past it, dates before and after a document run out of the calendar."""
FORM = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")


def parse_duration(text: str) -> timedelta:
    """`24h` as a timedelta. Raises ValueError with the accepted form."""
    match = FORM.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a duration (accepted: 30s, 15m, 24h, 7d, 2w)")
    try:
        span = timedelta(**{UNITS[match[2]]: float(match[1])})
    except OverflowError:
        span = timedelta.max
    if span > LONGEST:
        raise ValueError(f"{text!r} is too long (accepted: up to {LONGEST.days}d)")
    return span


def format_duration(span: timedelta) -> str:
    """The shortest notation that parses back to `span` (whole seconds)."""
    seconds = int(span.total_seconds())
    for unit, size in (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def duration_words(span: timedelta) -> str:
    """`20 秒`, `38 分`, `2 小时`, `1 小时 20 分`, `3 天 4 小时`: the two largest units that count."""
    seconds = int(abs(span).total_seconds() + 0.5)
    if seconds < 60:
        return f"{seconds} 秒"
    minutes = (seconds + 30) // 60
    if minutes >= 1440:
        minutes = (minutes + 30) // 60 * 60
    days, hours, rest = minutes // 1440, minutes % 1440 // 60, minutes % 60
    parts = [f"{days} 天" if days else "", f"{hours} 小时" if hours else "", f"{rest} 分" if rest else ""]
    return " ".join(part for part in parts if part)


def _read(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    return parse_duration(str(value))


Duration = Annotated[timedelta, BeforeValidator(_read)]
