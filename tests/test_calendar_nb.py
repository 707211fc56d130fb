"""The default detector: what it alarms on, what it lets pass, and that it can account for every figure."""

from datetime import date

import numpy as np
import pytest

from alerts.detectors.calendar_nb import learn_pool, score_day, score_days, setting
from alerts.detectors.calendar_nb_counts import CalendarNb, KeyCounts
from alerts.detectors.calendar_nb_explain import Explanation, explain, explain_all
from alerts.detectors.calendar_nb_level import parents_level
from config.calendar_classes import Calendar, load_calendar
from config.settings import PROJECT

CALENDAR = load_calendar(PROJECT / "config")
DEFAULT = CalendarNb()
FIRST = date(2023, 1, 1)


def column(day: date) -> int:
    return (day - FIRST).days


def drawn(mean: float | np.ndarray, *, days: int = 1200, keys: int = 1, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).poisson(mean, size=(keys, days)).astype(float)


def effects(days: int = 1200) -> tuple[np.ndarray, np.ndarray]:
    """Weekday and calendar class of each day from FIRST on."""
    return (FIRST.weekday() + np.arange(days)) % 7, CALENDAR.codes(FIRST, days)


def explained(row: np.ndarray, day: date | int = -1, **more: np.ndarray) -> Explanation:
    keys = KeyCounts(np.atleast_2d(row).astype(float), FIRST, **more)
    return explain(setting(keys, CALENDAR, DEFAULT, day=day if isinstance(day, int) else column(day)), 0)


def alarms(rows: np.ndarray, days: range) -> int:
    judged = score_days(KeyCounts(rows, FIRST), CALENDAR, DEFAULT, days)
    return sum(int(one.alarm.sum()) for one in judged)


def test_mondays_are_busy_and_no_alarm() -> None:
    weekday, _ = effects()
    rows = drawn(np.where(weekday == 0, 60.0, np.where(weekday < 5, 20.0, 4.0)))
    autumn = range(column(date(2025, 9, 1)), column(date(2025, 9, 29)))
    assert alarms(rows, autumn) == 0
    on_wednesday = rows.copy()
    on_wednesday[0, column(date(2025, 9, 10))] = 60  # what is usual on a Monday
    assert alarms(on_wednesday, autumn) >= 1


