"""Simulated daily count series with one injected outbreak each, and the reader of the given development set.

The recipe is the one that SOURCE.md of the development set tells in words, with strengths that follow its figures:
negative binomial counts around level x trend x season x weekday x Chinese calendar, where the strengths of the weekday
and of the calendar differ per series, 0 to 3 outbreaks in the past, one in the last 120 days. Other seeds make sets
that no detector has been looked at with.
"""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt

from config.calendar_classes import Calendar

FIRST_DAY, DAYS, EVAL_FIRST = date(2023, 1, 1), 1215, 1095
MEANS = (0.02, 0.05, 0.1, 0.3, 1.0, 3.0, 10.0, 40.0)
PHIS = (1.0, 1.5, 3.0)
PATTERNS = ("flat", "trend", "season", "both")
WEEKDAY = (1.20, 1.12, 1.06, 1.06, 1.02, 0.80, 0.74)
CLASSES = {"spring_festival": 0.47, "after_spring_festival": 1.15, "national_day": 0.60, "may_day": 0.80,
           "consumer_day": 1.70, "double_11": 1.30}  # fmt: skip
DELAYS = {"burst": (0.05, 0.5), "week": (1.2, 0.6), "slow": (2.2, 0.6)}
LONGEST = 27


@dataclass(frozen=True)
class Streams:
    """clean, injected: keys x days.  onset, end: first and last injected day, inclusive.  mean: the volume class.

    truth, phi: the true mean of each day and the dispersion, where known.
    """

    first_day: date
    eval_first: int
    mean: npt.NDArray[np.float64]
    clean: npt.NDArray[np.int64]
    injected: npt.NDArray[np.int64]
    onset: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    truth: npt.NDArray[np.float64] | None = None
    phi: npt.NDArray[np.float64] | None = None


def read_streams(path: Path) -> Streams:
    """The development set as it is stored."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    rows = raw["streams"]
    clean = np.array([[int(value) for value in row["clean"].split()] for row in rows])
    injected = np.zeros_like(clean)
    for place, row in enumerate(rows):
        for index, count in row["injected"].items():
            injected[place, int(index)] = count
    return Streams(
        date.fromisoformat(raw["first_day"]), raw["eval_first_index"], np.array([row["mean"] for row in rows]), clean,
        injected, np.array([row["onset"] for row in rows]), np.array([row["end"] for row in rows]),
    )  # fmt: skip


def simulate_streams(seed: int, calendar: Calendar, *, replicates: int = 4) -> Streams:
    """A set of the same recipe: volume x dispersion x pattern, each `replicates` times (4 = 384 series)."""
    chance = np.random.default_rng(seed)
    days = [FIRST_DAY + timedelta(days=offset) for offset in range(DAYS)]
    shape_of_days = _log_effects(days, calendar)
    cells = [cell for cell in product(MEANS, PHIS, PATTERNS) for _ in range(replicates)]
    rows = [_one(chance, mean, phi, pattern, shape_of_days) for mean, phi, pattern in cells]
    truth, clean, injected = (np.array([row[part] for row in rows]) for part in range(3))
    return Streams(
        FIRST_DAY, EVAL_FIRST, np.array([cell[0] for cell in cells]), clean, injected,
        np.array([np.flatnonzero(row)[0] for row in injected]), np.array([np.flatnonzero(row)[-1] for row in injected]),
        truth,
        np.array([cell[1] for cell in cells]),
    )  # fmt: skip


def _log_effects(days: list[date], calendar: Calendar) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    weekday = np.log([WEEKDAY[day.weekday()] for day in days])
    names = (None, *calendar.names[1:])
    special = np.array([np.log(CLASSES.get(names[code] or "", 1.0)) for code in calendar.codes(days[0], len(days))])
    return weekday, special


def _one(
    chance: np.random.Generator, mean: float, phi: float, pattern: str,
    effects: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:  # fmt: skip
    index = np.arange(DAYS)
    log_level = np.full(DAYS, np.log(mean)) + chance.uniform(0, 2) * effects[0] + chance.uniform(0, 2) * effects[1]
    if pattern in ("trend", "both"):
        log_level += np.log(chance.choice((0.2, 2.5))) * (1 - index / (DAYS - 1))
    if pattern in ("season", "both"):
        log_level += 0.5 * np.sin(2 * np.pi * (index / 365.25 + chance.uniform()))
    level = np.exp(log_level)
    clean = chance.poisson(level) if phi == 1 else chance.negative_binomial(level / (phi - 1), 1 / phi)
    for _ in range(chance.integers(0, 4)):
        clean = clean + _outbreak(chance, int(chance.integers(30, EVAL_FIRST - 30)), level, phi)
    injected = _outbreak(chance, int(chance.integers(EVAL_FIRST, DAYS - 6)), level, phi)
    return level, clean, injected


def _outbreak(
    chance: np.random.Generator, onset: int, level: npt.NDArray[np.float64], phi: float
) -> npt.NDArray[np.int64]:
    """At least 3 cases, about 3 to 25 standard deviations of a day, in a burst, a week or a slow rise."""
    cases = max(3, int(chance.poisson(chance.uniform(3, 25) * np.sqrt(phi * level[onset]))))
    delays = chance.lognormal(*DELAYS[str(chance.choice(list(DELAYS)))], size=cases)
    days = np.minimum(np.floor(delays - np.floor(delays.min())), LONGEST).astype(int) + onset
    days = days[days < DAYS]
    return np.bincount(days, minlength=DAYS)
