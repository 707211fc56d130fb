"""The job table when the clock jumps or the process slept: nothing stands still, nothing of the day is left out."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from threading import Event

import pytest
from apscheduler.schedulers.background import BackgroundScheduler

from config.sources import parse_source
from core.clock import beijing, fixed_clock, system_clock
from crawlers.run import RunSummary
from pipelines.crawling import CrawlQueue
from pipelines.turns import Turns
from scheduler import DailyJob, FrequentJob, HourlyJob, set_right, table_of
from store.database import Store
from tests.conftest import NOON

DAY = timedelta(days=1)


def nothing(*_given: object) -> None:
    """What a job does here."""


@pytest.fixture
def ahead(store: Store) -> Iterator[BackgroundScheduler]:
    """A table that was made while the clock was a day ahead."""
    daily, hourly = [DailyJob("digest", "摘要", 8, 30, nothing)], [HourlyJob("canary", "自检", nothing)]
    frequent = [FrequentJob("watch", "看护", 20, nothing)]
    clock = fixed_clock(system_clock() + DAY)
    table = table_of(Event(), store, daily=daily, hourly=hourly, frequent=frequent, clock=clock)
    table.start(paused=True)
    for job in table.get_jobs():  # as each of them stands when it has run
        job.modify(next_run_time=job.trigger.get_next_fire_time(clock() if job.id != "digest" else None, clock()))
    yield table
    table.shutdown(wait=False)


def starts(table: BackgroundScheduler) -> dict[str, datetime]:
    return {job.id: job.next_run_time for job in table.get_jobs()}


def test_when_a_clock_that_was_ahead_is_set_right_nothing_waits_for_the_time_it_showed(
    ahead: BackgroundScheduler,
) -> None:
    now = system_clock()
    moved = set_right(ahead, fixed_clock(now))
    found = starts(ahead)
    assert set(moved) == {"watch", "canary", "digest"}
    assert (found["watch"], found["canary"]) == (now, now)
    assert now <= found["digest"] <= now + DAY
    assert set_right(ahead, fixed_clock(now)) == []


def test_while_the_clock_goes_on_nothing_is_moved(ahead: BackgroundScheduler) -> None:
    before = starts(ahead)
    assert set_right(ahead, fixed_clock(system_clock() + DAY)) == []
    assert starts(ahead) == before


def test_a_process_that_slept_over_the_hour_of_a_daily_job_makes_up_for_it_the_same_day(
    ahead: BackgroundScheduler,
) -> None:
    digest = ahead.get_job("digest")
    due = digest.trigger.get_next_fire_time(None, system_clock())
    latest = beijing(due + timedelta(seconds=digest.misfire_grace_time))
    assert (latest.hour, latest.minute, latest.date()) == (0, 0, beijing(due).date() + DAY)


def test_a_source_that_was_visited_while_the_clock_was_ahead_is_visited_at_its_own_pace(store: Store) -> None:
    source = parse_source(
        "news", {"title": "新闻", "family": "feed", "kind": "news", "every": "30m", "list_url": "http://x.example/"}
    )
    queue = CrawlQueue(store, lambda: NOON + DAY, sources={"news": source})
    queue.take(["news"], reason="hand")
    queue.done(RunSummary("news", "ok", NOON + DAY, 1.0, items=5))
    turns = Turns(store, [source])
    assert turns.ask(NOON) == []  # no visit more than its site is used to
    assert turns.ask(NOON + timedelta(minutes=29)) == []
    assert turns.ask(NOON + timedelta(minutes=30)) == ["news"]
