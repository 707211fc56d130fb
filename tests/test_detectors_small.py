"""The classic detectors on series small enough to work out by hand."""

import math
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from alerts.detectors.detector import CountSeries, Detections, count_series
from alerts.detectors.reference import DETECTORS, detector_of, run_case


def judge(
    detector: str,
    counts: Sequence[float | None],
    first: int = 1,
    *,
    freq: int = 4,
    dates: Sequence[date] | None = None,
    **control: Any,
) -> dict[str, list[Any]]:
    """The arrays from the first-th (1-based) to the last count."""
    return run_case(detector, counts, freq=freq, dates=dates, control=control, first=first, last=len(counts))


def above(ratio: float) -> dict[str, Any]:
    return {"c.ARL": ratio}


def near(value: float) -> Any:
    return pytest.approx(value, rel=1e-12)


def test_c1_bound_is_mean_plus_z_deviations_of_the_days_before() -> None:
    found = judge("ears", [1, 2, 3, 4, 6], 5, method="C1", baseline=4, minSigma=0)
    assert found["upperbound"] == [near(2.5 + 3.090232306167813 * math.sqrt(5 / 3))]
    assert found["alarm"] == [False]
    assert judge("ears", [1, 2, 3, 4, 7], 5, method="C1", baseline=4)["alarm"] == [True]


def test_c2_leaves_out_the_two_days_before() -> None:
    with_rise = judge("ears", [1, 2, 3, 4, 50, 60, 5], 7, method="C2", baseline=4)
    assert with_rise["expected"] == [2.5]


def test_c3_alarms_on_three_small_excesses_together() -> None:
    """Today's 4 after two days of 5: each is too little for C2, which C3's sum of three is not."""
    counts = [1, 1, 2, 3, 3, 2, 2]
    quiet, risen = [*counts, 2, 2, 4], [*counts, 5, 5, 4]
    assert judge("ears", quiet, 10, method="C3", baseline=5, minSigma=0)["alarm"] == [False]
    assert judge("ears", risen, 10, method="C3", baseline=5, minSigma=0)["alarm"] == [True]
    assert judge("ears", risen, 10, method="C2", baseline=5, minSigma=0)["alarm"] == [False]


def test_a_flat_baseline_bounds_c1_at_its_mean_and_leaves_c3_undefined() -> None:
    flat = [2.0] * 12
    assert judge("ears", flat, 12, method="C1", baseline=4, minSigma=0)["upperbound"] == [2.0]
    c3 = judge("ears", flat, 12, method="C3", baseline=4, minSigma=0)
    assert (c3["upperbound"], c3["alarm"]) == ([None], [None])


@pytest.mark.parametrize(("method", "first"), [("C1", 5), ("C2", 7), ("C3", 9)])
def test_ears_says_nothing_before_its_baseline_is_full(method: str, first: int) -> None:
    alarms = judge("ears", [1, 2, 1, 2, 1, 2, 1, 2, 1, 2], method=method, baseline=4)["alarm"]
    assert alarms == [None] * (first - 1) + [False] * (11 - first)


def test_bayes_bound_is_the_negative_binomial_quantile() -> None:
    """Six zeros: P(0) = (6/7)^.5 = 0.926, P(0 or 1) = 0.992."""
    found = judge("bayes", [0, 0, 0, 0, 0, 0, 1, 2], 7, b=0, w=6, actY=True, alpha=0.05)
    assert found["upperbound"][0] == 1
    assert judge("bayes", [0] * 6 + [2], 7, b=0, w=6, alpha=0.05)["alarm"] == [True]
    assert judge("bayes", [0] * 6 + [1], 7, b=0, w=6, alpha=0.05)["alarm"] == [False]
    assert judge("bayes", [0] * 6 + [2], 7, b=0, w=6, alpha=0.005)["alarm"] == [False]


def test_bayes_takes_the_windows_of_earlier_periods() -> None:
    """freq 4, b 1, w 1, without the days just before: points 3, 4, 5 for point 8."""
    found = judge("bayes", [9, 9, 1, 2, 3, 9, 9, 4], 8, b=1, w=1, actY=False)
    assert found["expected"] == [near((1 + 2 + 3 + 0.5) / 3)]


