"""The default detector beside cheap baselines, by the protocol of detection.md section 7.

    python -m benchmarks.detectors                      the development set and three simulated sets
    python -m benchmarks.detectors --seeds 7 8          other simulated sets
    python -m benchmarks.detectors --cost 50000         seconds for one day of so many keys with three years of history
    python -m benchmarks.detectors --rule --seeds 1     as a rule uses it: through store and condition (minutes a set)

A detector gives one statistic a key and day. FPR: share of the evaluation days of the clean series above one threshold
for all keys. POD: share of outbreaks with an alarm between first and last injected case; POD1: on day 0 or 1.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from alerts.detectors.calendar_nb import WEEK, pieces_of, score_day, score_days, setting
from alerts.detectors.calendar_nb_counts import CalendarNb, Floats, KeyCounts
from alerts.detectors.calendar_nb_evidence import chance_of, window_variance
from alerts.detectors.calendar_nb_threshold import quiet_scores
from benchmarks.detector_rule import print_rule
from benchmarks.detector_streams import Streams, read_streams, simulate_streams
from config.calendar_classes import Calendar, load_calendar
from config.settings import PROJECT

RATES = (0.01, 0.003, 0.001)
CALIBRATED = (0.01, 0.003)
PARAMETERS = CalendarNb()
Statistic = Callable[[KeyCounts, int], Floats]
"""counts, first column to judge -> keys x judged days."""


@dataclass(frozen=True)
class Found:
    """pod, pod1: shares of outbreaks.  delay: days, of those found.  days: share of outbreak days with an alarm.
    before: share of the cases of all outbreaks that came before the first alarm's day ended, 1 where there was none."""

    threshold: float
    pod: float
    pod1: float
    delay: float
    days: float
    before: float


def calendar_nb(calendar: Calendar) -> Statistic:
    """The detector under test."""

    def scores(keys: KeyCounts, first: int) -> Floats:
        judged = score_days(keys, calendar, PARAMETERS, range(first, keys.days()))
        return np.stack([one.score for one in judged], axis=1)

    return scores


def windows_of_section_2(calendar: Calendar) -> Statistic:
    """max over W = 1, 3 of -log10 P(NB >= observed), with the same expectations: what the odds are measured against."""

    def scores(keys: KeyCounts, first: int) -> Floats:
        return np.stack([_window_score(keys, calendar, day) for day in range(first, keys.days())], axis=1)

    return scores


def _window_score(keys: KeyCounts, calendar: Calendar, day: int) -> Floats:
    known = setting(keys, calendar, PARAMETERS, day=day)
    pieces = []
    for part in pieces_of(len(keys)):
        expected, counts = known.expect(part), known.keys.counts[part]
        best = np.zeros(len(counts))
        for days in (1, 3):
            observed, mean = counts[:, -days:].sum(axis=1), expected.mean[:, -days:].sum(axis=1)
            special = expected.special[-days:].mean(keepdims=True)
            chance = chance_of(observed, mean, window_variance(mean, special, expected, PARAMETERS))
            best = np.maximum(best, np.where(observed >= 2, -np.log10(np.maximum(chance, 1e-300)), 0))
        pieces.append(best)
    return np.concatenate(pieces)


def spike(keys: KeyCounts, first: int) -> Floats:
    """A rule of "three times yesterday", with the day's count as its minimum."""
    today, yesterday = keys.counts[:, first:], keys.counts[:, first - 1 : -1]
    return np.where(today >= 3 * yesterday, today, 0)


def ears_c2(keys: KeyCounts, first: int, *, baseline: int = 28, lag: int = 2) -> Floats:
    """(count - mean) / sd of 28 days, the last two left out; sd at least 0.5."""
    windows = np.lib.stride_tricks.sliding_window_view(keys.counts, baseline, axis=1)
    past = windows[:, first - lag - baseline : keys.days() - lag - baseline]
    score: Floats = (keys.counts[:, first:] - past.mean(axis=2)) / np.maximum(past.std(axis=2, ddof=1), 0.5)
    return score


def judged(statistic: Statistic, streams: Streams) -> tuple[Floats, Floats]:
    """On the clean and on the observed evaluation days."""
    clean = KeyCounts(streams.clean.astype(float), streams.first_day)
    seen = replace(clean, counts=clean.counts + streams.injected)
    return statistic(clean, streams.eval_first), statistic(seen, streams.eval_first)


def threshold_at(clean: Floats, rate: float) -> float:
    """The least threshold that at most this share of the clean days lies above."""
    return float(np.sort(clean, axis=None)[::-1][int(rate * clean.size)])


def found(streams: Streams, seen: Floats, threshold: float) -> Found:
    """What a threshold finds of the outbreaks."""
    alarms = seen > threshold
    delays, hits, days, cases = [], 0, 0, 0.0
    for key, (onset, end) in enumerate(zip(streams.onset, streams.end, strict=True)):
        here = alarms[key, onset - streams.eval_first : end - streams.eval_first + 1]
        injected = streams.injected[key, onset : end + 1]
        days += len(here)
        hits += int(here.sum())
        cases += injected[: here.argmax() + 1].sum() / injected.sum() if here.any() else 1.0
        if here.any():
            delays.append(int(here.argmax()))
    count, early = len(streams.onset), sum(delay <= 1 for delay in delays)
    delay = float(np.mean(delays)) if delays else float("nan")
    return Found(threshold, len(delays) / count, early / count, delay, hits / days, cases / count)


