"""Who is on duty, when the offices work, and what is wrong with the duty book."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.duty import Duty, unknown_years
from config.calendar_classes import load_calendar
from config.duty import DutyBook, Remind, load_duty
from config.settings import PROJECT
from core.clock import parse_published
from core.errors import ConfigError

CONFIG = PROJECT / "config"
SHIFTS = {"day": {"from": "08:30", "to": "17:30"}, "night": {"from": "17:30", "to": "08:30"}}
PEOPLE = {name: {"name": name, "mail": f"{name}@x.example"} for name in ("zhang", "li", "wang", "zhao", "chen")}
DUTY = {
    "title": "值班席",
    "turns": [
        {"shift": "day", "from": "2026-11-23", "days": 7, "people": ["zhang", "li"]},
        {"shift": "night", "from": "2026-11-23", "people": ["wang", "zhao"]},
    ],
    "instead": [{"date": "2026-11-25", "shift": "night", "people": ["chen"], "why": "换班"}],
}


def duty(**book: Any) -> Duty:
    given = {"shifts": SHIFTS, "people": PEOPLE, "posts": {"duty": DUTY}, **book}
    return Duty(DutyBook.model_validate(given), {1: 24, 2: 8, 3: 2, 4: 0.5}, load_calendar(CONFIG))


@pytest.mark.parametrize(
    ("moment", "who"),
    [
        ("2026-11-23T08:30", "zhang"),
        ("2026-11-29T17:29", "zhang"),
        ("2026-11-30T09:00", "li"),
        ("2026-11-23T17:30", "wang"),
        ("2026-11-24T08:29", "wang"),  # the night of the day before
        ("2026-11-24T18:00", "zhao"),
        ("2026-11-25T23:00", "chen"),
        ("2026-11-26T03:00", "chen"),
        ("2026-11-25T09:00", "zhang"),  # only the night was exchanged
        ("2026-11-26T18:00", "zhao"),
        ("2026-11-22T18:00", ""),
    ],
)
def test_turns_shifts_and_exchanges_say_who_is_on_duty(moment: str, who: str) -> None:
    assert ",".join(person.name for person in duty().on_duty("duty", parse_published(moment))) == who


def test_a_post_s_own_people_stand_where_no_turn_does() -> None:
    post = {"duty": {**DUTY, "people": ["chen"]}}
    assert [p.name for p in duty(posts=post).on_duty("duty", parse_published("2026-11-01T12:00"))] == ["chen"]


def test_days_of_the_book_go_before_the_calendar() -> None:
    book = duty(holidays=["2026-11-24"], workdays=["2026-11-28"])
    assert [book.is_workday(date(2026, 11, day)) for day in (23, 24, 28, 29)] == [True, False, True, False]


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        ("2026-10-01", False), ("2026-10-10", True), ("2026-02-17", False),
        ("2031-10-01", False), ("2031-01-01", False), ("2031-01-24", False), ("2031-06-18", True),
        ("2031-06-21", False),
    ],
)  # fmt: skip
def test_working_days_by_the_state_council_s_list_and_beyond_it(day: str, worked: bool) -> None:
    assert duty().is_workday(date.fromisoformat(day)) is worked


def test_check_warns_before_the_list_ends() -> None:
    assert unknown_years(date(2026, 11, 25)) == []
    [warning] = unknown_years(date(2030, 6, 1))
    assert "duty.yml: holidays" in warning
    assert "2030" in warning


def test_back_off_grows_and_is_bounded() -> None:
    remind = Remind.model_validate({"every": "10m", "factor": 3, "longest": "2h", "most": 6})
    assert [remind.after(done) / timedelta(minutes=1) for done in range(5)] == [10, 30, 90, 120, 120]
    assert remind.after(10**6) == timedelta(hours=2)


def test_the_shipped_book_is_sound() -> None:
    book = load_duty(CONFIG)
    assert book.levels["red"].tell == "always"
    assert [book.of_level(level).tell for level in (1, 2, 3, 4)] == ["digest", "working_hours", "always", "always"]


@pytest.mark.parametrize(
    ("yaml", "mistake"),
    [
        ("levels: {red: {tell: digest}}", "levels: red wakes people at any time (accepted for red: tell: always"),
        ("levels: {red: {quiet: {from: '22:00', to: '06:00'}}}", "levels: red wakes people at any time"),
        ("levels: {pink: {tell: always}}", "duty.yml: levels.pink"),
        ("levels: {yellow: {chain: [boss]}}", "levels.yellow.chain.0: 'boss' is not one of posts (accepted: none"),
        ("levels: {yellow: {remind: {every: 1s}}}", "levels.yellow.remind.every: is too short or too long"),
        ("levels: {yellow: {remind: {factr: 2}}}", "factr: unknown key"),
        ("working_hours: {from: 18:30, to: '20:00'}", "working_hours.from: is no time of day (accepted: in quotes"),
        ("working_hours: {from: '18:00', to: '08:00'}", "working hours end before they begin"),
        ("shifts: {day: {from: '08:00', to: '08:00'}}", "shifts.day: from and to are the same"),
        ("people: {a: {name: A, mail: nobody}}", "people.a.mail: is no mail address"),
        ("posts: {duty: {title: x, people: [li]}}", "posts.duty.people.0: 'li' is not one of people"),
        (
            "people: {a: {name: A, mail: a@x.example}}\n"
            "posts: {duty: {title: x, turns: [{shift: noon, from: 2026-11-01, people: [a]}]}}",
            "posts.duty.turns.0.shift: 'noon' is not one of shifts",
        ),
        ("holidays: [2026-13-01]", "duty.yml: "),
        ("holidays: [2027-01-01]\nworkdays: [2027-01-01]", "2027-01-01 is among holidays too"),
        ("watch: 7d", "watch: unknown key (accepted: holidays, levels,"),
        ("[", "is not YAML in UTF-8"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_duty_book_is_named(tmp_path: Path, yaml: str, mistake: str) -> None:
    (tmp_path / "duty.yml").write_text(yaml, encoding="utf-8")
    with pytest.raises(ConfigError) as problem:
        load_duty(tmp_path)
    assert mistake in str(problem.value)
