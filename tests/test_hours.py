"""Night hours of a source: what they say, and that no schedule asks outside them."""

from datetime import UTC, datetime, timedelta

import pytest

from config.sources import SourceConfig, parse_source
from core.clock import beijing
from core.hours import parse_hours
from crawlers.run import RunSummary
from pipelines.rhythm import pulse_after
from pipelines.turns import Turns
from store.database import Store

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def at(clock: str) -> datetime:
    """A Beijing time of 23 November as UTC."""
    hour, minute = map(int, clock.split(":"))
    return NOON.replace(hour=0) + timedelta(hours=hour - 8, minutes=minute)


@pytest.mark.parametrize(
    ("hours", "moment", "opens"),
    [
        ("22:00-06:00", "12:00", "22:00"),
        ("22:00-06:00", "22:00", "22:00"),
        ("22:00-06:00", "23:59", "23:59"),
        ("22:00-06:00", "05:59", "05:59"),
        ("22:00-06:00", "06:00", "22:00"),
        ("01:30-05:00", "12:00", "01:30"),
        ("01:30-05:00", "01:29", "01:30"),
        ("20:00-24:00", "23:59", "23:59"),
        ("20:00-24:00", "00:00", "20:00"),
    ],
)
def test_a_moment_outside_waits_for_the_next_beginning(hours: str, moment: str, opens: str) -> None:
    begins = parse_hours(hours).opens(at(moment))
    assert f"{beijing(begins):%H:%M}" == opens
    assert timedelta(0) <= begins - at(moment) < timedelta(days=1)


@pytest.mark.parametrize(
    "text", ["", "22-6", "22:00", "25:00-06:00", "22:00-24:30", "22:00-22:00", "night", "22:60-06:00"]
)
def test_other_words_are_refused_with_the_accepted_form(text: str) -> None:
    with pytest.raises(ValueError, match="accepted: 22:00-06:00"):
        parse_hours(text)


def source(**values: object) -> SourceConfig:
    feed = {"title": "样例", "family": "feed", "kind": "news", "every": "1d", "list_url": "https://a.example/rss"}
    return parse_source("sample", {**feed, **values})


def test_a_source_without_hours_may_be_asked_at_any_time() -> None:
    assert source().opens(NOON) == NOON
    assert str(source(nights="22:00-06:00").nights) == "22:00-06:00"


def test_a_turn_by_day_comes_at_night_and_is_not_late_for_it(store: Store) -> None:
    one, by_night = source(every="1h", nights="22:00-06:00"), at("22:00")
    pulse = pulse_after(None, one, RunSummary("sample", "ok", NOON, 1.0, items=20), NOON, 0.0)
    assert pulse.next_at == by_night
    assert "只在 22:00-06:00 采集" in pulse.why
    assert Turns(store, [one]).ask(NOON) == []
    assert Turns(store, [one]).ask(by_night) == ["sample"]
