"""The threshold for a false-positive rate, from the installation's own history."""

from dataclasses import dataclass, replace

import numpy as np

from alerts.detectors.calendar_nb import pieces_of, score_days, setting
from alerts.detectors.calendar_nb_counts import CalendarNb, Flags, Floats, KeyCounts
from alerts.detectors.calendar_nb_factors import (
    HALF_YEAR,
    LEAST,
    Past,
    centred_mean,
    dispersion_of,
    factors_of,
    past_of,
    tally,
)
from config.calendar_classes import Calendar

LEAN = 10.0
"""A level of 91 days leans on that of the year around it, worth so many events: or chance would become a trend."""


@dataclass(frozen=True)
class QuietScores:
    """Of key-days on which, by construction, nothing began. rare: those where the rule for rare keys holds."""

    scores: Floats
    rare: Flags

    def threshold(self, rate: float) -> float:
        """The score that at most this share lies above. Raises ValueError outside 0 to 1."""
        if not 0 < rate < 1:
            raise ValueError(f"rate: {rate} (accepted: above 0 and below 1, such as 0.003)")
        falling = np.sort(self.scores)[::-1]
        return float(falling[min(int(rate * len(falling)), len(falling) - 1)])

    def rate(self, threshold: float) -> float:
        """The share of scores above a threshold."""
        return float((self.scores > threshold).mean())

    def alarm_rate(self, threshold: float) -> float:
        """The share of alarms, those by the rule for rare keys included: what a budget reckons with."""
        return float(((self.scores > threshold) | self.rare).mean())


def quiet_scores(
    keys: KeyCounts, calendar: Calendar, parameters: CalendarNb, *, days: int = 365, step: int = 3, seed: int = 0
) -> QuietScores:
    """Judge a twin of this history in which nothing ever began: every `step`-th of its last `days` days.

    The history itself would not do: past outbreaks are in it, and would raise the threshold. The twin has each key's
    level as it went, its weekdays, holidays and dispersion, and counts drawn anew; the detector learns from it as it
    would from the real thing. Same seed, same twin. Raises ValueError for less than a day of history.
    """
    if keys.days() < 2:
        raise ValueError("quiet_scores: needs at least two days of history")
    twin = quiet_twin(keys, calendar, parameters, seed)
    first = max(1, keys.days() - days)
    judged = list(score_days(twin, calendar, parameters, range(first, keys.days(), step)))
    return QuietScores(np.concatenate([one.score for one in judged]), np.concatenate([one.rare for one in judged]))


def quiet_twin(keys: KeyCounts, calendar: Calendar, parameters: CalendarNb, seed: int) -> KeyCounts:
    """Counts of the same keys and days, drawn from what each key's history says without its outbreaks."""
    known = setting(replace(keys, arrived=None), calendar, parameters)
    chance = np.random.default_rng(seed)
    drawn = np.zeros_like(keys.counts)
    for part in pieces_of(len(keys)):
        past = past_of(known.keys.part(part))
        effect = factors_of(tally(past, known.days), known.pool, parameters).of_days(known.days)
        dispersion = np.maximum(dispersion_of(past, effect, parameters), 1.001)[:, None]
        mean = _smooth(past, effect[:, : past.days()])
        drawn[part, :-1] = chance.negative_binomial(mean / (dispersion - 1), 1 / dispersion)
        drawn[part, -1] = drawn[part, -2]
    return replace(keys, counts=drawn, arrived=None)


def _smooth(past: Past, effect: Floats) -> Floats:
    """Keys x days: the mean around which each day's count lay."""
    year = centred_mean(past.clipped, before=HALF_YEAR, after=HALF_YEAR) + LEAST
    usual = centred_mean(effect)
    level = (91 * past.level + LEAN) / (91 + LEAN / year)
    mean: Floats = level / usual * effect
    return mean
