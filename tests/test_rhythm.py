"""How often a source is visited: between its bounds, by what visits bring, at its hours, over restarts."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config.sources import SourceConfig, load_sources, parse_source
from core.clock import as_utc, beijing
from core.errors import ConfigError
from crawlers.run import RunSummary
from pipelines.crawling import CrawlQueue
from pipelines.rhythm import pulse_after
from pipelines.turns import Turns
from store.database import Store
from store.pulses import Pulse, find_pulse
from tests.conftest import NOON

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
QUIET: Mapping[str, Any] = {"not_modified": 1}
NEWS: Mapping[str, Any] = {"items": 20, "new": 2}
SEEN: Mapping[str, Any] = {"items": 20, "unchanged": 20}


def source(every: str = "30m", key: str = "a", **values: Any) -> SourceConfig:
    rest = {"title": "甲", "family": "feed", "kind": "news", "list_url": "http://127.0.0.1:9/rss"}
    return parse_source(key, {**rest, "every": every, **values})


def summary(status: str = "ok", **counts: Any) -> RunSummary:
    return RunSummary("a", status, NOON, 1.0, **counts)  # type: ignore[arg-type]


def after(*runs: RunSummary, of: SourceConfig, start: datetime = NOON) -> Pulse:
    """The pulse after these runs, each at its turn."""
    pulse, at = None, start
    for run in runs:
        pulse = pulse_after(pulse, of, run, at, 0.0)
        at = pulse.next_at
    assert pulse is not None
    return pulse


@pytest.mark.parametrize(
    ("values", "bounds"),
    [
        ({"every": "2h"}, (40 * MINUTE, 8 * HOUR)),
        ({"every": "30m"}, (15 * MINUTE, 2 * HOUR)),  # the catalogue's shortest interval for news
        ({"every": "12h"}, (4 * HOUR, 24 * HOUR)),
        ({"every": "1d"}, (24 * HOUR, 24 * HOUR)),  # daily means daily
        ({"every": "20s"}, (timedelta(seconds=20), timedelta(seconds=20))),  # the demo keeps its rhythm
        ({"every": "1d", "floor": "6h"}, (6 * HOUR, 24 * HOUR)),
        ({"every": "2h", "floor": "1h", "ceiling": "3h"}, (HOUR, 3 * HOUR)),
    ],
)
def test_a_source_has_a_floor_and_a_ceiling(values: Mapping[str, str], bounds: tuple[timedelta, timedelta]) -> None:
    one = source(**values)
    assert (one.fastest, one.slowest) == bounds


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("every: 1h\nfloor: 2h", "floor 2h, every 1h, ceiling 4h (accepted: floor <= every <= ceiling)"),
        ("every: 4h\nceiling: 2h", "floor 80m, every 4h, ceiling 2h (accepted: floor <= every <= ceiling)"),
        ("every: 0s", "every: "),
        ("every: 1h\nfloor: soon", "floor: 'soon' is not a duration"),
    ],
)
def test_bounds_that_cannot_be_are_told(tmp_path: Path, keys: str, said: str) -> None:
    folder = tmp_path / "sources" / "live"
    folder.mkdir(parents=True)
    (folder / "one.yml").write_text(f"title: 甲\nfamily: feed\nkind: news\nlist_url: http://x.example/rss\n{keys}\n")
    with pytest.raises(ConfigError, match=r"sources/live/one\.yml") as wrong:
        load_sources(tmp_path, "live")
    assert said in str(wrong.value)


def test_nothing_new_stretches_the_interval_to_the_ceiling_and_news_halves_it_down_to_the_floor() -> None:
    one = source("40m")
    quiet = after(summary(**NEWS), *[summary(**QUIET)] * 3, of=one)
    assert 40 * MINUTE < timedelta(seconds=quiet.pace) < one.slowest
    assert quiet.why.startswith("没有新内容，间隔由")
    asleep = after(summary(**NEWS), *[summary(**SEEN)] * 30, of=one)
    assert (asleep.pace, asleep.why) == (160 * 60, "没有新内容，间隔已在上限 2 小时 40 分")
    awake = after(summary(**NEWS), *[summary(**SEEN)] * 30, *[summary(**NEWS)] * 9, of=one)
    assert (awake.pace, awake.why) == (15 * 60, "有新内容，间隔已在下限 15 分")
    assert awake.next_at - awake.run_at == 15 * MINUTE


def test_what_was_there_before_we_came_is_no_news() -> None:
    assert after(summary(**NEWS), of=source("30m")).next_at == NOON + 30 * MINUTE


def test_a_source_that_has_news_now_and_then_is_visited_about_four_times_for_each() -> None:
    one, at, last, found, visits = source("1h", floor="1m", ceiling="1d"), NOON, NOON, 0, 0
    pulse = pulse_after(None, one, summary(**NEWS), at, 0.0)
    while at < NOON + 60 * 24 * HOUR:
        at, visits = pulse.next_at, visits + 1
        came = int((at - NOON) / (5 * HOUR)) - int((last - NOON) / (5 * HOUR))  # one every five hours
        found, last = found + bool(came), at
        pulse = pulse_after(pulse, one, summary(items=9, new=came), at, 0.0)
    assert 3 < visits / found < 6


def test_a_source_of_office_hours_is_asked_often_by_day_and_seldom_by_night() -> None:
    one, at = source("30m"), NOON
    pulse, visits = pulse_after(None, one, summary(**NEWS), at, 0.0), [0] * 24
    while at < NOON + 60 * 24 * HOUR:
        at = pulse.next_at
        hour = beijing(at).hour
        visits[hour] += at > NOON + 30 * 24 * HOUR
        pulse = pulse_after(pulse, one, summary(**(NEWS if 8 <= hour < 18 else SEEN)), at, 0.0)
    day, night = sum(visits[9:17]) / 8, (sum(visits[20:]) + sum(visits[:6])) / 10
    assert day > 4 * night > 0
    morning = pulse_after(replace(pulse, run_at=at, pace=3600.0), one, summary(**SEEN), _at(5), 0.0)
    afternoon = pulse_after(replace(pulse, run_at=at, pace=3600.0), one, summary(**SEEN), _at(14), 0.0)
    assert morning.next_at - _at(5) == one.slowest
    assert afternoon.next_at - _at(14) < HOUR


def _at(hour: int) -> datetime:
    return as_utc(beijing(NOON).replace(hour=hour))


def test_failures_are_waited_out_longer_each_time_and_leave_the_pace_alone() -> None:
    one = source("30m")
    runs = [summary(**NEWS), *[summary("failed")] * 5]
    waits = [after(*runs[: n + 1], of=one) for n in range(1, 6)]
    assert [one.next_at - one.run_at for one in waits] == [n * MINUTE for n in (30, 60, 120, 120, 120)]
    assert {one.pace for one in waits} == {1800}
    back = after(*runs, summary(**SEEN), of=one)
    assert (back.failures, back.next_at - back.run_at) == (0, 37.5 * MINUTE)


def test_304_after_a_failure_is_neither_news_nor_a_cure() -> None:
    pulse = after(summary(**NEWS), summary("changed", problems=("0 rows",)), summary(**QUIET), of=source("30m"))
    assert (pulse.trouble, pulse.trouble_why, pulse.failures) == ("changed", "0 rows", 1)
    assert pulse.news_at == NOON
    healed = after(summary(**NEWS), summary("changed"), summary(**SEEN), of=source("30m"))
    assert (healed.trouble, healed.failures) == ("ok", 0)


def test_the_time_a_site_names_is_kept_however_late() -> None:
    later = NOON + 30 * HOUR
    pulse = after(summary(**NEWS), summary("blocked", not_before=later), of=source("30m"))
    assert pulse.next_at == later
    assert pulse.why == "网站要求 11-24 18:00 之前不再访问"


def test_an_edited_interval_begins_anew() -> None:
    pulse = after(summary(**NEWS), *[summary(**SEEN)] * 30, of=source("30m"))
    again = pulse_after(pulse, source("1h"), summary(**SEEN), NOON, 0.0)
    assert (again.pace, again.next_at) == (3600, NOON + HOUR)


def test_sources_that_began_together_drift_apart_and_stay_within_their_bounds() -> None:
    kept, free = source("20s"), source("30m")
    assert after(summary(**NEWS), of=kept).next_at < pulse_after(None, kept, summary(**NEWS), NOON, 1.0).next_at
    slow = after(summary(**NEWS), *[summary(**SEEN)] * 30, of=free)
    assert pulse_after(slow, free, summary(**SEEN), NOON, 1.0).next_at == NOON + free.slowest


def test_turns_and_paces_outlive_a_restart(store: Store) -> None:
    one, moment = source("30m"), [NOON]
    queue = CrawlQueue(store, lambda: moment[0], sources={"a": one})
    for status in ("ok", "ok"):
        assert Turns(store, [one]).ask(moment[0]) == ["a"]
        assert Turns(store, [one]).ask(moment[0]) == []  # it is asked for already
        queue.take(["a"], reason="schedule")
        queue.done(summary(status, **SEEN))
        with store.read() as db:
            pulse = find_pulse(db, "a")
        assert pulse is not None
        assert Turns(store, [one]).ask(pulse.next_at - timedelta(seconds=1)) == []
        moment[0] = pulse.next_at
    assert pulse is not None
    assert pulse.pace == 1800 * 1.25
    assert Turns(store, [source("30m", enabled=False)]).ask(moment[0]) == []


def test_a_lowered_ceiling_counts_from_the_next_start(store: Store) -> None:
    queue = CrawlQueue(store, lambda: NOON, sources={"a": source("4h")})
    queue.take(["a"], reason="hand")
    queue.done(summary(**SEEN))
    assert Turns(store, [source("1h", ceiling="1h")]).ask(NOON + HOUR) == ["a"]
