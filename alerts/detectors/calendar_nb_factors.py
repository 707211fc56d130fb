"""How a day differs from an ordinary one: weekday, Chinese calendar, the product's season; and the dispersion."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from alerts.detectors.calendar_nb_counts import CalendarNb, Floats, Ints, KeyCounts
from config.calendar_classes import Calendar

HALF = 45
"""The level that factors are measured against is a centred mean of 91 days."""
YEAR, HALF_YEAR = 365, 182
SEASON_BOUNDS = (0.25, 4.0)
LEAST_EFFECT = 0.05
LEAST = 1e-4
"""Events a day below which a level is not told apart from silence."""


@dataclass(frozen=True)
class Days:
    """weekday: 0 Monday to 6.  code: calendar class, 0 none.  classes: how many codes there are."""

    weekday: Ints
    code: Ints
    classes: int

    def cells(self) -> Ints:
        """class x weekday as one number."""
        return self.code * 7 + self.weekday


def days_of(first: date, count: int, calendar: Calendar) -> Days:
    """The days of `count` columns from `first` on."""
    weekday = (first.weekday() + np.arange(count)) % 7
    return Days(weekday.astype(np.intp), calendar.codes(first, count), len(calendar.names))


@dataclass(frozen=True)
class Tally:
    """Counts and levels summed by class and weekday: keys x classes x 7. What factors are made of."""

    counts: Floats
    levels: Floats

    def total(self) -> "Tally":
        """Of all keys: classes x 7."""
        return Tally(self.counts.sum(axis=0), self.levels.sum(axis=0))


@dataclass(frozen=True)
class Pool:
    """Factors of all keys together: weekday (7), and by code (the first is 1)."""

    weekday: Floats
    code: Floats


@dataclass(frozen=True)
class Factors:
    """A key's own factors: weekday keys x 7, code keys x classes."""

    weekday: Floats
    code: Floats

    def of_days(self, days: Days) -> Floats:
        """keys x days: weekday x class of each day."""
        table = self.code[:, :, None] * self.weekday[:, None, :]
        return table.reshape(len(table), -1)[:, days.cells()]


def centred_mean(rows: Floats, since: Ints | None = None, *, before: int = HALF, after: int = HALF) -> Floats:
    """Mean of each day and the days around it, at the ends of those there are; columns before `since` are no days."""
    total = rows.shape[1]
    sums = np.zeros((len(rows), before + total + after + 1))
    np.cumsum(rows, axis=1, out=sums[:, before + 1 : before + total + 1])
    sums[:, before + total + 1 :] = sums[:, before + total : before + total + 1]
    around: Floats = sums[:, before + after + 1 :] - sums[:, :total]
    low = np.maximum(np.arange(total) - before, 0)
    high = np.minimum(np.arange(total) + after + 1, total)
    days = high - low if since is None else np.maximum(high - np.maximum(low, since[:, None]), 1)
    around /= days
    return around


def without_outbreaks(counts: Floats, level: Floats) -> Floats:
    """Counts clipped at 3 l + 4 sqrt(2 l) + 2: what is far above the level shapes no factor."""
    clipped: Floats = np.minimum(counts, 3 * level + 4 * np.sqrt(2 * level) + 2)
    return clipped


@dataclass(frozen=True)
class Past:
    """All columns but today's. level: centred mean.  clipped: counts without outbreaks.  since: as in KeyCounts."""

    counts: Floats
    level: Floats
    clipped: Floats
    since: Ints

    def days(self) -> int:
        return int(self.counts.shape[1])


def past_of(keys: KeyCounts) -> Past:
    """What is known before the last column."""
    before = keys.days() - 1
    counts = keys.counts[:, :before]
    since = None if keys.since is None else np.minimum(keys.since, before)
    level = centred_mean(counts, since)
    if since is not None:
        level *= np.arange(before) >= since[:, None]
    return Past(counts, level, without_outbreaks(counts, level), keys.watched_from())


def tally(past: Past, days: Days) -> Tally:
    """Sums over all past days. days: may go on beyond them."""
    cells = np.eye(7 * days.classes)[days.cells()[: past.days()]]
    shape = (len(past.counts), days.classes, 7)
    return Tally((past.clipped @ cells).reshape(shape), (past.level @ cells).reshape(shape))


