"""Risk signals a day beside what calendar_nb expected of each day.

Each day's expectation rests on the days before it alone, as the detector judges: level, weekday, holiday, season. The
band holds 95 % of what such a day brings.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from sqlalchemy import ColumnElement, Connection, func, select, text

from alerts.day_series import start_of
from alerts.detectors.calendar_nb import setting
from alerts.detectors.calendar_nb_counts import CalendarNb, KeyCounts
from alerts.detectors.calendar_nb_evidence import most_usual, window_variance
from config.calendar_classes import Calendar
from store.schema import documents

SHOWN = 28
HISTORY = 400
TAIL = 0.025


@dataclass(frozen=True)
class Band:
    """What a day was expected to bring, and between which limits 95 % of such days lie."""

    expected: float
    lower: float
    upper: float


def fit(counts: Mapping[int, int], today: int, calendar: Calendar) -> dict[int, Band]:
    """The bands of the last `SHOWN` days, by ordinal day; days that nothing is known before are left out."""
    if not counts:
        return {}
    first = min(counts)
    row = np.array([[float(counts.get(day, 0)) for day in range(first, today + 1)]])
    keys, parameters = KeyCounts(row, date.fromordinal(first)), CalendarNb()
    bands = {}
    for column in range(max(parameters.guard + 1, row.shape[1] - SHOWN), row.shape[1]):
        known = setting(keys, calendar, parameters, day=column).expect(slice(0, 1))
        mean = known.mean[:, -1]
        variance = window_variance(mean, known.special[-1:].astype(float), known, parameters)
        low, high = (float(most_usual(chance, mean, variance)[0]) for chance in (1 - TAIL, TAIL))
        bands[first + column] = Band(float(mean[0]), low, high)
    return bands


def counts_by_day(db: Connection, first: int, now: datetime, where: ColumnElement[bool]) -> dict[int, tuple[int, int]]:
    """(signals, gravest level) of each Beijing day from `first` on, up to `now`. where: which documents count."""
    day = _beijing_day(db)
    query = (
        select(day, func.count(), func.max(documents.c.level))
        .where(documents.c.is_risk, documents.c.latest, documents.c.event_time >= start_of(first))
        .where(documents.c.event_time <= now, where)
        .group_by(day)
    )
    return {date.fromisoformat(str(row[0])).toordinal(): (row[1], row[2] or 0) for row in db.execute(query)}


def _beijing_day(db: Connection) -> ColumnElement[str]:
    """2026-11-23 of an event time. China has had one zone without summer time since 1991."""
    if db.dialect.name == "sqlite":
        return func.date(documents.c.event_time, text("'+8 hours'"))
    return func.to_char(func.timezone(text("'Asia/Shanghai'"), documents.c.event_time), text("'YYYY-MM-DD'"))
