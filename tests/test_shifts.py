"""Shifts of duty.yml as stretches of time, and what a person is told since being away."""

from datetime import datetime

import pytest

from alerts.shifts import shift_after, shift_at, shift_before
from config.duty import DutyBook
from core.clock import BEIJING

BOOK = DutyBook.model_validate(
    {"shifts": {"day": {"from": "08:30", "to": "17:30"}, "night": {"from": "17:30", "to": "08:30"}}}
)
GAPS = DutyBook.model_validate({"shifts": {"day": {"from": "08:30", "to": "17:30"}}})


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=BEIJING)


@pytest.mark.parametrize(
    ("moment", "title", "start", "end"),
    [
        ("23T14:32", "白班", "23T08:30", "23T17:30"),
        ("23T08:30", "白班", "23T08:30", "23T17:30"),
        ("23T17:30", "夜班", "23T17:30", "24T08:30"),
        ("24T02:00", "夜班", "23T17:30", "24T08:30"),  # the night began yesterday
    ],
)
def test_the_shift_of_a_moment(moment: str, title: str, start: str, end: str) -> None:
    shift = shift_at(BOOK, at(moment))
    assert (shift.title, shift.start, shift.end) == (title, at(start), at(end))


def test_shifts_follow_each_other_without_a_gap() -> None:
    shift = shift_at(BOOK, at("23T14:32"))
    assert shift_after(BOOK, shift).title == shift_before(BOOK, shift).title == "夜班"
    assert shift_after(BOOK, shift_after(BOOK, shift)).start == at("24T08:30")


def test_hours_that_no_shift_covers_are_a_stretch_of_their_own() -> None:
    shift = shift_at(GAPS, at("23T20:00"))
    assert (shift.title, shift.start, shift.end) == ("全天", at("23T17:30"), at("24T08:30"))


def test_without_shifts_the_day_is_the_shift() -> None:
    shift = shift_at(DutyBook(), at("23T14:32"))
    assert (shift.start, shift.end) == (at("23T00:00"), at("24T00:00"))