def by_class(streams: Streams, clean: Floats, threshold: float, calendar: Calendar) -> tuple[str, str]:
    """False alarms of calendar and of volume classes, as multiples of those of all."""
    pooled = (clean > threshold).mean()
    codes = calendar.codes(streams.first_day, streams.clean.shape[1])[streams.eval_first :]
    labels = {int(code): calendar.names[code] or "none" for code in np.unique(codes)}
    days = [f"{name} {(clean[:, codes == code] > threshold).mean() / pooled:.2f}" for code, name in labels.items()]
    volumes = [
        f"{mean:g} {(clean[streams.mean == mean] > threshold).mean() / pooled:.2f}" for mean in np.unique(streams.mean)
    ]
    return ", ".join(days), ", ".join(volumes)


def print_set(name: str, streams: Streams, calendar: Calendar) -> None:
    """The table of one set, then what only the default detector is asked for."""
    print(f"\n{name}: {len(streams.mean)} series, POD / POD1 / delay (outbreak days alarmed, cases until then)")
    print("| detector | " + " | ".join(f"FPR {rate}" for rate in RATES) + " | seconds |")
    detectors: dict[str, Statistic] = {
        "calendar_nb": calendar_nb(calendar),
        "p of windows 1, 3 (section 2), same expectations": windows_of_section_2(calendar),
        "EARS C2, 28 days": ears_c2,
        "spike x3": spike,
    }
    if streams.truth is not None:
        detectors["p of windows 1, 3, true mean and dispersion"] = _ceiling(streams)
    ours: Floats | None = None
    for label, statistic in detectors.items():
        began = time.process_time()
        clean, seen = judged(statistic, streams)
        cells = [found(streams, seen, threshold_at(clean, rate)) for rate in RATES]
        text = " | ".join(
            f"{one.pod:.2f}/{one.pod1:.2f}/{one.delay:.1f} ({one.days:.2f}, {one.before:.2f})" for one in cells
        )
        print(f"| {label} | {text} | {time.process_time() - began:.0f} |", flush=True)
        ours = clean if ours is None else ours
    if ours is not None:
        _print_rates(streams, ours, calendar)


def _ceiling(streams: Streams) -> Statistic:
    def scores(keys: KeyCounts, first: int) -> Floats:
        truth, phi = streams.truth, streams.phi
        if truth is None or phi is None:
            raise ValueError("the true means of given streams are not known")
        best = np.zeros((len(keys), keys.days() - first))
        for days in (1, 3):
            summed = [_last_days(rows, days)[:, first:] for rows in (keys.counts, truth)]
            chance = chance_of(summed[0], summed[1], phi[:, None] * summed[1])
            best = np.maximum(best, np.where(summed[0] >= 2, -np.log10(np.maximum(chance, 1e-300)), 0))
        return best

    return scores


def _last_days(rows: npt.NDArray[np.float64], days: int) -> Floats:
    summed = rows.copy()
    for back in range(1, days):
        summed[:, back:] += rows[:, :-back]
    return summed


def _print_rates(streams: Streams, clean: Floats, calendar: Calendar) -> None:
    before = KeyCounts(streams.clean[:, : streams.eval_first].astype(float), streams.first_day)
    quiet = quiet_scores(before, calendar, PARAMETERS)
    for rate in CALIBRATED:
        chosen = quiet.threshold(rate)
        print(f"threshold {chosen:.2f} from the days before, for {rate}: real FPR {(clean > chosen).mean():.5f}")
    shipped = PARAMETERS.threshold
    print(f"shipped threshold {shipped}: real FPR {(clean > shipped).mean():.5f}")
    for rate in RATES:
        days, volumes = by_class(streams, clean, threshold_at(clean, rate), calendar)
        print(f"FPR {rate}, multiples by calendar class: {days}; by volume: {volumes}")


def print_cost(keys: int, calendar: Calendar) -> None:
    """CPU seconds of one run: one day, keys of the same mix of volumes, three years of history."""
    one = simulate_streams(5, calendar)
    rows = np.tile(one.clean[:, : one.eval_first + 1], (-(-keys // len(one.clean)), 1))[:keys].astype(float)
    counts = KeyCounts(rows, one.first_day)
    began = time.process_time()
    scores = score_day(counts, calendar, PARAMETERS)
    spent = time.process_time() - began
    print(f"{keys} keys x {counts.days()} days: {spent:.1f} s CPU, {1000 * spent / keys:.3f} ms a key,", end=" ")
    print(f"{int(scores.alarm.sum())} alarms")
    year = replace(counts, counts=rows[:, -365 - WEEK :])
    began = time.process_time()
    score_day(year, calendar, PARAMETERS)
    spent = time.process_time() - began
    print(f"{keys} keys x {year.days()} days: {spent:.1f} s CPU, {1000 * spent / keys:.3f} ms a key")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=Path, default=Path("../shared/data/detection/streams_dev.json"))
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3])
    parser.add_argument("--cost", type=int, metavar="KEYS")
    parser.add_argument("--rule", action="store_true", help="only as a rule uses it")
    asked = parser.parse_args()
    calendar = load_calendar(PROJECT / "config")
    if asked.cost:
        print_cost(asked.cost, calendar)
        return
    if asked.rule:
        sets = [read_streams(asked.streams)] if asked.streams.exists() else []
        for streams in [*sets, *(simulate_streams(seed, calendar) for seed in asked.seeds)]:
            print_rule(streams, calendar)
        return
    if asked.streams.exists():
        print_set(asked.streams.name, read_streams(asked.streams), calendar)
    else:
        print(f"{asked.streams} is not there: simulated sets only")
    for seed in asked.seeds:
        print_set(f"simulated, seed {seed}", simulate_streams(seed, calendar), calendar)


if __name__ == "__main__":
    main()