def test_cusum_adds_up_and_does_not_start_over() -> None:
    """m 4: eight is two deviations, one more than k."""
    found = judge("cusum", [8, 8, 8, 4], m=4, k=1, h=2)
    assert found["cusum"] == [1.0, 2.0, 3.0, 2.0]
    assert found["alarm"] == [False, True, True, True]
    assert found["upperbound"] == [10.0, 8.0, 6.0, 4.0]


@pytest.mark.parametrize("trans", ["standard", "rossi", "anscombe", "anscombe2nd", "pearsonNegBin", "anscombeNegBin"])
def test_the_count_cusum_asks_for_is_where_it_begins_to_alarm(trans: str) -> None:
    (needed,) = judge("cusum", [0], m=5, trans=trans)["upperbound"]
    least = math.ceil(needed - 1e-9)
    assert judge("cusum", [least], m=5, trans=trans)["alarm"] == [True]
    assert judge("cusum", [least - 1], m=5, trans=trans)["alarm"] == [False]


def test_cusum_learns_its_mean_before_the_first_point_only() -> None:
    assert judge("cusum", [2, 4, 90, 90], 3)["m"] == [3.0, 3.0]


def test_a_known_rise_adds_log_ratios_and_starts_over_after_an_alarm() -> None:
    """theta ln 2, mean 1: a count x adds x ln 2 - 1."""
    log2 = math.log(2)
    found = judge("glr", [3, 3, 0, 3], mu0=1, theta=log2, **above(2))
    assert found["upperbound"] == [near(3 * log2 - 1), near(6 * log2 - 2), 0.0, near(3 * log2 - 1)]
    assert found["alarm"] == [False, True, False, False]


def test_the_count_asked_for_is_where_the_ratio_meets_the_threshold() -> None:
    found = judge("glr", [3, 3], mu0=1, theta=math.log(2), ret="cases", **above(5))
    assert found["upperbound"] == [near(6 / math.log(2)), near((6 - (3 * math.log(2) - 1)) / math.log(2))]


def test_an_unknown_rise_is_the_most_likely_one_of_any_start() -> None:
    """Mean 1: the last point alone (4) tells more than both (5 on 2)."""
    found = judge("glr", [1, 4], mu0=1)
    assert found["upperbound"] == [0.0, near(4 * math.log(4) - 3)]
    assert judge("glr", [1, 4], mu0=1, Mtilde=2)["upperbound"][1] == near(5 * math.log(2.5) - 3)


def test_cases_of_an_unknown_rise_is_the_least_count_that_alarms() -> None:
    (needed,) = judge("glr", [0], mu0=2, ret="cases")["upperbound"]
    assert judge("glr", [needed], mu0=2)["alarm"] == [True]
    assert judge("glr", [needed - 1], mu0=2)["alarm"] == [False]


def test_a_fall_is_looked_for_when_asked() -> None:
    assert judge("glr", [0, 0], mu0=3, dir="dec")["upperbound"] == [near(3.0), near(6.0)]
    assert judge("glr", [0, 0], mu0=3)["upperbound"] == [0.0, 0.0]


def test_overdispersion_makes_the_same_counts_less_remarkable() -> None:
    plain, spread = judge("glr", [9], mu0=3), judge("glr", [9], mu0=3, alpha=0.5)
    # One point: the most likely mean is the count itself.
    assert spread["upperbound"] == [near(9 * math.log(3) + 11 * math.log(2.5 / 5.5))]
    assert spread["upperbound"][0] < plain["upperbound"][0]


def test_outbreak_p_compares_rising_with_level() -> None:
    """1, 1, 3: rising 1, 1, 3 against the mean 5/3."""
    found = judge("outbreak_p", [1, 1, 3], k=2)
    assert found["upperbound"] == [1.0, 1.0, near(0.6 * 0.6 * 1.8**3)]
    assert found["alarm"] == [False, False, True]


def test_outbreak_p_names_the_least_count_that_would_alarm() -> None:
    (needed,) = judge("outbreak_p", [1, 2, 1, 1, 9], 5, ret="cases")["upperbound"]
    assert judge("outbreak_p", [1, 2, 1, 1, needed], 5)["alarm"] == [True]
    assert judge("outbreak_p", [1, 2, 1, 1, needed - 1], 5)["alarm"] == [False]


