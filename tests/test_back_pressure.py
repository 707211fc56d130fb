"""While more texts wait than are read, sources of low worth are visited later; what tells of harm goes on."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from commands.doctor_looks import look_at_pressure
from config.settings import Settings
from config.sources import SourceConfig, parse_source
from core.records import Kind, RawDocument
from crawlers.run import RunSummary
from pipelines.crawling import CrawlQueue
from pipelines.intake import StoreIntake
from pipelines.turns import Turns
from store.database import Store
from store.documents import ANALYSED, DEDUPED, count_unread
from store.pulses import find_pulse, held_turns
from store.schema import documents, source_pulses
from tests.conftest import NOON
from web.metrics import as_text, take_scrape

MOST = 3
HALF, HOUR, MINUTE = timedelta(minutes=30), timedelta(hours=1), timedelta(minutes=1)


def source(key: str, kind: str, tier: int, **more: Any) -> SourceConfig:
    values = {
        "title": key,
        "family": "feed",
        "kind": kind,
        "tier": tier,
        "every": "30m",
        "list_url": "http://x.example/",
    }
    return parse_source(key, {**values, **more})


NEWS = source("news", "news", 3)
OFFICIAL = source("official", "news", 2)
SOURCES = (NEWS, OFFICIAL, source("complaints", "complaint", 3), source("hot", "news", 1), source("lists", "notice", 2))


@pytest.fixture
def visited(store: Store) -> Store:
    """Each source was read once at noon; all are due half an hour later."""
    queue = CrawlQueue(store, lambda: NOON, sources={one.key: one for one in SOURCES})
    queue.take([one.key for one in SOURCES], reason="hand")
    for one in SOURCES:
        queue.done(RunSummary(one.key, "ok", NOON, 1.0, items=5))
    with store.write() as db:
        db.execute(update(source_pulses).values(next_at=NOON + HALF))
    return store


def arrive(store: Store, count: int, start: int = 0) -> None:
    intake = StoreIntake(store, lambda: NOON)
    for number in range(start, start + count):
        intake.save(RawDocument("a", Kind.NEWS, f"http://a.example/{number}", f"第 {number} 届赏花节", "文", NOON))


def asked(store: Store, at: datetime) -> set[str]:
    return set(Turns(store, SOURCES, MOST).ask(at))


KEYS = {one.key for one in SOURCES}


def test_everything_is_visited_while_no_more_waits_than_is_read(visited: Store) -> None:
    arrive(visited, MOST)
    assert asked(visited, NOON + HALF) == KEYS


def test_news_gives_way_to_a_backlog_and_is_visited_at_its_ceiling_all_the_same(visited: Store) -> None:
    arrive(visited, MOST + 1)
    assert asked(visited, NOON + HALF) == KEYS - {"news"}
    with visited.read() as db:
        assert held_turns(db, NOON + HALF) == ["news"]
        pulse = find_pulse(db, "news")
    assert pulse is not None
    assert (pulse.next_at, pulse.why) == (NOON + HALF + MINUTE, "积压让路：4 件待研读，先让别的信源")
    assert asked(visited, NOON + HOUR) == set()
    assert asked(visited, NOON + NEWS.slowest - MINUTE) == set()
    assert asked(visited, NOON + NEWS.slowest) == {"news"}


def test_it_goes_on_within_a_minute_when_less_waits(visited: Store) -> None:
    arrive(visited, MOST + 1)
    assert "news" not in asked(visited, NOON + HALF)
    with visited.write() as db:
        db.execute(update(documents).values(stage="judged"))
    assert asked(visited, NOON + HALF + MINUTE) == {"news"}
    with visited.read() as db:
        assert held_turns(db, NOON + HALF + MINUTE) == []


def test_a_backlog_ten_times_as_long_holds_all_news_for_as_long_as_it_lasts(visited: Store) -> None:
    arrive(visited, 10 * MOST + 1)
    assert asked(visited, NOON + HALF) == KEYS - {"news", "official"}
    assert asked(visited, NOON + NEWS.slowest + HOUR) == set()
    with visited.write() as db:
        db.execute(update(documents).where(documents.c.seq > MOST).values(stage="judged"))
    assert asked(visited, NOON + NEWS.slowest + HOUR + MINUTE) == {"news", "official"}


def test_what_is_sent_through_again_holds_nobody_back(visited: Store) -> None:
    arrive(visited, 20 * MOST)
    with visited.write() as db:
        db.execute(update(documents).where(documents.c.seq > 5).values(stage=DEDUPED))
        db.execute(update(documents).where(documents.c.seq <= 5).values(stage=ANALYSED))
    assert asked(visited, NOON + HALF) == KEYS


def test_a_source_that_was_never_visited_is_visited(visited: Store) -> None:
    arrive(visited, 20 * MOST)
    assert Turns(visited, [source("young", "news", 4)], MOST).ask(NOON + HALF) == ["young"]


def test_the_count_walks_an_index_and_ends_at_its_bound(store: Store) -> None:
    arrive(store, 8)
    with store.read() as db:
        assert [count_unread(db, most) for most in (5, 8, 20)] == [5, 8, 8]
        if db.dialect.name != "sqlite":
            return
        question = "select seq from documents where stage IN ('fetched', 'deduped', 'analysed') and stage = 'fetched'"
        plan = " ".join(str(row[3]) for row in db.execute(text(f"explain query plan {question} limit 5")))
    assert "COVERING INDEX" in plan


def test_it_is_told_by_doctor_metrics_the_crawler_and_the_desk(visited: Store, tmp_path: Any) -> None:
    settings = Settings(data=tmp_path, backlog_most=MOST)
    quiet = next(look_at_pressure(settings, visited))
    assert (quiet.ok, quiet.name) == (True, "积压")
    arrive(visited, MOST + 1)
    pressed = next(look_at_pressure(settings, visited))
    assert pressed.ok is False
    assert "待研读 4 件" in pressed.detail
    assert "--workers" in pressed.remedy
    now = NOON + HALF
    asked(visited, now)
    scrape = take_scrape(visited, now, folder=tmp_path, sources=KEYS)
    assert b"fengsui_sources_held 1.0" in as_text(scrape)
    queue = CrawlQueue(visited, lambda: now)
    with visited.read() as db:
        assert queue._note(db) == "0 个在采，1 个因积压推后"