def test_the_spring_festival_and_15_march_are_no_alarm_but_the_same_peak_in_april_is() -> None:
    _, code = effects()
    usual = 10 * np.array([1, 0.4, 1.2, 0.6, 0.8, 2.2, 1.4])[code]
    rows = drawn(usual)
    assert alarms(rows, range(column(date(2026, 2, 10)), column(date(2026, 3, 25)))) == 0
    peak = drawn(np.where(np.arange(1200) // 5 == column(date(2026, 4, 6)) // 5, 2.2 * usual, usual))
    assert alarms(peak, range(column(date(2026, 4, 3)), column(date(2026, 4, 12)))) >= 1


def test_the_first_15_march_of_an_installation_leans_on_the_calendar_file() -> None:
    rows = drawn(np.where(effects(80)[1] == 5, 17.0, 10.0), days=80, keys=5)
    day = column(date(2023, 3, 15))
    with_calendar = score_day(KeyCounts(rows, FIRST), CALENDAR, DEFAULT, day=day)
    without = score_day(KeyCounts(rows, FIRST), Calendar(), DEFAULT, day=day)
    assert with_calendar.expected.mean() > 1.4 * without.expected.mean()
    assert with_calendar.score.max() < without.score.max()


def test_a_dip_is_no_alarm() -> None:
    rows = drawn(20.0)
    rows[0, -5:] = 1
    assert alarms(rows, range(1195, 1200)) == 0


def test_a_jump_alarms_and_its_figures_agree() -> None:
    row = drawn(2.0)[0]
    row[-3:] = (6, 9, 11)
    why = explained(row)
    assert why.alarm
    assert why.score > why.threshold
    assert why.p == pytest.approx(10**-why.score)
    assert 1 <= why.fired <= 4
    for window in why.windows:
        assert window.observed == row[-window.days :].sum()
        assert window.observed > window.upper > window.expected
        assert window.p < 10**-why.threshold
    assert {1, 3, 7, why.fired} == {window.days for window in why.windows}
    assert why.day == date(2026, 4, 14)
    assert why.level == pytest.approx(2.0, rel=0.4)
    assert row[-1] >= why.alarm_from
    shown = next(window for window in why.windows if window.days == why.fired)
    assert f"近 {shown.days} 天 {shown.observed:g} 件，预期 {shown.expected:.2g} 件" in why.reason()


@pytest.mark.parametrize("mean", [0.05, 0.7, 4.0, 60.0])
def test_the_number_an_alarm_begins_at_is_exact(mean: float) -> None:
    row = drawn(mean, seed=8)[0]
    least = explained(row).alarm_from
    for today, alarm in ((least - 1, False), (least, True), (least + 40, True), (least + 4000, True)):
        row[-1] = today
        assert explained(row).alarm is alarm
        assert explained(row).alarm_from == least
        assert score_day(KeyCounts(row[None], FIRST), CALENDAR, DEFAULT).alarm[0] == alarm


def test_all_keys_are_explained_like_each_alone() -> None:
    keys = KeyCounts(drawn(np.array([[0.02], [1.0], [40.0]]) * np.ones(700), days=700, keys=3), FIRST)
    known = setting(keys, CALENDAR, DEFAULT)
    for key, why in enumerate(explain_all(known)):
        alone = explain(known, key)
        assert why.alarm_from == alone.alarm_from
        assert [one.expected for one in why.windows] == pytest.approx([one.expected for one in alone.windows])
        assert (why.fired, why.alarm, why.reason()) == (alone.fired, alone.alarm, alone.reason())


def test_a_lone_event_on_a_silent_key_is_no_alarm_and_a_second_is() -> None:
    row = np.zeros(1200)
    row[-2] = 1
    assert not explained(row, 1198).alarm
    assert not explained(row, 1199).alarm  # nothing happened that day
    row[-1] = 1
    assert explained(row, 1199).alarm


@pytest.mark.parametrize("back", [(1, 4, 7), (1, 2, 3), (1, 1, 6)])
def test_three_events_in_a_week_on_a_rare_key_are_an_alarm(back: tuple[int, ...]) -> None:
    row = np.zeros(1200)
    row[5:-20:12] = 1  # 0.083 a day
    for days in back:
        row[-days] += 1
    why = explained(row)
    assert why.alarm
    assert why.rare
    assert why.score > DEFAULT.threshold or "近 7 天 3 件" in why.reason()
    row[-1] = 0
    assert not explained(row).alarm


def test_a_short_history_says_so_and_leans_on_its_parent() -> None:
    row = np.zeros(1200)
    row[-10:] = (9, 11, 8, 12, 10, 9, 11, 10, 8, 12)
    since = np.array([1190])
    alone = explained(row, since=since)
    busy = explained(row, since=since, borrowed=np.array([10.0]))
    calm = explained(row, since=since, borrowed=np.array([0.1]))
    assert alone.short_history
    assert not alone.borrowed
    assert "历史不足" in alone.reason()
    assert busy.borrowed
    assert not busy.alarm
    assert "上级" in busy.reason()
    assert calm.alarm
    assert not explained(drawn(10.0)[0], borrowed=np.array([0.1])).short_history


def test_a_parents_level_is_that_of_its_watched_children() -> None:
    counts = np.vstack([np.full(100, 4.0), np.full(100, 2.0), np.r_[np.zeros(99), 3.0], np.full(100, 7.0)])
    level = parents_level(counts, np.array([0, 0, 0, -1]), np.array([0, 0, 99, 0]))
    assert level[:3] == pytest.approx([(91 * 6 + 3) / 183] * 3)
    assert np.isnan(level[3])


@pytest.mark.parametrize("days", [1, 2, 7, 8, 27, 40])
def test_the_first_days_of_an_installation_are_judged_without_error(days: int) -> None:
    rows = drawn(3.0, days=days, keys=4)
    judged = score_day(KeyCounts(rows, FIRST), CALENDAR, DEFAULT)
    assert np.all(np.isfinite(judged.score))
    assert np.all(judged.short == (days < DEFAULT.short_days))
    assert explain(setting(KeyCounts(rows, FIRST), CALENDAR, DEFAULT), 0).short_history == (days < 28)


def test_what_comes_later_does_not_change_a_day() -> None:
    rows = drawn(np.array([[0.05], [1.0], [20.0]]) * np.ones(1200), keys=3)
    changed = rows.copy()
    changed[:, 1150:] += 50
    before, after = (score_day(KeyCounts(each, FIRST), CALENDAR, DEFAULT, day=1149) for each in (rows, changed))
    np.testing.assert_array_equal(before.score, after.score)
    np.testing.assert_array_equal(before.expected, after.expected)
    cut = score_day(KeyCounts(rows[:, :1150], FIRST), CALENDAR, DEFAULT)
    np.testing.assert_array_equal(before.score, cut.score)


def test_a_key_among_many_is_judged_as_alone_with_the_same_pool_in_any_order() -> None:
    rows = drawn(np.repeat([0.05, 0.5, 2.0, 9.0, 30.0], 50)[:, None] * np.ones(900), days=900, keys=250)
    rows[:, -2:] += 2
    keys = KeyCounts(rows, FIRST)
    pool = learn_pool(keys, CALENDAR, DEFAULT)
    together = score_day(keys, CALENDAR, DEFAULT)
    order = np.random.default_rng(0).permutation(250)
    shuffled = score_day(KeyCounts(rows[order], FIRST), CALENDAR, DEFAULT)
    np.testing.assert_allclose(shuffled.score, together.score[order], rtol=1e-9)
    for key in (0, 60, 120, 249):
        alone = score_day(KeyCounts(rows[key : key + 1], FIRST), CALENDAR, DEFAULT, pool=pool)
        assert alone.score[0] == pytest.approx(together.score[key], rel=1e-9)
        why = explain(setting(keys, CALENDAR, DEFAULT), key)
        assert why.score == pytest.approx(together.score[key], rel=1e-9)
        assert why.alarm == together.alarm[key]
        assert why.fired == together.fired[key]


def test_an_old_outbreak_does_not_hide_a_new_one() -> None:
    calm, hurt = drawn(3.0)[0], drawn(3.0)[0]
    hurt[1120:1127] += 60
    for row in (calm, hurt):
        row[-2:] = (9, 10)
    assert explained(hurt).alarm
    assert explained(hurt).level < 1.3 * explained(calm).level


def test_a_season_is_expected_from_the_third_year_on() -> None:
    days = np.arange(1200)
    rows = drawn(10 * np.exp(0.8 * np.sin(2 * np.pi * days / 365.25)))
    rising = column(date(2026, 2, 20))
    plain = DEFAULT.model_copy(update={"season": False})
    truth = 10 * np.exp(0.8 * np.sin(2 * np.pi * rising / 365.25))
    with_season, without = (
        score_day(KeyCounts(rows, FIRST), CALENDAR, each, day=rising).expected[0] for each in (DEFAULT, plain)
    )
    assert abs(with_season - truth) < abs(without - truth)
    flat = explained(drawn(10.0)[0])
    assert flat.effect == pytest.approx(1.0, abs=0.15)


def test_what_has_not_arrived_yet_is_not_expected_yet() -> None:
    row = drawn(20.0)[0]
    row[-1] = 32
    arrived = np.ones(3)
    arrived[-1] = 0.3
    late, all_there = explained(row, arrived=arrived), explained(row)
    assert late.windows[0].expected == pytest.approx(0.3 * all_there.windows[0].expected)
    assert late.alarm
    assert not all_there.alarm


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("counts", np.array([[1.0, -1.0]]), "counts"),
        ("counts", np.array([[1.0, np.nan]]), "counts"),
        ("since", np.array([5]), "since"),
        ("borrowed", np.array([-1.0]), "borrowed"),
        ("arrived", np.array([1.5]), "arrived"),
        ("arrived", np.ones(9), "arrived"),
    ],
)
def test_counts_that_cannot_be_are_refused_by_name(field: str, value: np.ndarray, named: str) -> None:
    fields = {"counts": np.zeros((1, 2)), field: value}
    with pytest.raises(ValueError, match=named):
        KeyCounts(first_day=FIRST, **fields)


def test_a_day_that_is_not_there_and_no_key_are_refused() -> None:
    with pytest.raises(ValueError, match="column 9"):
        score_day(KeyCounts(np.zeros((1, 3)), FIRST), CALENDAR, DEFAULT, day=9)
    with pytest.raises(ValueError, match="no key"):
        score_day(KeyCounts(np.zeros((0, 3)), FIRST), CALENDAR, DEFAULT)