FARRINGTON: dict[str, Any] = {"b": 3, "w": 1, "noPeriods": 1, "pastWeeksNotIncluded": 1, "trend": False}


def test_a_level_history_is_bounded_by_the_poisson_quantile() -> None:
    """Always 5: no overdispersion, and the 0.995 quantile of Poisson(5) is 12."""
    found = judge("farrington_flexible", [5] * 16 + [12], 17, **FARRINGTON)
    assert (found["upperbound"], found["phi"], found["alarm"]) == ([12.0], [1.0], [False])
    assert found["expected"] == [near(5.0)]
    assert judge("farrington_flexible", [5] * 16 + [13], 17, **FARRINGTON)["alarm"] == [True]


def test_few_events_of_late_give_no_alarm_and_no_bound() -> None:
    found = judge("farrington_flexible", [0, 1] * 8 + [4], 17, limit54=[7, 4], **FARRINGTON)
    assert (found["upperbound"], found["alarm"]) == ([None], [False])
    assert judge("farrington_flexible", [0, 1] * 8 + [4], 17, limit54=[4, 1], alpha=0.05, **FARRINGTON)["alarm"] == [
        True
    ]


def test_a_past_outbreak_weighs_little_after_reweighting() -> None:
    history = [5, 4, 6, 5] * 3 + [5, 4, 40, 5] + [5, 4, 6, 5] * 2
    control = FARRINGTON | {"b": 5, "w": 1}
    counts = [*history, 5, 5, 5, 9]
    kept, weighed = (judge("farrington_flexible", counts, 27, reweight=on, **control) for on in (False, True))
    assert weighed["expected"][0] < kept["expected"][0]
    assert weighed["upperbound"][0] < kept["upperbound"][0]


def test_a_trend_needs_three_years() -> None:
    rising = [round(20 * 1.03**week) for week in range(40)]
    control: dict[str, Any] = {"w": 1, "noPeriods": 1, "pastWeeksNotIncluded": 1, "freq": 8}
    assert judge("farrington_flexible", rising, 40, b=2, **control)["trend"] == [0.0]
    assert judge("farrington_flexible", [*rising[:39], 30], 40, b=4, **control)["trend"] == [0.0], (
        "it would foretell more than ever seen"
    )
    falling = rising[::-1]
    found = judge("farrington_flexible", falling, 40, b=4, **control)
    assert found["trend"] == [1.0]
    assert found["trend_coef"] == [pytest.approx(-math.log(1.03), rel=0.05)]


def test_a_year_back_is_the_nearest_same_weekday() -> None:
    """Weeks from Monday 2023-01-02: a year before Monday 2025-01-06 is the Monday nearest to 2024-01-06, 2024-01-08."""
    weeks = [date(2023, 1, 2) + timedelta(7 * week) for week in range(106)]
    counts = [1.0] * 106
    counts[weeks.index(date(2024, 1, 8))] = 7.0
    control = {"b": 1, "w": 1, "noPeriods": 1, "trend": False, "pastWeeksNotIncluded": 1, "limit54": [0, 4]}
    place = weeks.index(date(2025, 1, 6)) + 1
    found = run_case(
        "farrington_flexible",
        counts,
        freq=52,
        dates=weeks,
        control=control,
        first=place,
        last=place,
    )
    assert found["expected"] == [pytest.approx(3.0)], "2024-01-01, 01-08 and 01-15 hold 1, 7 and 1"


def test_the_29th_of_february_has_a_year_before() -> None:
    days = [date(2019, 1, 1) + timedelta(day) for day in range(1886)]
    assert days[-1] == date(2024, 2, 29)
    found = run_case(
        "farrington_flexible",
        [3.0] * len(days),
        freq=365,
        dates=days,
        control={"b": 5, "limit54": [0, 1]},
        first=len(days),
        last=len(days),
    )
    assert found["upperbound"] == [8.0], "the 0.995 quantile of Poisson(3)"


def test_missing_counts_leave_the_history_and_are_not_judged() -> None:
    counts: list[float | None] = [5.0] * 17
    counts[4] = None
    found = judge("farrington_flexible", counts, 17, **FARRINGTON)
    assert found["expected"] == [near(5.0)]
    assert judge("farrington_flexible", [*counts[:16], None], 17, **FARRINGTON)["alarm"] == [None]


