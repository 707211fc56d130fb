"""The default detector by hand: all keys of a CSV together, a judgement a day."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from alerts.detectors.calendar_nb import setting
from alerts.detectors.calendar_nb_counts import CalendarNb, KeyCounts
from alerts.detectors.calendar_nb_explain import MOST, Explanation, explain_all
from alerts.detectors.detector import TOO_SHORT, read_parameters
from commands.count_csv import Row, first_from
from config.calendar_classes import Calendar
from core.clock import BEIJING

METHOD = "calendar_nb"
NEEDED = f"{METHOD} needs every day (0 where none came)"
DAILY = (7, 365)
"""What --param freq may say of a daily series."""
MOST_A_DAY = 10**8
"""Alarm and bound agree up to there (measured on levels of 10^2 to 10^8); at 10^9 the likelihoods lose their digits."""
Series = Mapping[str | None, list[Row]]
Line = dict[str, Any]


def daily_lines(
    series: Series, calendar: Calendar, control: Mapping[str, Any], since: str | None, file: Path
) -> Iterator[Line]:
    """A line for each key and day from `since` on, key by key. control: as --param gives it.

    Raises ValueError naming the parameter, or file, line and remedy: not one whole number a day, none missing.
    """
    freq = control.get("freq")
    if freq is not None and freq not in DAILY:
        raise ValueError(f"freq: {freq!r}: {METHOD} judges daily counts only (accepted: 7 or 365)")
    parameters = read_parameters(CalendarNb, {name: value for name, value in control.items() if name != "freq"})
    # What a line shows as observed and expected is the window of one day.
    parameters = parameters.model_copy(update={"windows": tuple(sorted({1, *parameters.windows}))})
    first_days = {key: _first_day(rows, f"{file}: {key or 'time'}") for key, rows in series.items()}
    for rows in series.values():
        _check_counts(rows, file)
    firsts = {key: first_from(rows, since, file, key) for key, rows in series.items()}
    judged = _judged(series, first_days, firsts, calendar, parameters)
    for key, rows in series.items():
        for place, row in enumerate(rows[firsts[key] :], start=firsts[key]):
            yield _line(key, row, judged.get((key, place)))


def _judged(
    series: Series,
    first_days: Mapping[str | None, date],
    firsts: Mapping[str | None, int],
    calendar: Calendar,
    parameters: CalendarNb,
) -> dict[tuple[str | None, int], Line]:
    """The figures by key and row, without those whose history is too short. A day is judged with the keys it has."""
    counts = {key: np.array([row.count for row in rows], dtype=np.float64) for key, rows in series.items()}
    waits = {key: max(firsts[key], parameters.short_days - 1) for key in series}
    days = {first_days[key] + timedelta(days=place) for key in series for place in range(waits[key], len(series[key]))}
    judged = {}
    for day in sorted(days):
        places = {key: (day - first_days[key]).days for key in series}
        there = [key for key in series if 0 <= places[key] < len(series[key])]
        longest = max(places[key] for key in there)
        rows = np.zeros((len(there), longest + 1))
        for row, key in zip(rows, there, strict=True):
            row[longest - places[key] :] = counts[key][: places[key] + 1]
        watched = np.array([longest - places[key] for key in there], dtype=np.intp)
        known = setting(KeyCounts(rows, day - timedelta(days=longest), watched), calendar, parameters)
        for key, told in zip(there, explain_all(known), strict=True):
            if places[key] >= waits[key]:
                judged[key, places[key]] = _figures(told)
    return judged


def _figures(told: Explanation) -> Line:
    today = next(one for one in told.windows if one.days == 1)
    fired = next((asdict(one) for one in told.windows if one.days == told.fired), None)
    upper = told.alarm_from - 1 if told.alarm_from < MOST else None
    return {
        "expected": today.expected, "upper": upper, "score": told.score, "alarm": told.alarm, "p_value": told.p,
        "window": fired, "reason": told.reason(),
    }  # fmt: skip


def _line(key: str | None, row: Row, figures: Line | None) -> Line:
    unjudged = dict.fromkeys(("expected", "upper", "score", "alarm", "p_value", "window")) | {"reason": TOO_SHORT}
    return {"key": key, "time": row.given(), "observed": row.count} | (figures or unjudged)


def _first_day(rows: list[Row], where: str) -> date:
    """The first of the days, each in Beijing. Raises ValueError where they are not one after the other."""
    only = f"{METHOD} judges daily counts only (accepted: a date a row; other methods take other frequencies)"
    days = [_day(row.time) for row in rows if isinstance(row.time, datetime)]
    if not days:
        raise ValueError(f"{where}: times are whole numbers, not dates: {only}")
    steps = [(later - earlier).days for earlier, later in pairwise(days)]
    if 0 in steps:
        raise ValueError(f"{where}: {days[steps.index(0)]} holds several time points: {only}")
    if steps and median(steps) != 1:
        raise ValueError(f"{where}: time points are {median(steps):g} days apart: {only}")
    for row, earlier, step in zip(rows[1:], days, steps, strict=False):
        if step > 1:
            missing = earlier + timedelta(days=1)
            raise ValueError(f"{where}: line {row.line}: no row for {missing} before it; {NEEDED}")
    return days[0]


def _day(time: datetime) -> date:
    try:
        return (time.astimezone(BEIJING) if time.tzinfo else time).date()
    except OverflowError:
        raise ValueError(f"time: {time.isoformat()} is no day in Beijing (accepted: years 1 to 9999)") from None


def _check_counts(rows: list[Row], file: Path) -> None:
    for row in rows:
        where = f"{file}: line {row.line}: count"
        if row.count is None:
            raise ValueError(f"{where}: missing; {NEEDED}")
        if row.count != int(row.count) or row.count > MOST_A_DAY:
            raise ValueError(f"{where}: {row.count:g} is not a whole number up to {MOST_A_DAY:,}")