def pool_of(totals: Sequence[Tally], calendar: Calendar, parameters: CalendarNb) -> Pool:
    """Observed over expected, leaning on 1 and on calendar.yml's `usual` where little was seen."""
    weight = parameters.pool_weight
    counts, levels = np.sum([one.counts for one in totals], axis=0), np.sum([one.levels for one in totals], axis=0)
    weekday = (counts[0] + weight) / (levels[0] + weight)
    code = (counts.sum(axis=1) + weight * calendar.usual) / (levels @ weekday + weight)
    code[0] = 1.0
    return Pool(weekday, code)


def factors_of(sums: Tally, pool: Pool, parameters: CalendarNb) -> Factors:
    """Each key's own factors, leaning on those of all keys."""
    own, shared = parameters.weekday_weight, parameters.class_weight
    weekday = (sums.counts[:, 0] + own * pool.weekday) / (sums.levels[:, 0] + own)
    expected = np.einsum("kcd,kd->kc", sums.levels, weekday)
    code = (sums.counts.sum(axis=2) + shared * pool.code) / (expected + shared)
    code[:, 0] = 1.0
    return Factors(weekday, code)


def dispersion_of(past: Past, effect: Floats, parameters: CalendarNb) -> Floats:
    """Variance over mean, at least 1, of each key: sum w (r^2 - m) over sum w m, with w = min(1, 1/m).

    effect: keys x days.  On rare keys this counts pairs on one day, on busy ones it is the usual Pearson figure; the
    last `guard` days, today among them, are left out.
    """
    stop = max(0, past.days() + 1 - parameters.guard)
    start = max(0, stop - parameters.dispersion_days)
    known = parameters.dispersion_weight
    usual = centred_mean(effect[:, : past.days()])[:, start:stop]
    mean = np.maximum(past.level[:, start:stop], LEAST) / np.maximum(usual, LEAST) * effect[:, start:stop]
    counts = np.minimum(past.counts[:, start:stop], mean + parameters.cap * np.sqrt(2 * mean) + 2)
    weight = np.minimum(1, 1 / np.maximum(mean, LEAST))
    if past.since.any():
        weight *= np.arange(start, stop) >= past.since[:, None]
    beyond = np.einsum("kt,kt->k", weight, (counts - mean) ** 2 - mean)
    total = np.einsum("kt,kt->k", weight, mean)
    ratio: Floats = 1 + (beyond + known * (parameters.dispersion - 1)) / (total + known)
    return np.maximum(1.0, ratio)


def season_of(past: Past, effect: Floats, dispersion: Floats, columns: int) -> Floats:
    """keys x columns: one yearly wave where two years of history show one beyond chance, else 1.

    Each day is set against the year around it, so a trend is none; whole years only. The amplitude is shrunk by what
    chance alone would give (positive-part James-Stein), so that a key without a season keeps the factor 1.
    """
    last = past.days() - 1 - HALF_YEAR
    years = (last - HALF_YEAR - past.since) // YEAR
    most = int(years.max(initial=0))
    if most < 1:
        return np.ones((len(effect), columns))
    middle = np.arange(last - most * YEAR, last)
    counts = past.clipped / np.maximum(effect[:, : past.days()], LEAST_EFFECT)
    around = centred_mean(counts, before=HALF_YEAR, after=HALF_YEAR)[:, middle]
    counts = counts[:, middle] * (middle >= last - YEAR * years[:, None])
    ratio = np.where(counts > 0, counts / np.maximum(around, LEAST), 0.0)
    angle = 2 * np.pi / 365.25 * np.arange(columns)
    waves = np.stack([np.cos(angle), np.sin(angle)])
    whole = YEAR * np.maximum(years, 1)[:, None]
    size = 2 * ratio @ waves[:, middle].T / whole
    chance = 4 * dispersion / np.maximum(counts.sum(axis=1), 1)
    kept = np.maximum(0, 1 - chance / np.maximum((size**2).sum(axis=1), 1e-9)) * (years >= 1)
    wave: Floats = 1 + (kept[:, None] * size) @ waves
    return np.clip(wave, *SEASON_BOUNDS)
