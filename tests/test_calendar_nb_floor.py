"""The default detector on simulated series that nobody has tuned it on: it finds, and is rarely wrong."""

import numpy as np
import pytest

from alerts.detectors.calendar_nb import DayScores, score_days
from alerts.detectors.calendar_nb_counts import CalendarNb, KeyCounts
from alerts.detectors.calendar_nb_threshold import quiet_scores
from alerts.detectors.screening import Budget, benjamini_hochberg, rate_for
from benchmarks.detector_streams import Streams, simulate_streams
from benchmarks.detectors import by_class, ears_c2, found, threshold_at
from config.calendar_classes import load_calendar
from config.settings import PROJECT

CALENDAR = load_calendar(PROJECT / "config")
DEFAULT = CalendarNb()


def judge(counts: np.ndarray, streams: Streams) -> list[DayScores]:
    keys = KeyCounts(counts.astype(float), streams.first_day)
    return list(score_days(keys, CALENDAR, DEFAULT, range(streams.eval_first, keys.days())))


@pytest.fixture(scope="module")
def streams() -> Streams:
    return simulate_streams(20, CALENDAR, replicates=1)


@pytest.fixture(scope="module")
def clean(streams: Streams) -> np.ndarray:
    return np.stack([one.score for one in judge(streams.clean, streams)], axis=1)


@pytest.fixture(scope="module")
def days(streams: Streams) -> list[DayScores]:
    """The days with outbreaks in them."""
    return judge(streams.clean + streams.injected, streams)


@pytest.fixture(scope="module")
def seen(days: list[DayScores]) -> np.ndarray:
    return np.stack([one.score for one in days], axis=1)


@pytest.fixture(scope="module")
def ears(streams: Streams) -> tuple[np.ndarray, np.ndarray]:
    """What EARS C2 makes of the days without outbreaks, and of those with."""
    keys = KeyCounts(streams.clean.astype(float), streams.first_day)
    outbreaks = KeyCounts(keys.counts + streams.injected, keys.first_day)
    return ears_c2(keys, streams.eval_first), ears_c2(outbreaks, streams.eval_first)


@pytest.mark.parametrize(("rate", "pod", "pod1"), [(0.01, 0.70, 0.45), (0.003, 0.50, 0.35), (0.001, 0.32, 0.2)])
def test_it_finds_what_is_asked_at_each_rate_of_false_alarms(
    streams: Streams,
    clean: np.ndarray,
    seen: np.ndarray,
    ears: tuple[np.ndarray, np.ndarray],
    rate: float,
    pod: float,
    pod1: float,
) -> None:
    ours = found(streams, seen, threshold_at(clean, rate))
    assert ours.pod >= pod
    assert ours.pod1 >= pod1
    theirs, outbreaks = ears
    assert ours.pod > found(streams, outbreaks, threshold_at(theirs, rate)).pod


def test_the_shipped_threshold_means_about_three_false_alarms_in_a_thousand(clean: np.ndarray) -> None:
    assert 0.0015 <= (clean > DEFAULT.threshold).mean() <= 0.006


def test_no_volume_takes_most_of_the_false_alarms(streams: Streams, clean: np.ndarray) -> None:
    _, volumes = by_class(streams, clean, threshold_at(clean, 0.01), CALENDAR)
    assert max(float(part.split()[1]) for part in volumes.split(", ")) <= 2.5


def test_a_threshold_from_the_history_holds_although_outbreaks_are_in_it(streams: Streams, clean: np.ndarray) -> None:
    before = KeyCounts(streams.clean[:, : streams.eval_first].astype(float), streams.first_day)
    quiet = quiet_scores(before, CALENDAR, DEFAULT, step=12)
    assert 0.005 <= (clean > quiet.threshold(0.01)).mean() <= 0.02
    assert quiet.rate(quiet.threshold(0.01)) <= 0.01 < quiet.alarm_rate(quiet.threshold(0.01))
    assert quiet.threshold(0.001) > quiet.threshold(0.003) > quiet.threshold(0.01)
    with pytest.raises(ValueError, match="rate"):
        quiet.threshold(1.5)


def test_of_many_keys_the_false_share_of_alarms_can_be_held_down(days: list[DayScores]) -> None:
    plain = sum(int((one.score > 2).sum()) for one in days[:60])
    held = sum(int(benjamini_hochberg(one.p, 0.1).sum()) for one in days[:60])
    assert 0 < held < plain


def test_benjamini_hochberg_keeps_the_published_example() -> None:
    # Benjamini and Hochberg (1995), section 3.2: 15 p-values, 4 kept at 0.05.
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
        0.7590,
        1.0,
    ]
    kept = benjamini_hochberg(np.array(p), 0.05)
    assert kept.tolist() == [True] * 4 + [False] * 11
    assert not benjamini_hochberg(np.ones(5), 0.05).any()
    assert not benjamini_hochberg(np.array([]), 0.05).any()
    with pytest.raises(ValueError, match="share"):
        benjamini_hochberg(np.array([0.2]), 0.0)


def test_a_budget_is_keys_times_rate_both_ways() -> None:
    assert Budget(5000, 0.003).false_alarms_a_day == pytest.approx(15)
    assert "15" in Budget(5000, 0.003).sentence()
    assert rate_for(5000, 15) == pytest.approx(0.003)
    with pytest.raises(ValueError, match="keys"):
        rate_for(0, 3)
