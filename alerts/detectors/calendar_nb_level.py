"""What is expected of each key today: its level, how sure it is, and the expectation of each of the last days."""

from dataclasses import dataclass

import numpy as np

from alerts.detectors.calendar_nb_counts import CalendarNb, Flags, Floats, Ints, KeyCounts
from alerts.detectors.calendar_nb_factors import LEAST, Days, Factors, Past, dispersion_of, season_of

PSEUDO = 0.5
"""Events that a silent history counts for."""
PASSES = 3
LEAST_DAYS = 7.0
"""A history of fewer watched days is filled up with silent ones, where no parent lends its level."""


@dataclass(frozen=True)
class Expectation:
    """Of each key today.

    mean: keys x recent days, events expected on each.  level: events on an ordinary day.  dispersion: variance over
    mean.  doubt: relative sd of the level.  special: recent days, of a calendar class or not.  short: history short.
    effect: what today's level is multiplied with (weekday x class x season x arrived).
    """

    mean: Floats
    level: Floats
    dispersion: Floats
    doubt: Floats
    special: Flags
    short: Flags
    effect: Floats

    def only(self, keys: Flags, recent: int) -> "Expectation":
        """Some of the keys, the last `recent` days."""
        return Expectation(
            self.mean[keys, -recent:], self.level[keys], self.dispersion[keys], self.doubt[keys],
            self.special[-recent:], self.short[keys], self.effect[keys],
        )  # fmt: skip


def expect(
    keys: KeyCounts, past: Past, days: Days, factors: Factors, parameters: CalendarNb, recent: int
) -> Expectation:
    """Today is the last column of keys. recent: how many days' expectation is wanted."""
    today = keys.days() - 1
    effect = factors.of_days(days)
    dispersion = dispersion_of(past, effect, parameters)
    if parameters.season:
        effect *= season_of(past, effect, dispersion, today + 1)
    if keys.arrived is not None:
        effect[:, effect.shape[1] - keys.arrived.shape[-1] :] *= keys.arrived
    level, doubt = _level(keys, effect, dispersion, parameters)
    short = today + 1 - keys.watched_from() < parameters.short_days
    mean = np.maximum(level[:, None] * effect[:, -recent:], LEAST)
    return Expectation(mean, level, dispersion, doubt, days.code[-recent:] > 0, short, effect[:, -1])


def _level(keys: KeyCounts, effect: Floats, dispersion: Floats, parameters: CalendarNb) -> tuple[Floats, Floats]:
    """Events on an ordinary day, and the relative sd of that figure: weighted means of capped counts."""
    today = keys.days() - 1
    stop = max(0, today + 1 - parameters.guard)
    start = max(0, today - parameters.level_days)
    counts, usual = keys.counts[:, start:stop], effect[:, start:stop]
    age = (today - np.arange(start, stop)).astype(float)
    watched = np.arange(start, stop) >= keys.watched_from()[:, None]
    mean = (counts * watched).sum(axis=1) / np.maximum(watched.sum(axis=1), 1)
    half_life = np.clip(parameters.half_life / np.maximum(mean, 1e-9), *parameters.half_life_days)
    weight = np.exp2(-age / half_life[:, None]) * watched
    lent, lent_days = _lent(keys, today, parameters)
    unseen = np.maximum(0.0, LEAST_DAYS - watched.sum(axis=1) - lent_days)
    exposure = np.einsum("kt,kt->k", weight, usual) + lent_days + unseen
    capped = np.minimum(counts, 3 * mean[:, None] + 4 * np.sqrt(2 * mean[:, None]) + 2)
    for _ in range(PASSES):
        level = (PSEUDO + lent + np.einsum("kt,kt->k", weight, capped)) / exposure
        fit = level[:, None] * usual
        spread = np.sqrt(dispersion[:, None] * fit + (parameters.level_sd * fit) ** 2)
        capped = np.minimum(counts, fit + parameters.cap * spread + 1)
    events = PSEUDO + lent + np.einsum("kt,kt->k", weight, capped)
    alike = weight.sum(axis=1) / np.maximum((weight**2).sum(axis=1), 1e-9)
    doubt = np.sqrt(dispersion / (events * np.maximum(alike, 1.0)) + parameters.level_sd**2)
    return events / exposure, doubt


def _lent(keys: KeyCounts, today: int, parameters: CalendarNb) -> tuple[Floats, Floats]:
    """Events and days that the parent key lends to keys with a short history."""
    none = np.zeros(len(keys))
    if keys.borrowed is None:
        return none, none
    short = (today + 1 - keys.watched_from() < parameters.short_days) & ~np.isnan(keys.borrowed)
    days = np.where(short, parameters.borrow_days, 0.0)
    return np.where(short, np.nan_to_num(keys.borrowed) * days, 0.0), days


def parents_level(counts: Floats, parent: Ints, since: Ints | None = None, *, days: int = 91) -> Floats:
    """Events a day of a child of each key's parent: what a key with a short history borrows.

    parent: a number a key, alike for the children of one parent; below 0: none. The mean over all watched days of all
    children in the last `days` days; NaN where there is no parent or none of its children has been watched.
    """
    recent = counts[:, -days:]
    first = counts.shape[1] - recent.shape[1]
    watched = np.full(len(counts), recent.shape[1]) if since is None else counts.shape[1] - np.maximum(since, first)
    level = np.full(len(counts), np.nan)
    for one in np.unique(parent[parent >= 0]):
        children = parent == one
        total = watched[children].sum()
        if total:
            level[children] = recent[children].sum() / total
    return level
