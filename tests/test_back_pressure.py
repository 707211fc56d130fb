"""While more texts wait than are read, of sources of low worth only what may tell of harm is fetched."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update

from commands.doctor_looks import look_at_pressure
from config.settings import Settings
from config.sources import SourceConfig, parse_source
from core.records import Kind, RawDocument
from crawlers.run import RunSummary
from nlp.first_reading import is_urgent
from pipelines.crawling import CrawlQueue
from pipelines.intake import StoreIntake
from pipelines.turns import Turns
from store.database import Store
from store.documents import ANALYSED, DEDUPED, count_unread
from store.pulses import find_pulse, held_turns
from store.schema import documents, runs, source_pulses
from tests.conftest import NOON
from tests.crawl_server import Bench, ReactorThread, Reply, Site
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


def asked(turns: Turns, at: datetime) -> dict[str, str]:
    """The sources asked for, with the reason; their runs are over at once."""
    keys = turns.ask(at)
    with turns.store.write() as db:
        reasons = dict(db.execute(select(runs.c.source, runs.c.reason).where(runs.c.status == "waiting")).all())
        db.execute(update(runs).values(status="ok"))
        read = [key for key, reason in reasons.items() if reason == "schedule"]
        db.execute(update(source_pulses).where(source_pulses.c.source.in_(read)).values(next_at=at + timedelta(days=1)))
    assert set(keys) == set(reasons)
    return reasons


KEYS = {one.key for one in SOURCES}


def by_schedule(*but: str) -> dict[str, str]:
    return {key: "glance" if key in but else "schedule" for key in KEYS}


def test_everything_is_visited_while_no_more_waits_than_is_read(visited: Store) -> None:
    turns = Turns(visited, SOURCES, MOST)
    arrive(visited, MOST)
    assert asked(turns, NOON + HALF) == by_schedule()


def test_news_gives_way_to_a_backlog_and_is_visited_at_its_ceiling_all_the_same(visited: Store) -> None:
    turns = Turns(visited, SOURCES, MOST)
    arrive(visited, MOST + 1)
    assert asked(turns, NOON + HALF) == by_schedule("news")
    with visited.read() as db:
        assert held_turns(db, NOON + HALF) == ["news"]
        pulse = find_pulse(db, "news")
    assert pulse is not None
    assert pulse.next_at == NOON + HALF + timedelta(seconds=pulse.pace)
    assert pulse.why == "积压让路：4 件待研读，只取可能伤人的内容"
    assert asked(turns, pulse.next_at) == {"news": "glance"}
    assert asked(turns, NOON + NEWS.slowest) == {"news": "schedule"}


def test_it_goes_on_at_once_when_less_waits(visited: Store) -> None:
    turns = Turns(visited, SOURCES, MOST)
    arrive(visited, MOST + 1)
    assert asked(turns, NOON + HALF)["news"] == "glance"
    with visited.write() as db:
        db.execute(update(documents).values(stage="judged"))
    assert asked(turns, NOON + HALF + MINUTE) == {}
    assert asked(turns, NOON + HALF + MINUTE) == {"news": "schedule"}


def test_a_backlog_ten_times_as_long_holds_all_news_for_as_long_as_it_lasts(visited: Store) -> None:
    turns = Turns(visited, SOURCES, MOST)
    arrive(visited, 10 * MOST + 1)
    assert asked(turns, NOON + HALF) == by_schedule("news", "official")
    later = NOON + NEWS.slowest + HOUR
    assert asked(turns, later) == {"news": "glance", "official": "glance"}


def crawl(bench: Bench, source: SourceConfig, *, glance: bool) -> tuple[RunSummary, list[str]]:
    """A run of it; the titles it took."""

    async def work() -> RunSummary:
        engine = bench.engine(source)
        engine.urgent, engine.sparing = is_urgent, lambda _key: glance
        return await engine.crawl(source.key)

    before = len(bench.intake.revisions)
    summary = ReactorThread.get().run(work())
    return summary, [raw.title for raw in bench.intake.revisions[before:]]


FIRE, QUIET = "一小区电动自行车起火致3人死亡", "第三届赏花节举行"


@pytest.mark.parametrize("family", ["feed", "html_list"])
def test_a_glance_takes_what_may_tell_of_harm_and_loses_nothing_else(tmp_path: Path, family: str) -> None:
    site = Site()
    bench = Bench(site, tmp_path)
    titles = {"/1.html": QUIET, "/2.html": FIRE, "/3.html": f"{QUIET}（续）"}
    for path, title in titles.items():
        site.routes[path] = Reply(f"<html><body><h1>{title}</h1><p>{f'{title}，有很多字。' * 20}</p></body></html>")
    rows = "".join(f"<li><a href='{path}'>{title}</a></li>" for path, title in titles.items())
    items = [
        {"id": path, "url": f"{site.base}{path}", "title": title, "content_text": title}
        for path, title in titles.items()
    ]
    site.routes["/list"] = Reply(f"<ul>{rows}</ul>")
    site.routes["/feed"] = Reply(json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": items}))
    more: dict[str, Any] = {"item": "li", "list_url": f"{site.base}/list"}
    source = bench.source(family, **(more if family == "html_list" else {"list_url": f"{site.base}/feed"}))
    summary, taken = crawl(bench, source, glance=True)
    assert taken == [FIRE]
    assert (summary.status, summary.new) == ("ok", 1)
    assert "2 new rows are left for later: too much waits to be read" in summary.problems
    asked_for = [one.path for one in site.asked if one.path.endswith(".html")]
    assert asked_for == ([] if family == "feed" else ["/2.html"])
    summary, taken = crawl(bench, source, glance=False)
    assert sorted(taken) == sorted([QUIET, f"{QUIET}（续）"])
    site.close()


def test_a_glance_says_nothing_of_the_pace_of_its_source(visited: Store) -> None:
    arrive(visited, MOST + 1)
    at = NOON + HALF
    Turns(visited, SOURCES, MOST).ask(at)
    with visited.read() as db:
        before = find_pulse(db, "news")
    queue = CrawlQueue(visited, lambda: at, sources={one.key: one for one in SOURCES})

    async def all_of_them() -> list[str]:
        return [key async for key, _number in aenumerate(queue.requests(), len(KEYS))]

    taken = asyncio.run(all_of_them())
    assert set(taken) == KEYS
    assert [key for key in sorted(KEYS) if queue.is_glance(key)] == ["news"]
    queue.done(RunSummary("news", "ok", at, 1.0, new=9, items=9))
    with visited.read() as db:
        assert find_pulse(db, "news") == before


async def aenumerate(keys: AsyncIterator[str], most: int) -> AsyncIterator[tuple[str, int]]:
    """The first of them."""
    for number in range(most):
        yield await anext(keys), number


def test_what_is_sent_through_again_holds_nobody_back(visited: Store) -> None:
    arrive(visited, 20 * MOST)
    with visited.write() as db:
        db.execute(update(documents).where(documents.c.seq > 5).values(stage=DEDUPED))
        db.execute(update(documents).where(documents.c.seq <= 5).values(stage=ANALYSED))
    assert asked(Turns(visited, SOURCES, MOST), NOON + HALF) == by_schedule()


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
    asked(Turns(visited, SOURCES, MOST), now)
    scrape = take_scrape(visited, now, folder=tmp_path, sources=KEYS)
    assert b"fengsui_sources_held 1.0" in as_text(scrape)
    queue = CrawlQueue(visited, lambda: now)
    with visited.read() as db:
        assert queue._note(db) == "0 个在采，1 个因积压让路"