def test_five_events_after_years_of_nothing_are_an_alarm() -> None:
    found = judge("farrington_flexible", [0] * 16 + [5], 17, **FARRINGTON)
    assert (found["upperbound"], found["alarm"]) == ([0.0], [True])


HISTORY = [3.0, 0.0, 2.0, 5.0, 1.0, 4.0, 2.0, 2.0] * 8
CONTROLS: dict[str, dict[str, Any]] = {
    "ears": {"baseline": 7},
    "farrington_flexible": {"b": 3, "noPeriods": 3, "pastWeeksNotIncluded": 4},
    "bayes": {"b": 1},
    "cusum": {"m": "glm"},
    "glr": {},
    "outbreak_p": {},
}


def found_in(method: str, counts: Sequence[float], first: int, last: int) -> tuple[CountSeries, Detections]:
    series = count_series(counts, 8)
    return series, detector_of(method, CONTROLS[method]).detect(series, range(first, last))


@pytest.mark.parametrize("method", DETECTORS)
def test_what_comes_later_changes_nothing(method: str) -> None:
    _, known = found_in(method, HISTORY[:60], 40, 60)
    _, later = found_in(method, [*HISTORY[:60], 500, 0, 700], 40, 60)
    assert list(known.alarm) == list(later.alarm)
    assert list(known.upper) == pytest.approx(list(later.upper), nan_ok=True)
    assert list(known.score) == pytest.approx(list(later.score), nan_ok=True)


@pytest.mark.parametrize("method", DETECTORS)
def test_a_burst_alarms_and_says_why(method: str) -> None:
    series, found = found_in(method, [*HISTORY, 60.0], 60, 65)
    assert found.alarm[-1]
    assert "60 件" in detector_of(method, CONTROLS[method]).reason(series, found, 4)


@pytest.mark.parametrize("method", [name for name in DETECTORS if name != "outbreak_p"])
def test_a_point_without_history_says_so(method: str) -> None:
    series, found = found_in(method, HISTORY, 0, 1)
    assert not found.alarm[0]
    assert math.isnan(found.upper[0])
    assert detector_of(method, CONTROLS[method]).reason(series, found, 0) == "历史不足"


@pytest.mark.parametrize(
    ("method", "control", "named"),
    [
        ("ears", {"baseline": 1}, "baseline"),
        ("ears", {"method": "C4"}, "method"),
        ("ears", {"minsigma": 1}, "minsigma: no such parameter .accepted: method, baseline, minSigma, alpha"),
        ("farrington_flexible", {"alpha": 1.5}, "alpha"),
        ("farrington_flexible", {"thresholdMethod": "delta", "alpha": 0.6}, "alpha"),
        ("farrington_flexible", {"limit54": [5]}, "limit54"),
        ("farrington_flexible", {"populationOffset": True}, "populationOffset"),
        ("farrington_flexible", {"powertrans": "1/3"}, "powertrans"),
        ("bayes", {"b": 0, "actY": False}, "b: 0 leaves no reference values"),
        ("cusum", {"h": 0}, "h"),
        ("glr", {"theta": 0}, "theta"),
        ("glr", {"c.ARL": float("nan")}, "c.ARL"),
        ("outbreak_p", {"ret": "both"}, "ret"),
        ("farrington", {}, "detector: 'farrington' is not one of ears"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(method: str, control: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named}"):
        detector_of(method, control)


@pytest.mark.parametrize(
    ("control", "named"), [({"m": [1, 2]}, "m: 2 values for 3"), ({"m": 0}, "m: every value must be above 0")]
)
def test_a_mean_that_does_not_fit_the_points_is_refused(control: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        judge("cusum", [1, 2, 3], **control)


def test_null_is_the_default() -> None:
    assert detector_of("cusum", {"k": None}) == detector_of("cusum", {})


@pytest.mark.parametrize("counts", [[1, -1], [1, math.inf]])
def test_a_count_that_is_none_is_refused(counts: list[float]) -> None:
    with pytest.raises(ValueError, match="observed"):
        count_series(counts)


def test_dates_must_rise() -> None:
    with pytest.raises(ValueError, match="dates"):
        count_series([1, 2], dates=[date(2026, 1, 2), date(2026, 1, 1)])
