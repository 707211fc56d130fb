"""The calendar an inspector edits, and what of a day has arrived."""

from datetime import UTC, date, datetime, timedelta
from itertools import product
from pathlib import Path

import chinese_calendar
import numpy as np
import pytest

import cli
from alerts.detectors.calendar_nb_arrival import arrived_share, learn_arrivals
from config.calendar_classes import Calendar, load_calendar
from config.settings import PROJECT
from core.errors import ConfigError

CALENDAR = load_calendar(PROJECT / "config")
SPRING = CALENDAR.feasts["spring_festival"]


def name_of(day: date) -> str:
    return CALENDAR.names[int(CALENDAR.codes(day, 1)[0])]


def test_spring_festivals_lie_in_the_published_holidays() -> None:
    published = chinese_calendar.constants.holidays
    festival = chinese_calendar.constants.Holiday.spring_festival.value
    years = {day.year for day, holiday in published.items() if holiday == festival}
    dates = {day.year: day for day in SPRING}
    assert set(range(2004, 2036)) <= set(dates)
    for year in years:
        assert published.get(dates[year]) == festival


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2026, 2, 14), ""),
        (date(2026, 2, 15), "spring_festival"),
        (date(2026, 2, 23), "spring_festival"),
        (date(2026, 2, 24), "after_spring_festival"),
        (date(2026, 3, 2), "after_spring_festival"),
        (date(2026, 3, 3), ""),
        (date(2034, 2, 19), "spring_festival"),
        (date(2025, 10, 7), "national_day"),
        (date(2025, 10, 8), ""),
        (date(2025, 5, 5), "may_day"),
        (date(2025, 3, 14), "consumer_day"),
        (date(2025, 11, 20), "double_11"),
        (date(2060, 1, 25), ""),
        (date(2060, 10, 1), "national_day"),
    ],
)
def test_days_are_of_their_class(day: date, name: str) -> None:
    assert name_of(day) == name


def test_years_beyond_the_list_are_named() -> None:
    assert CALENDAR.not_covered(date(2035, 1, 1)) == ()
    assert CALENDAR.not_covered(date(2060, 1, 1)) == ("spring_festival",)


def test_a_class_may_cross_the_new_year_and_the_first_one_wins() -> None:
    over = {"name": "new_year", "label": "元旦前后", "first": "12-30", "last": "01-02"}
    later = {"name": "january", "label": "一月", "first": "01-01", "last": "01-31"}
    calendar = Calendar.model_validate({"classes": [over, later]})
    codes = calendar.codes(date(2025, 12, 29), 6)
    assert [calendar.names[code] for code in codes] == ["", "new_year", "new_year", "new_year", "new_year", "january"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("classes: [{name: a, label: A, first: 10-01, lst: 10-07}]", "classes.0.lst: unknown key"),
        ("classes: [{name: a, label: A, first: 10-01, last: 13-07}]", "classes.0.last: is no day of the year"),
        ("classes: [{name: a, label: A, first: 10-01}]", "classes.0: needs either"),
        ("classes: [{name: a, label: A, around: easter, from: 0, to: 1}]", "'easter' is no feast"),
        ("classes: [{name: a, label: A, first: 10-01, last: 10-02, usual: 0}]", "classes.0.usual"),
        ("classes: [{name: a, label: A, around: s, from: 5, to: 1}]\nfeasts: {s: [2025-01-29]}", "from lies after to"),
        ("feasts: {s: [2025-01-29, 2027-02-06]}", "feasts: s: a year is missing"),
        ("feasts: {s: [soon]}", "feasts.s.0"),
        ("classes: [", "is not YAML"),
        ("feasts: {s: [2025-02-31]}", "calendar.yml"),
        ("- 1", "calendar.yml"),
    ],
)
def test_a_mistake_is_named_with_file_and_key(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "calendar.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as mistake:
        load_calendar(tmp_path)
    assert "calendar.yml" in str(mistake.value)
    assert named in str(mistake.value)


def test_a_missing_calendar_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"calendar\.yml: is missing"):
        load_calendar(tmp_path)


def test_the_check_names_a_mistake_of_the_calendar(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for part in (PROJECT / "config").iterdir():
        if part.name != "calendar.yml":
            (tmp_path / part.name).symlink_to(part)
    (tmp_path / "calendar.yml").write_text("clases: []", encoding="utf-8")
    monkeypatch.setenv("FENGSUI_CONFIG", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        cli.main(("check", "--data", str(tmp_path / "data")))
    assert ended.value.code == 2
    assert "calendar.yml: clases: unknown key (accepted: classes, feasts)" in capsys.readouterr().err


def test_a_slow_source_is_expected_later_than_a_quick_one() -> None:
    hours = timedelta(hours=1)
    shares = learn_arrivals({"quick": [0.1 * hours] * 400, "slow": [30 * hours] * 400, "new": []})
    now = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)  # noon in Beijing
    quick, slow, new = (shares[name].of_days(date(2026, 3, 8), 3, now) for name in ("quick", "slow", "new"))
    assert quick == pytest.approx([1, 1, 0.5], abs=0.05)
    assert slow[0] == pytest.approx(1, abs=0.05)
    assert slow[1] < 0.35
    assert slow[2] < 0.05
    assert np.all((slow <= new) & (new <= quick))
    mixed = arrived_share({"quick": quick, "slow": slow}, {"quick": 30, "slow": 10})
    assert mixed == pytest.approx(0.75 * quick + 0.25 * slow)
    with pytest.raises(ValueError, match="elsewhere"):
        arrived_share({"quick": quick}, {"elsewhere": 3})


def test_weighed_shares_are_never_more_than_all() -> None:
    everything = {name: np.ones(3) for name in "abc"}
    weights = product(range(1, 12), repeat=3)
    assert max(arrived_share(everything, dict(zip("abc", of, strict=True))).max() for of in weights) == 1.0


def test_days_are_judged_again_until_nearly_all_has_arrived() -> None:
    hours = timedelta(hours=1)
    seen = learn_arrivals({"a": [h * hours for h in range(100)]})
    assert timedelta(hours=97) <= seen["a"].settled() <= timedelta(hours=99)
    assert learn_arrivals({"a": []})["a"].settled() == timedelta(hours=72)
    assert learn_arrivals({"a": []})["a"].at(np.array([-1.0, 0.0, 5.0])).tolist() == [0, 1, 1]
